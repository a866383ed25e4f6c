"""The texts for the keys that the board returns: English templates, translated by catalogues.

The terminal prints the same templates in English.
"""

from __future__ import annotations

from dataclasses import dataclass

from cosmos_board.board.messages import Field, Message, MessageKey
from cosmos_board.board.types import BoardRow
from cosmos_board.core.tracks import Tier
from cosmos_board.site.language.words import Words, mark_plural

ENGLISH = Words()
MOST_DATASETS = 3
"""Datasets without an answer that a status names."""

MESSAGES: dict[MessageKey, str | tuple[str, str]] = {
    "scores": "scores",
    "promptable-model": "a promptable model with {prompts}",
    "promptable-scores": "scores of a promptable model",
    "prompt": "prompt {prompt}",
    "one-model-with-prompts": "one model with all of {prompts} on the same images",
    "too-many-failed": "{model} with {prompt}: {failed} of {answers} answers failed, more than 1 %",
    "wide-targets": "{n} targets with at least {least} clusters each ({have} of {all} have them; "
    "the most is {most})",
    "model": "model {model}",
    "model-prompts": "scores of {model} with {prompts}",
    "annotation-log": "an annotation log with both arms of the same references",
    "annotating-readers": "annotations by {n} readers (there are {have})",
    "annotated-clusters": "annotations of {n} clusters (there are {have})",
    "annotated-targets": "annotations of {n} targets (there are {have})",
    "jitter-study": "jitter study of {prompt} (first) at {range} px",
    "jitter-of-one-model": "the jitter study of box and point by one model",
    "clicks-of-promptable-model": "clicks study of a promptable model",
    "clicks-of-interactive-method": "clicks study of an interactive method (a classical model)",
    "as-many-candidates": "clicks study of an interactive method that offers several masks, as the "
    "model does: the reference picks the closest of them, which favours whoever offers more",
    "references-with-factors": "{n} references with factors and a box (there are {have})",
    "clusters-with-factors": "{n} clusters with factors and a box (there are {have})",
    "targets-with-factors": "{n} targets with factors and a box (there are {have})",
    "variation": "variation, to measure {factor}",
    "fine-tuned-model": "a fine-tuned model",
    "fine-tuned-of-family": "a model fine-tuned from this family",
    "scores-of-pair": "scores of {model} and {base} with box",
    "unseen-clusters": "clusters that the fine-tuned model has not seen",
    "interval-clusters": "ten clusters, for an interval",
    "base-without-scores": "{model}: its base {base} has no scores",
    "unknown-training-datasets": "{model}: no record of the datasets it was trained on",
    "unknown-training-clusters": "{model}: no record of which clusters of {dataset} it was trained "
    "on",
    "high-dice-targets": "targets with Dice ≥ 0.9",
    "low-dice-targets": "targets with Dice ≤ 0.5",
    "size-gain": "ViT-H − ViT-B",
    "point-gain": "point − everything",
    "box-gain": "box − {prompt}",
    "dice-gained": "Dice gained",
    "seconds-saved": "seconds saved",
    "box-drop": "drop of box",
    "point-drop": "drop of point",
    "first-click-lead": "lead over {method} at click 1",
    "last-click-lag": "lag behind {method} at click 10",
    "boundary-rho": "−ρ of boundary complexity",
    "intensity-rho": "ρ of intensity difference",
    "tuning-gain": "fine-tuned − base",
    "of-that-size": "From references of {low} to {high} px.",
    "too-few-of-that-size": "Fewer than {least} clusters have the object at that size: what "
    "follows is about all sizes.",
    "no-whole-answers": "No segmenter counts on {target} beside the baselines: it takes one that "
    "answered every reference, failed on at most 1 % of them and was not trained on their dataset.",
    "no-data": "The board has no data on {target}.",
    "no-data-but-near": "The board has no data on {target}. Near in name: {names}.",
    "too-few-to-recommend": mark_plural(
        "{n} cluster: too few to recommend a model, which takes {least}.",
        "{n} clusters: too few to recommend a model, which takes {least}.",
    ),
    "low-dice": "No tested model is adequate for this target: none is expected to reach a mean "
    "Dice above {dice}.",
    "not-above-baselines": "No tested model is adequate for this target: these data do not show "
    "that the one with the highest mean Dice is better than every baseline.",
    "one-dataset": "All data is from one dataset; other scanners and sites may differ.",
    "synthetic-data": "The data is synthetic.",
}
"""Where `n` may be 1, there is a sentence for one and one for many."""


