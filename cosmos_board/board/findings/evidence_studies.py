"""Evidence from the studies: annotation, jitter, clicks, factors and fine-tuning."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from cosmos_board.board.findings.evidence import (
    FindingInputs,
    average_models,
    find_fullest,
    missing_evidence,
)
from cosmos_board.board.findings.parts import (
    LEAST_TARGETS,
    NO_REACH,
    Contrast,
    Evidence,
    Part,
    make_parts,
    measure_contrasts,
)
from cosmos_board.board.messages import Message, MessageKey
from cosmos_board.board.studies.annotation import study_annotation
from cosmos_board.board.studies.effects import Effect
from cosmos_board.board.studies.factors import correlate_claimed
from cosmos_board.board.studies.finetuning import (
    find_pairs,
    find_unseen,
    find_unusable,
)
from cosmos_board.board.studies.reference_sample import rank_outcome
from cosmos_board.core.scores import SELECTIONS, Selection
from cosmos_board.stats.correlation import to_normal
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS
from cosmos_board.store.queries.factors import read_reference_dice
from cosmos_board.store.queries.studies import ClickSums, Column

LEAST_REFERENCES = 200
LEAST_READERS = 3
FAR_LEVEL = 20
"""Jitter level of F5: displacements of 20–30 px."""

LEAST_RHO = 0.1
"""Threshold of F7."""

UNBOUNDED = (-np.inf, np.inf)


def measure_annotation(
    inputs: FindingInputs, names: tuple[str, ...], selection: Selection
) -> Evidence:
    """F4: Dice gained and seconds saved by assistance; the same for all models and selections."""
    found = study_annotation(inputs.cube.connection).rows
    rows = {row.measure: row for row in found if not row.reader}
    if "dice" not in rows:
        return missing_evidence(Message.of("annotation-log"))
    gains = (rows["dice"].gain, rows["seconds"].gain)
    counts: list[tuple[MessageKey, int, int]] = [
        ("annotating-readers", LEAST_READERS, rows["dice"].readers)
    ]
    for gain in gains:
        counts.append(("annotated-clusters", MINIMUM_CLUSTERS, gain.clusters))
        counts.append(("annotated-targets", LEAST_TARGETS, gain.targets))
    missing = [Message.of(key, n=n, have=have) for key, n, have in counts if have < n]
    if missing:
        return missing_evidence(*dict.fromkeys(missing))
    parts = zip((Message("dice-gained"), Message("seconds-saved")), gains, strict=True)
    measured = [(name, gain, NO_REACH, "") for name, gain in parts]
    return Evidence(parts=make_parts(measured, UNBOUNDED))


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
            both = np.concatenate([sums.main[rows], sums.jittered[rows]])[:, number]
            values[name] = np.where(inputs.is_unseen(name), both, np.nan)
    used = find_fullest(values, names)
    if not used:
        return missing_evidence(Message.of("jitter-of-one-model"))
    box, point, moved_box, moved_point = average_models(values, used)
    contrasts = [
        Contrast(name=Message("box-drop"), more=box, less=moved_box),
        Contrast(name=Message("point-drop"), more=point, less=moved_point),
    ]
    return measure_contrasts(inputs.sample, contrasts, used)


def measure_clicks(inputs: FindingInputs, names: tuple[str, ...], selection: Selection) -> Evidence:
    """F6: ahead of every interactive method at click 1, and behind one of them at click 10.

    Where the reference chooses among several masks, only methods that offer several are rivals:
    the best of three is ahead by luck alone.
    """
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
    if selection == "oracle" and find_choosing(sums, used):
        methods = sorted(find_choosing(sums, methods))
        if not methods:
            return Evidence(models=used, missing=(Message("as-many-candidates"),))
    first, last = average_models(ends, used)
    contrasts = []
    for rival in find_fullest(ends, methods):
        lead, lag = (
            Message.of(key, method=rival) for key in ("first-click-lead", "last-click-lag")
        )
        contrasts.append(Contrast(name=lead, more=first, less=ends[rival][0]))
        contrasts.append(Contrast(name=lag, more=ends[rival][1], less=last, any_of="last click"))
    return measure_contrasts(inputs.sample, contrasts, used)


def find_choosing(sums: ClickSums, names: Collection[str]) -> set[str]:
    """Return the models that offer several masks: their selections differ somewhere."""
    place = {(column.model, column.selection): i for i, column in enumerate(sums.columns)}
    pairs = {name: [place.get((name, each)) for each in SELECTIONS] for name in names}
    return {
        name
        for name, (oracle, predicted) in pairs.items()
        if oracle is not None
        and predicted is not None
        and not np.array_equal(sums.dice[oracle], sums.dice[predicted], equal_nan=True)
    }


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
    boundary, intensity = correlate_claimed(sample, outcome)
    if boundary is None or intensity is None:
        missing = [
            Message.of("references-with-factors", n=LEAST_REFERENCES, have=len(outcome.members))
        ]
        if len(outcome.members) >= LEAST_REFERENCES:
            effects: dict[MessageKey, Effect | None] = {
                "boundary-rho": boundary,
                "intensity-rho": intensity,
            }
            still = [Message(name) for name, effect in effects.items() if effect is None]
            missing = [Message.of("variation", factor=name) for name in still]
        return Evidence(models=used, missing=tuple(missing))
    counts: dict[MessageKey, tuple[int, int]] = {
        "references-with-factors": (LEAST_REFERENCES, boundary.references),
        "clusters-with-factors": (MINIMUM_CLUSTERS, boundary.clusters),
        "targets-with-factors": (LEAST_TARGETS, boundary.targets),
    }
    missing = [Message.of(key, n=n, have=have) for key, (n, have) in counts.items() if have < n]
    if missing:
        return Evidence(models=used, missing=tuple(missing))
    return Evidence(models=used, parts=make_correlation_parts(boundary, intensity))


def make_correlation_parts(boundary: Effect, intensity: Effect) -> tuple[Part, ...]:
    """Return the parts of F7 from correlations, whose errors are those of arctanh ρ."""
    effects = {Message("boundary-rho"): boundary, Message("intensity-rho"): intensity}
    normal = [
        (name, replace(effect, value=float(to_normal(effect.value))), NO_REACH, "")
        for name, effect in effects.items()
    ]
    parts = []
    for part, effect in zip(make_parts(normal, UNBOUNDED), effects.values(), strict=True):
        upper, reach = part.upper, part.reach
        if upper is not None and reach is not None:
            upper = float(np.tanh(upper))
            reach = float(np.tanh(np.arctanh(LEAST_RHO) + reach)) - LEAST_RHO
        parts.append(replace(part, effect=effect, upper=upper, reach=reach))
    return tuple(parts)


def measure_finetuning(
    inputs: FindingInputs, names: tuple[str, ...], selection: Selection
) -> Evidence:
    """F8: fine-tuned minus base, over the clusters that each has not seen.

    Where several models were fine-tuned, a unit's Dice is the mean over those that have not seen
    it, as folds of a cross-validation give it.
    """
    cube, sample = inputs.cube, inputs.sample
    pairs = [(model, base) for model, base in find_pairs(cube) if base in names]
    values = inputs.dice("box", selection)
    scored = [pair for pair in pairs if pair[0] in values and pair[1] in values]
    if not scored:
        failing = inputs.find_failing([name for pair in pairs for name in pair], ["box"], selection)
        return missing_evidence(*(failing or _find_lacking_pairs(inputs, pairs)))
    both = np.stack([[values[model], values[base]] for model, base in scored])
    unseen = np.stack([find_unseen(cube, sample.units, model) for model, _ in scored])
    known = unseen & ~np.isnan(both).any(axis=1)
    if not known.any():
        return missing_evidence(*(find_unusable(cube) or (Message.of("unseen-clusters"),)))
    with np.errstate(invalid="ignore"):
        tuned, base = np.where(known[:, None], both, 0.0).sum(axis=0) / known.sum(axis=0)
    used = tuple(model for (model, _), row in zip(scored, known, strict=True) if row.any())
    contrast = Contrast(name=Message("tuning-gain"), more=tuned, less=base)
    return measure_contrasts(sample, [contrast], used)


def _find_lacking_pairs(inputs: FindingInputs, pairs: list[tuple[str, str]]) -> tuple[Message, ...]:
    if all(model.base_model is None for model in inputs.cube.models.values()):
        return (Message.of("fine-tuned-model"),)
    if not pairs:
        return find_unusable(inputs.cube) or (Message.of("fine-tuned-of-family"),)
    return tuple(Message.of("scores-of-pair", model=model, base=base) for model, base in pairs)
