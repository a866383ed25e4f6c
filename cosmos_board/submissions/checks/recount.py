"""Counting again: the sampled predictions of a full submission against the references."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.masks import Rle
from cosmos_board.core.scores import Counts
from cosmos_board.data.pack import Pack
from cosmos_board.metrics.overlap import count_candidates
from cosmos_board.metrics.reference import PreparedReference, prepare_reference
from cosmos_board.submissions.checks.audit import audit_counts, choose_places, list_wanted
from cosmos_board.submissions.checks.sample import IndexRow
from cosmos_board.submissions.files.count_rows import CountTable
from cosmos_board.submissions.files.layouts import FULL_PREDICTIONS
from cosmos_board.submissions.files.prediction_rows import (
    MOST_CANDIDATES,
    check_row,
    iter_predictions,
)
from cosmos_board.submissions.files.safe_parquet import ParquetError, copy_checked
from cosmos_board.submissions.format.fields import PREDICTIONS
from cosmos_board.submissions.problems import Problem

MOST_LINES = 20

_Key: TypeAlias = tuple[str, str]
_Answers: TypeAlias = Mapping[_Key, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class AuditFound:
    """What an audit looked at and what it found."""

    problems: list[Problem]
    rows: int
    """How many were counted again; 0 where the references are not here."""


def audit_predictions(
    path: Path,
    work: Path,
    table: CountTable,
    index: Mapping[str, IndexRow],
    packs: Sequence[Pack],
    manifest_sha256: str,
    seed: str,
    where: str,
) -> AuditFound:
    """Count a sample of the submitted rows again, from the predictions they were made of.

    Args:
        path: `predictions.parquet` of a full submission.
        work: Folder for the sample.
        table: The counts as submitted.
        index: The references that the track asks for, by id.
        packs: Packs that are here; the references of others cannot be looked at.
        manifest_sha256: Hash of `submission.yaml`.
        seed: Chooses the rows, as in `choose_rows`.
        where: Path of the file, for messages.
    """
    places = choose_places(table, manifest_sha256, seed)
    wanted = list_wanted(table, places)
    copy = work / PREDICTIONS
    try:
        copy_checked(
            path,
            copy,
            layout=FULL_PREDICTIONS,
            wanted=wanted,
            most_rows=MOST_CANDIDATES * len(table.prompts) * len(index),
        )
    except ParquetError as error:
        return AuditFound([Problem(where, "", str(error))], 0)
    answers, problems = _gather(iter_predictions(copy), index, table.prompts, where)
    problems += _find_missing(answers, wanted, where)
    if problems:
        return AuditFound(problems[:MOST_LINES], 0)
    found = dict(_count(packs, answers))
    here = np.array([_key(table, place) in found for place in places.tolist()], bool)
    lines = audit_counts(table, places[here], lambda one, prompt, n: found[one, prompt][n])
    problems = [Problem(where, "audit", line) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        text = f"{len(lines)} of {here.sum()} sampled rows are not what the predictions give"
        problems.append(Problem(where, "audit", text))
    return AuditFound(problems, int(here.sum()))


def _key(table: CountTable, place: int) -> _Key:
    row, prompt, _ = np.unravel_index(place, table.counts.shape[:3])
    return table.references[int(row)], table.prompts[int(prompt)]


def _gather(
    rows: Iterable[Mapping[str, Any]],
    index: Mapping[str, IndexRow],
    prompts: tuple[str, ...],
    where: str,
) -> tuple[_Answers, list[Problem]]:
    """Return the sampled rows by reference and prompt, and what is wrong with them."""
    answers: dict[_Key, list[Mapping[str, Any]]] = defaultdict(list)
    problems: list[Problem] = []
    for row in rows:
        key = (row["reference_id"], row["prompt"])
        text = check_row(row, index, prompts)
        if text is None and row["candidate"] in [other["candidate"] for other in answers[key]]:
            text = f"duplicate candidate {row['candidate']}"
        if text:
            problems.append(Problem(where, f"{key[0]}, {key[1]}", text))
        answers[key].append(row)
    for key, found in answers.items():
        found.sort(key=lambda row: int(row["candidate"]))
        if [row["candidate"] for row in found] != list(range(len(found))):
            problems.append(Problem(where, f"{key[0]}, {key[1]}", "candidates do not count from 0"))
    return answers, problems


def _find_missing(
    answers: _Answers, wanted: Mapping[str, Sequence[str]], where: str
) -> Iterator[Problem]:
    keys = [(one, prompt) for prompt, ids in wanted.items() for one in ids]
    missing = [key for key in keys if key not in answers]
    if missing:
        text = f"{len(missing)} of {len(keys)} sampled answers are not in the file, first"
        yield Problem(where, "audit", f"{text} ({missing[0][0]}, {missing[0][1]})")


def _count(
    packs: Sequence[Pack], answers: _Answers
) -> Iterator[tuple[_Key, tuple[Counts, Counts]]]:
    """Yield the counts of the oracle's and the predicted candidate, for references that are here.

    For `everything` there is one candidate and both are the same.
    """
    prompts: dict[str, list[str]] = defaultdict(list)
    for reference_id, prompt in answers:
        prompts[reference_id].append(prompt)
    for pack in packs:
        rows = pack.iter_reference_rows()
        images = {row["image_id"] for row in rows if row["reference_id"] in prompts}
        for item in pack.iter_items(wanted=images):
            for reference in item.references:
                name = reference.reference_id
                if name not in prompts:
                    continue
                prepared = prepare_reference(reference.mask())
                for prompt in prompts[name]:
                    yield (name, prompt), _choose(answers[name, prompt], prepared)


def _choose(
    found: Sequence[Mapping[str, Any]], reference: PreparedReference
) -> tuple[Counts, Counts]:
    masks = np.stack([Rle(row["height"], row["width"], row["rle"]).decode() for row in found])
    estimates = [0.0 if row["predicted_iou"] is None else row["predicted_iou"] for row in found]
    candidates = Candidates(np.ascontiguousarray(masks), np.array(estimates, np.float32))
    counts = count_candidates(candidates.masks, reference)
    best = max(range(len(counts)), key=lambda k: (counts[k].dice, -k))
    return counts[best], counts[candidates.best]
