"""The outcome of each model of a run, over all shards in the run folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.run_record import FailedAnswers, RunRecord
from cosmos_board.core.volumes import VOLUME_PROMPTS
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.store.queries.score_files import (
    PromptCounts,
    count_answers,
    count_volume_answers,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """What came of one model, earlier calls included."""

    model: str
    answers: int
    failed: int
    """Failed answers: the model raised, or returned something of another form."""

    empty: int
    """Answers that draw nothing; these are no failures."""

    prompts: tuple[PromptCounts, ...]
    reason: str | None
    """Of the first failure; None where there is none."""

    traceback: str | None
    """Of the first failure, several lines; None where it was not raised by the model's code."""

    @property
    def line(self) -> str:
        """Say how many answers failed, and why the first did.

        Example:
            >>> ModelSummary(
            ...     model="mine", answers=4, failed=4, empty=0, prompts=(),
            ...     reason="ValueError: bad", traceback=None,
            ... ).line
            'mine: 4 of 4 answers failed: ValueError: bad'
        """
        return f"{self.model}: {self.failed} of {self.answers} answers failed: {self.reason}"


def summarise(folder: RunFolder, record: RunRecord, model: str) -> ModelSummary:
    """Return what the finished shards in a run folder say of a model, by its name on the board.

    Raises:
        InputError: If rows cannot be read.
    """
    run_ids = [run_id for run_id, entry in record.entries.items() if entry.model.name == model]
    volumes = record.settings.study == "volumes"
    count, order = (
        (count_volume_answers, list(VOLUME_PROMPTS)) if volumes else (count_answers, list(PROMPTS))
    )
    prompts = sorted(
        count([path for run_id in run_ids for path in folder.finished_scores(run_id)]),
        key=lambda counts: (counts.propagation, order.index(counts.prompt)),
    )
    failed = sum(counts.failed for counts in prompts)
    failures = (
        shard.first_failure
        for run_id in run_ids
        for shard in (folder.iter_sidecars(run_id) if failed else ())
        if shard.first_failure
    )
    first = next(failures, None)
    reasons = [counts.reason for counts in prompts if counts.reason]
    return ModelSummary(
        model=model,
        answers=sum(counts.answers for counts in prompts),
        failed=failed,
        empty=sum(counts.empty for counts in prompts),
        prompts=tuple(prompts),
        reason=first.reason if first else reasons[0] if reasons else None,
        traceback=first.traceback or None if first else None,
    )


def describe_failures(models: Iterable[ModelSummary]) -> dict[str, FailedAnswers]:
    """Return what run.json says of the models of which an answer failed."""
    return {
        model.model: FailedAnswers(
            answers=model.answers,
            failed=model.failed,
            reason=model.reason,
            traceback=model.traceback,
        )
        for model in models
        if model.failed
    }
