"""Sentences that the board writes about its own data, such as what a finding lacks, translated.

They arrive filled in. Each is found again by its form, so that it can be said in the language of
the page; a sentence of no known form stays as it is.
"""

from __future__ import annotations

import re
from functools import cache

from cosmos_board.site.language.words import Words

FORMS = (
    "{n} targets with at least {least} clusters each ({have} of {all} have them; "
    "the most is {most})",
    "a promptable model with {prompts}",
    "scores of a promptable model",
    "one model with all of {prompts} on the same images",
    "prompt {prompt}",
    "model {model}",
    "scores of {model} and {base} with box",
    "scores of {model} with {prompts}",
    "an annotation log with both arms of the same references",
    "annotations of {n} clusters (there are {have})",
    "annotations of {n} targets (there are {have})",
    "jitter study of {prompt} (first) at {range} px",
    "the jitter study of box and point by one model",
    "clicks study of a promptable model",
    "clicks study of an interactive method (a classical model)",
    "{n} references with factors and a box (there are {have})",
    "{n} clusters with factors and a box (there are {have})",
    "{n} targets with factors and a box (there are {have})",
    "variation, to measure {factor}",
    "clusters that the fine-tuned model has not seen",
    "ten clusters, and more clusters than datasets, for an interval",
    "a fine-tuned model",
    "{model}: its base {base} has no scores",
    "{model}: no record of the datasets it was trained on",
    "{model}: no record of which clusters of {dataset} it was trained on",
)
"""The first that fits a sentence counts."""


def translate(text: str, words: Words) -> str:
    """Return a sentence of the board in the language of the page.

    Example:
        >>> translate("model sam-vit-b", Words())
        'model sam-vit-b'
    """
    for form in FORMS if words.language != "en" else ():
        found = _pattern(form).fullmatch(text)
        if found:
            return words(form, **found.groupdict())
    return words.term(text)


@cache
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(form)))
