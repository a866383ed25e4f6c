"""One shard, from the pack to its file: the work that any engine hands out."""

from __future__ import annotations

import hashlib
import json
import resource
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cosmos_board.core.errors import InputError, StoppedError
from cosmos_board.core.scores import ScoreRow
from cosmos_board.data.pack import Pack
from cosmos_board.runner.answers import PredictionRow
from cosmos_board.runner.clock import Clock
from cosmos_board.runner.evaluators import Evaluator
from cosmos_board.runner.folder import RunFolder
from cosmos_board.runner.settings import RunSettings
from cosmos_board.runner.shards import Shard
from cosmos_board.store.files import write_bytes
from cosmos_board.store.parquet import write_table
from cosmos_board.store.run_files import tabulate_predictions, tabulate_scores


@dataclass(frozen=True, slots=True)
class ShardReport:
    """What came of a shard."""

    shard: Shard
    images: int
    rows: int
    quarantined: list[dict[str, str | None]] = field(default_factory=list)


def run_shard(
    evaluator: Evaluator,
    pack: Pack,
    shard: Shard,
    settings: RunSettings,
    out: Path,
    clock: Clock,
    *,
    on_image: Callable[[int], None],
    stop: Callable[[], bool],
) -> ShardReport:
    """Evaluate the images of a shard and write its files.

    Args:
        evaluator: Ready to be asked.
        pack: Where the images are.
        shard: Which of them.
        settings: What is asked.
        out: The run folder.
        clock: Takes the timings.
        on_image: Called with the number of references of each image that is done.
        stop: Asked before each image; a stop abandons the shard, which is redone on resume.

    Raises:
        StoppedError: If `stop` says so.
        StorageError: If the disk fails.
    """
    rows: list[ScoreRow] = []
    predictions: list[PredictionRow] = []
    quarantined: list[dict[str, str | None]] = []

    def quarantine(image_id: str, error: InputError) -> None:
        quarantined.append({"image_id": image_id, "reference_id": None, "reason": str(error)})
        on_image(0)

    for item in pack.iter_items(shard.start, shard.stop, on_bad=quarantine):
        if stop():
            raise StoppedError(f"{out}: stopped; the same command resumes")
        result = evaluator.evaluate(item, settings, clock)
        rows.extend(result.rows)
        predictions.extend(result.predictions)
        on_image(len(item.references))
    folder = RunFolder(out)
    if settings.save_masks:
        table = tabulate_predictions((_prediction_key(row), row.rle) for row in predictions)
        write_table(folder.predictions_path(shard), table)
    write_table(folder.scores_path(shard), tabulate_scores(rows))
    _write_sidecar(folder, shard, len(rows), quarantined, clock)
    return ShardReport(shard, shard.stop - shard.start, len(rows), quarantined)


def _prediction_key(row: PredictionRow) -> dict[str, Any]:
    return {
        "reference_id": row.reference_id,
        **asdict(row.cell),
        "candidate": row.candidate,
        "predicted_iou": row.predicted_iou,
    }


def _write_sidecar(
    folder: RunFolder,
    shard: Shard,
    rows: int,
    quarantined: list[dict[str, str | None]],
    clock: Clock,
) -> None:
    with folder.scores_path(shard).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    facts = {
        "sha256": digest,
        "rows": rows,
        "quarantined": quarantined,
        "timings": {stage: list(pair) for stage, pair in clock.medians_s().items()},
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    write_bytes(folder.sidecar_path(shard), json.dumps(facts).encode())
