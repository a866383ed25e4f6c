"""What a drafted manifest says: facts of the run, and answers to what a run cannot know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cosmos_board.core.prompts import PROTOCOL
from cosmos_board.core.run_record import RunEntry, RunRecord
from cosmos_board.submissions.checks.sample import ReferenceIndex
from cosmos_board.submissions.format.answers import Answers
from cosmos_board.submissions.format.training_data import split_known


def make_fields(
    run: Path,
    record: RunRecord,
    entries: Sequence[tuple[str, RunEntry]],
    indices: Sequence[ReferenceIndex],
    prompts: tuple[str, ...],
    answers: Answers,
    slug: str,
    track: str,
    files: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return everything that the manifest of a run's submission says.

    Args:
        run: The run folder.
        record: Its `run.json`.
        entries: Run id and facts of each pack that the model ran on.
        indices: What the track asks of each of them.
        prompts: Those that were answered.
        answers: What the run cannot know.
        slug: For where `answers` gives none.
        track: `core` or `full`.
        files: Facts of the data files.
    """
    entry = entries[0][1]
    card = entry.model
    kind = card.kind if card.kind in ("promptable", "classical", "baseline") else "promptable"
    model: dict[str, Any] = {
        "name": answers.name or card.label,
        "family": card.family,
        "kind": kind,
        "prompts": list(prompts),
        "code_url": answers.code_url,
    }
    for name in ("parameters", "input_size_px"):
        if value := getattr(card, name):
            model[name] = value
    if entry.checkpoint_sha256:
        model["checkpoint"] = {
            "sha256": entry.checkpoint_sha256,
            "format": answers.weights_format,
        }
    fields: dict[str, Any] = {
        "schema_version": 1,
        "slug": answers.slug or slug,
        "version": answers.version,
        "track": track,
        "tier": answers.tier,
        "protocol": PROTOCOL,
        "model": model,
        "authors": [dict(author) for author in answers.authors],
        "licence": answers.licence,
        **_describe_training(answers.training_data),
        "run": _make_run(run, record, entry),
        "packs": [
            {
                "name": index.pack,
                "content_sha256": index.content_sha256,
                "prompts_sha256": index.prompts_sha256,
                "sample_sha256": index.sha256,
            }
            for index in indices
        ],
        "files": list(files),
        "terms_accepted": answers.terms_accepted,
        **answers.extra,
    }
    for name, value in (("contact", answers.contact), ("notes", answers.notes)):
        if value:
            fields[name] = value
    return fields


def _describe_training(names: tuple[str, ...] | None) -> dict[str, Any]:
    """Return what is known of the training data; what the catalog lacks goes in as words."""
    if names is None:
        return {"training_data": None}
    known, others = split_known(names)
    found: dict[str, Any] = {"training_data": list(known)}
    if others:
        found["other_training_data"] = ", ".join(others)
    return found


def _make_run(run: Path, record: RunRecord, entry: RunEntry) -> dict[str, Any]:
    started = datetime.fromisoformat(record.started_utc).astimezone(UTC)
    last = max(path.stat().st_mtime for path in (run / "scores").glob("*.json"))
    finished = max(datetime.fromtimestamp(int(last), UTC), started)
    return {
        "device": entry.device.replace(":", " "),
        "dtype": "fp32" if entry.checkpoint_sha256 else "none",
        "batch_size": 1,
        "started_at": started.isoformat().replace("+00:00", "Z"),
        "finished_at": finished.isoformat().replace("+00:00", "Z"),
        "wall_s": (finished - started).total_seconds(),
        "versions": {"python": record.provenance.python, **record.provenance.packages},
    }


def dump_fields(fields: Mapping[str, Any]) -> bytes:
    """Return the fields as YAML."""
    import yaml

    text: str = yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True)
    return text.encode()
