"""Is a submission acceptable? Every problem at once; the same code on a laptop and in CI."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.errors import UnknownNameError
from cosmos_board.data.licence import may
from cosmos_board.data.pack import Pack
from cosmos_board.submissions.audit import Audit
from cosmos_board.submissions.copies import (
    Accepted,
    check_counts_original,
    check_names,
    check_originality,
)
from cosmos_board.submissions.count_rows import CountTable, read_counts
from cosmos_board.submissions.fields import COUNTS, PREDICTIONS
from cosmos_board.submissions.folder import check_folder, show_path
from cosmos_board.submissions.manifest import (
    MANIFEST,
    Manifest,
    check_against_folder,
    parse_manifest,
)
from cosmos_board.submissions.prediction_rows import Fingerprint, check_rows, iter_predictions
from cosmos_board.submissions.problems import Problem, is_refused
from cosmos_board.submissions.recount import audit_predictions
from cosmos_board.submissions.safe_parquet import ParquetError, copy_checked
from cosmos_board.submissions.sample import IndexRow, ReferenceIndex

MOST_CORE_ROWS = 200_000
"""More than any core track has: 40 references, 16 candidates, some 300 targets."""

_PUBLIC = ("publish_row_ids", "publish_predictions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a submission is checked against, beyond itself."""

    indices: Sequence[ReferenceIndex] = ()
    """References of the packs that are known here, for any track."""

    accepted: Sequence[Accepted] = ()
    """Everything that is on the board already."""

    external: Path | None = None
    """Where files lie that the manifest gives an address for; None where they are not at hand."""

    packs: Sequence[Pack] = ()
    """Packs whose references are here, to count a sample of a full submission again."""

    audit: Audit | None = None
    """Which rows that sample is; None to leave it."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(slots=True)
class Checked:
    """What a check found."""

    problems: list[Problem]
    where: str = ""
    """How messages name the folder."""

    manifest: Manifest | None = None
    manifest_sha256: str = ""
    fingerprint: Fingerprint | None = None
    content_sha256: str = ""
    table: CountTable | None = None
    """The counts of a full submission."""

    audited_rows: int = 0
    """Rows of them that were counted again from the predictions."""

    @property
    def acceptable(self) -> bool:
        """Whether nothing refuses it; a maintainer may still have to look."""
        return not is_refused(self.problems)


def check_submission(folder: Path, context: Context | None = None) -> list[Problem]:
    """Return everything that is wrong with the submission in `folder`; empty when it is right.

    No input makes this raise: what cannot be read is a problem.
    """
    with TemporaryDirectory(prefix="cosmos-board-") as work:
        return inspect_submission(folder, context or Context(), Path(work)).problems


def inspect_submission(folder: Path, context: Context, work: Path) -> Checked:
    """Check a submission and keep clean copies of its data files in `work`, under their names."""
    where = show_path(folder)
    result = Checked(check_folder(folder), where)
    try:
        _inspect(result, folder, context, work)
    except OSError as error:
        name = Path(error.filename).name if isinstance(error.filename, str) else ""
        result.problems.append(Problem(f"{where}/{name}", "", f"cannot be read: {error.strerror}"))
    return result


def _inspect(result: Checked, folder: Path, context: Context, work: Path) -> None:
    where = result.where
    path = folder / MANIFEST
    if not path.is_file() or path.is_symlink():
        return
    data = read_small(path)
    place = f"{where}/{MANIFEST}"
    result.manifest_sha256 = hashlib.sha256(data).hexdigest()
    result.manifest, problems = parse_manifest(data, place)
    result.problems += problems
    manifest = result.manifest
    if manifest is None:
        return
    result.problems += check_against_folder(manifest, folder.absolute().name, place, context.now)
    result.problems += check_names(manifest, context.accepted, place)
    result.problems += _check_packs(manifest, context, place)
    result.problems += _check_files(manifest, folder, context, place)
    for file in sorted(manifest.files, key=lambda file: file.path):  # counts before predictions
        found = _locate(folder, file.path, external=file.url is not None, context=context)
        if found is not None:
            _check_data(result, file.path, found, context, work, where)
    _check_strays(result, folder, where)


def read_small(path: Path) -> bytes:
    """Return the start of a file, not following a link that took its place."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with open(handle, "rb") as file:
        return file.read((64 << 10) + 1)


def find_indices(manifest: Manifest, indices: Iterable[ReferenceIndex]) -> list[ReferenceIndex]:
    """Return those of `indices` that the manifest's packs and track ask for."""
    names = {use.name for use in manifest.packs}
    return [one for one in indices if one.pack in names and one.track == manifest.track]


