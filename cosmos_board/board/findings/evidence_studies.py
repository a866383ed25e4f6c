"""Evidence from the studies: annotation, jitter, clicks, factors and fine-tuning."""

from __future__ import annotations

from functools import partial

import numpy as np

from cosmos_board.board.findings.evidence import (
    LEAST_TARGETS,
    Evidence,
    FindingInputs,
    average_models,
    describe_parts,
    find_fullest,
    missing_evidence,
    take_smallest_effect,
)
from cosmos_board.board.messages import Message, MessageKey
from cosmos_board.board.studies.annotation import study_annotation
from cosmos_board.board.studies.effects import Statistic, macro
from cosmos_board.board.studies.factors import PAPER_FACTORS
from cosmos_board.board.studies.finetuning import (
    find_pairs,
    find_unusable,
    measure_unseen_gain,
)
from cosmos_board.board.studies.reference_sample import correlate_replicates, rank_outcome
from cosmos_board.core.arrays import Floats
from cosmos_board.core.scores import Selection
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS
from cosmos_board.store.queries.factors import read_reference_dice
from cosmos_board.store.queries.studies import Column

LEAST_REFERENCES = 200
FAR_LEVEL = 20
"""Jitter level of F5: displacements of 20–30 px."""


def measure_annotation(
    inputs: FindingInputs, names: tuple[str, ...], selection: Selection
) -> Evidence:
    """F4: Dice gained and seconds saved by assistance; the same for all models and selections."""
    rows = {
        row.measure: row
        for row in study_annotation(inputs.cube.connection).rows
        if row.reader == ""
    }
    if "dice" not in rows:
        return missing_evidence(Message.of("annotation-log"))
    gains = (rows["dice"].gain, rows["seconds"].gain)
    counts: list[tuple[MessageKey, int, int]] = []
    for gain in gains:
        counts.append(("annotated-clusters", MINIMUM_CLUSTERS, gain.clusters))
        counts.append(("annotated-targets", LEAST_TARGETS, gain.targets))
    missing = [Message.of(key, n=n, have=have) for key, n, have in counts if have < n]
    if missing:
        return missing_evidence(*dict.fromkeys(missing))
    return Evidence(effects=gains, parts=describe_parts(("dice-gained", "seconds-saved"), gains))


