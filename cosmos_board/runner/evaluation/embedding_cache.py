"""Embeddings that are kept on disk between runs, where the user asks for it.

By default an embedding is dropped once its prompts are answered: those of SAM take 4 MB an image.
For a second study with a large encoder, reading them back is cheaper than computing them again.
"""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

from cosmos_board import __version__
from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.core.hashes import hash_facts
from cosmos_board.core.masks import Pixels
from cosmos_board.models.devices import drop_index
from cosmos_board.models.segmenter import Embedding, KeepsEmbeddings, Segmenter
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.files import write_bytes

_DIGEST_BYTES = 32


class EmbeddingCache:
    """The kept embeddings of one model: each under the hash of its image.

    What decides an embedding beside the image (weights, code, versions, device, precision) names
    the folder, so that none is ever taken for another.

    Args:
        root: Folder of the caches of all models.
        spec: What `segmenter` was made of.
        segmenter: Whose embeddings these are.

    Raises:
        InputError: If the segmenter cannot write its embeddings down.
    """

    def __init__(self, root: Path, spec: SegmenterSpec, segmenter: Segmenter) -> None:
        if not isinstance(segmenter, KeepsEmbeddings):
            raise InputError(
                "--embedding-cache",
                segmenter.card.name,
                "has none that can be kept",
                want="a model of SAM's own architecture",
            )
        self._segmenter = segmenter
        self._folder = root / _name_folder(spec)

    def find(self, pixels: Pixels) -> Embedding | None:
        """Return the embedding of an image as it was computed, or None where it is not kept."""
        try:
            content = self._locate(pixels).read_bytes()
        except OSError:
            return None
        digest, content = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if hashlib.sha256(content).digest() != digest:
            return None  # damaged: the caller computes it again and overwrites the file
        height, width = pixels.shape[:2]
        return self._segmenter.read_embedding(height, width, content)

    def keep(self, pixels: Pixels, embedding: Embedding) -> None:
        """Write down the embedding of an image, whole or not at all.

        Raises:
            StorageError: If the disk fails.
        """
        path = self._locate(pixels)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise describe_os_error(path.parent, "write", error) from error
        content = self._segmenter.write_embedding(embedding)
        write_bytes(path, hashlib.sha256(content).digest() + content)

    def _locate(self, pixels: Pixels) -> Path:
        digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
        digest.update(pixels.tobytes())
        name = digest.hexdigest()
        return self._folder / name[:2] / f"{name}.embedding"


def _name_folder(spec: SegmenterSpec) -> str:
    return hash_facts(
        {
            "version": __version__,
            "torch": metadata.version("torch"),
            "model": spec.name,
            "checkpoint": spec.hash_weights(),
            "code": spec.hash_code(),
            "device": drop_index(spec.device),
        }
    )
