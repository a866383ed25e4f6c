"""Core predictions → a run folder that `ingest` takes: scored here, by the runner's own code."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from cosmos_board import __version__
from cosmos_board.core.candidates import Candidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Rle
from cosmos_board.core.prompts import PROMPTS, PROTOCOL
from cosmos_board.core.scores import ScoreRow
from cosmos_board.data.pack import Pack
from cosmos_board.metrics.reference import PreparedReference, prepare_reference
from cosmos_board.metrics.surface import score
from cosmos_board.runner.answers import choose, make_row, rows_of_choices
from cosmos_board.runner.cells import Cell
from cosmos_board.runner.folder import RunFolder
from cosmos_board.runner.provenance import collect_provenance
from cosmos_board.store.files import write_bytes
from cosmos_board.store.parquet import write_rows, write_table
from cosmos_board.store.run_files import tabulate_scores
from cosmos_board.store.schema import QUARANTINE, RUN_IMAGES, RUN_REFERENCES
from cosmos_board.submissions.check import Checked, Context, inspect_submission
from cosmos_board.submissions.count_rows import PERFECT_LIMIT, hold_perfect
from cosmos_board.submissions.fields import PREDICTIONS
from cosmos_board.submissions.manifest import Manifest
from cosmos_board.submissions.prediction_rows import iter_predictions
from cosmos_board.submissions.sample import ReferenceIndex, index_pack


@dataclass(frozen=True, slots=True)
class Scored:
    """A submission that was scored."""

    run: Path
    checked: Checked
    rows: int


def score_submission(
    folder: Path,
    packs: Sequence[Pack],
    out: Path,
    *,
    tier: str | None = None,
    context: Context | None = None,
) -> Scored:
    """Check the core submission in `folder`, score its predictions and write a run folder.

    Args:
        folder: The submission.
        packs: The packs that it names; others are ignored.
        out: The run folder to write.
        tier: What the board says of it; None for `audited`, since these scores are made here.
        context: What else it is checked against.

    Raises:
        InputError: If it is refused, or names a pack that is not among `packs`.
        StorageError: If the disk fails.
    """
    known = {pack.info.name: pack for pack in packs}
    indices = [index_pack(pack) for pack in packs]
    base = context or Context()
    with TemporaryDirectory(prefix="cosmos-board-") as work:
        full = Context(
            indices=indices, accepted=base.accepted, external=base.external, now=base.now
        )
        checked = inspect_submission(folder, full, Path(work))
        manifest = checked.manifest
        refused = [one for one in checked.problems if one.disposition == "refused"]
        if refused or manifest is None:
            raise InputError("", "", str(refused[0]))
        if manifest.track != "core":
            raise InputError(folder, "track", "only core submissions are scored here", got="full")
        if strangers := [use.name for use in manifest.packs if use.name not in known]:
            raise InputError(folder, "packs", "are not given", got=", ".join(strangers))
        answers = _group(Path(work) / PREDICTIONS)
    by_name = {index.pack: index for index in indices}
    pairs = [(known[use.name], by_name[use.name]) for use in manifest.packs]
    rows = _write_run(manifest, pairs, answers, out, tier or "audited", checked)
    return Scored(out, checked, rows)


_Answers = Mapping[tuple[str, str], list[dict[str, Any]]]


def _group(copy: Path) -> _Answers:
    answers: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in iter_predictions(copy):
        answers[row["reference_id"], row["prompt"]].append(row)
    for candidates in answers.values():
        candidates.sort(key=lambda row: int(row["candidate"]))
    return answers


def _write_run(
    manifest: Manifest,
    pairs: Sequence[tuple[Pack, ReferenceIndex]],
    answers: _Answers,
    out: Path,
    tier: str,
    checked: Checked,
) -> int:
    folder = RunFolder(out)
    entries: dict[str, Any] = {}
    rows: list[ScoreRow] = []
    with folder.hold():
        for pack, index in pairs:
            run_id = _make_run_id(manifest, index, checked.content_sha256)
            scored = [row for item in _score_pack(pack, index, manifest, answers) for row in item]
            _write_shard(out, run_id, scored)
            _write_index(out / "index", run_id, pack, index)
            images = len({row.image_id for row in index.rows.values()})
            entries[run_id] = _describe(manifest, pack, images)
            rows += scored
        write_rows(out / "quarantine.parquet", QUARANTINE, [])
        folder.write_record(_make_record(manifest, tier, checked, entries))
    _hold_perfect(rows, checked)
    return len(rows)


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
            reference_id, Cell(prompt=prompt), "oracle", scores, found[0]["predicted_iou"]
        )
        return
    estimates = [0.0 if row["predicted_iou"] is None else row["predicted_iou"] for row in found]
    candidates = Candidates(np.ascontiguousarray(masks), np.array(estimates, np.float32))
    yield from rows_of_choices(reference_id, Cell(prompt=prompt), choose(candidates, reference))


def _make_run_id(manifest: Manifest, index: ReferenceIndex, content: str) -> str:
    facts = (
        PROTOCOL, __version__, "core", manifest.slug, manifest.version, index.pack,
        index.content_sha256, index.prompts_sha256, index.sha256, content,
    )  # fmt: skip
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=8).hexdigest()


def _write_shard(out: Path, run_id: str, rows: Sequence[ScoreRow]) -> None:
    path = out / "scores" / f"{run_id}-00000000.parquet"
    write_table(path, tabulate_scores(rows))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    facts = {
        "sha256": digest, "rows": len(rows), "quarantined": [], "timings": {}, "peak_bytes": 0,
    }  # fmt: skip
    write_bytes(path.with_suffix(".json"), json.dumps(facts).encode())


def _write_index(folder: Path, run_id: str, pack: Pack, index: ReferenceIndex) -> None:
    images = {row.image_id for row in index.rows.values()}
    write_rows(
        folder / f"{run_id}.images.parquet",
        RUN_IMAGES,
        (
            {name: row[name] for name in RUN_IMAGES.names}
            for row in pack.iter_image_rows()
            if row["image_id"] in images
        ),
    )
    write_rows(
        folder / f"{run_id}.references.parquet",
        RUN_REFERENCES,
        (
            {name: row[name] for name in RUN_REFERENCES.names}
            for row in pack.iter_reference_rows()
            if row["reference_id"] in index.rows
        ),
    )


def make_card(manifest: Manifest) -> ModelCard:
    """Return what the board says of a submitted model; its slug is its key there."""
    model = manifest.model
    return ModelCard(
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


def _describe(manifest: Manifest, pack: Pack, images: int) -> dict[str, Any]:
    info = asdict(pack.info)
    for name in ("files", "counts"):
        info.pop(name)
    checkpoint = manifest.model.checkpoint
    return {
        "model": asdict(make_card(manifest)),
        "dataset": info,
        "images": images,
        "of_images": pack.info.counts.images,
        "shards": 1,
        "checkpoint_sha256": checkpoint.sha256 if checkpoint else None,
        "device": manifest.run.device,
    }


def _make_record(
    manifest: Manifest, tier: str, checked: Checked, entries: dict[str, Any]
) -> dict[str, Any]:
    return {
        "settings": {
            "prompts": [name for name in PROMPTS if name in manifest.model.prompts],
            "study": "main",
            "limit": None,
            "save_masks": False,
        },
        "protocol": PROTOCOL,
        "provenance": {
            **collect_provenance(),
            "submission": manifest.slug,
            "version": manifest.version,
            "manifest_sha256": checked.manifest_sha256,
            "content_sha256": checked.content_sha256,
        },
        "started_utc": manifest.run.started_at,
        "track": "core",
        "tier": tier,
        "entries": entries,
    }


def _hold_perfect(rows: Sequence[ScoreRow], checked: Checked) -> None:
    perfect = sum(row.scores.counts.fp == 0 and row.scores.counts.fn == 0 for row in rows)
    share = perfect / max(len(rows), 1)
    if share > PERFECT_LIMIT:
        checked.problems.append(hold_perfect(share, f"{checked.where}/{PREDICTIONS}"))
