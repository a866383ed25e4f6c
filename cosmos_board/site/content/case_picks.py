"""Picks example references of a target: the lowest, the median, the highest, the most disputed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cosmos_board.store.queries.connection import Connection
from cosmos_board.store.queries.targets import read_reference_scores

PROMPT = "box"
KINDS = ("lowest", "median", "highest", "disputed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One example reference of a target."""

    target: str
    dataset: str
    kind: str
    reference_id: str
    image_id: str
    dice: Mapping[str, float]
    """By model, chosen by predicted IoU."""

    judged: tuple[float, ...]
    """The Dice that it was picked by: of promptable models, where there are any."""


def pick_cases(connection: Connection) -> list[Pick]:
    """Return per target the lowest, median, highest reference by mean Dice, and the most disputed.

    The mean is over promptable models where there are any, else over all. A target that has real
    references stands for these alone.
    """
    rows = read_reference_scores(connection, PROMPT)
    learned = any(row.kind == "promptable" for row in rows)
    dice: dict[tuple[str, str, str, str], dict[str, float]] = {}
    judged: dict[tuple[str, str, str, str], list[float]] = {}
    for row in rows:
        key = (row.target, row.dataset, row.reference_id, row.image_id)
        dice.setdefault(key, {})[row.model] = row.dice
        if not learned or row.kind == "promptable":
            judged.setdefault(key, []).append(row.dice)
    return [
        pick
        for target in sorted({key[0] for key in judged})
        for pick in _pick([key for key in judged if key[0] == target], judged, dice)
    ]


def _pick(
    keys: list[tuple[str, str, str, str]],
    judged: Mapping[tuple[str, str, str, str], list[float]],
    dice: Mapping[tuple[str, str, str, str], dict[str, float]],
) -> Iterator[Pick]:
    ranked = sorted(keys, key=lambda key: (sum(judged[key]) / len(judged[key]), key[2]))
    place = {key: position for position, key in enumerate(ranked)}
    alone = max(len(judged[key]) for key in keys) < 2  # a disagreement needs two models
    argued = {key: list(dice[key].values()) if alone else judged[key] for key in keys}
    spread = sorted(keys, key=lambda key: (min(argued[key]) - max(argued[key]), key[2]))
    wanted = {
        "lowest": ranked,
        "highest": ranked[::-1],
        "median": sorted(ranked, key=lambda key: abs(2 * place[key] - len(ranked) + 1)),
        "disputed": spread,
    }
    chosen: set[tuple[str, str, str, str]] = set()
    for kind, order in wanted.items():
        key = next((key for key in order if key not in chosen), None)
        if key is None:
            return
        chosen.add(key)
        target, dataset, reference, image = key
        yield Pick(
            target=target,
            dataset=dataset,
            kind=kind,
            reference_id=reference,
            image_id=image,
            dice=dice[key],
            judged=tuple((argued if kind == "disputed" else judged)[key]),
        )