def measure_jitter(inputs: FindingInputs, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F5: what a displacement of 20–30 px costs, with a box and with a point."""
    sums = inputs.jitter
    place = {column: index for index, column in enumerate(sums.columns)}
    wanted = {
        prompt: [Column(name, prompt, selection, FAR_LEVEL, "first") for name in names]
        for prompt in ("box", "point")
    }
    missing = [
        Message.of("jitter-study", prompt=prompt, range=f"{FAR_LEVEL}–{FAR_LEVEL + 10}")
        for prompt, columns in wanted.items()
        if not any(column in place for column in columns)
    ]
    if missing:
        return missing_evidence(*missing)
    number = inputs.sample.units.number
    values = {}
    for name, *columns in zip(names, wanted["box"], wanted["point"], strict=True):
        if all(column in place for column in columns):
            rows = [place[column] for column in columns]
            drops = (sums.main[rows] - sums.jittered[rows])[:, number]
            values[name] = np.where(inputs.is_unseen(name), drops, np.nan)
    used = find_fullest(values, names)
    if not used:
        return missing_evidence(Message.of("jitter-of-one-model"))
    parts: dict[MessageKey, Statistic] = {
        "box-drop": lambda x: x[0].mean(axis=0),
        "point-drop": lambda x: x[1].mean(axis=0),
    }
    return take_smallest_effect(inputs.sample, average_models(values, used), parts, used)


def measure_clicks(inputs: FindingInputs, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F6: the lead over the best interactive method at click 1, and the deficit at click 10."""
    sums, models = inputs.clicks, inputs.cube.models
    number = inputs.sample.units.number
    whole = sums.references == sums.references.max(axis=0, initial=0)
    ends = {
        column.model: np.where(
            whole[index, number] & inputs.is_unseen(column.model),
            sums.dice[index][[0, -1]][:, number],
            np.nan,
        )
        for index, column in enumerate(sums.columns)
        if column.selection == selection and column.model in models
    }
    methods = [name for name in models if models[name].kind == "classical" and name in ends]
    used = find_fullest(ends, names)
    missing = [] if used else [Message.of("clicks-of-promptable-model")]
    missing += [] if methods else [Message.of("clicks-of-interactive-method")]
    if missing:
        return missing_evidence(*missing)
    rivals = find_fullest(ends, methods)
    values = np.concatenate([average_models(ends, used), *(ends[name] for name in rivals)])
    parts: dict[MessageKey, Statistic] = {
        "first-click-lead": partial(_measure_lead, 0, 1.0),
        "last-click-deficit": partial(_measure_lead, 1, -1.0),
    }
    return take_smallest_effect(inputs.sample, values, parts, used)


def _measure_lead(end: int, sign: float, means: Floats) -> Floats:
    dice = means[end::2].mean(axis=1)
    lead: Floats = sign * (dice[0] - dice[1:].max(axis=0))
    return lead


def measure_factors(
    inputs: FindingInputs, names: tuple[str, ...], selection: Selection
) -> Evidence:
    """F7: partial correlations of Dice with the boundary's complexity and with contrast."""
    _, averaged = inputs.average(names, ("box",), selection)
    if averaged.missing:
        return averaged
    sample, used = inputs.references, averaged.models
    owner = sample.dataset_of_cluster[sample.cluster]
    dice = [
        np.where(
            inputs.unseen_datasets(name)[owner],
            read_reference_dice(inputs.cube.connection, name, "box", selection),
            np.nan,
        )
        for name in used
    ]
    outcome = rank_outcome(sample, np.stack(dice).mean(axis=0))
    members = outcome.members
    counts: dict[MessageKey, tuple[int, int]] = {
        "references-with-factors": (LEAST_REFERENCES, len(members)),
        "clusters-with-factors": (MINIMUM_CLUSTERS, len(np.unique(sample.cluster[members]))),
        "targets-with-factors": (LEAST_TARGETS, len(np.unique(sample.target[members]))),
    }
    missing = [Message.of(key, n=n, have=have) for key, (n, have) in counts.items() if have < n]
    if missing:
        return Evidence(models=used, missing=tuple(missing))
    rho = np.column_stack(correlate_replicates(sample, outcome, PAPER_FACTORS))
    sides: dict[MessageKey, Floats] = {
        "boundary-rho": -rho[PAPER_FACTORS.index("boundary_complexity")],
        "intensity-rho": rho[PAPER_FACTORS.index("intensity_difference")],
    }
    still = [Message(name) for name, side in sides.items() if np.isnan(side[0])]
    if still:
        missing = [Message.of("variation", factor=name) for name in still]
        return Evidence(models=used, missing=tuple(missing))
    weaker, *effects = (
        sample.describe(float(side[0]), side[1:], members, (-1.0, 1.0))
        for side in (np.min(np.stack(list(sides.values())), axis=0), *sides.values())
    )
    return Evidence(models=used, effects=(weaker,), parts=describe_parts(sides, effects))


def measure_finetuning(
    inputs: FindingInputs, names: tuple[str, ...], selection: Selection
) -> Evidence:
    """F8: fine-tuned minus base, over the clusters that each has not seen.

    Where several models were fine-tuned, a unit's gain is the mean over those that have not
    seen it, as folds of a cross-validation give it.
    """
    cube, sample = inputs.cube, inputs.sample
    pairs = [(model, base) for model, base in find_pairs(cube) if base in names]
    values = inputs.dice("box", selection)
    scored = [pair for pair in pairs if pair[0] in values and pair[1] in values]
    if not scored:
        return missing_evidence(*_find_lacking_pairs(inputs, pairs))
    gains = np.stack([measure_unseen_gain(cube, sample.units, values, *pair) for pair in scored])
    known = ~np.isnan(gains)
    if not known.any():
        return missing_evidence(*(find_unusable(cube) or (Message.of("unseen-clusters"),)))
    with np.errstate(invalid="ignore"):
        mean = np.where(known, gains, 0.0).sum(axis=0) / known.sum(axis=0)
    used = tuple(model for (model, _), row in zip(scored, known, strict=True) if row.any())
    return take_smallest_effect(sample, mean[None, :], {"tuning-gain": macro}, used)


def _find_lacking_pairs(inputs: FindingInputs, pairs: list[tuple[str, str]]) -> tuple[Message, ...]:
    if all(model.base_model is None for model in inputs.cube.models.values()):
        return (Message.of("fine-tuned-model"),)
    if not pairs:
        return find_unusable(inputs.cube) or (Message.of("fine-tuned-of-family"),)
    return tuple(Message.of("scores-of-pair", model=model, base=base) for model, base in pairs)
