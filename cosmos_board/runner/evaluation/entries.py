"""One model on one pack, before it is run: named, described, and refused where it changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_board.core.errors import StaleRunError
from cosmos_board.core.run_record import RunEntry, RunRecord
from cosmos_board.data.pack import Pack
from cosmos_board.models.factories import find_code
from cosmos_board.runner.record.shards import cut_shards
from cosmos_board.runner.settings import Entry, SegmenterSpec

if TYPE_CHECKING:
    from cosmos_board.runner.evaluation.evaluators import Evaluator


def make_entry(spec: SegmenterSpec, evaluator: Evaluator, pack: Pack) -> Entry:
    """Return the entry of a model on a pack, with the hashes of all that decides its scores."""
    return Entry(
        spec=spec,
        pack=pack.path,
        model=evaluator.card.name,
        dataset=pack.info.name,
        checkpoint_sha256=hash_weights(spec),
        pack_sha256=pack.info.content_sha256,
        prompts_sha256=pack.info.prompts_sha256,
        code_sha256=hash_code(spec),
    )


def refuse_another(out: Path, entry: Entry, record: RunRecord) -> None:
    """Refuse a model that was evaluated here before in another state: its rows would be mixed up.

    Raises:
        StaleRunError: If the folder holds rows of the model on this dataset that are not of this
            run.
    """
    for known in record.entries.values():
        if (known.model.name, known.dataset.name) == (entry.model, entry.dataset):
            text = f"was evaluated here on {entry.dataset} with other code, weights or data"
            raise StaleRunError(out, entry.model, text, want="another --out")


def describe_entry(entry: Entry, evaluator: Evaluator, pack: Pack, images: int) -> RunEntry:
    """Return what run.json says of an entry: model, dataset and how much of it is run."""
    return RunEntry(
        model=evaluator.card,
        dataset=pack.info.card,
        images=images,
        of_images=pack.info.counts.images,
        shards=len(list(cut_shards("", images))),
        checkpoint_sha256=entry.checkpoint_sha256,
        device=entry.spec.device,
    )


def hash_code(spec: SegmenterSpec) -> str | None:
    """Return the sha256 of the user's own code, where the model is a class in a file.

    What the file has imported from beside it counts too.
    """
    path, colon, _ = spec.name.rpartition(":")
    if not colon or not path.endswith(".py"):
        return None
    digest = hashlib.sha256()
    for file in find_code(Path(path)):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def hash_weights(spec: SegmenterSpec) -> str | None:
    """Return the sha256 of the weights, where the model has a file of them."""
    from cosmos_board.models.registry import locate_weights
    from cosmos_board.models.weights.weights_file import hash_weights

    path = locate_weights(spec.name, spec.checkpoint)
    return None if path is None else hash_weights(path)
