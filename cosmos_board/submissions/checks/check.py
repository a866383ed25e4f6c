"""Is a submission acceptable? Every problem at once; the same code on a laptop and in CI."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.scores import SELECTIONS
from cosmos_board.data.pack import Pack
from cosmos_board.submissions.checks.copies import (
    Accepted,
    check_counts_original,
    check_names,
    check_originality,
)
from cosmos_board.submissions.checks.count_copies import check_counts_copied
from cosmos_board.submissions.checks.pack_uses import check_packs, find_rows
from cosmos_board.submissions.checks.recount import audit_predictions
from cosmos_board.submissions.checks.sample import IndexRow, ReferenceIndex
from cosmos_board.submissions.files.count_rows import CountTable, read_counts
from cosmos_board.submissions.files.folder import check_folder, show_path
from cosmos_board.submissions.files.listed_files import (
    check_files,
    check_strays,
    locate,
    read_small,
)
from cosmos_board.submissions.files.prediction_rows import (
    MOST_CANDIDATES,
    Fingerprint,
    check_rows,
    iter_predictions,
)
from cosmos_board.submissions.files.safe_parquet import ParquetError, copy_checked
from cosmos_board.submissions.format.fields import COUNTS, PREDICTIONS
from cosmos_board.submissions.format.manifest import (
    MANIFEST,
    Manifest,
    check_against_folder,
    parse_manifest,
)
from cosmos_board.submissions.format.training_data import note_other_training
from cosmos_board.submissions.problems import Problem, is_refused

MOST_CORE_ROWS = 200_000
"""More than any core track has: 40 references, 16 candidates, some 300 targets."""


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

    seed: str = ""
    """Chooses that sample, as in `choose_rows`; empty to leave it."""

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
    result.problems += note_other_training(manifest, place)
    result.problems += check_packs(manifest, context.indices, place)
    result.problems += check_files(manifest, folder, context.external, place)
    for file in sorted(manifest.files, key=lambda file: file.path):  # counts before predictions
        found = locate(file, folder, context.external)
        if found is not None:
            _check_data(result, file.path, found, context, work, where)
    result.problems += check_strays(manifest, folder, where)
    result.problems += find_copied(result, context, work)


def _check_data(
    result: Checked, name: str, path: Path, context: Context, work: Path, where: str
) -> None:
    manifest = result.manifest
    assert manifest is not None
    place = f"{where}/{name}"
    if name == PREDICTIONS and manifest.track == "full":
        _audit(result, path, context, work, place)
        return
    rows = find_rows(manifest, context.indices)
    if rows is None and name == COUNTS:
        return  # nothing is known to count in; held for who has the pack
    try:
        copy_checked(path, work / name, layout=name, most_rows=_limit_rows(manifest, rows))
    except ParquetError as error:
        result.problems.append(Problem(place, "", str(error)))
        return
    if name == PREDICTIONS:
        problems, print_ = check_rows(
            iter_predictions(work / name), rows, manifest.model.prompts, place
        )
        result.problems += problems
        if not is_refused(problems):
            result.fingerprint = print_
            result.content_sha256 = print_.content_sha256
    elif rows is not None:
        table, problems = read_counts(work / name, rows, manifest.model.prompts, place)
        result.problems += problems
        if not is_refused(problems):
            result.table = table
            result.content_sha256 = table.content_sha256


def _limit_rows(manifest: Manifest, rows: Mapping[str, IndexRow] | None) -> int:
    """Return more rows than a right file has, and no more than are quickly read."""
    if rows is None:
        return MOST_CORE_ROWS
    each = MOST_CANDIDATES if manifest.track == "core" else len(SELECTIONS)
    return 2 * each * len(rows) * len(manifest.model.prompts)


def find_copied(result: Checked, context: Context, work: Path) -> list[Problem]:
    """Return whose masks or counts a submission has already; an exact copy needs no second look.

    Args:
        result: What a check found.
        context: Says what is on the board.
        work: Folder for clean copies of others' counts, which are removed.
    """
    manifest, accepted = result.manifest, context.accepted
    if manifest is None:
        return []
    if result.fingerprint is not None:
        place = f"{result.where}/{PREDICTIONS}"
        return [*check_originality(manifest, result.fingerprint, accepted, place)]
    rows = find_rows(manifest, context.indices)
    if result.table is None or rows is None:
        return []
    place = f"{result.where}/{COUNTS}"
    same = check_counts_original(manifest, result.content_sha256, accepted, place)
    return [*same] or [*check_counts_copied(manifest, result.table, rows, accepted, work, place)]


def _audit(result: Checked, path: Path, context: Context, work: Path, place: str) -> None:
    """Count the sample again; without right counts or a choice of rows there is none."""
    manifest, table = result.manifest, result.table
    assert manifest is not None
    rows = find_rows(manifest, context.indices)
    if table is None or rows is None or not context.seed:
        return
    found = audit_predictions(
        path, work, table, rows, context.packs, result.manifest_sha256, context.seed, place
    )
    result.problems += found.problems
    result.audited_rows = found.rows
    here = {pack.info.name for pack in context.packs}
    for use in manifest.packs:
        if use.name not in here:
            text = f"references of '{use.name}' are not here; held for a maintainer's audit"
            result.problems.append(Problem(place, "audit", text, "held"))
