"""The files of one image and its masks: what one worker reads in one go."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from cosmos_board.core.errors import describe_unreadable
from cosmos_board.data.archives.extract import extract_members
from cosmos_board.data.archives.members import Member
from cosmos_board.data.imports.spec.models import ImageSpec, MaskSpec
from cosmos_board.data.scratch import make_scratch


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
    members: Mapping[str, Member] = field(default_factory=dict)
    """Those of its files that lie in archives, with what lies beside them and is needed."""

    taken_out: Mapping[str, str] = field(default_factory=dict)
    """Where some of them were unpacked by the plan."""

    scratch: str = ""
    """Folder below which the others are unpacked while the image is read."""

    def locate(self, path: str) -> Path:
        """Return where one of its files can be opened."""
        if path in self.taken_out:
            return Path(self.taken_out[path])
        return Path(self.scratch if path in self.members else self.root, path)

    @contextmanager
    def unpack(self) -> Iterator[ImageJob]:
        """Give the same job with its files unpacked, for as long as the context lasts.

        Raises:
            InputError: If an archive is damaged.
        """
        wanted = {path: member for path, member in self.members.items()
                  if path not in self.taken_out}  # fmt: skip
        if not wanted:
            yield self
            return
        with make_scratch() as folder:
            extract_members(wanted, Path(folder))
            yield replace(self, scratch=folder)

    def name_places(self, text: str) -> str:
        """Return a message with paths below the source folder, wherever the files lay."""
        for path, place in self.taken_out.items():
            text = text.replace(place, path)
        for folder in filter(None, (self.root, self.scratch)):
            text = text.replace(f"{folder}/", "")
        return text

    def measure_bytes(self, path: str) -> int:
        """Return the size of one of its files; OSError if it is gone."""
        member = self.members.get(path)
        return os.stat(f"{self.root}/{path}").st_size if member is None else member.size_bytes

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
        for path in (*self.every_path, *sorted(self.members.keys() - {*self.every_path})):
            member = self.members.get(path)
            places = (f"{self.root}/{path}",) if member is None else member.archive
            try:
                every = [os.stat(place) for place in places]
            except OSError as error:
                raise describe_unreadable(path, error) from error
            for facts in every:
                digest.update(repr((path, facts.st_size, facts.st_mtime_ns)).encode())
            if member is not None:
                digest.update(repr((member.name, member.size_bytes, member.check)).encode())
        return digest.hexdigest()
