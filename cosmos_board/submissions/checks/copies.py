"""Predictions and counts that somebody else submitted before: the same, or nearly so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.hashes import hash_file
from cosmos_board.core.tracks import COUNTS as COUNTS_TRACK
from cosmos_board.submissions.checks.counts import CountTable, iter_blocks
from cosmos_board.submissions.checks.predictions import Fingerprint
from cosmos_board.submissions.checks.submission import Accepted, CheckedSubmission, CountsFile
from cosmos_board.submissions.files.layouts import ParquetError
from cosmos_board.submissions.files.parquet import copy_checked
from cosmos_board.submissions.format.fields import COUNTS, PREDICTIONS
from cosmos_board.submissions.problems import Problem

NEAR_COPY = {0: 0.3, 1: 0.8, 2: 0.9}
"""Share of predictions that are alike, by tolerance in pixels, from which on a person looks first.

Alike are two masks of which 99 % lie within the tolerance of the other. On the demo packs, no two
of the project's own entries and the box prior reach more than 0.03, 0.49 and 0.75 under any prompt.
Masks whose edges were moved by independent smooth noise of 1 px, as two models of Dice 0.97 might
draw them, reach 0.03, 0.61 and 0.96; by 1.5 px (Dice 0.93), 0.00, 0.09 and 0.57. Copies reach 0.97
where two pixels of each mask were changed (tolerance 0), 0.89 and more where each was grown,
shrunk, moved or smoothed by a pixel (1), and 0.98 by two (2).
"""

MOST_UNCOMPARED = 0.5
"""Share of masks that are too large to be compared from which on a person looks first."""

FEWEST_ROWS = 20
"""Under these a share says nothing."""

CLOSE_PX = 2
"""Counts are close that differ by so many pixels each."""

FEWEST_WRONG = 10
"""Wrong pixels of a row from which on close counts say something."""

NEAR_COPY_COUNTS = 0.5
"""Share of a prompt's telling rows, equal in tp, fp and fn, from which on a person looks first, or
of those with some wrong pixels that are close.

