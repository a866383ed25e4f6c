"""Reading a board database into the data of the site."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_board.board.build import Boards, build_boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.types import BoardKey, Slice, SliceKind
from cosmos_board.core.prompts import PROTOCOL
from cosmos_board.site.content.blocks import NO_BLOCKS, Blocks
from cosmos_board.site.content.case_picks import PROMPT
from cosmos_board.site.content.cases import MOST_MODELS, read_cases
from cosmos_board.site.content.read_studies import read_studies
from cosmos_board.site.content.site_data import (
    Amount,
    DatasetInfo,
    Entry,
    ModelInfo,
    SiteData,
    Spread,
    TargetInfo,
    Timing,
    Withheld,
)
from cosmos_board.site.content.studies import NO_STUDIES
from cosmos_board.site.content.suppression import Suppression, suppress
from cosmos_board.store.board import open_board
from cosmos_board.store.queries.studies import read_data_version
from cosmos_board.store.queries.submissions import read_ledger_table

if TYPE_CHECKING:
    from cosmos_board.store.queries.scores import Connection


def empty_site_data() -> SiteData:
    """Return the data of a board on which nothing was scored yet."""
    return SiteData(
        version="",
        protocol=PROTOCOL,
        boards={},
        pairs={},
        exposures=(),
        withheld=(),
        models={},
        datasets={},
        targets=(),
        amounts={},
        timings=(),
        entries=(),
        spreads=(),
        studies=NO_STUDIES,
        cases=(),
    )


def read_site_data(db: Path, *, local: bool = False, earlier: Blocks = NO_BLOCKS) -> SiteData:
    """Return everything that the pages need of the board database `db`.

    Args:
        db: The board database.
        earlier: What the published site, if there is one, says that was published before.
        local: Whether to keep what the terms of datasets forbid to publish, for the machine of
            whoever has the data.
    """
    with open_board(db) as connection:
        datasets = {dataset.name: dataset for dataset in _datasets(connection)}
        scored = _scored_studies(connection)
        suppression = (
            Suppression(blocks=earlier) if local else suppress(connection, datasets, earlier)
        )
        cube = Cube(connection)
        boards = build_boards(connection, cube=cube)
        _prepare_counted(connection)
        targets = _targets(connection)
        shown = {key.slice for key in boards.boards}
        aggregated = {info.target for info in targets if info.dataset in suppression.closed}
        return SiteData(
            version=read_data_version(connection) if "main" in scored else "",
            protocol=PROTOCOL,
            boards=boards.boards,
            pairs=boards.pairs,
            exposures=boards.exposures,
            withheld=_withheld(suppression, shown),
            partial=suppression.partial,
            blocks=suppression.blocks,
            local=local,
            models={model.name: model for model in _models(connection)},
            datasets=datasets,
            targets=targets,
            amounts=_amounts(connection),
            timings=_timings(connection),
            entries=_entries(connection),
            # a quantile is the Dice of one reference
            spreads=tuple(one for one in _spreads(connection) if one.target not in aggregated),
            studies=read_studies(cube, boards, shown, scored, suppression),
            cases=read_cases(connection, db, datasets, _shown_models(boards), local=local),
            ledger=read_ledger_table(connection),
        )


def _scored_studies(connection: Connection) -> frozenset[str]:
    """Return the studies that there are rows for, such as `jitter`; `main` too."""
    rows = connection.execute(
        """SELECT study FROM scores
        UNION SELECT 'factors' FROM scores WHERE study = 'main' AND prompt = 'box'
        UNION SELECT 'fine-tuning' FROM models WHERE base_model IN (SELECT model FROM models)
        UNION SELECT 'annotation' FROM annotations"""
    ).fetchall()
    return frozenset(study for (study,) in rows)


def _withheld(suppression: Suppression, shown: Collection[Slice]) -> tuple[Withheld, ...]:
    """Return what targets and slices lost: all of it, or the part of some datasets."""
    found: dict[Slice, set[str]] = {}
    for dataset, target in suppression.withheld:
        modality, _, thing = target.partition(".")
        for part in (
            Slice("overall"),
            Slice("modality", modality),
            Slice("object", thing),
            Slice("target", target),
            Slice("dataset", dataset),
        ):
            if part not in shown or part.kind == "target":
                found.setdefault(part, set()).add(dataset)
    return tuple(
        Withheld(slice=part, datasets=tuple(sorted(found[part])), whole=part not in shown)
        for part in sorted(found)
    )


def _shown_models(boards: Boards) -> list[str]:
    """Return the models whose outlines cases show: the best by mean over real targets."""
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


def _models(connection: Connection) -> list[ModelInfo]:
    rows = connection.execute(
        "SELECT model, label, family, kind, prompts, clicks, parameters, input_size_px, licence,"
        " source, training_data, description, base_model FROM models ORDER BY model"
    ).fetchall()
    return [
        ModelInfo(
            name=row[0],
            label=row[1],
            family=row[2],
            kind=row[3],
            prompts=tuple(row[4]),
            clicks=row[5],
            parameters=row[6],
            input_size_px=row[7],
            licence=row[8],
            source=row[9],
            training_data=None if row[10] is None else tuple(row[10]),
            description=row[11],
            base_model=row[12],
        )
        for row in rows
    ]


def _datasets(connection: Connection) -> list[DatasetInfo]:
    rows = connection.execute(
        "SELECT dataset, label, version, licence, citation, source, cluster_unit, synthetic,"
        " normalisation, subsample, pack_sha256, prompts_sha256, permissions"
        " FROM datasets ORDER BY dataset"
    ).fetchall()
    return [
        DatasetInfo(
            name=row[0],
            label=row[1],
            version=row[2],
            licence=row[3],
            citation=row[4],
            source=row[5],
            cluster_unit=row[6],
            synthetic=row[7],
            normalisation=row[8],
            subsample=row[9],
            pack_sha256=row[10],
            prompts_sha256=row[11],
            permissions=tuple(row[12]),
        )
        for row in rows
    ]


def _targets(connection: Connection) -> tuple[TargetInfo, ...]:
    rows = connection.execute(
        """SELECT DISTINCT i.modality, r.object, i.dataset, d.synthetic FROM reference_masks r
            JOIN counted_of USING (reference_id) JOIN images i USING (image_id)
            JOIN datasets d USING (dataset) ORDER BY ALL"""
    ).fetchall()
    return tuple(
        TargetInfo(modality=modality, object=thing, dataset=dataset, synthetic=synthetic)
        for modality, thing, dataset, synthetic in rows
    )


def _prepare_counted(connection: Connection) -> None:
    """Make the temporary table of what boards rank on; after `prepare_units`.

    That is the list of each dataset, and the sample of the core track.
    """
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE counted_of AS
        SELECT reference_id FROM listed_of UNION SELECT s.reference_id FROM scores s
        JOIN runs r USING (run_id) WHERE s.study = 'main' AND r.track = 'core'"""
    )


