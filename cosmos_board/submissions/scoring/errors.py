"""How well the clusters of a submission fix its mean Dice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from cosmos_board.core.scores import SELECTIONS
from cosmos_board.stats.design import make_design
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS
from cosmos_board.stats.variance import measure_means
from cosmos_board.submissions.checks.counts import CountTable
from cosmos_board.submissions.checks.packs import ReferenceIndex


def measure_error(dice: Mapping[str, float], indices: Sequence[ReferenceIndex]) -> float | None:
    """Return the standard error of the macro mean over targets with at least 10 clusters.

    Args:
        dice: By reference id, in [0, 1].
        indices: The references of each pack.

    Returns:
        None where there is no such target.
    """
    units: dict[str, dict[tuple[int, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for dataset, index in enumerate(indices):
        for name, row in index.rows.items():
            if name in dice:
                target = f"{row.modality}.{row.object}"
                units[target][dataset, row.cluster_id].append(dice[name])
    wide = [clusters for clusters in units.values() if len(clusters) >= MINIMUM_CLUSTERS]
    number = {key: place for place, key in enumerate(sorted({key for own in wide for key in own}))}
    if not wide:
        return None
    targets = [
        (np.array([number[key] for key in own]), np.array([dataset for dataset, _ in own]))
        for own in wide
    ]
    means = [np.mean(values) for own in wide for values in own.values()]
    return float(measure_means(np.array(means)[:, None], make_design(targets)).errors[0])


def choose_prompt(prompts: Sequence[str]) -> str:
    """Return the prompt that a mean Dice is looked at under."""
    return "box" if "box" in prompts else prompts[-1]


def find_dice(table: CountTable) -> dict[str, float]:
    """Return the Dice of the masks that the model prefers, by reference, under one prompt."""
    prompt = choose_prompt(table.prompts)
    selection = 0 if prompt == "everything" else SELECTIONS.index("predicted")
    tp, fp, fn = table.counts[:, table.prompts.index(prompt), selection].T.astype(np.float64)
    dice = 2 * tp / (2 * tp + fp + fn)
    return dict(zip(table.references, dice.tolist(), strict=True))
