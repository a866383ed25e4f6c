"""Published models that a board should hold, whether or not we can load them by name yet.

Where a fact was not published, or not found by us, it is None and shown as unknown. Facts stand in
`known_models.toml`; reading them needs no torch.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmos_board.core.cards import ModelCard

POINTS_AND_BOXES = ("point", "points-5", "points-5-5", "box", "box-point")
ALL_PROMPTS = ("everything", *POINTS_AND_BOXES)

_PROMPT_SETS = {"all": ALL_PROMPTS, "points and boxes": POINTS_AND_BOXES}
"""Words of the file for several prompts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """One published model and what is known of its weights."""

    card: ModelCard

    volume_prompts: tuple[str, ...] = ()
    """Prompts of the volume track that it answers as a whole: not slice by slice as any image."""

    loader: str | None = None
    """What makes it, as `module:attribute`, where it is built in: loaded by its name."""

    checkpoint: str | None = None
    """Address of the weights; None where there are none."""

    sha256: str | None = None
    """Of the weights, in hex; None where nobody published it."""

    preprocessing: str
    """What becomes of an image before the network sees it."""

    address: str | None = None
    """Where else `load_segmenter` finds it, such as `hf:OWNER/NAME`."""

    how: str | None = None
    """What to give where no one name does, with FILE for what the user has to bring."""

    @property
    def loads_as(self) -> str | None:
        """What to give as `--model`; None where a class around the model's own code is needed."""
        return self.card.name if self.loader else self.address


def _parse_model(name: str, facts: dict[str, Any]) -> KnownModel:
    of_model = {key: facts.pop(key) for key in KnownModel.__slots__ if key in facts}
    of_model["volume_prompts"] = tuple(of_model.pop("volume_prompts", ()))
    prompts, training_data = facts.pop("prompts"), facts.pop("training_data", None)
    card = ModelCard(
        name=name,
        kind=facts.pop("kind", "promptable"),
        prompts=_PROMPT_SETS.get(str(prompts)) or tuple(prompts),
        training_data=None if training_data is None else tuple(training_data),
        **facts,
    )
    return KnownModel(card=card, **of_model)


_TEXT = Path(__file__).with_name("known_models.toml").read_text(encoding="utf-8")
KNOWN: dict[str, KnownModel] = {
    name: _parse_model(name, facts) for name, facts in tomllib.loads(_TEXT).items()
}
"""Every known model by name, those that are built in first."""

CARDS: dict[str, ModelCard] = {name: known.card for name, known in KNOWN.items() if known.loader}
"""Every built-in card by name."""
