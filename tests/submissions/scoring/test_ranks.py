"""What the figures of `submit score` are, counted by hand from the rows that were scored."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pyarrow.parquet as pq
import pytest

from cosmos_board.board.types import FailedAnswers, Share
from cosmos_board.core.run_record import RunSettings
from cosmos_board.curation import phantom_pack as making
from cosmos_board.data.pack import open_pack
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.submissions.checks.submission import CheckInputs
from cosmos_board.submissions.draft.draft import draft_submission
from cosmos_board.submissions.draft.model_run import open_model_run
from cosmos_board.submissions.problems import LONGEST_LINE
from cosmos_board.submissions.scoring.ranks import CAPTION, ModelRank, rank_run
from cosmos_board.submissions.scoring.score import score_submission
from tests.site.handmade import make_board, make_row
from tests.submissions.samples import METADATA, NOW


@pytest.fixture
def scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scored submission over two packs that pass for real and one that is synthetic."""
    making.build_phantom_pack(tmp_path / "drawn", 4, side=64, seed=3, workers=1)
    monkeypatch.setattr(making, "PHANTOM_INFO", replace(making.PHANTOM_INFO, synthetic=False))
    for number, name in enumerate(("ward-a", "ward-b")):
        making.build_phantom_pack(tmp_path / name, 4, side=64, seed=number, name=name, workers=1)
    packs = tuple(tmp_path / name for name in ("drawn", "ward-a", "ward-b"))
    settings = RunSettings(prompts=("box",), save_masks=True)
    spec = SegmenterSpec(name="box-prior")
    run(RunRequest(packs=packs, specs=(spec,), out=tmp_path / "run", settings=settings))
    folder = draft_submission(
        open_model_run(tmp_path / "run", "box-prior"), METADATA, tmp_path / "careful-boxes"
    )
    out = tmp_path / "scored"
    score_submission(folder, [open_pack(path) for path in packs], out, inputs=CheckInputs(now=NOW))
    return out


def count_macro_mean(run: Path, *names: str) -> tuple[float, int]:
    """Return the mean over targets of means over images, each over its references."""
    images: dict[str, tuple[str, str]] = {}
    for path in (run / "index").glob("*.references.parquet"):
        pack = pq.read_table(path.with_name(path.name.replace("references", "images")))
        if pack["dataset"][0].as_py() in names:
            images |= {
                row["reference_id"]: (row["object"], row["image_id"])
                for row in pq.read_table(path).to_pylist()
            }
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for path in (run / "scores").glob("*.parquet"):
        for row in pq.read_table(path).to_pylist():
            if row["reference_id"] in images and row["selection"] == "predicted":
                name, image = images[row["reference_id"]]
                dice = 2 * row["tp"] / (2 * row["tp"] + row["fp"] + row["fn"])
                found[name][image].append(dice)
    means = [fmean(fmean(rows) for rows in clusters.values()) for clusters in found.values()]
    return fmean(means), len(means)


def test_overall_is_the_macro_mean_over_the_targets_of_all_real_packs(scored: Path) -> None:
    ranks = rank_run(scored, "careful-boxes")
    found = {str(one.board.key.slice): one for one in ranks
             if one.board.key.selection == "predicted"}  # fmt: skip
    wanted = {
        "overall": ("ward-a", "ward-b"),
        "dataset:phantoms": ("phantoms",),
        "dataset:ward-a": ("ward-a",),
        "dataset:ward-b": ("ward-b",),
    }
    assert list(found) == list(wanted)
    for name, packs in wanted.items():
        score, targets = count_macro_mean(scored, *packs)
        assert found[name].row.score == pytest.approx(score, abs=1e-9), name
        assert len(found[name].board.facts.targets) == targets, name


def test_the_caption_says_so_in_a_line_that_a_report_takes() -> None:
    assert len(CAPTION) <= LONGEST_LINE
    words = ("mean over the targets", "overall: ", "synthetic", "held-out:NAME: ", "dataset:NAME: ")
    for word in words:
        assert word in CAPTION


def test_a_line_names_score_interval_targets_and_rank() -> None:
    row = make_row("mine", 0.5, 2, low=0.4, high=0.6, rank_low=1, rank_high=3,
                   failure=Share(0.1, 0.05, 0.2))  # fmt: skip
    others = [make_row(f"other-{rank}", 0.5, rank) for rank in (1, 3, 4)]
    board = make_board([row, *others], targets=("ct.liver",), detectable=0.0312)
    one = ModelRank(board, row)
    assert one.line == (
        "target:ct.liver, box, predicted: Dice 0.5000 (0.4000..0.6000) over 1 target, 10.0 %"
        " (5.0..20.0) under 0.5, rank 2 (1..3) of 4, least difference it could show 0.031"
    )
    assert len(one.line) <= LONGEST_LINE
    assert one.describe()["rank_high"] == 3
    failed = replace(row, rank=None, rank_low=None, rank_high=None, failing=FailedAnswers(37, 1200))
    last = ModelRank(board, failed).line
    assert last.endswith("not ranked: 37 of 1200 answers on this slice failed")
