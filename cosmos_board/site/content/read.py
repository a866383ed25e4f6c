"""Reading a board database into the data of the site."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from cosmos_board.board.build import Boards, build_boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.types import BoardKey, Slice
from cosmos_board.core.cards import PROTOCOL, DatasetCard
from cosmos_board.data.catalog.held_out import HELD_OUT
from cosmos_board.site.content.blocks import NO_BLOCKS, Blocks
from cosmos_board.site.content.case_picks import PROMPT
from cosmos_board.site.content.cases import MOST_MODELS, read_cases
from cosmos_board.site.content.site_data import OVERALL, SiteData, Withheld
from cosmos_board.site.content.studies import read_studies
from cosmos_board.site.content.suppression import Suppression, suppress
from cosmos_board.site.content.volumes import read_volumes
from cosmos_board.store.board import open_board
from cosmos_board.store.queries.cards import read_datasets, read_entries, read_models, read_timings
from cosmos_board.store.queries.runs import read_data_version, read_scored_studies
from cosmos_board.store.queries.submissions import read_ledger_table
from cosmos_board.store.queries.targets import read_amounts, read_spreads, read_targets


def read_site_data(db: Path, *, local: bool = False, earlier: Blocks = NO_BLOCKS) -> SiteData:
    """Return everything that the pages need of the board database `db`.

    `earlier` is what the published site, if there is one, says that was published before. `local`
    keeps what the terms of datasets forbid to publish, for the machine of whoever has the data.
    """
    with open_board(db) as connection:
        datasets = read_datasets(connection)
        scored = read_scored_studies(connection)
        suppression = (
            Suppression(blocks=earlier) if local else suppress(connection, datasets, earlier)
        )
        cube = Cube(connection)
        boards = build_boards(connection, cube=cube)
        targets = read_targets(connection)
        shown = {key.slice for key in boards.boards}
        aggregated = {info.target for info in targets if info.dataset in suppression.closed}
        return SiteData(
            version=read_data_version(connection) if "main" in scored else "",
            boards=boards.boards,
            pairs=boards.pairs,
            withheld=_withheld(suppression, shown),
            partial=suppression.partial,
            blocks=suppression.blocks,
            local=local,
            models=read_models(connection),
            datasets=_tell_cards(datasets, suppression),
            targets=targets,
            amounts=read_amounts(connection, HELD_OUT[PROTOCOL]),
            timings=read_timings(connection),
            entries=read_entries(connection),
            # a quantile is the Dice of one reference mask
            spreads=read_spreads(connection, without=aggregated),
            studies=read_studies(cube, boards, shown, scored, suppression),
            cases=read_cases(connection, db, datasets, _shown_models(boards), local=local),
            volumes=read_volumes(connection, suppression.closed),
            ledger=read_ledger_table(connection),
        )


def _tell_cards(
    datasets: Mapping[str, DatasetCard], suppression: Suppression
) -> dict[str, DatasetCard]:
    """Return the cards without counts of restricted datasets: those are of every patient."""
    return {
        name: replace(card, expected=()) if name in suppression.closed else card
        for name, card in datasets.items()
    }


def _withheld(suppression: Suppression, shown: Collection[Slice]) -> tuple[Withheld, ...]:
    """Return what targets and slices lost: all of it, or the part of some datasets."""
    withheld: dict[Slice, set[str]] = {}
    for dataset, target in suppression.withheld:
        modality, _, thing = target.partition(".")
        for part in (
            OVERALL,
            Slice("modality", modality),
            Slice("object", thing),
            Slice("target", target),
            Slice("dataset", dataset),
            *(
                Slice("held-out", name)
                for name, kept in HELD_OUT[PROTOCOL].items()
                if dataset in kept
            ),
        ):
            if part not in shown or part.kind == "target":
                withheld.setdefault(part, set()).add(dataset)
    return tuple(
        Withheld(slice=part, datasets=tuple(sorted(withheld[part])), whole=part not in shown)
        for part in sorted(withheld)
    )


def _shown_models(boards: Boards) -> list[str]:
    """Return the models whose contours cases show: the best by mean over real targets."""
    scores: dict[str, list[float]] = {}
    real = any(not board.facts.synthetic for board in boards.boards.values())
    for key, board in boards.boards.items():
        if board.facts.synthetic and real:
            continue
        if key == BoardKey(key.slice, PROMPT, "predicted", "dice") and key.slice.kind == "target":
            for row in board.rows:
                scores.setdefault(row.model, []).append(row.score)
    order = sorted(scores, key=lambda model: (-sum(scores[model]) / len(scores[model]), model))
    return order[:MOST_MODELS]
