"""A submission → a run folder that `ingest` takes; core predictions are scored by our own code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Rle
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.run_record import RunEntry
from cosmos_board.core.scores import ScoreRow
from cosmos_board.data.pack import Pack
from cosmos_board.metrics.reference import PreparedReference, prepare_reference
from cosmos_board.metrics.score import score
from cosmos_board.runner.evaluation.scoring import (
    PromptKey,
    choose,
    make_row,
    rows_of_choices,
)
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.store.parquet import write_table
from cosmos_board.store.tables import tabulate_scores
from cosmos_board.submissions.checks.check import Checked, Context, inspect_submission
from cosmos_board.submissions.checks.implausible import find_implausible
from cosmos_board.submissions.checks.sample import Listing, ReferenceIndex, index_pack
from cosmos_board.submissions.files.prediction_rows import iter_predictions
from cosmos_board.submissions.format.fields import COUNTS, PREDICTIONS
from cosmos_board.submissions.format.manifest import Manifest
from cosmos_board.submissions.problems import find_refusal
from cosmos_board.submissions.scoring.run_record import (
    Source,
    describe_entry,
    finish_run,
    make_run_id,
    seal_shard,
    write_index,
)
from cosmos_board.submissions.scoring.score_counts import write_counts


@dataclass(frozen=True, slots=True)
class Scored:
    """A submission that was scored."""

    run: Path
    checked: Checked
    rows: int


def score_submission(
    folder: Path,
    packs: Sequence[Listing],
    out: Path,
    *,
    tier: str | None = None,
    context: Context | None = None,
) -> Scored:
    """Check the submission in `folder` and write its scores as a run folder.

    Core predictions are scored; the counts of a full submission are taken over after the check,
    with the audit of a sample where `context` asks for one.

    Args:
        folder: The submission.
        packs: The packs that it names, or for a full submission their indices; others are ignored.
        out: The run folder to write.
        tier: What the board says of it; None for `audited` where the scores are made here, and
            for `self-reported` where not even a sample of the counts was.
        context: What else it is checked against.

    Raises:
        InputError: If it is refused, names a pack that is not among `packs`, or `out` holds a run
            of something else.
        StorageError: If the disk fails.
    """
    with TemporaryDirectory(prefix="cosmos-board-") as work:
        full = replace(
            context or Context(),
            indices=[index_pack(pack, track) for pack in packs for track in ("core", "full")],
        )
        checked = inspect_submission(folder, full, Path(work))
        return score_checked(checked, packs, out, Path(work), tier=tier)


def score_checked(
    checked: Checked,
    packs: Sequence[Listing],
    out: Path,
    copies: Path,
    *,
    tier: str | None = None,
) -> Scored:
    """Write the scores of a submission that was checked, whose clean copies lie in `copies`.

    Raises:
        InputError: As `score_submission`.
        StorageError: If the disk fails.
    """
    manifest = checked.manifest
    if manifest is None or not checked.acceptable:
        raise InputError.plain(find_refusal(checked.problems))
    known = {pack.info.name: pack for pack in packs}
    if strangers := [use.name for use in manifest.packs if use.name not in known]:
        raise InputError(checked.where, "packs", "are not given", got=", ".join(strangers))
    _refuse_other_run(out, manifest.slug)
    pairs = [(known[use.name], index_pack(known[use.name], manifest.track))
             for use in manifest.packs]  # fmt: skip
    source = Source(
        manifest,
        checked.manifest_sha256,
        checked.content_sha256,
        tier or _default_tier(manifest, checked),
    )
    if manifest.track == "full":
        if checked.table is None:
            raise InputError(checked.where, COUNTS, "is not at hand; give --external or fetch it")
        return Scored(out, checked, write_counts(source, pairs, checked.table, out))
    answers = _group(copies / PREDICTIONS)
    masks = _want_masks(checked.where, pairs)
    return Scored(out, checked, _write_run(source, masks, answers, out, checked))


def _refuse_other_run(out: Path, slug: str) -> None:
    record = RunFolder(out).read_record()
    if record is not None and (record.submission is None or record.submission.slug != slug):
        raise InputError(out, "", "holds another run", want="a new folder")


def _default_tier(manifest: Manifest, checked: Checked) -> str:
    return "audited" if manifest.track == "core" or checked.audited_rows else "self-reported"


def _want_masks(
    where: str, pairs: Sequence[tuple[Listing, ReferenceIndex]]
) -> list[tuple[Pack, ReferenceIndex]]:
    found = []
    for pack, index in pairs:
        if not isinstance(pack, Pack):
            raise InputError(where, "packs", "references are not here", got=pack.info.name)
        found.append((pack, index))
    return found


_Answers = Mapping[tuple[str, str], list[dict[str, Any]]]


def _group(copy: Path) -> _Answers:
    answers: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in iter_predictions(copy):
        answers[row["reference_id"], row["prompt"]].append(row)
    for candidates in answers.values():
        candidates.sort(key=lambda row: int(row["candidate"]))
    return answers


def _write_run(
    source: Source,
    pairs: Sequence[tuple[Pack, ReferenceIndex]],
    answers: _Answers,
    out: Path,
    checked: Checked,
) -> int:
    manifest = source.manifest
    entries: dict[str, RunEntry] = {}
    rows: dict[str, list[ScoreRow]] = {}
    with RunFolder(out).hold():
        for pack, index in pairs:
            run_id = make_run_id(source, index)
            scored = [row for item in _score_pack(pack, index, manifest, answers) for row in item]
            _write_shard(out, run_id, scored)
            write_index(out / "index", run_id, pack, index)
            images = len({row.image_id for row in index.rows.values()})
            entries[run_id] = describe_entry(manifest, pack.info, images)
            rows[pack.info.name] = scored
        finish_run(out, source, entries)
    place = f"{checked.where}/{PREDICTIONS}"
    checked.problems += find_implausible(_group_counts(rows), place)
    return sum(map(len, rows.values()))


def _score_pack(
    pack: Pack, index: ReferenceIndex, manifest: Manifest, answers: _Answers
) -> Iterator[list[ScoreRow]]:
    images = {row.image_id for row in index.rows.values()}
    for item in pack.iter_items(wanted=images):
        for reference in item.references:
            if reference.reference_id not in index.rows:
                continue
            prepared = prepare_reference(reference.mask())
            name = reference.reference_id
            yield [
                row
                for prompt in PROMPTS
                if prompt in manifest.model.prompts
                for row in _score_one(name, prompt, answers[name, prompt], prepared)
            ]


def _score_one(
    reference_id: str, prompt: str, found: list[dict[str, Any]], reference: PreparedReference
) -> Iterator[ScoreRow]:
    masks = np.stack([Rle(row["height"], row["width"], row["rle"]).decode() for row in found])
    if prompt == "everything":
        scores = score(np.ascontiguousarray(masks[0]), reference)
        yield make_row(
            reference_id, PromptKey(prompt=prompt), "oracle", scores, found[0]["predicted_iou"]
        )
        return
    estimates = [0.0 if row["predicted_iou"] is None else row["predicted_iou"] for row in found]
    candidates = Candidates(np.ascontiguousarray(masks), np.array(estimates, np.float32))
    yield from rows_of_choices(
        reference_id, PromptKey(prompt=prompt), choose(candidates, reference)
    )


def _write_shard(out: Path, run_id: str, rows: Sequence[ScoreRow]) -> None:
    path = out / "scores" / f"{run_id}-00000000.parquet"
    write_table(path, tabulate_scores(rows))
    seal_shard(path, len(rows))


def _group_counts(
    scored: Mapping[str, Sequence[ScoreRow]],
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return counts and estimates by pack and prompt."""
    groups: dict[str, list[ScoreRow]] = defaultdict(list)
    for pack, rows in scored.items():
        for row in rows:
            groups[f"{pack}, {row.prompt}"].append(row)
    return {
        name: (
            np.array([(one.scores.counts.tp, one.scores.counts.fp, one.scores.counts.fn)
                      for one in rows], np.int64),
            np.array([one.predicted_iou for one in rows], np.float64),
        )
        for name, rows in groups.items()
    }  # fmt: skip
