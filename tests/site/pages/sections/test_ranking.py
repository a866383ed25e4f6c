"""A leaderboard as it stands on a page, compared with a committed file."""

from __future__ import annotations

from pathlib import Path

from cosmos_board.board.types import AbsentModel, Board, BoardFacts, BoardKey, BoardRow, Slice
from cosmos_board.core.cards import PROTOCOL
from cosmos_board.site.components.table_output import render_table
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.words import words_for
from cosmos_board.site.pages.sections.ranking import ranking_table

GOLDEN = Path(__file__).parent / "golden"


def make_row(model: str, score: float, rank: int | None, **changes: object) -> BoardRow:
    values: dict[str, object] = {
        "model": model, "label": model.upper(), "family": "made", "kind": "promptable",
        "status": "ranked", "score": score, "low": score - 0.02, "high": score + 0.02,
        "rank": rank, "rank_low": 1, "rank_high": 2, "p_first": 0.5, "tie_group": 1,
        "references": 30, "clusters": 12, "coverage": 1.0, "micro": score, "micro_rank": rank,
        "dataset_balanced": score, "rank_moves": False, "oracle_gap": 0.01,
        "gain_over_box_prior": 0.2, "penalised": 0.0, "failed": 0.0, "trained_on": 0.0,
        "exposure": "clean", "tier": "re-run",
    }  # fmt: skip
    return BoardRow(**(values | changes))  # type: ignore[arg-type]


def make_site_data() -> tuple[SiteData, Board]:
    board = Board(
        key=BoardKey(Slice("target", "ct.liver"), "box", "predicted", "dice"),
        higher_is_better=True,
        rows=(
            make_row("alpha", 0.91, 1),
            make_row("beta", 0.905, 2),
            make_row("gamma", 0.6, 3, tie_group=2, rank_low=3, rank_high=3, p_first=0.0),
            make_row(
                "delta", 0.95, None, status="trained-on", trained_on=1.0, tie_group=None,
                rank_low=None, rank_high=None, p_first=None, exposure="trained-on", low=None,
                high=None,
            ),
        ),
        absent=(AbsentModel(model="epsilon", label="Epsilon <b>", reason="unsupported"),),
        facts=BoardFacts(
            targets=("ct.liver",), left_out=(), thin=(), datasets=("one",),
            cluster_units=("patient",), references=30, clusters=12, synthetic=False,
            detectable=0.01,
        ),
    )  # fmt: skip
    data = SiteData(
        version="0123456789ab", protocol=PROTOCOL, boards={board.key: board}, pairs={},
        withheld=(), models={}, datasets={}, targets=(), amounts={}, timings=(),
        entries=(), spreads=(), cases=(),
    )  # fmt: skip
    return data, board


def test_a_leaderboard_is_the_committed_one() -> None:
    """On purpose changed? Write what this renders into the file and look at the difference."""
    data, board = make_site_data()

    for language in ("en", "zh"):
        words = words_for(language)
        html = render_table(ranking_table(data, board, words), "../../", words) + "\n"
        assert html == (GOLDEN / f"leaderboard.{language}.html").read_text("utf-8")
