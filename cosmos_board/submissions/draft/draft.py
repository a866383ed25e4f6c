"""`submit new`: a finished run with kept masks → a submission folder that passes `submit check`.

Folders are written whole or not at all, and nothing is lost unasked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cosmos_board.core.cards import PROTOCOL
from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.tracks import CORE
from cosmos_board.store.files import open_whole, sync_folder, write_bytes
from cosmos_board.store.folders import swap
from cosmos_board.submissions.draft.model_run import ModelRun, Row
from cosmos_board.submissions.files.folder import ALLOWED
from cosmos_board.submissions.files.layouts import LAYOUTS
from cosmos_board.submissions.format.fields import COUNTS, PREDICTIONS
from cosmos_board.submissions.format.manifest import (
    MANIFEST,
    UNKNOWN,
    dump_fields,
    dump_manifest,
    parse_manifest,
)
from cosmos_board.submissions.format.training_data import split_known

_GROUP_ROWS = 32_768
_GROUP_BYTES = 32 << 20
_WANT = "--replace, or another folder"
_PART = re.compile(r"\..+\.part")
"""What a write that was killed leaves behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the submitter says of the model and of the submission."""

    authors: tuple[Mapping[str, object], ...]
    """Each with name and github_id, optionally orcid and affiliation."""

    code_url: str
    licence: str
    training_data: tuple[str, ...] | None
    """Dataset names, those of the catalog by its names; None where unknown."""

    terms_accepted: bool
    contact: str | None = None
    name: str | None = None
    """On the board; None for the label of the model's card."""

    version: int = 1
    weights_format: str = "other"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where data files go that are too large for git."""

    folder: Path
    """Where they are written."""

    url: str
    """Address of the folder once they are uploaded, without a slash at the end."""


def draft_submission(
    run: ModelRun,
    metadata: Metadata,
    out: Path,
    *,
    elsewhere: Elsewhere | None = None,
    replace: bool = False,
) -> Path:
    """Write the submission of one model of a finished run as folder `out`, named by the slug.

    Data files of the counts track go `elsewhere` where it is given.

    Raises:
        InputError: If masks are missing, metadata is refused, or something is there that would be
            lost; one line says which.
        StorageError: If the disk fails.
    """
    elsewhere = elsewhere if run.track != CORE else None
    refuse_taken(out, replace=replace)
    if elsewhere is not None and not replace:
        for name in (COUNTS, PREDICTIONS):
            if (elsewhere.folder / name).exists():
                raise InputError(elsewhere.folder, name, "is there already", want=_WANT)
    with ExitStack() as stack:
        draft = folder = stack.enter_context(_open_draft(out))
        if elsewhere is not None:
            folder = stack.enter_context(_open_draft_files(elsewhere.folder))
        paths = [folder / PREDICTIONS]
        if run.track != CORE:
            paths.insert(0, folder / COUNTS)
            _write_layout(folder / COUNTS, run.iter_counts())
        _write_layout(folder / PREDICTIONS, run.iter_predictions())
        files = [
            {"path": path.name, "sha256": hash_file(path), "size_bytes": path.stat().st_size,
             "url": f"{elsewhere.url}/{path.name}" if elsewhere else None}
            for path in paths
        ]  # fmt: skip
        fields = _describe(run, metadata, out.absolute().name, files)
        manifest, problems = parse_manifest(dump_fields(fields), str(out / MANIFEST))
        if manifest is None:
            raise InputError.plain(problems[0])
        write_bytes(draft / MANIFEST, dump_manifest(manifest))
    return out


def refuse_taken(out: Path, *, replace: bool) -> None:
    """Refuse to draft into `out` where something would be lost.

    Data without a manifest is no submission but what an interrupted draft left, and is no obstacle.

    Raises:
        InputError: If a submission is there and `replace` is false, or a file of another kind.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(out, "", "is no folder")
    if (out / MANIFEST).exists() and not replace:
        raise InputError(out, "", "holds a submission already", want=_WANT)
    for name in sorted(path.name for path in out.iterdir()):
        if name not in ALLOWED and not _PART.fullmatch(name):
            raise InputError(out, name, "is no file of a submission; move it away first")


