"""`submit new`: a finished run with kept masks → a submission folder that passes `submit check`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.run_record import RunEntry, RunRecord
from cosmos_board.store.files import write_bytes
from cosmos_board.store.records import read_run_record
from cosmos_board.submissions.checks.sample import ReferenceIndex, index_run
from cosmos_board.submissions.draft.fields import dump_fields, make_fields
from cosmos_board.submissions.draft.folder import (
    open_draft,
    open_draft_files,
    refuse_taken,
    refuse_taken_files,
)
from cosmos_board.submissions.draft.rows import (
    iter_core_rows,
    iter_full_counts,
    iter_full_predictions,
    write_layout,
)
from cosmos_board.submissions.format.answers import Answers
from cosmos_board.submissions.format.fields import COUNTS, PREDICTIONS
from cosmos_board.submissions.format.manifest import MANIFEST, dump_manifest, parse_manifest


def list_models(run: Path) -> tuple[str, ...]:
    """Return the models of a run.

    Raises:
        InputError: If `run` is no run.
    """
    record = read_run_record(run)
    return tuple(sorted({entry.model.name for entry in record.entries.values()}))


def read_card(run: Path, model: str, track: str = "core") -> ModelCard:
    """Return what a run says of one of its models.

    Raises:
        InputError: If no submission can be made of them, so that nobody is asked in vain.
    """
    return _survey(run, model, track)[1][0][1].model


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where data files go that are too large for git."""

    folder: Path
    """Where they are written."""

    url: str
    """Address of the folder once they are uploaded, without a slash at the end."""


def draft_submission(
    run: Path,
    model: str,
    answers: Answers,
    out: Path,
    *,
    track: str = "core",
    elsewhere: Elsewhere | None = None,
    replace: bool = False,
) -> Path:
    """Write the submission of one model of a finished run as folder `out`, whole or not at all.

    Args:
        run: A run of the main study over whole packs, with `--save-masks`.
        model: Which of its models.
        answers: What the run cannot know.
        out: The folder; its name is the slug where `answers` gives none.
        track: `core` (the sample's predictions) or `full` (counts and predictions of everything).
        elsewhere: Where the files of a full submission go; None for `out` itself.
        replace: Whether a submission that is there already is replaced.

    Raises:
        InputError: If the run is unfinished, kept no masks or holds another study, an answer is
            refused, or something is there that would be lost; one line says which.
        StorageError: If the disk fails.
    """
    record, entries, indices = _survey(run, model, track)
    answered = set(entries[0][1].model.prompts) & set(record.settings.prompts)
    prompts = tuple(name for name in PROMPTS if name in answered)
    parts = [
        (run_id, entry, index) for (run_id, entry), index in zip(entries, indices, strict=True)
    ]
    elsewhere = elsewhere if track == "full" else None
    refuse_taken(out, replace=replace)
    if elsewhere is not None:
        refuse_taken_files(elsewhere.folder, replace=replace)
    with ExitStack() as stack:
        draft = stack.enter_context(open_draft(out))
        folder = draft
        if elsewhere is not None:
            folder = stack.enter_context(open_draft_files(elsewhere.folder))
        paths = _write_data(run, parts, prompts, folder, track)
        files = [_describe_file(path, elsewhere) for path in paths]
        slug = out.absolute().name
        fields = make_fields(run, record, entries, indices, prompts, answers, slug, track, files)
        manifest, problems = parse_manifest(dump_fields(fields), str(out / MANIFEST))
        if manifest is None:
            raise InputError.plain(problems[0])
        write_bytes(draft / MANIFEST, dump_manifest(manifest))
    return out


_Entries: TypeAlias = list[tuple[str, RunEntry]]
"""Run id and facts of each pack that a model ran on."""


def _survey(run: Path, model: str, track: str) -> tuple[RunRecord, _Entries, list[ReferenceIndex]]:
    """Return what a finished run is made of, and what the track asks of each of its packs."""
    record = read_run_record(run)
    if record.settings.study != "main":
        raise InputError(run, "study", "is not the main one", got=record.settings.study)
    if not record.settings.save_masks:
        raise InputError(run, "predictions", "were not kept; evaluate with --save-masks")
    entries = _entries(record, run, model)
    return record, entries, [_index(run, run_id, entry, track) for run_id, entry in entries]


_Part: TypeAlias = tuple[str, RunEntry, ReferenceIndex]


def _write_data(
    run: Path, parts: Sequence[_Part], prompts: tuple[str, ...], folder: Path, track: str
) -> list[Path]:
    """Write the data files of a track and return them."""
    if track == "core":
        rows = [row for part in parts for row in iter_core_rows(run, *part, prompts)]
        write_layout(folder / PREDICTIONS, PREDICTIONS, [rows])
        return [folder / PREDICTIONS]
    counts = (rows for part in parts for rows in iter_full_counts(run, part[0], prompts))
    write_layout(folder / COUNTS, COUNTS, counts)
    answers = (rows for part in parts for rows in iter_full_predictions(run, *part, prompts))
    write_layout(folder / PREDICTIONS, PREDICTIONS, answers)
    return [folder / COUNTS, folder / PREDICTIONS]


def _describe_file(path: Path, elsewhere: Elsewhere | None) -> dict[str, Any]:
    facts = {"path": path.name, "sha256": hash_file(path), "size_bytes": path.stat().st_size}
    return facts if elsewhere is None else {**facts, "url": f"{elsewhere.url}/{path.name}"}


def _entries(record: RunRecord, run: Path, model: str) -> _Entries:
    names = {entry.model.name for entry in record.entries.values()}
    if model not in names:
        raise UnknownNameError(run, "model", model, names)
    found = [
        (run_id, entry)
        for run_id, entry in sorted(record.entries.items())
        if entry.model.name == model
    ]
    return sorted(found, key=lambda pair: pair[1].dataset.name)


def _index(run: Path, run_id: str, entry: RunEntry, track: str) -> ReferenceIndex:
    name = entry.dataset.name
    if entry.images != entry.of_images:
        raise InputError(run, name, "was evaluated in part", got=entry.images, want=entry.of_images)
    written = len(list((run / "scores").glob(f"{run_id}-*.json")))
    if written < entry.shards:
        raise InputError(run, name, "is not finished", got=written, want=entry.shards)
    return index_run(run, run_id, entry.dataset, track)
