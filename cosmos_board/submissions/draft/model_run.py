"""One model of a finished run with its masks: what a submission is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.run_record import RunEntry, RunRecord
from cosmos_board.core.tracks import CORE
from cosmos_board.store.parquet import iter_batches, iter_rows
from cosmos_board.store.records import read_run_record
from cosmos_board.store.schema import PREDICTIONS as RUN_PREDICTIONS
from cosmos_board.store.schema import SCORES
from cosmos_board.submissions.checks.packs import IndexRow, ReferenceIndex, index_run
from cosmos_board.submissions.files.layouts import LAYOUTS
from cosmos_board.submissions.format.fields import COUNTS, PREDICTIONS

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PackRun:
    """What a model was evaluated on: one pack."""

    run_id: str
    entry: RunEntry
    index: ReferenceIndex
    """What the track asks of the pack."""


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One model of a run of the main study over whole packs."""

    path: Path
    record: RunRecord
    packs: tuple[PackRun, ...]
    """By name of the pack."""

    track: str

    @property
    def card(self) -> ModelCard:
        """What the run says of the model."""
        return self.packs[0].entry.model

    @property
    def prompts(self) -> tuple[str, ...]:
        """Those that were answered."""
        answered = set(self.card.prompts) & set(self.record.settings.prompts)
        return tuple(name for name in PROMPTS if name in answered)

    def iter_predictions(self) -> Iterator[Row]:
        """Yield what the track asks for, an empty mask where a prediction failed.

        Raises:
            InputError: If masks are missing.
        """
        for pack in self.packs:
            files = self._list_files(pack, "predictions")
            if len(files) < pack.entry.shards:
                raise InputError(self.path, "predictions", "are not all there", got=len(files))
            # The sample lies in the order of its index, everything in that of the shards.
            for paths in [files] if self.track == CORE else [[path] for path in files]:
                yield from self._iter_shards(pack, paths)

    def _iter_shards(self, pack: PackRun, paths: list[Path]) -> Iterator[Row]:
        rows: dict[tuple[str, str], list[Row]] = {}
        for path in paths:
            for row in iter_rows(path, RUN_PREDICTIONS):
                if row["reference_id"] in pack.index.rows and row["prompt"] in self.prompts:
                    rows.setdefault((row["reference_id"], row["prompt"]), []).append(row)
        if self.track == CORE:
            keys = [(name, prompt) for name in pack.index.rows for prompt in self.prompts]
        else:
            scored = (row for path in paths for row in self._iter_scores(path.name))
            keys = list(dict.fromkeys((row["reference_id"], row["prompt"]) for row in scored))
        for key in keys:
            group = rows.get(key) or [_fail(pack.index.rows[key[0]], key[1])]
            for candidate in sorted(group, key=lambda row: int(row["candidate"])):
                yield {name: candidate[name] for name in LAYOUTS[PREDICTIONS].columns}

    def iter_counts(self) -> Iterator[Row]:
        """Yield the counts of every score."""
        for pack in self.packs:
            for path in self._list_files(pack, "scores"):
                yield from self._iter_scores(path.name)

    def _iter_scores(self, name: str) -> Iterator[Row]:
        path = self.path / "scores" / name
        for batch in iter_batches(path, SCORES, list(LAYOUTS[COUNTS].columns)):
            yield from (row for row in batch.to_pylist() if row["prompt"] in self.prompts)

    def _list_files(self, pack: PackRun, kind: str) -> list[Path]:
        return sorted((self.path / kind).glob(f"{pack.run_id}-*.parquet"))


def _fail(facts: IndexRow, prompt: str) -> Row:
    """Return the row of a prediction that failed: an empty mask, which scores the same."""
    empty = encode_mask(np.zeros((facts.height, facts.width), np.bool_))
    return {
        "reference_id": facts.reference_id, "prompt": prompt, "candidate": 0,
        "predicted_iou": None, "height": facts.height, "width": facts.width, "rle": empty.counts,
    }  # fmt: skip


def list_models(run: Path) -> tuple[str, ...]:
    """Return the models of a run.

    Raises:
        InputError: If `run` is no run.
    """
    return tuple(sorted({entry.model.name for entry in read_run_record(run).entries.values()}))


def open_model_run(run: Path, model: str, track: str = CORE) -> ModelRun:
    """Return one model of a finished run.

    Raises:
        InputError: If no submission can be made of it: the run is unfinished, kept no masks or
            holds another study; one line says which.
    """
    record = read_run_record(run)
    if record.settings.study != "main":
        raise InputError(run, "study", "is not the main one", got=record.settings.study)
    if not record.settings.save_masks:
        raise InputError(run, "predictions", "were not kept; evaluate with --save-masks")
    if model not in (names := list_models(run)):
        raise UnknownNameError(run, "model", model, names)
    packs = []
    for run_id, entry in sorted(record.entries.items(), key=lambda pair: pair[1].dataset.name):
        if entry.model.name != model:
            continue
        name = entry.dataset.name
        if (got := entry.images) != (want := entry.of_images):
            raise InputError(run, name, "was evaluated in part", got=got, want=want)
        written = len(list((run / "scores").glob(f"{run_id}-*.json")))
        if written < entry.shards:
            raise InputError(run, name, "is not finished", got=written, want=entry.shards)
        packs.append(PackRun(run_id, entry, index_run(run, run_id, entry.dataset, track)))
    return ModelRun(run, record, tuple(packs), track)
