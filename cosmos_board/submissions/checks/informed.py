"""Candidates and estimates that seem to be made with the references: a person looks first.

References are public. Whoever has them can draw several masks for each prompt and give the best one
the highest predicted IoU, or write the true IoU as the predicted one. Neither makes a mask perfect,
so scores alone do not show it. Who leaves errors in on purpose is not found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from cosmos_board.core.arrays import Floats
from cosmos_board.core.scores import Counts
from cosmos_board.submissions.problems import Problem

GAP_LIMIT = 0.001
"""Mean Dice that the oracle gains over the chosen candidates, up to which a choice is looked at."""

BEST_LIMIT = 0.9
"""It is held where the best candidate is chosen in this share of the answers or more.

A small gain alone will not do: with a box, the candidates of an honest model are nearly alike. Of
the project's own model with three candidates (cosmos-tiny on the four demo packs, 575 answers) the
oracle gains 0.018, but 0.0013 with a box and 0.0002 to 0.156 by pack and prompt. It chooses the
best in 44 %; in at most 83 % by pack and prompt, and in 13 to 33 % where the gain is at most 0.001.
"""

CORRELATION_LIMIT = 0.98
"""Rank correlation of predicted with true IoU, over all candidates, from which on it is held: any
rising function of the true IoU has 1. The project's own model reaches 0.84, and 0.955 in a pack
under one prompt."""

DIFFERENCE_LIMIT = 0.01
"""Mean absolute difference of the two up to which it is held. The own model's is 0.095, and 0.039
in a pack under one prompt."""

FEWEST_ANSWERS = 20
"""Under these neither says anything; candidates of one Dice leave no choice and do not count."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """All candidates for one reference and prompt; arrays have one entry per candidate."""

    pack: str
    prompt: str
    chosen: int
    """Which one the model prefers."""

    dice: Floats
    iou: Floats
    estimates: Floats
    """Predicted IoU; NaN where there is none."""


def make_answer(
    pack: str, prompt: str, chosen: int, counts: Sequence[Counts], estimates: Iterable[float | None]
) -> Answer:
    """Return an answer of which the candidates were counted."""
    known = [np.nan if value is None else value for value in estimates]
    wrong = [max(one.tp + one.fp + one.fn, 1) for one in counts]
    iou = [one.tp / pixels for one, pixels in zip(counts, wrong, strict=True)]
    dice = [one.dice for one in counts]
    return Answer(pack, prompt, chosen, np.array(dice), np.array(iou), np.array(known, np.float64))


def find_informed(answers: Iterable[Answer], where: str) -> Iterator[Problem]:
    """Yield each kind of foreknowledge once, at the first group of answers that shows it.

    Groups are all answers, those under each prompt, and those under each prompt in each pack.

    Args:
        answers: All that were counted; `everything` has no candidates to choose from.
        where: Path of the file, for messages.
    """
    groups: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        for name in ("", answer.prompt, f"{answer.pack}, {answer.prompt}"):
            groups[name].append(answer)
    for rule in (_judge_choice, _judge_estimates):
        for name in sorted(groups, key=lambda name: (name.count(","), name)):
            if text := rule(groups[name]):
                of = f"{name}: " if name else ""
                yield Problem(where, "rows", f"{of}{text}; held for review", "held")
                break


def _judge_choice(answers: Sequence[Answer]) -> str:
    """Return what is wrong with how candidates are chosen; empty where nothing is."""
    several = [answer for answer in answers if np.ptp(answer.dice) > 0]
    if len(several) < FEWEST_ANSWERS:
        return ""
    lost = np.array([answer.dice.max() - answer.dice[answer.chosen] for answer in several])
    gain, share = float(lost.mean()), float(np.mean(lost == 0))
    if gain > GAP_LIMIT or share < BEST_LIMIT:
        return ""
    best = f"{100 * share:.0f} % of the chosen candidates are the best"
    return f"{best}, the oracle gains {gain:.4f} Dice"


def _judge_estimates(answers: Sequence[Answer]) -> str:
    """Return what is wrong with the predicted IoU; empty where nothing is."""
    if len(answers) < FEWEST_ANSWERS:
        return ""
    true = np.concatenate([answer.iou for answer in answers])
    estimates = np.concatenate([answer.estimates for answer in answers])
    said = np.isfinite(estimates) & (true > 0)  # nothing drawn is easily estimated as nothing
    true, estimates = true[said], estimates[said]
    if len(true) < FEWEST_ANSWERS or np.ptp(true) == 0 or np.ptp(estimates) == 0:
        return ""
    correlation = float(stats.spearmanr(true, estimates).statistic)
    difference = float(np.mean(np.abs(true - estimates)))
    if correlation < CORRELATION_LIMIT and difference > DIFFERENCE_LIMIT:
        return ""
    figures = f"rank correlation {correlation:.3f}, mean difference {difference:.4f}"
    return f"predicted IoU follows the true one ({figures})"
