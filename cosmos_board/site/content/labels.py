"""What things are called on pages, and the addresses of their pages."""

from __future__ import annotations

import hashlib
import re

from cosmos_board.board.findings.findings import Finding
from cosmos_board.board.findings.parts import FindingVerdict
from cosmos_board.board.types import Slice
from cosmos_board.core.modalities import MODALITIES
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.data.catalog.objects import get_object_label
from cosmos_board.metrics.table import Metric
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.messages import CLAIM_TEXTS
from cosmos_board.site.language.numbers import DASH
from cosmos_board.site.language.words import Words


def modality_label(name: str, words: Words) -> str:
    """Return the heading of a modality."""
    return words(MODALITIES[name].label)


def prompt_label(name: str, words: Words) -> str:
    """Return the heading of a prompt."""
    return words(PROMPTS[name].label)


def object_label(name: str, words: Words) -> str:
    """Return the heading of an object.

    Example:
        >>> object_label("my-own-thing", Words())
        'My own thing'
    """
    return get_object_label(name, words.language)


def target_label(name: str, words: Words) -> str:
    """Return the heading of a target, such as `CT · Liver`."""
    modality, _, thing = name.partition(".")
    return f"{modality_label(modality, words)} · {object_label(thing, words)}"


def held_out_label(name: str, words: Words) -> str:
    """Return the heading of a set of datasets that nobody trains on who wants a rank there."""
    labels = {
        "pictures": words("Held out: fundus, colonoscopy and histopathology pictures"),
        "volumes": words("Held out: CT and MRI volumes"),
    }
    return labels.get(name, name)


def metric_label(metric: Metric, words: Words) -> str:
    """Return the heading of a metric with its unit, such as `HD95 (px)`."""
    label = words(metric.label)
    return f"{label} ({metric.unit})" if metric.unit else label


def slice_label(part: Slice, data: SiteData, words: Words) -> str:
    """Return the heading of a slice, such as the name of a modality."""
    if part.kind == "overall":
        return words("All targets")
    if part.kind == "dataset":
        return data.datasets[part.name].label if part.name in data.datasets else part.name
    if part.kind == "held-out":
        return held_out_label(part.name, words)
    label = {"modality": modality_label, "object": object_label, "target": target_label}[part.kind]
    return label(part.name, words)


def image_kind(part: Slice, data: SiteData, words: Words) -> str:
    """Return what kind of images a slice is made of."""
    return words("synthetic") if data.is_synthetic(part) else words("real")


def image_kinds(data: SiteData, words: Words) -> list[tuple[str, str]]:
    """Return the kinds of images that boards stand on: real, synthetic or both, real first."""
    labels = {False: ("real", words("real")), True: ("synthetic", words("synthetic"))}
    return [labels[kind] for kind in sorted({b.facts.synthetic for b in data.boards.values()})]


FOLDERS = {
    "overall": "", "modality": "modalities/", "object": "objects/",
    "target": "targets/", "dataset": "datasets/",
    "held-out": "held-out/",
}  # fmt: skip
"""Where the pages of each kind of slice lie, from the root of the site."""


def slice_url(part: Slice) -> str:
    """Return the address of a slice's page, from the root of the site.

    Example:
        >>> slice_url(Slice("target", "ct.liver")), slice_url(Slice("overall"))
        ('targets/ct.liver/', '')
    """
    return f"{FOLDERS[part.kind]}{slug(part.name)}/" if part.name else ""


def model_url(name: str) -> str:
    """Return the address of a model's page, from the root of the site."""
    return f"models/{slug(name)}/"


def volume_url(target: str) -> str:
    """Return the address of a target's page of volumes, from the root of the site.

    Example:
        >>> volume_url("ct.liver")
        'volumes/ct.liver/'
    """
    return f"volumes/{slug(target)}/"


def slug(name: str) -> str:
    """Return `name` where it can stand in an address, else a part of it and its hash.

    Example:
        >>> slug("sam-vit-b"), slug("../Evil <b>")
        ('sam-vit-b', 'evil-b-f915db3b')
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,79}", name) and ".." not in name:
        return name
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    digest = hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
    return f"{words}-{digest}".lstrip("-")


def viewer_url(target: str) -> str:
    """Return the address of a target's cases, from the root of the site."""
    return f"viewer/{slug(target)}/"


def pair_url(a: str, b: str) -> str:
    """Return the address of the page of a pair, from the root of the site."""
    return f"compare/{slug(a)}-vs-{slug(b)}/"


def finding_url(finding: Finding) -> str:
    """Return the address of a finding's page, from the root of the site."""
    return f"findings/{finding.id.lower()}/"


_MARKS: dict[FindingVerdict, str] = {
    "holds": "✓",
    "there, size open": "≈",
    "smaller than claimed": "~",
    "contradicted": "✗",
    "not shown": "?",
}


def describe_finding(finding: Finding, words: Words) -> dict[str, str]:
    """Return what templates say of a finding."""
    return {
        "kind": finding.verdict.replace(",", "").replace(" ", "-"),
        "mark": _MARKS.get(finding.verdict, DASH),
        "url": finding_url(finding),
        "statement": words(CLAIM_TEXTS[finding.id].statement),
        "verdict": words.term(finding.verdict),
    }


def prompt_slice_url(part: Slice, prompt: str) -> str:
    """Return the address of a slice's page for one prompt, from the root of the site."""
    return f"prompts/{prompt}/{slug(part.name)}/"
