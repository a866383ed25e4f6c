"""Distinguishes the published weights of a model from other weights under the same name.

A published name stands for published weights on every board: any others need a name of their own,
and are shown with what their owner declares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import UsageError
from cosmos_board.models.cards import CARDS, KNOWN
from cosmos_board.models.registry import (
    WITHOUT_WEIGHTS,
    list_cards,
    locate_weights,
    resolve_name,
)
from cosmos_board.models.weights.checkpoints import BY_HAND, CHECKPOINTS
from cosmos_board.models.weights.weights_file import hash_weights, names_itself

OWN_SOURCE = "own weights"
"""Source on the card of weights whose owner gave none."""

Standing: TypeAlias = Literal["published", "unverified", "foreign", "own"]
"""`published`: the weights are those that the name stands for. `unverified`: they may be, but
nobody published a hash. `foreign`: they are others. `own`: the name is no published one."""

_NAME = re.compile(r"[a-z0-9.]+(-[a-z0-9.]+)*")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a user says of a model of their own."""

    name: str
    label: str | None = None
    trained_on: tuple[str, ...] | None = None
    """Datasets that it saw; empty where it saw none that a board holds, None where unknown."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > _LONGEST_NAME:
            raise UsageError(
                "--name",
                "",
                "is no name",
                got=repr(self.name),
                want=f"a-z, 0-9, dots and single hyphens, at most {_LONGEST_NAME}",
            )
        if self.name in {*KNOWN, *(card.name for card in list_cards())}:
            raise UsageError(
                "--name", "", "is the name of a known model", got=self.name, want="another name"
            )


def describe_model(
    card: ModelCard, model: str, checkpoint: Path | None, declared: Declaration | None
) -> ModelCard:
    """Return the card under which a loaded model goes on the board, from the segmenter's own.

    `model` and `checkpoint` are as the user gave them, `declared` comes from `--name` and its kin.

    Raises:
        UsageError: If other weights than the published ones have no name of their own, or the
            published ones are given another.
    """
    standing = find_standing(card, model, checkpoint)
    if declared is not None:
        if standing == "published":
            raise UsageError(
                "--name", declared.name, f"is not for the published {card.name}", want="no --name"
            )
        return _declare(card, standing, declared)
    if standing == "foreign":
        raise UsageError(
            model if checkpoint is None else checkpoint,
            "",
            f"is not the published {card.name}, so that it needs a name of its own",
            want="--name NAME, with --label LABEL and --trained-on DATASET (or none) where known",
        )
    if standing == "unverified":
        return replace(
            card,
            label=f"{card.label} (weights not verified)",
            description=f"{card.description} Nobody published a hash of its weights: whether "
            "these are the published ones is not known.",
        )
    return card


def find_standing(card: ModelCard, model: str, checkpoint: Path | None) -> Standing:
    """Return whether the weights of a loaded model are those that its name stands for."""
    source = resolve_name(model)
    prefix, _, address = source.partition(":")
    if prefix == "hf" and checkpoint is not None and not names_itself(checkpoint):
        return _compare_hash(card.name, checkpoint)  # not those of the repository
    known = KNOWN.get(card.name)
    if card.name not in CARDS and (known is None or known.loads_as is None):
        return "own"  # not weights that we load: a class may wrap any model
    if source == card.name and (checkpoint is None or source in WITHOUT_WEIGHTS):
        return "published"  # what was fetched is checked against its hash when it is found
    if prefix == "hf" and checkpoint is None:
        return "unverified" if Path(address).is_dir() else "published"
    weights = locate_weights(model, checkpoint)
    if weights is None or ":" in source:
        return "foreign"
    return _compare_hash(card.name, weights)


def _compare_hash(name: str, weights: Path) -> Standing:
    if name in BY_HAND:
        return "unverified"
    return "published" if hash_weights(weights) == get_published_hash(name) else "foreign"


def get_published_hash(name: str) -> str | None:
    """Return the sha256 of the weights that a name stands for; None where nobody published it."""
    if name in CHECKPOINTS:
        return CHECKPOINTS[name].sha256
    packaged = locate_weights(name) if name in CARDS else None
    return hash_weights(packaged) if packaged is not None else None


def _declare(card: ModelCard, standing: Standing, declared: Declaration) -> ModelCard:
    known = card.training_data if standing == "own" else None
    if declared.trained_on is not None:
        seen = dict.fromkeys([*declared.trained_on, *(card.training_data or ())])
        known = tuple(seen)
    named = replace(
        card, name=declared.name, label=declared.label or declared.name, training_data=known
    )
    if standing == "own":
        return named
    return replace(
        named,
        base_model=card.name if card.kind == "promptable" else None,
        licence="unknown",
        source=OWN_SOURCE,
        description=f"Weights of its owner in the architecture of {card.label}.",
    )


def read_trained_on(given: Iterable[str], known: Iterable[str]) -> tuple[str, ...] | None:
    """Return the datasets that `--trained-on` names; None where it was not given.

    A dataset that is in no list is kept: it may be private.

    Args:
        given: As the user wrote them; `none` alone says that no dataset of a board was seen.
        known: Names of datasets, to tell a slip from a dataset that nobody else knows.

    Raises:
        UsageError: If `none` stands beside a name, or a name is another spelling of a known one.

    Example:
        >>> read_trained_on(["none"], []), read_trained_on([], [])
        ((), None)
    """
    names = tuple(dict.fromkeys(given))
    if "none" in names:
        if len(names) > 1:
            raise UsageError("--trained-on", "", "is none and some", got=" and ".join(names))
        return ()
    spellings = {_plain(name): name for name in known}
    for name in names:
        meant = spellings.get(_plain(name), name)
        if meant != name:
            raise UsageError("--trained-on", "", "is no dataset", got=name, want=meant)
    return names or None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
