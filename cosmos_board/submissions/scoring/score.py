"""A submission → a run folder that `ingest` takes; predictions are scored by our own code."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cosmos_board import __version__
from cosmos_board.core.cards import PROTOCOL, ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.run_record import (
    RunEntry,
    RunRecord,
    RunSettings,
    ShardRecord,
    SubmissionSource,
)
from cosmos_board.core.scores import OK, PENALISED, SELECTIONS, ScoreRow
from cosmos_board.core.tracks import CORE
from cosmos_board.data.pack import Pack
from cosmos_board.metrics.overlap import count_candidates
from cosmos_board.metrics.reference import PreparedReference, prepare_reference
from cosmos_board.metrics.score import score
from cosmos_board.runner.evaluation.scoring import PromptKey, choose, make_row, rows_of_choices
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.record.run_record import collect_provenance
from cosmos_board.store.parquet import count_rows, write_batches, write_rows
from cosmos_board.store.records import write_run_record, write_shard_record
from cosmos_board.store.schema import QUARANTINE, RUN_IMAGES, RUN_REFERENCES, SCORES
from cosmos_board.store.tables import tabulate_scores
from cosmos_board.submissions.checks.check import inspect_submission
from cosmos_board.submissions.checks.counts import CountTable
from cosmos_board.submissions.checks.implausible import find_implausible
from cosmos_board.submissions.checks.informed import Answer, find_informed, make_answer
from cosmos_board.submissions.checks.packs import Listing, ReferenceIndex
from cosmos_board.submissions.checks.predictions import (
    decode_candidates,
    group_candidates,
    iter_predictions,
)
from cosmos_board.submissions.checks.submission import CheckedSubmission, CheckInputs
from cosmos_board.submissions.format.fields import COUNTS, PREDICTIONS
from cosmos_board.submissions.format.manifest import Manifest

_REFERENCES_A_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Scored:
    """A submission that was scored."""

    run: Path
    checked: CheckedSubmission
    rows: int


def score_submission(
    folder: Path,
    packs: Sequence[Listing],
    out: Path,
    *,
    tier: str | None = None,
    inputs: CheckInputs | None = None,
) -> Scored:
    """Check the submission in `folder` and write its scores as run folder `out`.

    `packs` hold those that it names, or for submitted counts their indices; `inputs` are what else
    it is checked against, `tier` is as in `score_checked`.

    Raises:
        InputError: If it is refused, names a pack that is not among `packs`, or `out` holds a run
            of something else.
        StorageError: If the disk fails.
    """
    inputs = replace(inputs or CheckInputs(), packs=packs)
    with TemporaryDirectory(prefix="cosmos-board-") as copies:
        return score_checked(inspect_submission(folder, inputs, Path(copies)), out, tier)


def score_checked(checked: CheckedSubmission, out: Path, tier: str | None = None) -> Scored:
    """Write the scores of a submission that was checked as run folder `out`.

    Its clean copies still lie there: predictions are scored, counts are taken over as they are.
    `tier` is who attests the scores; None for `audited` where they are made here, and for
    `self-reported` where not even a sample of the counts was.

    Raises:
        InputError: As `score_submission`.
        StorageError: If the disk fails.
    """
    for problem in checked.find("refused"):
        raise InputError.plain(problem)
    manifest, content, place = checked.manifest, checked.content, checked.place("").rstrip("/")
    if unknown := [use.name for use in manifest.packs if not checked.inputs.find_pack(use.name)]:
        raise InputError(place, "packs", "are not given", got=", ".join(unknown))
    if manifest.track == CORE:
        if lacking := next(checked.find_missing_masks(), None):
            raise InputError(place, "packs", "references are not here", got=lacking)
        scorer = _Scorer(checked)
        rows = _write_run(checked, out, tier or "audited", scorer.score_pack)
        where = checked.place(PREDICTIONS)
        checked.problems += find_implausible(scorer.group_counts(), where)
        checked.problems += find_informed(scorer.answers, where)
        return Scored(out, checked, rows)
    if not isinstance(content, CountTable):
        raise InputError(place, COUNTS, "is not at hand; give --external or fetch it")
    tier = tier or ("audited" if checked.audited_rows else "self-reported")
    rows = _write_run(checked, out, tier, lambda _, index: _iter_counts(content, index))
    return Scored(out, checked, rows)


class _Scorer:
    """Scores the predictions of a submission, pack by pack."""

    def __init__(self, checked: CheckedSubmission) -> None:
        self._prompts = [prompt for prompt in PROMPTS if prompt in checked.manifest.model.prompts]
        self._groups = group_candidates(iter_predictions(checked.copies / PREDICTIONS))
        self._scored: dict[str, list[tuple[float | None, ...]]] = defaultdict(list)
        self.answers: list[Answer] = []
        """Those with candidates to choose from."""

    def score_pack(self, pack: Listing, index: ReferenceIndex) -> Iterator[pa.RecordBatch]:
        """Yield the rows of every reference that is asked of a pack."""
        assert isinstance(pack, Pack)
        rows: list[ScoreRow] = []
        for item in pack.iter_items(wanted={row.image_id for row in index.rows.values()}):
            for reference in item.references:
                if reference.reference_id in index.rows:
                    prepared = prepare_reference(reference.mask())
                    for prompt in self._prompts:
                        rows += self._score(pack, reference.reference_id, prompt, prepared)
        for row in rows:
            counts = row.scores.counts
            facts = (counts.tp, counts.fp, counts.fn, row.predicted_iou)
            self._scored[f"{pack.info.name}, {row.prompt}"].append(facts)
        yield from tabulate_scores(rows).to_batches()

    def _score(
        self, pack: Pack, name: str, prompt: str, reference: PreparedReference
    ) -> Iterator[ScoreRow]:
        rows = self._groups[name, prompt]
        candidates = decode_candidates(rows)
        if prompt == "everything":
            scores = score(candidates.masks[0], reference)
            estimate = rows[0]["predicted_iou"]
            yield make_row(name, PromptKey(prompt=prompt), "oracle", scores, estimate)
        else:
            counts = count_candidates(candidates.masks, reference)
            estimates = [row["predicted_iou"] for row in rows]
            answer = make_answer(pack.info.name, prompt, candidates.best, counts, estimates)
            self.answers.append(answer)
            yield from rows_of_choices(
                name, PromptKey(prompt=prompt), choose(candidates, reference)
            )

    def group_counts(self) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Return counts (tp, fp, fn) and estimates of what was scored, by pack and prompt."""
        groups = {name: np.array(rows, np.float64) for name, rows in self._scored.items()}
        return {name: (rows[:, :3].astype(np.int64), rows[:, 3]) for name, rows in groups.items()}