@contextmanager
def _open_draft(out: Path) -> Iterator[Path]:
    """Give an empty folder that takes the place of `out` once the block ends.

    After an exception `out` is as it was. A kill leaves at most a hidden folder beside it.
    """
    target = out.resolve()
    with _open_hidden(target.parent) as work:
        draft = work / "new"
        draft.mkdir()
        yield draft
        swap(draft, target)
        sync_folder(target.parent)


@contextmanager
def _open_draft_files(folder: Path) -> Iterator[Path]:
    """Give an empty folder whose files move into `folder` once the block ends."""
    with _open_hidden(folder) as work:
        yield work
        for path in sorted(work.iterdir()):
            path.replace(folder / path.name)
        sync_folder(folder)


@contextmanager
def _open_hidden(folder: Path) -> Iterator[Path]:
    """Give a hidden folder on the disk of `folder`, which goes with all that is left in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".draft.", dir=folder) as name:
            yield Path(name)
    except OSError as error:
        raise describe_os_error(folder, "write", error) from error


def _write_layout(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as the layout of the file's name wants them."""
    layout = LAYOUTS[path.name]
    schema = layout.make_schema()
    words = [name for name in layout.texts if name != "rle"]
    with (
        open_whole(path) as file,
        pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=words) as writer,
    ):
        for group in _cut(rows):
            writer.write_table(pa.Table.from_pylist(group, schema))


def _cut(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Cut rows into groups that readers accept."""
    group: list[Row] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row.get("rle", b""))
        if len(group) >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _describe(
    run: ModelRun, metadata: Metadata, slug: str, files: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return everything that the manifest says; None where there is nothing to say."""
    trained, others = split_known(metadata.training_data or ())
    return {
        "schema_version": 1,
        "slug": slug,
        "version": metadata.version,
        "track": run.track,
        "tier": "audited",
        "protocol": PROTOCOL,
        "model": _describe_model(run, metadata),
        "authors": [dict(author) for author in metadata.authors],
        "contact": metadata.contact or None,
        "licence": metadata.licence,
        "training_data": UNKNOWN if metadata.training_data is None else list(trained),
        "other_training_data": ", ".join(others) or None,
        "run": _describe_run(run),
        "packs": [
            {
                "name": pack.index.pack,
                "content_sha256": pack.index.content_sha256,
                "prompts_sha256": pack.index.prompts_sha256,
                "sample_sha256": pack.index.sha256,
            }
            for pack in run.packs
        ],
        "files": list(files),
        "terms_accepted": metadata.terms_accepted,
    }


def _describe_model(run: ModelRun, metadata: Metadata) -> dict[str, Any]:
    card, digest = run.card, run.packs[0].entry.checkpoint_sha256
    known = card.kind in ("promptable", "classical", "baseline")
    return {
        "name": metadata.name or card.label,
        "family": card.family,
        "kind": card.kind if known else "promptable",
        "prompts": list(run.prompts),
        "code_url": metadata.code_url,
        "parameters": card.parameters or None,
        "input_size_px": card.input_size_px or None,
        "checkpoint": {"sha256": digest, "format": metadata.weights_format} if digest else None,
    }


def _describe_run(run: ModelRun) -> dict[str, Any]:
    entry, provenance = run.packs[0].entry, run.record.provenance
    started = datetime.fromisoformat(run.record.started_utc).astimezone(UTC)
    last = max(path.stat().st_mtime for path in (run.path / "scores").glob("*.json"))
    finished = max(datetime.fromtimestamp(int(last), UTC), started)
    return {
        "device": entry.device.replace(":", " "),
        "dtype": "fp32" if entry.checkpoint_sha256 else "none",
        "batch_size": 1,
        "started_at": started.isoformat().replace("+00:00", "Z"),
        "finished_at": finished.isoformat().replace("+00:00", "Z"),
        "wall_s": (finished - started).total_seconds(),
        "versions": {"python": provenance.python, **provenance.packages},
    }
