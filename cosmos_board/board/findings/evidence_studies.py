"""Evidence from the studies: annotation, jitter, clicks, factors and fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from cosmos_board.board.findings.evidence import LEAST_TARGETS, Evidence, Material, Part, weigh
from cosmos_board.board.studies.annotation import ArmRow, study_annotation
from cosmos_board.board.studies.effects import Statistic
from cosmos_board.board.studies.factors import PAPER_FACTORS
from cosmos_board.board.studies.finetuning import find_pairs, find_unusable, unseen_gain
from cosmos_board.board.studies.reference_sample import correlate_replicates, rank_outcome
from cosmos_board.board.studies.values import fullest
from cosmos_board.core.arrays import Floats
from cosmos_board.core.scores import Selection
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS
from cosmos_board.store.queries.factors import read_reference_dice
from cosmos_board.store.queries.studies import Column

LEAST_REFERENCES = 200
FAR_LEVEL = 20
"""Jitter level of F5: displacements of 20–30 px."""


def gather_annotation(material: Material) -> Evidence:
    """F4: Dice gained and seconds saved by assistance; knows no models and no selection."""
    rows = {
        row.measure: row
        for row in study_annotation(material.cube.connection).rows
        if row.reader == ""
    }
    if "dice" not in rows:
        return Evidence(missing=("an annotation log with both arms of the same references",))
    gains = [rows["dice"], rows["seconds"]]
    missing = tuple(dict.fromkeys(text for row in gains for text in _few_readings(row)))
    if missing:
        return Evidence(missing=missing)
    parts = tuple(
        Part(name=name, value=row.gain.value, low=row.gain.low, high=row.gain.high)
        for name, row in zip(("Dice gained", "seconds saved"), gains, strict=True)
    )
    return Evidence(parts=parts, alternatives=tuple(row.gain for row in gains))


def _few_readings(row: ArmRow) -> list[str]:
    found = []
    if row.gain.clusters < MINIMUM_CLUSTERS:
        found.append(f"annotations of {MINIMUM_CLUSTERS} clusters (there are {row.gain.clusters})")
    if row.gain.targets < LEAST_TARGETS:
        found.append(f"annotations of {LEAST_TARGETS} targets (there are {row.gain.targets})")
    return found


def gather_jitter(material: Material, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F5: what a displacement of 20–30 px costs, with a box and with a point."""
    sums = material.jitter
    place = {column: index for index, column in enumerate(sums.columns)}
    wanted = {
        prompt: [Column(name, prompt, selection, FAR_LEVEL, "first") for name in names]
        for prompt in ("box", "point")
    }
    missing = [
        f"jitter study of {prompt} (first) at {FAR_LEVEL}–{FAR_LEVEL + 10} px"
        for prompt, columns in wanted.items()
        if not any(column in place for column in columns)
    ]
    if missing:
        return Evidence(missing=tuple(missing))
    number = material.sample.units.number
    values = {}
    for name, *columns in zip(names, wanted["box"], wanted["point"], strict=True):
        if all(column in place for column in columns):
            rows = [place[column] for column in columns]
            drops = (sums.main[rows] - sums.jittered[rows])[:, number]
            values[name] = np.where(material.fresh(name), drops, np.nan)
    used = fullest(values, names)
    if not used:
        return Evidence(missing=("the jitter study of box and point by one model",))
    mean: Floats = np.stack([values[name] for name in used]).mean(axis=0)
    parts: dict[str, Statistic] = {
        "drop of box": lambda x: x[0].mean(axis=0),
        "drop of point": lambda x: x[1].mean(axis=0),
    }
    return weigh(material.sample, mean, parts, used)