def _iter_counts(table: CountTable, index: ReferenceIndex) -> Iterator[pa.RecordBatch]:
    """Yield submitted counts as rows of scores; what cannot be told from counts is null."""
    names, prompts = np.array(table.references, object), np.array(table.prompts, object)
    chosen = np.flatnonzero(np.isin(table.references, list(index.rows)))
    for start in range(0, len(chosen), _REFERENCES_A_BATCH):
        part = chosen[start : start + _REFERENCES_A_BATCH]
        counts = table.counts[part]
        row, prompt, selection = np.nonzero(counts[..., 0] >= 0)
        values = counts[row, prompt, selection].astype(np.int64)
        nothing = values[:, 0] + values[:, 1] == 0
        known = {
            "reference_id": names[part[row]],
            "prompt": prompts[prompt],
            "selection": np.array(SELECTIONS, object)[selection],
            "tp": values[:, 0],
            "fp": values[:, 1],
            "fn": values[:, 2],
            "study": np.full(len(row), "main", object),
            "trial": np.zeros(len(row), np.int32),
            "status": np.where(nothing, PENALISED, OK).astype(object),
        }
        arrays = [
            pa.array(known[field.name], field.type)
            if field.name in known
            else pa.nulls(len(row), field.type)
            for field in SCORES
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=SCORES)


