"""Boards made by hand, for tests of what pages say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cosmos_board.board.types import (
    AbsentModel,
    Board,
    BoardFacts,
    BoardKey,
    BoardRow,
    Gap,
    PairTable,
    Share,
    Slice,
    ThinTarget,
)
from cosmos_board.core.cards import PROTOCOL
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.stats.family import Family

KEY = BoardKey(Slice("target", "ct.liver"), "box", "predicted", "dice")


def make_row(model: str, score: float, rank: int | None, **changes: object) -> BoardRow:
    """Return a row of a model that covers everything and failed on one reference of thirty."""
    ranked: dict[str, object] = {"status": "trained-on", "trained_on": 1.0, "clean_targets": 0}
    if rank is not None:
        ranked = {"status": "ranked", "rank": rank, "rank_low": 1, "rank_high": 2,
                  "micro_rank": rank, "lead_share": 0.5, "letters": "a"}  # fmt: skip
    values: dict[str, object] = {
        "model": model, "label": model.upper(), "family": "made", "kind": "promptable",
        "score": score, "low": score - 0.02, "high": score + 0.02, "references": 30,
        "clusters": 12, "coverage": 1.0, "micro": score, "dataset_balanced": score,
        "oracle_gap": 0.01, "gain_over_box_prior": 0.2, "failure": Share(1 / 30, 0.001, 0.172),
        "empty": Share(0.0, 0.0, 0.265), "hd95_px": 4.25, "assd_px": 1.5, "exposure": "clean",
        "tier": "re-run",
    }  # fmt: skip
    return BoardRow(**(values | ranked | changes))  # type: ignore[arg-type]


def make_facts(**changes: object) -> BoardFacts:
    """Return the facts of a board of one target with 12 patients."""
    values: dict[str, object] = {
        "targets": ("ct.liver",), "thin": (), "datasets": ("one",), "cluster_units": ("patient",),
        "references": 30, "clusters": 12, "synthetic": False, "ranks": True, "detectable": 0.034,
    }  # fmt: skip
    return BoardFacts(**(values | changes))  # type: ignore[arg-type]


def make_board(rows: Sequence[BoardRow], **facts: object) -> Board:
    """Return a board of Dice with a box."""
    absent = (AbsentModel(model="epsilon", label="Epsilon <b>", reason="unsupported"),)
    return Board(
        key=KEY, higher_is_better=True, rows=tuple(rows), absent=absent, facts=make_facts(**facts)
    )


def make_full_board() -> Board:
    """Return a board with everything that can stand on one of several targets."""
    elsewhere = {"low_elsewhere": 0.8, "high_elsewhere": 0.95}
    return make_board(
        (
            make_row("alpha", 0.91, 1, **elsewhere),
            make_row("beta", 0.905, 2, letters="ab"),
            make_row("gamma", 0.6, 3, letters="b", rank_low=3, rank_high=3, lead_share=0.0),
            make_row("delta", 0.95, None, trained_on=0.5, clean_targets=1,
                     behind=Gap(0.02, -0.01, 0.05), exposure="trained-on"),
        ),
        thin=(ThinTarget(target="ct.spleen", clusters=4, scores=(("alpha", 0.7), ("beta", 0.8))),),
    )  # fmt: skip


def make_thin_board() -> Board:
    """Return a board of which no target has 10 clusters."""
    bare: dict[str, object] = dict.fromkeys(
        ("low", "high", "rank_low", "rank_high", "micro_rank", "lead_share", "failure", "empty")
    )
    rows = [
        make_row(model, score, None, status="too-few-clusters", trained_on=0.0,
                 clean_targets=None, clusters=6, **bare)
        for model, score in (("alpha", 0.974), ("beta", 0.5))
    ]  # fmt: skip
    return make_board(rows, ranks=False, detectable=None, clusters=6)


def make_family(
    scores: Sequence[float], halves: Sequence[float], losses: Sequence[float]
) -> Family:
    """Return a family of models with known scores, half intervals and costs of a failure."""
    first, second = np.triu_indices(len(scores), 1)
    score, half = np.array(scores), np.array(halves)
    difference, loss = score[first] - score[second], np.array(losses)
    return Family(
        first=first.astype(np.int64),
        second=second.astype(np.int64),
        difference=difference,
        error=half / 3,
        tail=0.01,
        half=half,
        low=difference - np.maximum(half, 3 * loss[first]),
        high=difference + np.maximum(half, 3 * loss[second]),
        loss=loss,
        detectable=0.01 + 1.4 * half,
        lead_share=np.full(len(scores), 1 / len(scores)),
    )


def make_site_data(
    *boards: Board, families: Mapping[BoardKey, tuple[tuple[str, ...], Family]] | None = None
) -> SiteData:
    """Return the data of a site that has these boards alone."""
    pairs = {
        key: PairTable(key=key, models=models, family=family, clusters=12)
        for key, (models, family) in (families or {}).items()
    }
    return SiteData(
        version="0123456789ab",
        protocol=PROTOCOL,
        boards={board.key: board for board in boards},
        pairs=pairs,
    )
