"""Pictures of a built site for the README: `python benchmarks/screenshots.py SITE OUT`.

Use a site of phantoms or of data whose terms permit its images to be shown.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import ViewportSize

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.site.browser import chromium, serve

WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)


def main() -> None:
    """Write one PNG per kind of page, light, and the home page dark and narrow too."""
    site, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    first = {
        folder: next((p.parent.name for p in sorted((site / folder).glob("*/index.html"))), "")
        for folder in ("modalities", "viewer")
    }
    shots = [
        ("home", "", WIDE, "light"),
        ("home-dark", "", WIDE, "dark"),
        ("home-phone", "", NARROW, "light"),
        ("modality", f"modalities/{first['modalities']}/", WIDE, "light"),
        ("compare", "compare/", WIDE, "light"),
        ("findings", "findings/", WIDE, "light"),
        ("viewer", f"viewer/{first['viewer']}/", WIDE, "light"),
        ("chinese", "zh/", WIDE, "light"),
    ]
    with serve(site) as home, chromium() as browser:
        for name, path, viewport, scheme in shots:
            if not (site / path / "index.html").is_file():
                continue
            context = browser.new_context(
                viewport=viewport, color_scheme="dark" if scheme == "dark" else "light"
            )
            page = context.new_page()
            page.goto(home + path, wait_until="networkidle")
            page.wait_for_timeout(1500)
            page.screenshot(path=out / f"{name}.png")
            print(out / f"{name}.png")
            context.close()


if __name__ == "__main__":
    main()
