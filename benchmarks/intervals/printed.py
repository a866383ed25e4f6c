"""The laws once more, end to end: runs are ingested, and what the commands print is judged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np
from click.testing import CliRunner

from benchmarks.intervals.databases import write_database
from benchmarks.intervals.distributions import (
    LEFT,
    MIXED,
    RATES,
    ZEROS,
    Distribution,
    Floats,
    fail_unlike,
)
from benchmarks.intervals.laws import Cell, Effort, Place, cover
from benchmarks.intervals.layouts import (
    POOLS,
    Situation,
    blend,
    differ_by_dataset,
    draw_normals,
    follow,
    lay_out,
)
from benchmarks.intervals.tables import ALIKE, SPREADS
from benchmarks.intervals.verdicts import FALSE_BETTER
from cosmos_board.cli.boards.compare import command as compare
from cosmos_board.cli.boards.rank import command as rank

PROMPTS = ("point", "points-5", "points-5-5", "box", "box-point")
"""Each is another sample of scores on the same clusters, independent of the others."""

MIXTURES = (([20] * 5, [4] * 5), ([40] * 3, [2] * 5), ([100] * 3, [1] * 5))
"""Clusters of the targets that count, and of those that have too few."""

Json = dict[str, Any]


def simulate_printed(effort: Effort) -> Iterator[Cell]:
    """Yield what `rank` and `compare` print, of databases with known truths."""
    for sizes, thin in MIXTURES:
        for distributions in ((LEFT,), (ZEROS[1],), MIXED):
            yield rank_board(sizes, thin, distributions, effort)
    pooled = differ_by_dataset(POOLS[3], LEFT, 0.05)
    yield rank_scores(pooled, pooled.truth, effort, case="datasets-differ")
    for distribution in (LEFT, ZEROS[1]):
        for count in (10, 20):
            yield compare_targets(count, (distribution, distribution), effort)
        yield compare_boards(*MIXTURES[0], distribution, effort)
        yield rank_equal_models(20, distribution, effort)
    for count in (10, 20):
        yield compare_targets(count, fail_unlike(RATES[1], SPREADS[0]), effort)


def rank_board(
    sizes: list[int], thin: list[int], distributions: tuple[Distribution, ...], effort: Effort
) -> Cell:
    """Return how often `rank` covers the mean over the targets that have ten clusters."""
    counted = follow(lay_out(sizes), *distributions)
    return rank_scores(add_thin(counted, sizes, thin), counted.truth, effort)


def add_thin(counted: Situation, sizes: list[int], thin: list[int]) -> Situation:
    """Return the situation with targets beside it that have too few clusters.

    They score half as much, so that a score or an interval about all targets would miss.
    """
    layout = lay_out([*sizes, *thin])
    poor = counted.distributions[0].change(0.5)
    number = np.full(len(layout.cluster), len(counted.distributions))
    number[: len(counted.number)] = counted.number
    return Situation(layout, (*counted.distributions, poor), number, counted.key)


def rank_scores(situation: Situation, truth: float, effort: Effort, *, case: str = "") -> Cell:
    """Return how often `rank --by model` prints an interval that holds the truth.

    Every model and prompt of a database is one repetition.
    """
    place = Place(
        law="printed-score", layout=situation.layout.name, scores=situation.key, case=case
    )
    models = -(-effort.replicates // len(PROMPTS))
    rng, _ = next(effort.iter_chunks(place))
    with make_database([situation] * models, rng, alike=0.0) as db:
        document = call(rank, "--db", db, "--by", "model", "--format", "json")
    rows = document["rows"]
    assert len(rows) == models * len(PROMPTS)
    low, high = (np.array([row[end] for row in rows], np.float64) for end in ("low", "high"))
    return cover(place, low, high, truth)


def compare_targets(
    count: int, distributions: tuple[Distribution, Distribution], effort: Effort
) -> Cell:
    """Return how often `compare` covers the difference of two models on a target.

    Every target of a database is one repetition.
    """
    layout = lay_out([count] * effort.replicates)
    pair = [follow(layout, each) for each in distributions]
    place = Place(law="printed-difference", layout=str(count), scores=pair[0].key, case="alike")
    rng, _ = next(effort.iter_chunks(place))
    with make_database(pair, rng, prompts=("box",)) as db:
        document = call(compare, "model-0", "model-1", "--db", db, "--format", "json")
    rows = document["targets"]
    assert len(rows) == effort.replicates
    low, high = (np.array([row[end] for row in rows], np.float64) for end in ("low", "high"))
    return cover(place, low, high, pair[0].truth - pair[1].truth)


def compare_boards(
    sizes: list[int], thin: list[int], distribution: Distribution, effort: Effort
) -> Cell:
    """Return how often `compare` covers the difference over the targets that count.

    Every database and prompt is one repetition; a tenth as many as elsewhere.
    """
    counted = follow(lay_out(sizes), distribution)
    situation = add_thin(counted, sizes, thin)
    place = Place(
        law="printed-difference",
        layout=situation.layout.name,
        scores=distribution.key,
        case="alike",
    )
    rng, _ = next(effort.iter_chunks(place))
    ends = []
    for _ in range(-(-effort.replicates // (2 * len(PROMPTS)))):
        with make_database([situation] * 2, rng) as db:
            for prompt in PROMPTS:
                arguments = ("model-0", "model-1", "--db", db, "--prompt", prompt)
                document = call(compare, *arguments, "--format", "json")
                ends.append((document["low"], document["high"]))
    low, high = np.array(ends, np.float64).T
    return cover(place, low, high, 0.0)


def rank_equal_models(count: int, distribution: Distribution, effort: Effort) -> Cell:
    """Return on how many boards of ten equal models two share no letter.

    Every target and prompt of a database is one board.
    """
    targets = -(-effort.replicates // len(PROMPTS))
    situation = follow(lay_out([count] * targets), distribution)
    place = Place(law="printed-false-better", layout=str(count), scores=distribution.key, models=10)
    rng, _ = next(effort.iter_chunks(place))
    false = boards = 0
    with make_database([situation] * 10, rng) as db:
        for prompt in PROMPTS:
            arguments = ("--db", db, "--by", "target", "--prompt", prompt, "--format", "json")
            letters: dict[str, list[set[str]]] = {}
            for row in call(rank, *arguments)["rows"]:
                letters.setdefault(row["slice"], []).append(set(row["letters"]))
            boards += len(letters)
            false += sum(not set.intersection(*shared) for shared in letters.values())
    return Cell(place=place, hits=false, replicates=boards, most=FALSE_BETTER)


@contextmanager
def make_database(
    models: Sequence[Situation],
    rng: np.random.Generator,
    *,
    prompts: Sequence[str] = PROMPTS,
    alike: float = ALIKE,
) -> Iterator[Path]:
    """Yield a database of models on one layout; `alike` is how they correlate over clusters."""
    layout = models[0].layout
    scores: list[dict[str, Floats]] = [{} for _ in models]
    for prompt in prompts:
        common = draw_normals(layout, rng, 1)
        for model, by_prompt in zip(models, scores, strict=True):
            own = blend(common, draw_normals(layout, rng, 1), alike)
            by_prompt[prompt] = model.draw(own, rng)[:, 0]
    named = {f"model-{number}": by_prompt for number, by_prompt in enumerate(scores)}
    with TemporaryDirectory() as folder:
        yield write_database(Path(folder), layout, named)


def call(command: click.Command, *arguments: object) -> Json:
    """Return the document that a command prints."""
    result = CliRunner().invoke(command, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    document: Json = json.loads(result.stdout)
    return document
