from __future__ import annotations

import json
from pathlib import Path

from cosmos_board.data.pack import open_pack
from cosmos_board.data.pack.summary import summarise_pack
from tests.curation.units import build_discs


def test_a_summary_counts_targets_and_spans_their_factors(tmp_path: Path) -> None:
    pack = open_pack(build_discs(tmp_path / "pack"))

    summary = json.loads(json.dumps(summarise_pack(pack)))

    assert (summary["name"], summary["images"], summary["references"]) == ("discs", 6, 18)
    cell, organ = summary["targets"]
    assert (cell["target"], cell["references"], cell["images"], cell["clusters"]) == (
        "synthetic.cell",
        12,
        6,
        3,
    )
    sizes = [row["size_px"] for row in pack.iter_reference_rows() if row["object"] == "cell"]
    assert cell["factors"]["size_px"][0] == min(sizes)
    assert cell["factors"]["size_px"][2] == max(sizes)
    assert "components" in organ["factors"]
