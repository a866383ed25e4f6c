"""What a run is asked to do, and the names that follow from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from cosmos_board import __version__
from cosmos_board.core.prompts import PROTOCOL
from cosmos_board.core.run_record import RunSettings as RunSettings

if TYPE_CHECKING:
    from cosmos_board.models.external.own_models import Declaration

Place: TypeAlias = Literal["host", "device"]
"""Where something is done: in the memory of this process, or on the device of a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmenterSpec:
    """How to make a segmenter, in this process or another."""

    name: str
    """A registered name, `file.py:Class`, a file of weights, or `observer:NAME`."""

    checkpoint: Path | None = None
    device: str = "cpu"
    """Such as `cuda:1+bf16`; see `models.devices`."""

    declared: Declaration | None = None
    """What its owner says of it: a name of its own, among others."""

    embeddings: Path | None = None
    """Folder where embeddings are kept and looked for; None drops them."""

    graded_on: Place | None = None
    """Where its candidates are scored; None: on the device, where that is no CPU and the segmenter
    can leave masks there. Rows do not depend on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model on one pack: what the board database calls a run."""

    spec: SegmenterSpec
    pack: Path
    model: str
    """Name of the model on the board."""

    dataset: str
    checkpoint_sha256: str | None
    pack_sha256: str
    prompts_sha256: str
    code_sha256: str | None = None
    """Of the user's own file, where the model is a class in one."""

    def run_id(self, settings: RunSettings) -> str:
        """Return 16 hexadecimal digits that depend on all that decides the scores."""
        facts: dict[str, object] = {
            "protocol": PROTOCOL,
            "version": __version__,
            "model": self.model,
            "checkpoint": self.checkpoint_sha256,
            "dataset": self.dataset,
            "pack": self.pack_sha256,
            "prompts": self.prompts_sha256,
            "settings": {**asdict(settings), "save_masks": None},
        }
        if self.code_sha256:
            facts["code"] = self.code_sha256
        if options := self.spec.device.partition("+")[2]:
            facts["device"] = options  # precision changes masks; which device it is must not
        text = json.dumps(facts, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
