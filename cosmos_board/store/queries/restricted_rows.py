"""Rows of restricted datasets: which clusters each column answers, and leaving rows out.

Rows are left out by temporary views that take the place of the tables, so that every question that
is asked of the connection afterwards, whoever asks it, sees only what may be published.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from cosmos_board.store.queries.board_references import listed_references
from cosmos_board.store.queries.cards import ALL_CLUSTERS
from cosmos_board.store.queries.connection import Connection, stored_table
from cosmos_board.store.queries.units import forget_prepared

MAIN, CORE, ANNOTATION = "main", "core", "annotation"
"""Groups of columns that are asked the same references; the other groups are studies."""


@dataclass(frozen=True, slots=True)
class ClosedCluster:
    """A cluster as one target of a restricted dataset sees it."""

    number: int
    dataset: str
    target: str
    cluster_id: str
    fingerprint: str
    """Of its listed references and their areas: 16 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class AnswerSet:
    """Clusters that a column answered whole."""

    dataset: str
    target: str
    group: str
    run: str
    """Id of the run; a reader in the group `annotation`."""

    prompt: str
    clusters: tuple[int, ...]
    """Numbers of clusters."""


@dataclass(frozen=True, slots=True)
class AskedSet:
    """Clusters of which one group of columns is asked something."""

    dataset: str
    target: str
    group: str
    whole: bool
    """Whether it is asked every listed reference of these clusters."""

    clusters: tuple[int, ...]


def number_closed(connection: Connection, datasets: Collection[str]) -> list[ClosedCluster]:
    """Number the clusters of restricted datasets by target.

    Leaves the temporary tables `closed_reference`, `closed_cluster` and `closed_answer`.
    """
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE closed_reference AS
        WITH listed AS ({listed_references(connection)}),
        core AS (SELECT DISTINCT s.reference_id FROM scores s JOIN runs r USING (run_id)
            WHERE s.study = 'main' AND r.track = 'core'
            AND list_contains($datasets, r.dataset))
        SELECT r.reference_id, i.dataset, i.modality || '.' || r.object AS target, i.cluster_id,
            r.size_px, l.reference_id IS NOT NULL AS listed, c.reference_id IS NOT NULL AS core
        FROM reference_masks r JOIN images i USING (image_id)
        LEFT JOIN listed l ON l.reference_id = r.reference_id
        LEFT JOIN core c ON c.reference_id = r.reference_id
        WHERE list_contains($datasets, i.dataset)
            AND (l.reference_id IS NOT NULL OR c.reference_id IS NOT NULL)""",
        {"datasets": list(datasets)},
    )
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE closed_cluster AS
        SELECT (row_number() OVER (ORDER BY dataset, target, cluster_id) - 1)::INTEGER AS number,
            dataset, target, cluster_id, listed,
            left(sha256(concat_ws(chr(31), dataset, target, coalesce(asked, every))), 16) AS mark
        FROM (SELECT dataset, target, cluster_id, count(*) FILTER (listed)::INTEGER AS listed,
                string_agg(reference_id || ':' || coalesce(size_px, -1), chr(31)
                    ORDER BY reference_id) FILTER (listed) AS asked,
                string_agg(reference_id || ':' || coalesce(size_px, -1), chr(31)
                    ORDER BY reference_id) AS every
              FROM closed_reference GROUP BY ALL)""")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE closed_answer AS
        SELECT CASE WHEN s.study = 'main' AND r.track = 'core' THEN '{CORE}' ELSE s.study END
               AS asked_in, s.run_id AS run, s.prompt, c.reference_id, k.number, count(*) AS rows
        FROM scores s JOIN runs r USING (run_id) JOIN closed_reference c USING (reference_id)
        JOIN closed_cluster k ON (k.dataset, k.target, k.cluster_id)
            = (c.dataset, c.target, c.cluster_id)
        WHERE c.listed OR (s.study = 'main' AND r.track = 'core') GROUP BY ALL
        UNION ALL
        SELECT '{ANNOTATION}', a.reader, CASE WHEN bool_and(a.hce IS NOT NULL) THEN 'hce' ELSE ''
            END, c.reference_id, k.number, 1
        FROM annotations a JOIN closed_reference c USING (reference_id)
        JOIN closed_cluster k USING (dataset, target, cluster_id) WHERE c.listed
        GROUP BY a.reader, c.reference_id, k.number HAVING count(DISTINCT a.arm) = 2""")
    rows = connection.execute(
        "SELECT number, dataset, target, cluster_id, mark FROM closed_cluster ORDER BY number"
    ).fetchall()
    return [ClosedCluster(*row) for row in rows]


_EXPECTED = f"""
    WITH asked AS (
        SELECT '{MAIN}' AS asked_in, number, listed AS expected FROM closed_cluster WHERE listed > 0
        UNION ALL
        SELECT asked_in, number, count(DISTINCT reference_id) FROM closed_answer
        WHERE asked_in <> '{MAIN}' GROUP BY ALL)"""


def fetch_asked(connection: Connection) -> list[AskedSet]:
    """Return of which clusters each group is asked all listed references, and of which not."""
    rows = connection.execute(
        f"""{_EXPECTED}
        SELECT k.dataset, k.target, asked_in, expected = k.listed AS whole,
            list(k.number ORDER BY k.number)
        FROM asked JOIN closed_cluster k USING (number)
        GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    return [
        AskedSet(dataset, target, group, whole, tuple(clusters))
        for dataset, target, group, whole, clusters in rows
    ]


