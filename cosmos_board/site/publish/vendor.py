"""Scripts of others, copied at build time out of installed packages, never committed.

Plotly comes from the installed `plotly` wheel; after `npm ci` the smaller bundle of the same
version is used, and hyparquet, which reads Parquet in the browser, is there too.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

from cosmos_board.core.errors import InputError

PLOTLY = "assets/vendor/plotly.min.js"
"""Where pages find Plotly, from the root of the site."""

HYPARQUET = "assets/vendor/hyparquet/"
"""Where pages find hyparquet's modules."""


def vendored_scripts(modules: Path | None) -> dict[str, Path]:
    """Return the files to copy, of `node_modules` too, by path from the root of the site.

    Raises:
        InputError: If the installed plotly carries no script.
    """
    files = {PLOTLY: _small_plotly(modules) or _whole_plotly()}
    source = modules / "hyparquet" / "src" if modules else None
    if source is not None and source.is_dir():
        for script in sorted(source.glob("*.js")):
            if script.name != "node.js":  # opens files; no browser can
                files[HYPARQUET + script.name] = script
    return files


def has_hyparquet(files: dict[str, Path]) -> bool:
    """Return whether pages can read Parquet."""
    return f"{HYPARQUET}index.js" in files


def _whole_plotly() -> Path:
    spec = find_spec("plotly")
    for folder in list(spec.submodule_search_locations or ()) if spec else []:
        script = Path(folder) / "package_data" / "plotly.min.js"
        if script.is_file():
            return script
    raise InputError("plotly", "package_data/plotly.min.js", "is missing; reinstall plotly")


def _small_plotly(modules: Path | None) -> Path | None:
    """Return the bundle without maps and 3-D, if it is of the version that the wheel carries."""
    folder = modules / "plotly.js-cartesian-dist-min" if modules else None
    if folder is None or not (folder / "package.json").is_file():
        return None
    version = json.loads((folder / "package.json").read_text("utf-8"))["version"]
    with _whole_plotly().open(encoding="utf-8") as script_file:
        head = script_file.read(300)
    script = folder / "plotly-cartesian.min.js"
    return script if f"v{version}" in head and script.is_file() else None
