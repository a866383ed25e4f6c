"""Models and datasets of a board database, and what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace

from cosmos_board.core.cards import DatasetCard, ModelCard
from cosmos_board.core.expected import ExpectedCount
from cosmos_board.store.queries.connection import Connection, fetch_rows, has_table
from cosmos_board.store.queries.counted_runs import ensure_counted_runs

ALL_CLUSTERS = "*"
"""Stands for the clusters of a dataset where it is not known which of them a model saw."""

MODEL_COLUMNS = (
    "label", "family", "kind", "prompts", "clicks", "parameters", "input_size_px", "licence",
    "source", "training_data", "description", "base_model",
)  # fmt: skip
"""Facts of a card that the table `models` holds beside its name, by one name in both."""

DATASET_COLUMNS = (
    "label", "version", "licence", "citation", "source", "cluster_unit", "synthetic", "protocol",
    "normalisation", "subsample", "prompts_sha256", "permissions",
)  # fmt: skip
"""The same of the table `datasets`, which calls `content_sha256` `pack_sha256`."""

_EXPECTED_COLUMNS = ", ".join(field.name for field in fields(ExpectedCount))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds that one model takes on one device; compared only within a device."""

    model: str
    device: str
    stage: str
    """`embed`, `prompt` or `everything`."""

    items: int
    median_s: float
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackEntry:
    """A model on a track, and when it was last run."""

    model: str
    track: str
    tier: str
    date: str
    """Day of its newest run that counts, YYYY-MM-DD."""


def read_models(connection: Connection) -> dict[str, ModelCard]:
    """Return the card of every model by name, sorted."""
    cards = fetch_rows(
        connection,
        ModelCard,
        f"""SELECT model AS name, {", ".join(MODEL_COLUMNS)}, coalesce(seen, []) AS seen_clusters
        FROM models LEFT JOIN (
            SELECT model, list(dataset || '/' || cluster_id ORDER BY dataset, cluster_id) AS seen
            FROM seen_clusters GROUP BY model) USING (model)
        ORDER BY model""",
    )
    return {card.name: card for card in cards}


def read_datasets(connection: Connection) -> dict[str, DatasetCard]:
    """Return the card of every dataset by name, sorted."""
    cards = fetch_rows(
        connection,
        DatasetCard,
        f"""SELECT dataset AS name, {", ".join(DATASET_COLUMNS)}, pack_sha256 AS content_sha256
        FROM datasets ORDER BY dataset""",
    )
    return {card.name: replace(card, expected=_read_expected(connection, card)) for card in cards}


def _read_expected(connection: Connection, card: DatasetCard) -> tuple[ExpectedCount, ...]:
    """Return the expected counts of a dataset as its pack lists them; older databases have none."""
    if not has_table(connection, "expected_counts"):
        return ()
    return fetch_rows(
        connection,
        ExpectedCount,
        f"SELECT {_EXPECTED_COLUMNS} FROM expected_counts WHERE dataset = ? ORDER BY rowid",
        [card.name],
    )


def write_expected_counts(connection: Connection, card: DatasetCard) -> None:
    """Put the expected counts of a dataset in the place of those that were there."""
    connection.execute("DELETE FROM expected_counts WHERE dataset = ?", [card.name])
    for count in card.expected:
        connection.execute(
            f"INSERT INTO expected_counts (dataset, {_EXPECTED_COLUMNS})"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [card.name, *astuple(count)],
        )


def read_pack_hashes(connection: Connection) -> dict[str, str]:
    """Return the hash of each dataset's content by name."""
    return dict(connection.execute("SELECT dataset, pack_sha256 FROM datasets").fetchall())


def write_seen_clusters(
    connection: Connection, model: str, clusters: Sequence[tuple[str, str]]
) -> None:
    """Note on which (dataset, cluster id) a fine-tuned model was trained or chosen."""
    connection.execute("DELETE FROM seen_clusters WHERE model = ?", [model])
    if clusters:
        connection.executemany(
            "INSERT INTO seen_clusters VALUES (?, ?, ?)", [[model, *pair] for pair in clusters]
        )


def read_timings(connection: Connection) -> tuple[Timing, ...]:
    """Return the timings of the runs that count, sorted."""
    ensure_counted_runs(connection)
    return fetch_rows(
        connection,
        Timing,
        """SELECT model, device, stage, items, median_s, peak_bytes FROM timings
        SEMI JOIN counted_runs USING (run_id) ORDER BY ALL""",
    )


def read_entries(connection: Connection) -> tuple[TrackEntry, ...]:
    """Return each model with the day of its newest run, newest first; once per track."""
    ensure_counted_runs(connection)
    return fetch_rows(
        connection,
        TrackEntry,
        """SELECT model, track, max_by(tier, started_utc) AS tier,
            left(max(started_utc), 10) AS date
        FROM counted_runs WHERE study = 'main' GROUP BY model, track
        ORDER BY date DESC, model, track""",
    )