def fetch_answers(connection: Connection) -> list[AnswerSet]:
    """Return which clusters each run answers whole with each prompt, the largest sets first.

    Whole means every reference that is asked, in every selection, trial, level and click that the
    run has anywhere in the target.
    """
    rows = connection.execute(
        f"""{_EXPECTED},
        answered AS (
            SELECT k.dataset, k.target, asked_in, run, prompt, number,
                sum(rows) / any_value(expected) AS share
            FROM closed_answer JOIN asked USING (asked_in, number)
            JOIN closed_cluster k USING (number) GROUP BY ALL),
        fullest AS (
            SELECT *, max(share) OVER (PARTITION BY dataset, target, asked_in, run, prompt) AS most
            FROM answered)
        SELECT * FROM (
            SELECT dataset, target, asked_in, run, prompt, list(number ORDER BY number) AS clusters
            FROM fullest WHERE share = most GROUP BY ALL)
        ORDER BY asked_in <> '{MAIN}', len(clusters) DESC, dataset, target, asked_in, run, prompt"""
    ).fetchall()
    return [
        AnswerSet(dataset, target, group, run, prompt, tuple(clusters))
        for dataset, target, group, run, prompt, clusters in rows
    ]


def fetch_seen(connection: Connection) -> list[tuple[str, str, str]]:
    """Return (model, dataset, cluster id) of each restricted cluster that a model was tuned on."""
    return connection.execute(
        "SELECT model, dataset, cluster_id FROM seen_clusters WHERE cluster_id <> ?"
        " AND dataset IN (SELECT dataset FROM closed_cluster) ORDER BY ALL",
        [ALL_CLUSTERS],
    ).fetchall()


def leave_out(
    connection: Connection,
    datasets: Sequence[str],
    shown: Collection[int],
    kept: Iterable[tuple[AnswerSet, Collection[int]]],
    tuned: Collection[tuple[str, str]],
) -> None:
    """Let the connection see no row of restricted datasets but those that may be published.

    Args:
        connection: After `number_closed`; read-only is enough.
        datasets: The restricted datasets.
        shown: Numbers of the clusters that are published.
        kept: Columns, each with the numbers of the clusters that count in it.
        tuned: (model, dataset) whose every cluster counts as seen.
    """
    _write(connection, "shown_cluster", {"number": pa.array(sorted(shown), pa.int32())})
    _write_kept(connection, kept)
    models, names = zip(*sorted(tuned), strict=True) if tuned else ((), ())
    seen = {"model": pa.array(models, pa.string()), "dataset": pa.array(names, pa.string())}
    _write(connection, "all_seen", seen)
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE withheld_reference AS
        SELECT r.reference_id FROM reference_masks r JOIN images i USING (image_id)
        WHERE list_contains(?, i.dataset) AND r.reference_id NOT IN (
            SELECT reference_id FROM closed_reference
            JOIN closed_cluster USING (dataset, target, cluster_id)
            JOIN shown_cluster USING (number))""",
        [list(datasets)],
    )
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE withheld_answer AS
        SELECT DISTINCT asked_in, run, prompt, reference_id FROM closed_answer
        SEMI JOIN shown_cluster USING (number)
        ANTI JOIN (FROM kept_column JOIN kept_cluster USING (place))
            USING (asked_in, run, prompt, number)
        UNION
        -- what only the core track asks is nothing to other runs
        SELECT DISTINCT s.study, s.run_id, s.prompt, s.reference_id
        FROM scores s JOIN runs r USING (run_id) JOIN closed_reference c USING (reference_id)
        WHERE NOT c.listed AND NOT (s.study = 'main' AND r.track = 'core')""")
    for name, sql in _views(connection).items():
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")
    forget_prepared(connection)


