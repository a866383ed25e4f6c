"""What fine-tuning gains, by cross-validation over clusters.

    python benchmarks/finetune_cv.py PACK --model cosmos-tiny --method decoder --folds 5

Every cluster is tested once, by a model that learnt from the clusters of the other folds (one in
five of which chose the epoch). The gain is the paired difference of cluster means, box prompt,
predicted selection, over all unseen clusters.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

from cosmos_board.models.cpu_tuning import tune_cpu
from cosmos_board.training.clusters import fold_splits
from cosmos_board.training.finetune import load_tunable
from cosmos_board.training.gain import DiceRow, compare_rows, format_gains, score_images
from cosmos_board.training.tuning import tune
from cosmos_board.training.tuning_data import read_tuning_images
from cosmos_board.training.tuning_plan import TuningPlan


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
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    tune_cpu(1)
    images, names = read_tuning_images([given.pack])
    if given.modality:
        images = [image for image in images if image.modality == given.modality]
    plan = TuningPlan(method=given.method, epochs=given.epochs, learning_rate=given.learning_rate)
    prompts = given.prompt or ["box"]
    before: list[DiceRow] = []
    after: list[DiceRow] = []
    fits: list[dict[str, float]] = []
    for split in fold_splits((image.cluster for image in images), given.folds):
        began = time.monotonic()
        segmenter = load_tunable(given.model)
        test = [image for image in images if image.cluster in split.test]
        before += score_images(segmenter, test, prompts)
        result = tune(
            segmenter,
            [image for image in images if image.cluster in split.train],
            [image for image in images if image.cluster in split.validation],
            plan,
        )
        after += score_images(segmenter, test, prompts)
        fits.append({"seconds": round(time.monotonic() - began, 1), "epoch": result.epoch})
        print(f"fold {len(fits)}: {fits[-1]}", flush=True)
    gains = compare_rows(before, after)
    print(f"{', '.join(names)}: {given.model}, {given.method}, fits {fits}")
    print(format_gains(gains))
    if given.out:
        rows = [{**asdict(gain), "difference": gain.difference} for gain in gains]
        given.out.write_text(json.dumps({"fits": fits, "gains": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
