"""Checks a submission and returns all its problems; the same code runs locally and in CI."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.errors import describe_os_error, find_machine_failure
from cosmos_board.core.scores import SELECTIONS
from cosmos_board.core.tracks import CORE
from cosmos_board.submissions.checks.audit import audit_counts
from cosmos_board.submissions.checks.copies import find_copied
from cosmos_board.submissions.checks.counts import CountTable, read_counts
from cosmos_board.submissions.checks.names import check_names
from cosmos_board.submissions.checks.packs import check_packs
from cosmos_board.submissions.checks.predictions import (
    MOST_CANDIDATES,
    Fingerprint,
    check_rows,
    iter_predictions,
)
from cosmos_board.submissions.checks.submission import CheckedSubmission, CheckInputs
from cosmos_board.submissions.files.folder import (
    check_folder,
    check_listed_files,
    locate,
    show_path,
)
from cosmos_board.submissions.files.layouts import ParquetError
from cosmos_board.submissions.files.parquet import copy_checked
from cosmos_board.submissions.format.fields import COUNTS
from cosmos_board.submissions.format.manifest import (
    check_against_folder,
    parse_manifest,
    read_manifest,
)
from cosmos_board.submissions.format.training_data import note_other_training
from cosmos_board.submissions.problems import Problem, is_refused

MOST_CORE_ROWS = 200_000
"""More than any core track has: 40 references, 16 candidates, some 300 targets."""


def check_submission(folder: Path, inputs: CheckInputs | None = None) -> list[Problem]:
    """Return everything that is wrong with the submission in `folder`; empty when it is right.

    No input makes this raise: what cannot be read is a problem.
    """
    with TemporaryDirectory(prefix="cosmos-board-") as copies:
        return inspect_submission(folder, inputs or CheckInputs(), Path(copies)).problems


def inspect_submission(folder: Path, inputs: CheckInputs, copies: Path) -> CheckedSubmission:
    """Check a submission; clean copies of its data files stay in `copies`, under their names."""
    checked = CheckedSubmission(folder, inputs, copies)
    checked.problems += check_folder(folder)
    try:
        for problem in _find_problems(checked):
            checked.problems.append(problem)
    except OSError as error:
        if find_machine_failure(error):
            raise describe_os_error(folder, "check", error) from error
        name = Path(error.filename).name if isinstance(error.filename, str) else ""
        text = f"cannot be read: {error.strerror}"
        checked.problems.append(Problem(f"{show_path(folder)}/{name}", "", text))
    return checked


def _find_problems(checked: CheckedSubmission) -> Iterator[Problem]:
    folder, inputs, place = checked.folder, checked.inputs, checked.place()
    data = read_manifest(folder)
    if data is None:
        return  # the check of the folder says why
    checked.manifest_sha256 = hashlib.sha256(data).hexdigest()
    manifest, problems = parse_manifest(data, place)
    yield from problems
    if manifest is None:
        return
    checked.set_manifest(manifest)
    yield from check_against_folder(manifest, checked.slug, place, inputs.now)
    yield from check_names(manifest, inputs.accepted, place)
    yield from note_other_training(manifest, place)
    yield from check_packs(manifest, checked.indices, place)
    yield from check_listed_files(manifest, folder, inputs.external, show_path(folder))
    for file in sorted(manifest.files, key=lambda file: file.path):  # counts before predictions
        path = locate(file, folder, inputs.external)
        if path is not None:
            yield from _check_data(checked, file.path, path)
    yield from find_copied(checked, inputs.accepted)


def _check_data(checked: CheckedSubmission, name: str, path: Path) -> Iterator[Problem]:
    """Yield what is wrong with one data file; keep what it holds where nothing is refused."""
    manifest, rows, place = checked.manifest, checked.rows, checked.place(name)
    if manifest.track != CORE and name != COUNTS:
        yield from audit_counts(checked, path)
        return
    if rows is None and name == COUNTS:
        return  # nothing is known to count in; held for who has the pack
    most = MOST_CORE_ROWS
    if rows is not None:  # more than a right file has, and no more than are quickly read
        each = MOST_CANDIDATES if manifest.track == CORE else len(SELECTIONS)
        most = 2 * each * len(rows) * len(manifest.model.prompts)
    copy = checked.copies / name
    try:
        copy_checked(path, copy, layout=name, most_rows=most)
    except ParquetError as error:
        yield Problem(place, "", str(error))
        return
    content: Fingerprint | CountTable
    if rows is not None and name == COUNTS:
        content, problems = read_counts(copy, rows, manifest.model.prompts, place)
    else:
        content, problems = check_rows(iter_predictions(copy), rows, manifest.model.prompts, place)
    yield from problems
    if not is_refused(problems):
        checked.content = content
