"""The README's pictures of a demo: `python benchmarks/screenshots.py SITE .github/images`.

Pages that show images are those of the phantoms, which are ours to show. With `--all` the dark,
narrow and Chinese home pages are taken too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import ViewportSize

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.site.browser import chromium, serve

WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)

README = (
    ("board", "", WIDE, "light"),
    ("modality", "modalities/synthetic/", WIDE, "light"),
    ("compare", "compare/", WIDE, "light"),
    ("viewer", "viewer/synthetic.organ/", WIDE, "light"),
    ("findings", "findings/", WIDE, "light"),
)
OTHERS = (
    ("board-dark", "", WIDE, "dark"),
    ("board-phone", "", NARROW, "light"),
    ("board-chinese", "zh/", WIDE, "light"),
)


def main() -> None:
    """Write one PNG per picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args()
    site, out = given.site, given.out
    out.mkdir(parents=True, exist_ok=True)
    shots = README + (OTHERS if given.all else ())
    with serve(site) as home, chromium() as browser:
        for name, path, viewport, scheme in shots:
            context = browser.new_context(
                viewport=viewport, color_scheme="dark" if scheme == "dark" else "light"
            )
            page = context.new_page()
            page.goto(home + path, wait_until="networkidle")
            page.wait_for_timeout(1500)
            page.screenshot(path=out / f"{name}.png")
            _shrink(out / f"{name}.png")
            print(out / f"{name}.png")
            context.close()


def _shrink(path: Path) -> None:
    """Keep 256 colours, which a page of text and tables hardly exceeds."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main()
