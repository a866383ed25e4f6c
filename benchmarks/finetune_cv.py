"""What fine-tuning gains, by cross-validation over clusters.

    python benchmarks/finetune_cv.py PACK --model cosmos-tiny --method decoder --folds 5

Every cluster is tested once, by a model trained on the clusters of the other folds (one in five of
which validates). The gain is the paired difference of cluster means, box prompt, predicted
selection, over all unseen clusters.

With `--by-heart` one model is trained on all images, without augmentation, and tested on the same:
an upper bound.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeAlias

from cosmos_board.core.errors import InputError
from cosmos_board.models.devices import tune_cpu
from cosmos_board.training.finetune.data import (
    VALIDATION_SHARE,
    Split,
    TuningImage,
    read_tuning_images,
    select_images,
    shuffle_clusters,
)
from cosmos_board.training.finetune.finetune import load_tunable
from cosmos_board.training.finetune.plan import TuningPlan
from cosmos_board.training.finetune.provenance import TuningBase
from cosmos_board.training.finetune.tune import tune
from cosmos_board.training.finetune.validation import (
    DiceRow,
    compare_rows,
    format_gains,
    score_images,
)

Images: TypeAlias = list[TuningImage]


def fold_splits(clusters: Iterable[str], folds: int, *, seed: int = 0) -> list[Split]:
    """Return one split per fold, so that every cluster is tested exactly once.

    Within a fold one in five of the other clusters (at least one) validates.

    Raises:
        InputError: If there are fewer clusters than folds, or fewer than three.
    """
    order = shuffle_clusters(clusters, seed)
    if len(order) < max(3, folds):
        raise InputError(
            "pack", "clusters", "are too few to cross-validate", got=len(order), want=max(3, folds)
        )
    splits = []
    for fold in range(folds):
        test = order[fold::folds]
        others = [cluster for cluster in order if cluster not in set(test)]
        count = max(1, round(len(others) * VALIDATION_SHARE))
        start = (fold * count) % len(others)
        turned = others[start:] + others[:start]
        splits.append(Split(frozenset(turned[count:]), frozenset(turned[:count]), frozenset(test)))
    return splits


def iter_folds(images: Images, folds: int) -> Iterator[tuple[Images, Images, Images]]:
    """Yield training, validation and test images, fold by fold."""
    for split in fold_splits((image.cluster for image in images), folds):
        yield (
            select_images(images, split.train),
            select_images(images, split.validation),
            select_images(images, split.test),
        )


def iter_same_images(images: Images) -> Iterator[tuple[Images, Images, Images]]:
    """Yield the same images three times; those that validate have other cluster names."""
    named = [replace(image, cluster=f"{image.cluster} again") for image in images]
    yield images, named, images


def main() -> None:
    """Cross-validate and print the before/after table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--model", default="cosmos-tiny")
    parser.add_argument("--method", default="decoder", choices=["decoder", "lora"])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--prompt", action="append")
    parser.add_argument("--modality", help="Leave images of other modalities aside.")
    parser.add_argument("--by-heart", action="store_true", help="Learn from what is tested.")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    tune_cpu(1)
    images, packs = read_tuning_images([given.pack])
    if given.modality:
        images = [image for image in images if image.modality == given.modality]
    plan = TuningPlan(
        method=given.method,
        epochs=given.epochs,
        learning_rate=given.learning_rate,
        augmentations=1 if given.by_heart else None,
    )
    prompts = given.prompt or ["box"]
    before: list[DiceRow] = []
    after: list[DiceRow] = []
    fits: list[dict[str, float]] = []
    parts = iter_same_images(images) if given.by_heart else iter_folds(images, given.folds)
    for train, validation, test in parts:
        began = time.monotonic()
        segmenter = load_tunable(TuningBase(given.model))
        before += score_images(segmenter, test, prompts)
        result = tune(segmenter, train, validation, plan)
        after += score_images(segmenter, test, prompts)
        fits.append({"seconds": round(time.monotonic() - began, 1), "kept": result.kept})
        print(f"fold {len(fits)}: {fits[-1]}", flush=True)
    gains = compare_rows(before, after)
    print(f"{', '.join(pack.name for pack in packs)}: {given.model}, {given.method}, fits {fits}")
    print(format_gains(gains))
    if given.out:
        rows = [{**asdict(gain), "difference": gain.difference} for gain in gains]
        given.out.write_text(json.dumps({"fits": fits, "gains": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
