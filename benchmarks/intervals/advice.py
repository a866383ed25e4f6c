"""What `advise` says to expect of the option that it chose from the same data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.intervals.distributions import LEFT
from benchmarks.intervals.laws import Cell, Effort, Place, cover
from benchmarks.intervals.layouts import follow, lay_out
from benchmarks.intervals.printed import call, make_database
from cosmos_board.cli.boards.advise import command as advise

MODELS = 10
"""With five prompts each: fifty options."""

TARGETS = 20
"""Repetitions of one database."""

STEP = 0.01
"""By how much each model is worse than the one before, where options differ."""


def simulate_advice(effort: Effort) -> Iterator[Cell]:
    """Yield how often the interval of the advised option holds what it truly scores."""
    for clusters in (10, 20):
        for case, step in (("options-equal", 0.0), ("options-differ", STEP)):
            yield measure_advice(clusters, case, step, effort)


def measure_advice(clusters: int, case: str, step: float, effort: Effort) -> Cell:
    """Return the coverage over targets that have an advised option; every target is one."""
    place = Place(
        law="printed-advice",
        layout=str(clusters),
        scores=LEFT.key,
        case=case,
        models=MODELS,
        difference=step,
    )
    situation = follow(lay_out([clusters] * TARGETS), LEFT)
    models = [situation.change(shift=-step * number) for number in range(MODELS)]
    rng, _ = next(effort.iter_chunks(place))
    found = []
    for _ in range(-(-effort.replicates // TARGETS)):
        with make_database(models, rng) as db:
            for target in range(TARGETS):
                arguments = ("--modality", "ct", "--object", f"object-{target}", "--json")
                document = call(advise, "--db", db, *arguments)
                if document["model"] is not None:
                    truth = models[int(document["model"].removeprefix("model-"))].truth
                    found.append((document["low"] - truth, document["high"] - truth))
    low, high = np.array(found, np.float64).T
    return cover(place, low, high, 0.0)
