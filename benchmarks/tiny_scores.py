"""Macro Dice of segmenters over the targets of packs, as the protocol counts it.

    python benchmarks/tiny_scores.py PACKS… --model cosmos-tiny --model box-prior --out scores.json

A target's score is the mean over clusters of the mean over a cluster's references; the macro score
is the mean over targets. References are thinned evenly to at most `--cap` a target and pack, the
same for all models. `PACKS` are folders of packs, or folders that hold them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from cosmos_board.core.masks import Mask
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.targets import Target
from cosmos_board.data.pack import PackItem, open_pack
from cosmos_board.metrics.overlap import count_overlap
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.segmenter import Segmenter

PROMPTS = ("point", "points-5", "points-5-5", "box", "box-point")

Scores = dict[str, dict[tuple[str, str], list[tuple[float, float]]]]
"""By prompt, then (target, cluster): Dice of the predicted and of the oracle selection."""


def find_packs(paths: Sequence[Path]) -> list[Path]:
    """Return the packs among `paths` and in them, by name."""
    packs = [
        pack
        for path in paths
        for pack in ([path] if (path / "pack.json").exists() else sorted(path.iterdir()))
        if (pack / "pack.json").exists()
    ]
    return sorted(packs, key=lambda path: path.name)


def choose_references(pack: Path, cap: int) -> frozenset[str]:
    """Return at most `cap` reference ids for each object, even over the pack."""
    by_object: dict[str, list[str]] = defaultdict(list)
    for row in open_pack(pack).iter_reference_rows():
        by_object[row["object"]].append(row["reference_id"])
    chosen: set[str] = set()
    for ids in by_object.values():
        picks = np.unique(np.linspace(0, len(ids) - 1, min(cap, len(ids))).round().astype(int))
        chosen |= {ids[i] for i in picks}
    return frozenset(chosen)


def score_item(
    segmenter: Segmenter, item: PackItem, chosen: frozenset[str], scores: Scores
) -> None:
    """Add the Dice of every chosen reference of one image to `scores`."""
    references = [reference for reference in item.references if reference.reference_id in chosen]
    if not references:
        return
    embedding = segmenter.embed(item.image.pixels)
    masks: list[Mask] = [reference.mask() for reference in references]
    for prompt in scores:
        if prompt not in segmenter.card.prompts:
            continue
        prompts: list[Prompt] = [item.prompts[row.reference_id][prompt] for row in references]
        answers = segmenter.predict(embedding, prompts)
        for reference, mask, answer in zip(references, masks, answers, strict=True):
            each = [count_overlap(candidate, mask).dice for candidate in answer.masks]
            target = Target(item.image.modality, reference.object).name
            key = (target, f"{item.image.dataset}/{item.image.cluster_id}")
            scores[prompt].setdefault(key, []).append((each[answer.best], max(each)))


def summarise(scores: Scores) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield prompt and summary: macro Dice under both selections, and Dice by target."""
    for prompt, cells in scores.items():
        clusters: dict[str, list[np.ndarray]] = defaultdict(list)
        for (target, _), pairs in cells.items():
            clusters[target].append(np.mean(pairs, axis=0))
        if not clusters:
            continue
        targets = {target: np.mean(rows, axis=0) for target, rows in sorted(clusters.items())}
        macro = np.mean(list(targets.values()), axis=0)
        yield (
            prompt,
            {
                "predicted": round(float(macro[0]), 4),
                "oracle": round(float(macro[1]), 4),
                "targets": len(targets),
                "references": sum(len(pairs) for pairs in cells.values()),
                "by_target": {name: round(float(row[0]), 4) for name, row in targets.items()},
            },
        )


def main() -> None:
    """Score every model and print macro Dice by prompt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packs", nargs="+", type=Path)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--prompt", action="append")
    parser.add_argument("--cap", type=int, default=20)
    parser.add_argument("--skip", action="append", default=[])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    packs = [pack for pack in find_packs(given.packs) if pack.name not in given.skip]
    results: dict[str, dict[str, object]] = {}
    for name in given.model:
        began, segmenter = time.monotonic(), load_segmenter(name)
        scores: Scores = {prompt: {} for prompt in given.prompt or PROMPTS}
        sizes: Counter[str] = Counter()
        for pack in packs:
            chosen = choose_references(pack, given.cap)
            sizes[pack.name] = len(chosen)
            for item in open_pack(pack).iter_items():
                score_item(segmenter, item, chosen, scores)
        results[name] = dict(summarise(scores))
        print(f"{name}: {time.monotonic() - began:.0f} s, {sum(sizes.values())} references")
        for prompt, summary in results[name].items():
            assert isinstance(summary, dict)
            print(f"  {prompt:<11} predicted {summary['predicted']} oracle {summary['oracle']}")
    if given.out:
        given.out.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
