"""Rows of restricted datasets: which clusters each column answers, and leaving rows out.

Rows are left out by temporary views that take the place of the tables, so that every later query
on the connection sees only what may be published.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from cosmos_board.store.queries.board_references import listed_references
from cosmos_board.store.queries.cards import ALL_CLUSTERS
from cosmos_board.store.queries.connection import Connection, fetch_rows, has_table, stored_table
from cosmos_board.store.queries.units import forget_prepared
from cosmos_board.store.schema import declare

MAIN, CORE, ANNOTATION = "main", "core", "annotation"
"""Groups of columns of which the same references are requested; other groups are studies."""


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
class RequestedSet:
    """Clusters of which something is requested from one group of columns."""

    dataset: str
    target: str
    group: str
    whole: bool
    """Whether every listed reference of these clusters is."""

    clusters: tuple[int, ...]


def number_closed(connection: Connection, datasets: Collection[str]) -> tuple[ClosedCluster, ...]:
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
            left(sha256(concat_ws(chr(31), dataset, target, coalesce(listed_ids, all_ids))), 16)
                AS mark
        FROM (SELECT dataset, target, cluster_id, count(*) FILTER (listed)::INTEGER AS listed,
                string_agg(reference_id || ':' || coalesce(size_px, -1), chr(31)
                    ORDER BY reference_id) FILTER (listed) AS listed_ids,
                string_agg(reference_id || ':' || coalesce(size_px, -1), chr(31)
                    ORDER BY reference_id) AS all_ids
              FROM closed_reference GROUP BY ALL)""")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE closed_answer AS
        SELECT CASE WHEN s.study = 'main' AND r.track = 'core' THEN '{CORE}' ELSE s.study END
               AS grouping, s.run_id AS run, s.prompt, c.reference_id, k.number, count(*) AS rows
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
    return fetch_rows(
        connection,
        ClosedCluster,
        """SELECT number, dataset, target, cluster_id, mark AS fingerprint FROM closed_cluster
        ORDER BY number""",
    )


_EXPECTED = f"""
    WITH requested AS (
        SELECT '{MAIN}' AS grouping, number, listed AS expected FROM closed_cluster WHERE listed > 0
        UNION ALL
        SELECT grouping, number, count(DISTINCT reference_id) FROM closed_answer
        WHERE grouping <> '{MAIN}' GROUP BY ALL)"""


def fetch_requested(connection: Connection) -> tuple[RequestedSet, ...]:
    """Return from which clusters all listed references are requested of each group, or not all."""
    return fetch_rows(
        connection,
        RequestedSet,
        f"""{_EXPECTED}
        SELECT k.dataset, k.target, grouping AS "group", expected = k.listed AS whole,
            list(k.number ORDER BY k.number) AS clusters
        FROM requested JOIN closed_cluster k USING (number)
        GROUP BY ALL ORDER BY ALL""",
    )


def fetch_answers(connection: Connection) -> tuple[AnswerSet, ...]:
    """Return which clusters each run answers whole with each prompt, the largest sets first.

    Whole means every requested reference, in every selection, trial, level and click that the run
    has anywhere in the target.
    """
    return fetch_rows(
        connection,
        AnswerSet,
        f"""{_EXPECTED},
        answered AS (
            SELECT k.dataset, k.target, grouping, run, prompt, number,
                sum(rows) / any_value(expected) AS share
            FROM closed_answer JOIN requested USING (grouping, number)
            JOIN closed_cluster k USING (number) GROUP BY ALL),
        fullest AS (
            SELECT *, max(share) OVER (PARTITION BY dataset, target, grouping, run, prompt) AS most
            FROM answered)
        SELECT * FROM (
            SELECT dataset, target, grouping AS "group", run, prompt,
                list(number ORDER BY number) AS clusters
            FROM fullest WHERE share = most GROUP BY ALL)
        ORDER BY "group" <> '{MAIN}', len(clusters) DESC, dataset, target, "group", run, prompt""",
    )


def fetch_seen(connection: Connection) -> list[tuple[str, str, str]]:
    """Return (model, dataset, cluster id) of each restricted cluster that a model was tuned on."""
    return connection.execute(
        "SELECT model, dataset, cluster_id FROM seen_clusters WHERE cluster_id <> ?"
        " AND dataset IN (SELECT dataset FROM closed_cluster) ORDER BY ALL",
        [ALL_CLUSTERS],
    ).fetchall()


