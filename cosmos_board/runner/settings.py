"""What a run is asked to do, and what every process of it needs to know."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from cosmos_board.core.hashes import hash_file
from cosmos_board.core.run_record import RunSettings
from cosmos_board.models.devices import place

if TYPE_CHECKING:
    from cosmos_board.models.own_models import Declaration

MemoryKind: TypeAlias = Literal["host", "device"]
"""The memory of this process, or that of the device of a model."""

HANG_S = 1800.0
"""Long enough for everything mode of a large model on a slow processor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmenterSpec:
    """How to make a segmenter, in this process or another."""

    name: str
    """A registered name, `file.py:Class`, a file of weights, `exec:` and a command, or
    `observer:NAME`."""

    checkpoint: Path | None = None
    device: str = "cpu"
    """Such as `cuda:1+bf16`; see `models.devices`."""

    declared: Declaration | None = None
    """What its owner says of it: a name of its own, among others."""

    embedding_cache: Path | None = None
    """Folder where embeddings are kept and looked for; None drops them."""

    score_on: MemoryKind | None = None
    """Where its candidates are scored; None: on the device, where that is no CPU and the segmenter
    can leave masks there. Rows do not depend on it."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the name and a device is asked for."""
        return (self.checkpoint, self.embedding_cache, self.declared) == (None, None, None)

    def hash_code(self) -> str | None:
        """Return the sha256 of the user's own code: a class in a file, or a program's arguments.

        What the file of a class has imported from beside it counts too, and so does what is in the
        files that a program is given.
        """
        from cosmos_board.models.factories import find_code

        prefix, _, address = self.name.partition(":")
        if prefix == "exec":
            return _hash_arguments(address)
        path, colon, _ = self.name.rpartition(":")
        if not colon or not path.endswith(".py"):
            return None
        digest = hashlib.sha256()
        for file in find_code(Path(path)):
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def hash_weights(self) -> str | None:
        """Return the sha256 of the weights, where the model has a file of them."""
        from cosmos_board.models.registry import locate_weights
        from cosmos_board.models.weights.weights_file import hash_weights

        path = locate_weights(self.name, self.checkpoint)
        return None if path is None else hash_weights(path)


def _hash_arguments(address: str) -> str:
    from cosmos_board.models.external.exec_model import find_arguments

    given = (
        hash_file(word) if isinstance(word, Path) else word for word in find_arguments(address)
    )
    return hashlib.sha256("\n".join(given).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What every worker needs to know."""

    spec: SegmenterSpec
    packs: tuple[Path, ...]
    settings: RunSettings
    out: Path
    """The run folder."""

    hang_s: float = HANG_S
    """Seconds without a finished batch after which a worker process is taken for dead."""

    remote: str | None = None
    """Where workers upload what they finish; see `RemoteStore`."""

    watches_device: bool = False
    """Whether each worker checks that its device gives the same masks all the time."""

    def on_device_of(self, number: int) -> WorkerSettings:
        """Return the settings of worker `number` (0, 1 …); workers take the GPUs in turn."""
        device = place(self.spec.device, number)
        return replace(self, spec=replace(self.spec, device=device))


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """How a run reports to whoever started it, and is told to stop."""

    on_total: Callable[[int], None] = lambda images: None
    on_model: Callable[[str], None] = lambda model: None
    on_image: Callable[[int], None] = lambda references: None
    """Called with the number of references of an image, 0 for those done before or not read."""

    stop: Callable[[], bool] = lambda: False
    """Asked before each batch of prompts; a stop abandons the shard in hand, which is redone on
    resume, and finishes those before it."""
