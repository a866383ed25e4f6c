"""How often models fail, with exact intervals."""

from __future__ import annotations

import numpy as np

from cosmos_board.board.ranking.pooling import PooledScores
from cosmos_board.board.types import Share
from cosmos_board.core.arrays import Ints
from cosmos_board.stats.design import Design
from cosmos_board.stats.intervals import effective_clusters, share_interval


def measure_shares(
    pooled: PooledScores, pools: Ints, columns: Ints, design: Design
) -> dict[int, tuple[Share, Share]]:
    """Return the shares of references with Dice under 0.5 and of empty ones, by model.

    They weigh as a score does: the mean over targets of the mean over clusters; exact intervals.
    """
    if not len(columns):
        return {}
    clusters = effective_clusters(design)
    by_kind = []
    scores = pooled.scores
    for counts in ((scores.low,), (scores.penalised, scores.failed)):
        by_pool = []
        for pool in pools:
            cells = np.ix_(pooled.plan.units_of(pool), columns)
            counted = np.sum([table[cells] for table in counts], axis=0)
            by_pool.append((counted / scores.rows[cells]).mean(axis=0))
        shares = np.mean(by_pool, axis=0)
        low, high = share_interval(shares, clusters)
        ends = zip(shares.tolist(), low.tolist(), high.tolist(), strict=True)
        by_kind.append([Share(*share) for share in ends])
    return dict(zip(columns.tolist(), zip(*by_kind, strict=True), strict=True))