def _check_packs(manifest: Manifest, context: Context, place: str) -> Iterator[Problem]:
    known = {one.pack: one for one in find_indices(manifest, context.indices)}
    for number, use in enumerate(manifest.packs):
        field_ = f"packs[{number}]"
        index = known.get(use.name)
        declared = None if index is None else dict.fromkeys(index.permissions, True)
        try:
            public = all(may(use.name, action, declared) for action in _PUBLIC)
        except UnknownNameError:
            text = f"'{use.name}' unknown, see: cosmos-board data list"
            yield Problem(place, f"{field_}.name", text)
            continue
        if not public:
            text = f"rows from '{use.name}': public rows not permitted, use the summary route"
            yield Problem(place, f"{field_}.name", text)
        elif index is None:
            text = f"no pack '{use.name}' here to check against; held for who has it"
            yield Problem(place, f"{field_}.name", text, "held")
        else:
            for name, have in (
                ("content_sha256", index.content_sha256),
                ("prompts_sha256", index.prompts_sha256),
                ("sample_sha256", index.sha256),
            ):
                if (got := getattr(use, name)) != have:
                    text = f"{got[:12]}... retired or unknown, want {have[:12]}..."
                    yield Problem(place, f"{field_}.{name}", text)


def _locate(folder: Path, name: str, *, external: bool, context: Context) -> Path | None:
    if external:
        if context.external is None:
            return None
        folder = context.external
    path = folder / name
    return path if path.is_file() and not path.is_symlink() else None


def _check_files(
    manifest: Manifest, folder: Path, context: Context, place: str
) -> Iterator[Problem]:
    for number, file in enumerate(manifest.files):
        field_ = f"files[{number}]"
        path = _locate(folder, file.path, external=file.url is not None, context=context)
        if path is None:
            if file.url is None:
                yield Problem(place, f"{field_}.path", f"'{file.path}' is not in the folder")
            elif context.external is not None:
                yield Problem(place, f"{field_}.url", f"'{file.path}' was not fetched")
            continue
        if (size := path.stat().st_size) != file.size_bytes:
            text = f"file has {size} bytes, manifest says {file.size_bytes}"
            yield Problem(place, f"{field_}.size_bytes", text)
        if (digest := hash_file(path)) != file.sha256:
            text = f"file is {digest[:12]}..., manifest says {file.sha256[:12]}..."
            yield Problem(place, f"{field_}.sha256", text)


def hash_file(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_strays(result: Checked, folder: Path, where: str) -> None:
    listed = {file.path for file in result.manifest.files} if result.manifest else set()
    for name in (PREDICTIONS, COUNTS):
        if (folder / name).exists() and name not in listed:
            result.problems.append(Problem(f"{where}/{name}", "", "not listed in submission.yaml"))


def _check_data(
    result: Checked, name: str, path: Path, context: Context, work: Path, where: str
) -> None:
    manifest = result.manifest
    assert manifest is not None
    place = f"{where}/{name}"
    if name == PREDICTIONS and manifest.track == "full":
        _audit(result, path, context, work, place)
        return
    try:
        count = copy_checked(path, work / name, layout=name)
        if manifest.track == "core" and count > MOST_CORE_ROWS:
            raise ParquetError(f"{count} rows, limit {MOST_CORE_ROWS}")
    except ParquetError as error:
        result.problems.append(Problem(place, "", str(error)))
        return
    rows = _find_rows(manifest, context)
    if name == PREDICTIONS:
        problems, print_ = check_rows(
            iter_predictions(work / name), rows, manifest.model.prompts, place
        )
        result.problems += problems
        if not is_refused(problems):
            result.fingerprint = print_
            result.content_sha256 = print_.content_sha256
            result.problems += check_originality(manifest, print_, context.accepted, place)
    elif rows is not None:
        table, problems = read_counts(work / name, rows, manifest.model.prompts, place)
        result.problems += problems
        if not is_refused(problems):
            result.table = table
            result.content_sha256 = table.content_sha256
            result.problems += check_counts_original(
                manifest, table.content_sha256, context.accepted, place
            )


def _find_rows(manifest: Manifest, context: Context) -> Mapping[str, IndexRow] | None:
    """Return the references that are asked for, by id; None where a pack is unknown here."""
    found = find_indices(manifest, context.indices)
    if len(found) < len(manifest.packs):
        return None
    return {key: row for one in found for key, row in one.rows.items()}


def _audit(result: Checked, path: Path, context: Context, work: Path, place: str) -> None:
    """Count the sample again; without right counts or a choice of rows there is none."""
    manifest, table = result.manifest, result.table
    assert manifest is not None
    rows = _find_rows(manifest, context)
    if table is None or rows is None or context.audit is None:
        return
    found = audit_predictions(
        path, work, table, rows, context.packs, context.audit, result.manifest_sha256, place
    )
    result.problems += found.problems
    result.audited_rows = found.rows
    here = {pack.info.name for pack in context.packs}
    for use in manifest.packs:
        if use.name not in here:
            text = f"references of '{use.name}' are not here; held for a maintainer's audit"
            result.problems.append(Problem(place, "audit", text, "held"))