def _amounts(connection: Connection) -> dict[tuple[SliceKind, str, bool], Amount]:
    """Return how much every slice ranks on; a cluster of two targets is one cluster."""
    names: dict[SliceKind, str] = {
        "overall": "''",
        "modality": "i.modality",
        "object": "r.object",
        "target": "i.modality || '.' || r.object",
        "dataset": "i.dataset",
    }
    found = {}
    for kind, name in names.items():
        rows = connection.execute(
            f"""SELECT {name} AS name, d.synthetic, count(*), count(DISTINCT r.image_id),
                count(DISTINCT (i.dataset, i.cluster_id))
            FROM reference_masks r JOIN counted_of USING (reference_id)
            JOIN images i USING (image_id) JOIN datasets d USING (dataset) GROUP BY ALL"""
        ).fetchall()
        for part, synthetic, references, images, clusters in rows:
            found[kind, str(part), bool(synthetic)] = Amount(
                references=references, images=images, clusters=clusters
            )
    return found


def _timings(connection: Connection) -> tuple[Timing, ...]:
    rows = connection.execute(
        "SELECT model, device, stage, items, median_s, peak_bytes FROM timings"
        " ORDER BY model, device, stage, items, median_s, peak_bytes"
    ).fetchall()
    return tuple(
        Timing(model=m, device=d, stage=s, items=n, median_s=t, peak_bytes=b)
        for m, d, s, n, t, b in rows
    )


def _entries(connection: Connection) -> tuple[Entry, ...]:
    """Return who came when, newest first; a model counts once on each track."""
    rows = connection.execute(
        "SELECT model, track, max_by(tier, started_utc), left(max(started_utc), 10) AS day"
        " FROM runs WHERE study = 'main' GROUP BY model, track ORDER BY day DESC, model, track"
    ).fetchall()
    return tuple(Entry(model=m, track=t, tier=tier, date=day) for m, t, tier, day in rows)


def _spreads(connection: Connection) -> tuple[Spread, ...]:
    """Return how Dice is spread over references: by target, prompt and model.

    Of the full track, and of real data where a target has any; after `prepare_columns`.
    """
    rows = connection.execute(
        """WITH owner AS (
             SELECT i.modality || '.' || r.object AS target, bool_and(d.synthetic) AS synthetic
             FROM reference_masks r JOIN images i USING (image_id)
             JOIN datasets d USING (dataset) GROUP BY ALL),
           dice AS (
             SELECT i.modality || '.' || r.object AS target, s.prompt, s.model, i.cluster_id,
                    i.dataset, s.reference_id, avg(2.0 * tp / (2 * tp + fp + fn)) AS dice
             FROM scores s JOIN reference_masks r USING (reference_id)
             JOIN images i USING (image_id) JOIN datasets d USING (dataset)
             JOIN listed_of USING (reference_id)
             JOIN column_table c ON c.run_id = s.run_id AND c.prompt = s.prompt
             JOIN owner o ON o.target = i.modality || '.' || r.object
               AND o.synthetic = d.synthetic
             WHERE s.study = 'main' AND c.track = 'full'
               AND s.selection = CASE s.prompt WHEN 'everything' THEN 'oracle' ELSE 'predicted' END
             GROUP BY ALL)
           SELECT target, prompt, model, count(*), count(DISTINCT (dataset, cluster_id)),
                  quantile_disc(dice, [0.05, 0.25, 0.5, 0.75, 0.95]),
                  count(*) FILTER (dice < 0.1)
           FROM dice GROUP BY ALL ORDER BY target, prompt, model"""
    ).fetchall()
    return tuple(
        Spread(
            target=target,
            prompt=prompt,
            model=model,
            references=references,
            clusters=clusters,
            quantiles=tuple(quantiles),
            lost=lost,
        )
        for target, prompt, model, references, clusters, quantiles, lost in rows
    )
