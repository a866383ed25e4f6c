"""Cases that show what a number means: picked from the scores, drawn only where terms permit.

Images come from the packs that lie beside the database (`packs/*`), models' masks from runs that
kept them (`*/predictions`). Nothing of a dataset is read before the licence gate has been asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from cosmos_board.core.cards import DatasetCard
from cosmos_board.core.masks import Rle
from cosmos_board.core.tracks import FULL
from cosmos_board.data.catalog.dataset import OPEN_FLAGS
from cosmos_board.data.catalog.load import load_catalog
from cosmos_board.data.pack import open_pack
from cosmos_board.site.content.case_drawing import Case, draw_cases
from cosmos_board.site.content.case_picks import KINDS, PROMPT, pick_cases
from cosmos_board.site.content.suppression import may_show as may_show_dataset
from cosmos_board.store.parquet import iter_batches
from cosmos_board.store.queries.connection import Connection
from cosmos_board.store.queries.counted_runs import read_counted_runs
from cosmos_board.store.schema import PREDICTIONS

MOST_MODELS = 3


def read_cases(
    connection: Connection,
    db: Path,
    datasets: Mapping[str, DatasetCard],
    models: Sequence[str],
    *,
    local: bool = False,
) -> tuple[Case, ...]:
    """Return the cases that may be shown, by target and kind; all of them where `local`.

    Packs and runs are looked for beside `db`. `datasets` holds what the packs declared; `models`
    those whose contours are wanted, best first.
    """

    def may_show(name: str, flag: str) -> bool:
        return local or _may_show(name, flag, datasets, declared)

    packs = {path.name: path for path in sorted(db.parent.glob("packs/*")) if path.is_dir()}
    declared = {name: _read_declared(path) for name, path in packs.items() if name in datasets}
    allowed = {name for name in declared if all(may_show(name, flag) for flag in OPEN_FLAGS)}
    if not allowed:
        return ()
    picks = [pick for pick in pick_cases(connection) if pick.dataset in allowed]
    if not picks:
        return ()
    shown = {name for name in allowed if may_show(name, "show_thumbnails")}
    wanted = {pick.reference_id for pick in picks}
    drawn = {name for name in allowed if may_show(name, "publish_predictions")}
    masks = _read_masks(connection, db, wanted, models, drawn)
    cases: list[Case] = []
    for name in {pick.dataset for pick in picks}:
        mine = [pick for pick in picks if pick.dataset == name]
        cases.extend(draw_cases(open_pack(packs[name]), mine, masks, picture=name in shown))
    return tuple(sorted(cases, key=lambda c: (c.pick.target, KINDS.index(c.pick.kind))))


def _read_declared(path: Path) -> frozenset[str]:
    """Return the permissions in a pack itself: its owner may have taken some back."""
    info = open_pack(path).info
    return frozenset(info.permissions) if info.name == path.name else frozenset()


def _may_show(
    name: str,
    action: str,
    datasets: Mapping[str, DatasetCard],
    declared: Mapping[str, frozenset[str]],
) -> bool:
    known = name in load_catalog().datasets
    return may_show_dataset(name, action, datasets) and (known or action in declared[name])


def _read_masks(
    connection: Connection,
    db: Path,
    wanted: set[str],
    models: Sequence[str],
    datasets: Collection[str],
) -> dict[tuple[str, str], Rle]:
    """Return kept masks by (reference id, model): the candidate of the best predicted IoU."""
    runs = {run.run_id: run for run in read_counted_runs(connection, FULL, PROMPT)}
    best: dict[tuple[str, str], tuple[float, int, Rle]] = {}
    for path in sorted(db.parent.glob("*/predictions/*.parquet")):
        run = runs.get(path.stem.rpartition("-")[0])
        if run is None or run.model not in models or run.dataset not in datasets:
            continue
        for batch in iter_batches(path, PREDICTIONS):
            for row in batch.to_pylist():
                listed = row["reference_id"] in wanted
                if not listed or (row["prompt"], row["study"]) != (PROMPT, "main"):
                    continue
                key = (row["reference_id"], run.model)
                rank = (-(row["predicted_iou"] or 0.0), row["candidate"])
                if key not in best or rank < best[key][:2]:
                    best[key] = (*rank, Rle(row["height"], row["width"], row["rle"]))
    order = sorted(best, key=lambda key: (key[0], models.index(key[1])))  # the best model first
    return {key: best[key][2] for key in order}
