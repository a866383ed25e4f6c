"""Scripts of others, copied at build time out of installed packages, never committed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from cosmos_board.core.errors import InputError

PLOTLY = "assets/vendor/plotly.min.js"
"""Where pages find Plotly, from the root of the site."""


def vendored_scripts() -> dict[str, Path]:
    """Return the files to copy, by path from the root of the site.

    Raises:
        InputError: If the installed plotly carries no script.
    """
    spec = find_spec("plotly")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        script = Path(folder) / "package_data" / "plotly.min.js"
        if script.is_file():
            return {PLOTLY: script}
    raise InputError("plotly", "package_data/plotly.min.js", "is missing; reinstall plotly")