def closed_datasets(connection: Connection) -> list[str]:
    """Return the restricted datasets of which `leave_out` left rows out, sorted; none before it."""
    if not has_table(connection, "closed_reference", temporary=True):
        return []
    rows = connection.execute("SELECT DISTINCT dataset FROM closed_reference ORDER BY dataset")
    return [str(name) for (name,) in rows.fetchall()]


def leave_out(
    connection: Connection,
    datasets: Sequence[str],
    shown: Collection[int],
    kept: Iterable[tuple[AnswerSet, Collection[int]]],
    tuned: Collection[tuple[str, str]],
) -> None:
    """Let the connection see no row of restricted datasets but those that may be published.

    Args:
        connection: After `number_closed`.
        datasets: The restricted datasets.
        shown: Numbers of the clusters that are published.
        kept: Columns, each with the numbers of the clusters that count in it.
        tuned: (model, dataset) whose every cluster counts as seen.
    """
    _write(connection, "shown_cluster", "number: int32", [(number,) for number in sorted(shown)])
    _write_kept(connection, kept)
    _write(connection, "all_seen", "model dataset: string", sorted(tuned))
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
        SELECT DISTINCT grouping, run, prompt, reference_id FROM closed_answer
        SEMI JOIN shown_cluster USING (number)
        ANTI JOIN (FROM kept_column JOIN kept_cluster USING (place))
            USING (grouping, run, prompt, number)
        UNION
        -- references of the core track alone do not count in other runs
        SELECT DISTINCT s.study, s.run_id, s.prompt, s.reference_id
        FROM scores s JOIN runs r USING (run_id) JOIN closed_reference c USING (reference_id)
        WHERE NOT c.listed AND NOT (s.study = 'main' AND r.track = 'core')""")
    for name, sql in _views(connection).items():
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")
    forget_prepared(connection)


def _views(connection: Connection) -> dict[str, str]:
    stored = partial(stored_table, connection)
    answers = f"""ANTI JOIN (SELECT run AS run_id, prompt, reference_id FROM withheld_answer
        WHERE grouping <> '{ANNOTATION}') USING (run_id, prompt, reference_id)"""
    if not connection.execute("SELECT 1 FROM withheld_answer LIMIT 1").fetchall():
        answers = ""  # it would take its time in every query
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
                WHERE k.grouping = '{ANNOTATION}' AND k.run = a.reader
                AND k.reference_id = a.reference_id AND NOT EXISTS (
                    FROM withheld_answer w WHERE w.grouping = k.grouping AND w.run = k.run
                    AND w.reference_id = k.reference_id))""",
        "seen_clusters": f"""SELECT model, dataset, cluster_id FROM {stored("seen_clusters")}
            UNION SELECT s.model, s.dataset, i.cluster_id
            FROM all_seen s JOIN {stored("images")} i USING (dataset)""",
    }


def _write_kept(connection: Connection, kept: Iterable[tuple[AnswerSet, Collection[int]]]) -> None:
    """Write the tables `kept_column` and `kept_cluster`; many columns share one set of clusters."""
    places: dict[frozenset[int], int] = {}
    columns = [
        (
            answers.group,
            answers.run,
            answers.prompt,
            places.setdefault(frozenset(numbers), len(places)),
        )
        for answers, numbers in kept
    ]
    _write(connection, "kept_column", "grouping run prompt: string; place: int32", columns)
    pairs = [(place, number) for numbers, place in places.items() for number in sorted(numbers)]
    _write(connection, "kept_cluster", "place number: int32", pairs)


def _write(
    connection: Connection, table: str, columns: str, rows: Sequence[tuple[object, ...]]
) -> None:
    """Make a temporary table of `rows`; `columns` as in `schema.declare`."""
    schema = declare(columns.replace("; ", "\n"))
    names = schema.names
    values = [dict(zip(names, row, strict=True)) for row in rows]
    connection.register("rows_to_write", pa.Table.from_pylist(values, schema=schema))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS FROM rows_to_write")
    connection.unregister("rows_to_write")
