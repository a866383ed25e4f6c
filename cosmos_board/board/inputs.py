"""What a board stands on before anything is measured: who, on what, and what a caption must say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosmos_board.board.contamination import worst
from cosmos_board.board.cube import Cube, Scores, Units
from cosmos_board.board.ranking.cohort import Cohort
from cosmos_board.board.ranking.pooling import CellCounts
from cosmos_board.board.ranking.rank import Ground, find_eligible
from cosmos_board.board.slices import Plan
from cosmos_board.board.types import AbsentModel, BoardFacts, ExposureCell
from cosmos_board.core.arrays import Ints
from cosmos_board.core.tracks import TIERS


def lay_ground(
    cube: Cube,
    track: str,
    prompt: str,
    plan: Plan,
    scores: Scores,
    counts: CellCounts,
    cohort: Cohort,
    exposures: Mapping[tuple[str, str], ExposureCell],
) -> Ground:
    """Return what the boards of one slice, prompt and selection stand on."""
    units = np.concatenate([plan.units_of(cell) for cell in cohort.cells])
    eligible = find_eligible(cohort.cells, counts)
    datasets = _datasets(plan, cohort.cells)
    absent = _absent(cube, track, prompt, scores, counts, cohort)
    return Ground(
        cohort=cohort,
        models=tuple(cube.models[name] for name in scores.models),
        counts=counts,
        references=_over(counts.references, cohort),
        rows=_over(counts.rows, cohort),
        penalised=_over(counts.penalised, cohort),
        failed=_over(counts.failed, cohort),
        clusters=_clusters(scores, units),
        exposure=tuple(
            worst([exposures[name, dataset].exposure for dataset in datasets])
            for name in scores.models
        ),
        tiers=tuple(_tier(cube, track, name, datasets) for name in scores.models),
        absent=absent,
        eligible=eligible,
        degrees=count_degrees(plan, scores.units, eligible),
        facts=_facts(
            cube, plan, counts, cohort, eligible, len(np.unique(scores.units.cluster[units]))
        ),
    )


def _over(counts: Ints, cohort: Cohort) -> Ints:
    """Return each model's count over the cells of a cohort."""
    found: Ints = counts[cohort.cells].sum(axis=0)
    return found


def _datasets(plan: Plan, cells: Ints) -> tuple[str, ...]:
    return tuple(sorted({name for cell in cells for name in plan.cells[cell].datasets}))


def count_degrees(plan: Plan, units: Units, cells: Ints) -> int:
    """Return distinct clusters minus datasets over `cells`: the degrees of freedom."""
    if not len(cells):
        return 0
    members = np.concatenate([plan.units_of(cell) for cell in cells])
    return len(np.unique(units.cluster[members])) - len(_datasets(plan, cells))


def _clusters(scores: Scores, units: Ints) -> Ints:
    """Return how many distinct clusters each model has rows for."""
    clusters = scores.units.cluster[units]
    everything = len(np.unique(clusters))
    present = scores.rows[units] > 0
    return np.array(
        [everything if own.all() else len(np.unique(clusters[own])) for own in present.T],
        np.int64,
    )


def _tier(cube: Cube, track: str, model: str, datasets: tuple[str, ...]) -> str:
    found = {tier for name in datasets for tier in cube.tiers(track, model, name)}
    strange = sorted(found - set(TIERS))
    known = [tier for tier in TIERS if tier in found]  # another word counts as less than any
    return (strange + known or [""])[0]


def _absent(
    cube: Cube, track: str, prompt: str, scores: Scores, counts: CellCounts, cohort: Cohort
) -> tuple[AbsentModel, ...]:
    """Return the models without a row; those of other tracks are absent from none of this one."""
    rows = counts.rows[cohort.cells].sum(axis=0)
    present = {name for name, count in zip(scores.models, rows, strict=True) if count}
    return tuple(
        AbsentModel(
            model=model.name,
            label=model.label,
            reason="not run" if prompt in model.prompts else "unsupported",
        )
        for model in cube.models.values()
        if model.name not in present
        and not model.observer
        and not cube.is_elsewhere(model.name, track)
    )


def _facts(
    cube: Cube, plan: Plan, counts: CellCounts, cohort: Cohort, eligible: Ints, clusters: int
) -> BoardFacts:
    datasets = _datasets(plan, cohort.cells)
    thin = sorted(set(cohort.cells.tolist()) - set(eligible.tolist()))
    facts = {
        "targets": tuple(plan.cells[cell].target for cell in cohort.cells),
        "left_out": tuple(plan.cells[cell].target for cell in cohort.left_out),
        "thin": tuple(sorted(plan.cells[cell].target for cell in thin)),
        "cluster_units": tuple(sorted({cube.datasets[name].cluster_unit for name in datasets})),
    }
    return BoardFacts(
        **facts,
        datasets=datasets,
        references=int(counts.available[cohort.cells].sum()),
        clusters=clusters,
        synthetic=cohort.plan.synthetic,
        detectable=None,
        notes=tuple(_notes(facts, len(cohort.cells), synthetic=cohort.plan.synthetic)),
    )


def _notes(facts: Mapping[str, tuple[str, ...]], targets: int, *, synthetic: bool) -> list[str]:
    notes = []
    if synthetic:
        notes.append("Synthetic images.")
    if facts["left_out"]:
        everything = targets + len(facts["left_out"])
        notes.append(
            f"Ranked on {targets} of {everything} targets: a ranked model was trained on the "
            "others."
        )
    if len(facts["thin"]) == targets:
        notes.append("No target has the 10 clusters that an interval needs.")
    elif facts["thin"]:
        notes.append(
            f"{len(facts['thin'])} of {targets} targets have fewer than 10 clusters and are left "
            "out of the interval."
        )
    if "image" in facts["cluster_units"]:
        notes.append("A cluster is an image where neither patient nor volume is known.")
    return notes