def _write_run(
    checked: CheckedSubmission,
    out: Path,
    tier: str,
    score_pack: Callable[[Listing, ReferenceIndex], Iterable[pa.RecordBatch]],
) -> int:
    """Write the scores of every pack that a submission names as a run; return how many rows."""
    folder, manifest = RunFolder(out), checked.manifest
    before = folder.read_record()
    if before and (before.submission is None or before.submission.slug != manifest.slug):
        raise InputError(out, "", "holds another run", want="a new folder")
    entries: dict[str, RunEntry] = {}
    total = 0
    with folder.hold():
        for index in checked.indices:
            pack = checked.inputs.find_pack(index.pack)
            assert pack is not None
            run_id = _make_run_id(checked, index)
            path = out / "scores" / f"{run_id}-00000000.parquet"
            write_batches(path, SCORES, score_pack(pack, index))
            rows = sum(count_rows(path, SCORES))
            shard = ShardRecord(shard=path.stem, sha256=hash_file(path), rows=rows, peak_bytes=0)
            write_shard_record(path.with_suffix(".json"), shard)
            entries[run_id] = _describe_entry(
                manifest, pack, write_index(out / "index", run_id, pack, index)
            )
            total += rows
        write_rows(out / "quarantine.parquet", QUARANTINE, [])
        prompts = tuple(name for name in PROMPTS if name in manifest.model.prompts)
        record = RunRecord(
            settings=RunSettings(prompts=prompts),
            protocol=PROTOCOL,
            provenance=collect_provenance(),
            submission=SubmissionSource(
                slug=manifest.slug,
                version=manifest.version,
                manifest_sha256=checked.manifest_sha256,
                content_sha256=checked.content_sha256,
            ),
            started_utc=manifest.run.started_at,
            track=manifest.track,
            tier=tier,
            entries=entries,
        )
        write_run_record(out, record)
    return total


def _make_run_id(checked: CheckedSubmission, index: ReferenceIndex) -> str:
    manifest = checked.manifest
    facts = (
        PROTOCOL, __version__, manifest.track, manifest.slug, manifest.version, index.pack,
        index.content_sha256, index.prompts_sha256, index.sha256, checked.content_sha256,
    )  # fmt: skip
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=8).hexdigest()


def write_index(folder: Path, name: str, pack: Listing, index: ReferenceIndex) -> int:
    """Write which images and references of a pack are asked for; return how many images.

    The files are `NAME.images.parquet` and `NAME.references.parquet`, as in a run's index.
    """
    images = {row.image_id for row in index.rows.values()}
    for kind, schema, key, rows, wanted in (
        ("images", RUN_IMAGES, "image_id", pack.iter_image_rows(), images),
        ("references", RUN_REFERENCES, "reference_id", pack.iter_reference_rows(), index.rows),
    ):
        chosen = ({column: row[column] for column in schema.names}
                  for row in rows if row[key] in wanted)  # fmt: skip
        write_rows(folder / f"{name}.{kind}.parquet", schema, chosen)
    return len(images)


def _describe_entry(manifest: Manifest, pack: Listing, images: int) -> RunEntry:
    """Return what the board says of a submitted model, whose slug is its key, on one pack."""
    model = manifest.model
    card = ModelCard(
        name=manifest.slug,
        label=model.name,
        family=model.family,
        kind=model.kind,
        prompts=tuple(model.prompts),
        parameters=model.parameters,
        input_size_px=model.input_size_px,
        licence=manifest.licence,
        source=model.code_url,
        training_data=manifest.training_data,
        description=manifest.notes or "",
    )
    return RunEntry(
        model=card,
        dataset=pack.info.card,
        images=images,
        of_images=pack.info.counts.images,
        shards=1,
        checkpoint_sha256=model.checkpoint.sha256 if model.checkpoint else None,
        device=manifest.run.device,
    )
