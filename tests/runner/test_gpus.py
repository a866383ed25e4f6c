"""The real commands on simulated GPUs: right rows, no hidden waits, memory that runs out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="extra `sam` is not installed")
pytest.importorskip("segment_anything", reason="extra `sam` is not installed")

from cosmos_board.core.run_record import RunSettings  # noqa: E402
from cosmos_board.runner.run import RunRequest, run  # noqa: E402
from cosmos_board.runner.settings import SegmenterSpec  # noqa: E402
from tests.runner.test_run import read_rows  # noqa: E402
from tests.simulated_cuda import simulate_gpus  # noqa: E402

SMALL = f"{Path(__file__).parent / 'small_sam.py'}:SmallSam"
PROMPTS = ("everything", "point", "points-5-5", "box", "box-point")


def evaluate(pack: Path, out: Path, device: str, model: str = SMALL, **settings: Any) -> list[Any]:  # noqa: ANN401
    """Return counts and status of every row of a run on two images."""
    run(
        RunRequest(
            packs=(pack,),
            specs=(SegmenterSpec(name=model, device=device),),
            out=out,
            settings=RunSettings(**{"prompts": PROMPTS, "limit": 2, **settings}),
            check_device=False,
        )
    )
    names = ("reference_id", "prompt", "click", "selection", "tp", "fp", "fn", "hd_px", "status")
    return [tuple(row[name] for name in names) for row in read_rows(out).to_pylist()]


@pytest.fixture(scope="module")
def rows_of_cpu(phantom_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Rows of the main study and of clicks on the CPU."""
    out = tmp_path_factory.mktemp("cpu")
    return {
        study: evaluate(phantom_pack, out / study, "cpu", study=study)
        for study in ("main", "clicks")
    }


@pytest.mark.parametrize("study", ["main", "clicks"])
def test_a_gpu_gives_the_rows_of_the_cpu(
    study: str, rows_of_cpu: dict[str, Any], phantom_pack: Path, tmp_path: Path
) -> None:
    with simulate_gpus(2) as gpus:
        rows = evaluate(phantom_pack, tmp_path / "run", "cuda:1", study=study)

    assert rows == rows_of_cpu[study]
    assert gpus.launches[1] > 1000 > gpus.launches[0]
    assert gpus.hidden_waits() == []