def _views(connection: Connection) -> dict[str, str]:
    stored = partial(stored_table, connection)
    answers = f"""ANTI JOIN (SELECT run AS run_id, prompt, reference_id FROM withheld_answer
        WHERE asked_in <> '{ANNOTATION}') USING (run_id, prompt, reference_id)"""
    if not connection.execute("SELECT 1 FROM withheld_answer LIMIT 1").fetchall():
        answers = ""  # it would be asked with every question
    return {
        "scores": f"""SELECT s.* FROM {stored("scores")} s
            ANTI JOIN withheld_reference USING (reference_id) {answers}""",
        "reference_masks": f"""SELECT r.* FROM {stored("reference_masks")} r
            ANTI JOIN withheld_reference USING (reference_id)""",
        "images": f"""SELECT i.* FROM {stored("images")} i WHERE image_id NOT IN (
                SELECT r.image_id FROM {stored("reference_masks")} r
                SEMI JOIN withheld_reference USING (reference_id))
            OR image_id IN (SELECT r.image_id FROM {stored("reference_masks")} r
                ANTI JOIN withheld_reference USING (reference_id))""",
        "annotations": f"""SELECT a.* FROM {stored("annotations")} a
            WHERE reference_id NOT IN (
                SELECT reference_id FROM closed_reference UNION FROM withheld_reference)
            OR EXISTS (FROM closed_answer k JOIN shown_cluster USING (number)
                WHERE k.asked_in = '{ANNOTATION}' AND k.run = a.reader
                AND k.reference_id = a.reference_id AND NOT EXISTS (
                    FROM withheld_answer w WHERE w.asked_in = k.asked_in AND w.run = k.run
                    AND w.reference_id = k.reference_id))""",
        "seen_clusters": f"""SELECT model, dataset, cluster_id FROM {stored("seen_clusters")}
            UNION SELECT s.model, s.dataset, i.cluster_id
            FROM all_seen s JOIN {stored("images")} i USING (dataset)""",
    }


def _write_kept(connection: Connection, kept: Iterable[tuple[AnswerSet, Collection[int]]]) -> None:
    """Write the tables `kept_column` and `kept_cluster`; many columns share one set of clusters."""
    places: dict[frozenset[int], int] = {}
    columns = [
        (one.group, one.run, one.prompt, places.setdefault(frozenset(numbers), len(places)))
        for one, numbers in kept
    ]
    names = ("asked_in", "run", "prompt", "place")
    kinds = (pa.string(), pa.string(), pa.string(), pa.int32())
    values = zip(*columns, strict=True) if columns else ((),) * len(names)
    _write(
        connection,
        "kept_column",
        {n: pa.array(v, kind) for n, v, kind in zip(names, values, kinds, strict=True)},
    )
    pairs = [(place, number) for numbers, place in places.items() for number in sorted(numbers)]
    place, number = zip(*pairs, strict=True) if pairs else ((), ())
    found = {"place": pa.array(place, pa.int32()), "number": pa.array(number, pa.int32())}
    _write(connection, "kept_cluster", found)


def _write(connection: Connection, table: str, columns: dict[str, pa.Array]) -> None:
    connection.register("rows_to_write", pa.table(columns))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS FROM rows_to_write")
    connection.unregister("rows_to_write")
