"""What a program says of the model in it: the answer to the first message, checked."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.volumes import VOLUME_PROMPTS
from cosmos_board.models.candidate_checks import describe_raised
from cosmos_board.models.external.child_process import ChildError
from cosmos_board.models.external.worker_kit import PROTOCOL


class ProgramCard(BaseModel):
    """The `card` of a model behind `worker_kit.py`; all but the name may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9.]+(-[a-z0-9.]+)*$", max_length=60)
    prompts: tuple[str, ...] = ()
    volume_prompts: tuple[str, ...] = ()
    label: str | None = None
    family: str | None = None
    kind: Literal["promptable", "classical", "baseline"] = "promptable"
    clicks: bool = False
    mask_input: bool = False
    parameters: int | None = Field(default=None, ge=0)
    input_size_px: int | None = Field(default=None, ge=1)
    licence: str = "unknown"
    source: str = ""
    training_data: tuple[str, ...] | None = None
    base_model: str | None = None
    description: str = ""

    def describe(self) -> ModelCard:
        """Return the model's card."""
        facts = self.model_dump(exclude={"volume_prompts"})
        facts.update(label=self.label or self.name, family=self.family or self.name)
        return ModelCard(**facts)


def read_hello(answer: dict[str, Any]) -> ProgramCard:
    """Return the card in the answer to the first message.

    Raises:
        ChildError: If the model cannot be made, the program speaks another version, or a field of
            the card is wrong.
    """
    if error := answer.get("error"):
        reason = describe_raised(str(error.get("type")), str(error.get("text")))
        raise ChildError(f"the model fails when made: {reason}")
    if (version := answer.get("protocol")) != PROTOCOL:
        raise ChildError(
            f"the program speaks version {version} of the messages, ours is {PROTOCOL}: "
            "`cosmos-board models worker-kit` writes the worker_kit.py that fits"
        )
    try:
        card = ProgramCard.model_validate(answer.get("card"))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, ("card", *first["loc"])))
        raise ChildError(f"{field}: {first['msg']}") from error
    for field, known in (("prompts", PROMPTS), ("volume_prompts", VOLUME_PROMPTS)):
        for name in getattr(card, field):
            if name not in known:
                raise ChildError(f"card.{field}: unknown name {name!r}, want {', '.join(known)}")
    return card
