"""The audit of submitted counts: an unpredictable sample of rows is counted again.

Which rows are looked at follows from the manifest and a value that is younger than it, so a
submitter cannot know it: a random one in a pull request, and afterwards the commit that it landed
with, so that everybody can count the same rows again. A forgery in a share f of the rows goes
unseen by n rows with chance (1 − f)ⁿ: 5 % for f = 0.1 % and n = 3,000.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.scores import Counts
from cosmos_board.data.pack import Pack
from cosmos_board.metrics.overlap import count_candidates
from cosmos_board.metrics.reference import prepare_reference
from cosmos_board.submissions.checks.counts import CountTable
from cosmos_board.submissions.checks.informed import Answer, find_informed, make_answer
from cosmos_board.submissions.checks.predictions import (
    MOST_CANDIDATES,
    Groups,
    check_rows,
    decode_candidates,
    group_candidates,
    iter_predictions,
)
from cosmos_board.submissions.checks.submission import CheckedSubmission
from cosmos_board.submissions.files.layouts import SAMPLED_PREDICTIONS, ParquetError
from cosmos_board.submissions.files.parquet import copy_checked
from cosmos_board.submissions.format.fields import PREDICTIONS
from cosmos_board.submissions.problems import Problem

AUDIT_ROWS = 3000
MOST_LINES = 20

_Counted = Mapping[tuple[str, str], Sequence[Counts]]
"""By reference and prompt: counts of the oracle's and of the predicted candidate."""


def audit_counts(checked: CheckedSubmission, path: Path) -> Iterator[Problem]:
    """Count a sample of the submitted rows again, from the predictions in `path`.

    Without right counts, the references or a seed there is no audit. References of packs that are
    not here cannot be looked at.
    """
    table, place = checked.content, checked.place(PREDICTIONS)
    if not isinstance(table, CountTable) or checked.rows is None or not checked.inputs.seed:
        return
    places = choose_places(table, checked.manifest_sha256, checked.inputs.seed)
    rows, prompts, _ = np.unravel_index(places, table.counts.shape[:3])
    wanted = {
        prompt: [table.references[row] for row in np.unique(rows[prompts == number]).tolist()]
        for number, prompt in enumerate(table.prompts)
    }
    copy = checked.copies / PREDICTIONS
    most = MOST_CANDIDATES * len(table.prompts) * len(checked.rows)
    try:
        copy_checked(path, copy, layout=SAMPLED_PREDICTIONS, wanted=wanted, most_rows=most)
    except ParquetError as error:
        yield Problem(place, "", str(error))
    else:
        sampled = iter_predictions(copy)
        _, problems = check_rows(sampled, checked.rows, table.prompts, place, wanted)
        if not problems:
            answers: list[Answer] = []
            groups = group_candidates(iter_predictions(copy))
            counted = dict(_count_again(checked, groups, answers))
            problems = compare_counts(checked, places, counted)
            problems += find_informed(answers, place)
        yield from problems[: MOST_LINES + 1]
    for name in checked.find_missing_masks():
        text = f"references of '{name}' are not here; held for a maintainer's audit"
        yield Problem(place, "audit", text, "held")


def choose_places(table: CountTable, manifest_sha256: str, seed: str) -> NDArray[np.int64]:
    """Return which cells of the flat grid (reference, prompt, selection) are looked at.

    Nobody may know `seed` when the counts are made.
    """
    there = np.flatnonzero(table.counts[..., 0].reshape(-1) >= 0)
    if len(there) <= AUDIT_ROWS:
        return there
    text = "\x1f".join(("audit", manifest_sha256, seed)).encode()
    key = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "little")
    words = np.random.Philox(key=key).random_raw(len(there))
    chosen = np.argpartition(words, AUDIT_ROWS)[:AUDIT_ROWS]  # the words of a key do not repeat
    return there[np.sort(chosen)]


def _count_again(
    checked: CheckedSubmission, groups: Groups, answers: list[Answer]
) -> Iterator[tuple[tuple[str, str], tuple[Counts, Counts]]]:
    """Yield counts by reference and prompt, for the references that are here.

    What each candidate of the others but `everything` is like goes into `answers`.
    """
    prompts: dict[str, list[str]] = {}
    for name, prompt in groups:
        prompts.setdefault(name, []).append(prompt)
    for pack in checked.inputs.packs:
        if not isinstance(pack, Pack):
            continue
        rows = pack.iter_reference_rows()
        images = {row["image_id"] for row in rows if row["reference_id"] in prompts}
        for item in pack.iter_items(wanted=images):
            for reference in item.references:
                name = reference.reference_id
                if name not in prompts:
                    continue
                prepared = prepare_reference(reference.mask())
                for prompt in prompts[name]:
                    candidates = decode_candidates(groups[name, prompt])
                    counts = count_candidates(candidates.masks, prepared)
                    best = max(range(len(counts)), key=lambda k: (counts[k].dice, -k))
                    if prompt != "everything":
                        estimates = [row["predicted_iou"] for row in groups[name, prompt]]
                        chosen = candidates.best
                        answer = make_answer(pack.info.name, prompt, chosen, counts, estimates)
                        answers.append(answer)
                    yield (name, prompt), (counts[best], counts[candidates.best])


def compare_counts(
    checked: CheckedSubmission, places: NDArray[np.int64], counted: _Counted
) -> list[Problem]:
    """Return a line for every row at `places` that is not what was counted."""
    table = checked.content
    assert isinstance(table, CountTable)
    lines = []
    looked_at = 0
    for where in zip(*np.unravel_index(places, table.counts.shape[:3]), strict=True):
        row, prompt, selection = map(int, where)
        name, prompt_name = table.references[row], table.prompts[prompt]
        if (name, prompt_name) not in counted:
            continue
        looked_at += 1
        counts = counted[name, prompt_name][selection]
        claimed = tuple(table.counts[row, prompt, selection].tolist())
        if (got := (counts.tp, counts.fp, counts.fn)) != claimed:
            lines.append(f"{name}, {prompt_name}: counts {claimed} claimed, {got} found")
    checked.audited_rows = looked_at
    if len(lines) > MOST_LINES:
        text = f"{len(lines)} of {looked_at} sampled rows are not what the predictions give"
        lines[MOST_LINES:] = [text]
    return [Problem(checked.place(PREDICTIONS), "audit", line) for line in lines]
