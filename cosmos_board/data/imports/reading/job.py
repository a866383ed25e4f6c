"""The files of one image and its masks: what one worker reads in one go."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.spec.models import ImageSpec, MaskSpec


@dataclass(frozen=True, slots=True)
class MaskFiles:
    """The files of one entry of masks that share a name."""

    spec: MaskSpec
    paths: tuple[str, ...]
    """Below the source folder; several where they are the slices of one volume."""

    name: str = ""
    """What the file is called among the names of its entry."""


@dataclass(frozen=True, slots=True)
class ImageJob:
    """One picture or volume with the files of its masks."""

    root: str
    spec: ImageSpec
    paths: tuple[str, ...]
    """Below the source folder; several where they are the slices of one volume."""

    parts: Mapping[str, str] = field(default_factory=dict)
    """What its paths, or its row of a table, name, by field of the pattern."""

    modality: str = ""
    cluster_key: str = ""
    masks: tuple[MaskFiles, ...] = ()

    def locate(self, path: str) -> Path:
        """Return where one of its files can be opened."""
        return Path(self.root, path)

    @property
    def origin(self) -> str:
        """What a person calls it: its path, or the folder of its slices."""
        if len(self.paths) == 1:
            return self.paths[0]
        return f"{self.paths[0].rpartition('/')[0] or '.'} ({len(self.paths)} files)"

    @property
    def every_path(self) -> tuple[str, ...]:
        """Every file it reads, each once, sorted."""
        return tuple(sorted({*self.paths, *(path for mask in self.masks for path in mask.paths)}))

    def key(self, specification: str) -> str:
        """Return a hash that changes when a file or its import specification does.

        `specification` is its entry of the import file as text.

        Raises:
            InputError: If a file is gone.
        """
        digest = hashlib.sha256(repr((specification, self.modality, self.cluster_key)).encode())
        for mask in self.masks:
            digest.update(repr((mask.name, mask.paths)).encode())
        for path in self.every_path:
            try:
                facts = os.stat(f"{self.root}/{path}")
            except OSError as error:
                raise InputError(path, "", f"cannot be read: {error.strerror}") from error
            digest.update(repr((path, facts.st_size, facts.st_mtime_ns)).encode())
        return digest.hexdigest()
