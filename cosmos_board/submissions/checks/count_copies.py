"""Near copies on the full track: counts that equal another owner's in row after row.

Read batch by batch against the grid of counts that the check holds anyway, so the memory does not
follow the number of rows. A copy in which most masks were altered by more than a pixel or two is
not found here: what vouches for a model is its re-run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.hashes import hash_file
from cosmos_board.submissions.checks.copies import FEWEST_ROWS, Accepted, CountsFile
from cosmos_board.submissions.checks.sample import IndexRow
from cosmos_board.submissions.files.count_rows import CountTable, iter_blocks
from cosmos_board.submissions.files.safe_parquet import ParquetError, copy_checked
from cosmos_board.submissions.format.fields import COUNTS
from cosmos_board.submissions.format.manifest import Manifest
from cosmos_board.submissions.problems import Problem

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


def check_counts_copied(
    manifest: Manifest,
    table: CountTable,
    rows: Mapping[str, IndexRow],
    accepted: Sequence[Accepted],
    work: Path,
    place: str,
) -> Iterator[Problem]:
    """Yield the accepted full submissions of other owners that these counts mostly repeat.

    Owners are others unless all authors are among them: naming one of them as an author beside
    oneself does not keep a copy from being looked at.

    Args:
        manifest: What the submission says.
        table: Its counts, checked.
        rows: The references that are asked for, by id.
        accepted: What is on the board, with the counts that are at hand.
        work: Folder for clean copies, which are removed.
        place: Path of the counts, for messages.
    """
    authors = {author.github_id for author in manifest.authors}
    pixels = np.array([rows[one].height * rows[one].width for one in table.references], np.int64)
    for other in accepted:
        if other.slug == manifest.slug or authors <= other.owners:
            continue
        if other.counts is None:
            if other.track == "full":
                text = f"not compared with submissions/{other.slug}, whose counts did not come"
                yield Problem(place, "rows", f"{text}; held for review", "held")
            continue
        try:
            found = _find_repeated(other.counts, table, pixels, work)
        except ParquetError as error:
            text = f"not compared with submissions/{other.slug} ({error}); held for review"
            yield Problem(place, "rows", text, "held", other.slug)
            continue
        if found:
            text = f"{found} submissions/{other.slug}; held for review"
            yield Problem(place, "rows", text, "held", other.slug)


def is_telling(counts: NDArray[np.int32], pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows say something of who drew them.

    Nothing drawn, everything drawn and the reference itself have the same counts whoever drew
    them; -1 is no row.

    Args:
        counts: tp, fp, fn; axes (row, count).
        pixels: Of each row's image.
    """
    tp, fp, fn = counts.T.astype(np.int64)
    drawn = tp + fp
    found: NDArray[np.bool_] = (tp >= 0) & (drawn > 0) & (drawn < pixels) & (fp + fn > 0)
    return found


def _find_repeated(
    other: CountsFile, table: CountTable, pixels: NDArray[np.int64], work: Path
) -> str:
    """Return the figures of the prompt that repeats most, as words; empty where none does.

    Raises:
        ParquetError: If the other's file is not the one that was accepted.
    """
    if hash_file(other.path) != other.sha256:
        raise ParquetError("its counts are not as accepted")
    copy = work / "other-counts.parquet"
    same, asked = np.zeros((2, 2, len(table.prompts)), np.int64)  # equal, close; prompts
    try:
        copy_checked(other.path, copy, layout=COUNTS)
        for keys, counts, _ in iter_blocks(copy, table.references, table.prompts):
            known = np.minimum.reduce(keys) >= 0
            row, prompt, selection = (key[known] for key in keys)
            mine = table.counts[row, prompt, selection]
            apart = abs(mine - counts[known]).max(axis=1, initial=0)
            tells = is_telling(mine, pixels[row])
            wrong = tells & (mine[:, 1:].sum(axis=1, dtype=np.int64) >= FEWEST_WRONG)
            for number, (rows, most) in enumerate(((tells, 0), (wrong, CLOSE_PX))):
                asked[number] += np.bincount(prompt[rows], minlength=len(table.prompts))
                found = rows & (apart <= most)
                same[number] += np.bincount(prompt[found], minlength=len(table.prompts))
    finally:
        copy.unlink(missing_ok=True)
    for number, words in enumerate(("equal", f"are within {CLOSE_PX} px of those of")):
        shares = np.where(
            asked[number] >= FEWEST_ROWS, same[number] / np.maximum(asked[number], 1), 0
        )
        if shares.max() >= NEAR_COPY_COUNTS:
            prompt = table.prompts[int(shares.argmax())]
            return f"{100 * shares.max():.2f} % of counts for {prompt} {words}"
    return ""