def gather_clicks(material: Material, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F6: the lead over the best interactive method at click 1, and the deficit at click 10."""
    sums = material.clicks
    number = material.sample.units.number
    whole = sums.references == sums.references.max(axis=0, initial=0)
    ends = {
        column.model: np.where(
            whole[index, number] & material.fresh(column.model),
            sums.dice[index][[0, -1]][:, number],
            np.nan,
        )
        for index, column in enumerate(sums.columns)
        if column.selection == selection and column.model in material.cube.models
    }
    methods = tuple(
        name
        for name, model in material.cube.models.items()
        if model.kind == "classical" and name in ends
    )
    used = fullest(ends, names)
    missing = [] if used else ["clicks study of a promptable model"]
    missing += [] if methods else ["clicks study of an interactive method (a classical model)"]
    if missing:
        return Evidence(missing=tuple(missing))
    rivals = fullest(ends, methods)
    mean = np.stack([ends[name] for name in used]).mean(axis=0)
    values = np.concatenate([mean, *(ends[name] for name in rivals)])
    parts: dict[str, Statistic] = {
        "lead at click 1": partial(_lead, 0, 1.0),
        "deficit at click 10": partial(_lead, 1, -1.0),
    }
    return weigh(material.sample, values, parts, used)


def _lead(end: int, sign: float, means: Floats) -> Floats:
    macro = means[end::2].mean(axis=1)
    found: Floats = sign * (macro[0] - macro[1:].max(axis=0))
    return found


def gather_factors(material: Material, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F7: partial correlations of Dice with the boundary's complexity and with contrast."""
    _, used, missing = material.average(names, ("box",), selection)
    if missing:
        return Evidence(missing=missing)
    sample = material.references
    owner = sample.dataset_of_cluster[sample.cluster]
    dice = [
        np.where(
            material.fresh_datasets(name)[owner],
            read_reference_dice(material.cube.connection, name, "box", selection),
            np.nan,
        )
        for name in used
    ]
    outcome = rank_outcome(sample, np.stack(dice).mean(axis=0))
    members = outcome.members
    short = [
        f"{least} {what} with factors and a box (there are {count})"
        for what, least, count in (
            ("references", LEAST_REFERENCES, len(members)),
            ("clusters", MINIMUM_CLUSTERS, len(np.unique(sample.cluster[members]))),
            ("targets", LEAST_TARGETS, len(np.unique(sample.target[members]))),
        )
        if count < least
    ]
    if short:
        return Evidence(models=used, missing=tuple(short))
    found = correlate_replicates(sample, outcome, PAPER_FACTORS)
    rho = np.column_stack([found.rho, found.replicates])
    sides = {
        "−ρ of boundary complexity": -rho[PAPER_FACTORS.index("boundary_complexity")],
        "ρ of intensity difference": rho[PAPER_FACTORS.index("intensity_difference")],
    }
    still = [name for name, side in sides.items() if np.isnan(side[0])]
    if still:
        return Evidence(
            models=used, missing=tuple(f"variation, to measure {name}" for name in still)
        )
    parts = []
    for name, side in sides.items():
        effect = sample.describe(float(side[0]), side[1:], members, (-1.0, 1.0))
        parts.append(Part(name=name, value=effect.value, low=effect.low, high=effect.high))
    weaker = np.min(np.stack(list(sides.values())), axis=0)
    return Evidence(
        models=used,
        effect=sample.describe(float(weaker[0]), weaker[1:], members, (-1.0, 1.0)),
        parts=tuple(parts),
    )


def gather_finetuning(material: Material, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F8: fine-tuned minus base, over the clusters that each has not seen.

    Where several models were fine-tuned, a unit's gain is the mean over those that have not
    seen it, as folds of a cross-validation give it.
    """
    cube, sample = material.cube, material.sample
    pairs = [(model, base) for model, base in find_pairs(cube) if base in names]
    values = {name: scores[None, :] for name, scores in material.dice("box", selection).items()}
    scored = [pair for pair in pairs if pair[0] in values and pair[1] in values]
    if not scored:
        return Evidence(missing=_lacking_pairs(material, pairs))
    gains = np.concatenate(
        [unseen_gain(cube, sample.units, values, model, base) for model, base in scored]
    )
    known = ~np.isnan(gains)
    if not known.any():
        reasons = find_unusable(cube)
        return Evidence(missing=reasons or ("clusters that the fine-tuned model has not seen",))
    with np.errstate(invalid="ignore"):
        mean = np.where(known, gains, 0.0).sum(axis=0) / known.sum(axis=0)
    parts: dict[str, Statistic] = {"fine-tuned − base": lambda x: x[0].mean(axis=0)}
    used = tuple(model for (model, _), row in zip(scored, known, strict=True) if row.any())
    return weigh(sample, mean[None, :], parts, used)


def _lacking_pairs(material: Material, pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    tuned = {name for name, model in material.cube.models.items() if model.base_model is not None}
    if not tuned:
        return ("a fine-tuned model",)
    if not pairs:
        return find_unusable(material.cube) or ("a model fine-tuned from this family",)
    return tuple(f"scores of {model} and {base} with box" for model, base in pairs)