What agrees by chance lies far below, what was copied far above. Between any two of the project's
own three entries none of 3,236 telling rows is equal; when the weights of one ran again, all 690
were. Models that miss but a pixel or two agree more often: where their false positives and false
negatives are Poisson counts of one mean, in at most 14 % of the rows that are not perfect, whatever
that mean is, and they are close in at most 31 % of those with ten wrong pixels. Of such rows of our
own entries none is close to another's, and all are to a copy with two pixels of each mask changed.
"""


def find_copied(checked: CheckedSubmission, accepted: Sequence[Accepted]) -> list[Problem]:
    """Return of which entries a submission is a copy; an exact copy needs no second look."""
    content = checked.content
    others = [other for other in accepted if other.slug != checked.manifest.slug]
    if isinstance(content, Fingerprint):
        if content.count < FEWEST_ROWS:
            return []
        place, near = checked.place(PREDICTIONS), _compare_masks(content, others)
        hashes = ((other, other.fingerprint and other.fingerprint.masks_sha256) for other in others)
        same = [other for other, digest in hashes if digest == content.masks_sha256]
    elif content is not None:
        place, near = checked.place(COUNTS), _compare_counts(checked, content, others)
        same = [other for other in others if other.content_sha256 == checked.content_sha256]
    else:
        return []
    if same:
        text = "same content as submissions/{} (sha256 of sorted rows)"
        return [Problem(place, "rows", text.format(other.slug), about=other.slug) for other in same]
    return [
        Problem(place, "rows", f"{text}; held for review", "held", about) for text, about in near
    ]


def _compare_masks(content: Fingerprint, others: Sequence[Accepted]) -> Iterator[tuple[str, str]]:
    """Yield what makes predictions look like those of another entry, and its slug."""
    if content.masks.unlisted > MOST_UNCOMPARED * content.count:
        share = f"{content.masks.unlisted} of {content.count} masks"
        yield f"{share} have too many runs or pixels to be compared with other entries", ""
    for other in others:
        if other.fingerprint is None:
            continue
        for name, likeness in content.masks.compare(other.fingerprint.masks).items():
            reached = [px for px, limit in NEAR_COPY.items() if likeness.alike[px] >= limit]
            if reached and likeness.compared >= FEWEST_ROWS:
                share = f"{100 * likeness.alike[reached[0]]:.2f} % of answers"
                of = "" if name == "all" else f" to {name}"
                within = f"within {reached[0]} px of" if reached[0] else "equal to"
                text = f"{share}{of} (mean IoU {likeness.mean_iou:.3f}) are {within}"
                yield f"{text} submissions/{other.slug}", other.slug
                break


def _compare_counts(
    checked: CheckedSubmission, table: CountTable, others: Sequence[Accepted]
) -> Iterator[tuple[str, str]]:
    """Yield what makes counts look like those of another owner's entry, and its slug.

    Owners are others unless all authors are among them: naming one of them as an author beside
    oneself does not keep a copy from being looked at. A copy in which most masks were altered by
    more than a pixel or two is not found here: what attests a model is its re-run.
    """
    assert checked.rows is not None
    pixels = np.array([checked.rows[name].height * checked.rows[name].width
                       for name in table.references], np.int64)  # fmt: skip
    for other in others:
        if checked.manifest.author_ids <= other.owners:
            continue
        if other.counts is not None:
            try:
                text = find_repeated(other.counts, table, pixels, checked)
            except ParquetError as error:
                yield f"not compared with submissions/{other.slug} ({error})", other.slug
                continue
            if text:
                yield f"{text} submissions/{other.slug}", other.slug
        elif other.track == COUNTS_TRACK:
            yield f"not compared with submissions/{other.slug}, whose counts did not come", ""


def is_telling(counts: NDArray[np.int32], pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows of counts (tp, fp, fn; axes (row, count)) say something of who drew them.

    Nothing drawn, everything drawn (`pixels`: of each row's image) and the reference itself have
    the same counts whoever drew them; -1 is no row.
    """
    tp, fp, fn = counts.T.astype(np.int64)
    drawn = tp + fp
    telling: NDArray[np.bool_] = (tp >= 0) & (drawn > 0) & (drawn < pixels) & (fp + fn > 0)
    return telling


def find_repeated(
    other: CountsFile, table: CountTable, pixels: NDArray[np.int64], checked: CheckedSubmission
) -> str:
    """Return the figures of the prompt that repeats most, as words; empty where none does.

    The other file is read batch by batch, so memory does not follow the number of its rows.

    Raises:
        ParquetError: If the other's file is not the one that was accepted.
    """
    if hash_file(other.path) != other.sha256:
        raise ParquetError("its counts are not as accepted")
    copy = checked.copies / "other-counts.parquet"
    same, compared = np.zeros((2, 2, len(table.prompts)), np.int64)  # equal, close; prompts
    try:
        copy_checked(other.path, copy, layout=COUNTS)
        for places, counts, _ in iter_blocks(copy, table.references, table.prompts):
            known = np.minimum.reduce(places) >= 0
            row, prompt, selection = (numbers[known] for numbers in places)
            mine = table.counts[row, prompt, selection]
            apart = abs(mine - counts[known]).max(axis=1, initial=0)
            tells = is_telling(mine, pixels[row])
            wrong = tells & (mine[:, 1:].sum(axis=1, dtype=np.int64) >= FEWEST_WRONG)
            for number, (rows, most) in enumerate(((tells, 0), (wrong, CLOSE_PX))):
                for total, chosen in ((compared, rows), (same, rows & (apart <= most))):
                    total[number] += np.bincount(prompt[chosen], minlength=len(table.prompts))
    finally:
        copy.unlink(missing_ok=True)
    for number, words in enumerate(("equal", f"are within {CLOSE_PX} px of those of")):
        shares = same[number] / np.maximum(compared[number], 1)
        shares[compared[number] < FEWEST_ROWS] = 0
        if shares.max() >= NEAR_COPY_COUNTS:
            prompt_name = table.prompts[int(shares.argmax())]
            return f"{100 * shares.max():.2f} % of counts for {prompt_name} {words}"
    return ""