TIER_TEXTS: dict[Tier, str] = {
    "self-reported": "Whoever ran the model computed these scores, and nobody checked them. Masks "
    "may have been corrected by hand, or never been drawn.",
    "audited": "The scores belong to the submitted masks, all or a random sample of them. That a "
    "model drew the masks, without seeing the references, is not shown.",
    "re-run": "Whoever keeps this board ran the model and got these scores. That it was not "
    "trained on these images is not shown: that rests on what its author declares.",
}
"""What each tier promises of a score, and what it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimText:
    """What one claim of the study says in words."""

    statement: str
    effect: str
    """What is measured."""

    needs: str
    """What must be in the database."""

    paper: str = ""
    """What the paper reports; empty where no number was found."""

    source: str = ""
    """Where that was read, in words or as an address; empty where no number was found."""


_PAPER = "https://arxiv.org/abs/2304.14660"
_SECOND_HAND = "https://github.com/Leon42325/medical-sam-project"

CLAIM_TEXTS: dict[str, ClaimText] = {
    "F1": ClaimText(
        statement="Segmentation is remarkable on some targets and fails on others.",
        effect="Two shares of targets, both of which must exceed the threshold: mean Dice ≥ 0.9, "
        "and mean Dice ≤ 0.5, each target with the prompt of its highest Dice. The prompt is "
        "chosen on other clusters than those that score it; a target counts once its 99 % "
        "interval is on one side",
        needs="at least 10 targets",
        paper="Hausdorff distance with a box from 2.19 px (humerus, CT) to 23.7 px (heart, CT)",
        source="a review of boundary accuracy that cites the paper's Table 3",
    ),
    "F2": ClaimText(
        statement="The larger SAM (ViT-H) segments better than the smaller one (ViT-B).",
        effect="Macro paired Dice, ViT-H minus ViT-B, mean over the six prompts. Segmenting "
        "everything always takes the mask closest to the reference",
        needs="sam-vit-b and sam-vit-h with all six prompts",
    ),
    "F3": ClaimText(
        statement="Manual prompts, above all the box, beat segmenting everything.",
        effect="Four differences of macro Dice, all of which must be above 0: 1 point minus "
        "everything, and box minus each of the three prompts of points. Segmenting everything "
        "always takes the mask closest to the reference, which makes the first difference "
        "smaller",
        needs="all six prompts",
        paper="The order: box, then points, then everything mode; no number",
        source=_PAPER,
    ),
    "F4": ClaimText(
        statement="SAM's masks help annotators to be better and faster.",
        effect="Paired by reader and image, assisted against unaided: Dice gained, and seconds "
        "saved; both must be above 0",
        needs="an annotation log of at least 3 readers",
        paper="High quality in less time; no number",
        source=_PAPER,
    ),
    "F5": ClaimText(
        statement="Segmentation is sensitive to where exactly the prompt is placed.",
        effect="Two drops of macro Dice at a displacement of 20–30 px, both of which must exceed "
        "the threshold: of the box, and of 1 point",
        needs="the jitter study of box and point (first), level 20–30 px",
        paper="Drop at 20–30 px: 14.6 Dice points with 1 point, 24.1 with a box",
        source=_SECOND_HAND,
    ),
    "F6": ClaimText(
        statement="SAM is ahead of interactive methods with one click and overtaken later.",
        effect="Macro Dice: at click 1 the model must be ahead of every interactive method, at "
        "click 10 it must lag behind one of them. Rivals offer as many masks for each click "
        "as the model; those that offer one are compared with the mask that the model itself "
        "prefers",
        needs="the clicks study of a promptable model and of an interactive method",
        source=_PAPER,
    ),
    "F7": ClaimText(
        statement="Dice falls with the boundary's complexity and rises with the contrast.",
        effect="Two partial Spearman correlations with Dice (box) inside targets, both of which "
        "must exceed the threshold: minus that of boundary complexity, and that of intensity "
        "difference",
        needs="at least 200 references with factors, box",
        paper="Intensity difference +0.45 … +0.64, boundary complexity −0.42 … −0.62",
        source=_SECOND_HAND,
    ),
    "F8": ClaimText(
        statement="Fine-tuning on medical images makes SAM better.",
        effect="Macro paired Dice with a box, fine-tuned minus its base, on unseen clusters",
        needs="a fine-tuned model and its base",
        paper="+4.39 Dice points (ViT-B), +6.68 (ViT-H)",
        source=_PAPER,
    ),
}
"""By id of the claim."""


def say(message: Message, words: Words = ENGLISH) -> str:
    """Return a message in the language of `words`.

    Example:
        >>> say(Message.of("scores-of-pair", model="tuned", base="sam"))
        'scores of tuned and sam with box'
    """
    template = MESSAGES[message.key]
    fields = {name: _fill(value, words) for name, value in message.fields}
    if isinstance(template, tuple):
        one, many = template
        return words.plural(int(str(fields["n"])), one, many, **fields)
    return words(template, **fields)


def _fill(value: Field, words: Words) -> object:
    if isinstance(value, Message):
        return say(value, words)
    return words.listing(value) if isinstance(value, tuple) else value


def status_text(row: BoardRow) -> str:
    """Return a row's status as tables of data hold it, with what made the model incomplete."""
    reason = describe_incomplete(row)
    return f"{row.status}: {reason}" if reason else row.status


def describe_incomplete(row: BoardRow, words: Words = ENGLISH) -> str:
    """Return what made a model incomplete, with the count; nothing where it is not.

    It is counted over the whole slice, targets under 10 clusters included.
    """
    if row.failing is not None:
        return words(
            "{failed} of {answers} answers on this slice failed",
            failed=row.failing.failed,
            answers=row.failing.answers,
        )
    if row.unanswered is not None:
        text = words(
            "{missing} of the {asked} references of this slice have no answer",
            missing=row.unanswered.failed,
            asked=row.unanswered.answers,
        )
        if row.unanswered_datasets:
            named = words.listing(row.unanswered_datasets[:MOST_DATASETS])
            more = len(row.unanswered_datasets) - MOST_DATASETS
            text += words(
                " (none on {datasets})", datasets=named + (f" +{more}" if more > 0 else "")
            )
        return text
    return ""
