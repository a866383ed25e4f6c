"""When a run is the same run, and when it may not go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.core.errors import StaleRunError
from cosmos_board.core.run_record import RunSettings
from cosmos_board.data.pack import open_pack
from cosmos_board.models.registry import find_card
from cosmos_board.runner.record.run_record import make_run_id, refuse_other_device
from cosmos_board.runner.settings import SegmenterSpec


def test_precision_makes_another_run_and_the_number_of_a_card_does_not(phantom_pack: Path) -> None:
    pack, card = open_pack(phantom_pack), find_card("box-prior")

    def run_id(device: str) -> str:
        spec = SegmenterSpec(name="box-prior", device=device)
        return make_run_id(spec, card, pack, RunSettings())

    assert run_id("cuda:0") == run_id("cuda:1") == run_id("cpu")
    assert len({run_id("cuda"), run_id("cuda+bf16"), run_id("cuda+fp16")}) == 3


@pytest.mark.parametrize(
    ("begun", "wanted", "same"),
    [("cuda", "cpu", False), ("cuda:0", "cuda:1", True), ("cpu", "cpu+bf16", True)],
)
def test_a_run_goes_on_with_the_kind_of_device_it_began_with(
    begun: str, wanted: str, same: bool, tmp_path: Path
) -> None:
    spec = SegmenterSpec(name="sam-vit-b", device=wanted)
    if same:
        refuse_other_device(tmp_path, spec, begun)
        return
    with pytest.raises(StaleRunError, match="was begun on another device"):
        refuse_other_device(tmp_path, spec, begun)
