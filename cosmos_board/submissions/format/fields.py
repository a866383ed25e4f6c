"""The types of the fields of `submission.toml`: each says what it wants in one phrase."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

from cosmos_board.core.cards import PROTOCOL
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.tracks import SUBMITTED
from cosmos_board.submissions.format import text
from cosmos_board.submissions.problems import quote

PREDICTIONS = "predictions.parquet"
COUNTS = "counts.parquet"

LICENCES = frozenset(
    [
        "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MPL-2.0",
        "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later",
        "LGPL-3.0-only", "LGPL-3.0-or-later", "AGPL-3.0-only", "AGPL-3.0-or-later",
        "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0",
        "CC-BY-NC-ND-4.0", "Unlicense", "EUPL-1.2", "LicenseRef-proprietary",
        "LicenseRef-unknown",
    ]
)  # fmt: skip
"""SPDX identifiers that we know, and two references of our own for what has none."""

PROJECT_ID = 0
"""Stands for this project itself, whose entries no pull request can touch."""

ALLOWED_HOSTS = frozenset({"huggingface.co", "zenodo.org", "github.com"})
"""Where files outside the pull request may lie."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _text(check: Callable[[str], str]) -> BeforeValidator:
    def validate(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError(f"want text, got {quote(value)}")
        return check(value)

    return BeforeValidator(validate)


def _number(low: float, high: float, *kinds: type) -> BeforeValidator:
    what = f"a number {low:g}..{high:g}" if float in kinds else f"an integer {low}..{high}"

    def validate(value: object) -> object:
        if type(value) not in kinds or not low <= value <= high:  # type: ignore[operator]
            raise ValueError(f"want {what}")
        return value

    return BeforeValidator(validate)


def _one_of(*words: str) -> BeforeValidator:
    def validate(value: object) -> object:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"{quote(value)} unknown, want one of: {', '.join(words)}")
        return value

    return BeforeValidator(validate)


def want_list(most: int, least: int = 0) -> BeforeValidator:
    """Return a validator of a list of at most so many entries, none of them twice."""

    def validate(value: object) -> object:
        if not isinstance(value, list):
            raise ValueError(f"want a list, got {quote(value)}")
        if not least <= len(value) <= most:
            bound = f"limit {most}" if len(value) > most else f"want at least {least}"
            raise ValueError(f"{len(value)} entries, {bound}")
        if len({json.dumps(entry, sort_keys=True, default=str) for entry in value}) < len(value):
            raise ValueError("an entry is there twice")
        return tuple(value)

    return BeforeValidator(validate)


def _matching(pattern: str, problem: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(problem.format(quote(value)))
        return value

    return check


def _check_licence(value: str) -> str:
    if value not in LICENCES:
        names = {name.casefold(): name for name in sorted(LICENCES)}
        near = get_close_matches(value[:60].casefold(), names, n=1)
        hint = f"nearest: {names[near[0]]}" if near else "LicenseRef-unknown where none fits"
        raise ValueError(f"{quote(value)} is not an SPDX identifier that we know ({hint})")
    return value


def _check_time(value: object) -> str:
    """Take a date-time of TOML with its offset, or the same as text."""
    if isinstance(value, datetime):
        value = value.isoformat().replace("+00:00", "Z")
    try:
        if not isinstance(value, str) or not _TIME.fullmatch(value):
            raise ValueError
        datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{quote(value)} is not an RFC 3339 time") from None
    return value


def _check_path(value: str) -> str:
    if value.startswith(("/", "\\")) or value[1:2] == ":":
        raise ValueError("absolute path not allowed")
    if value not in (PREDICTIONS, COUNTS):
        raise ValueError(f"{quote(value)} unknown, want {PREDICTIONS} or {COUNTS}")
    return value


def _check_external(value: str) -> str:
    host = re.match(r"https://([^/?#@:]*)(?:[/?#:]|$)", value)
    if host and host[1] not in ALLOWED_HOSTS:
        raise ValueError(f"host {quote(host[1])} not in the allowed hosts")
    return text.check_url(value)


def _check_dataset(value: str) -> str:
    from cosmos_board.data.catalog.load import load_catalog

    if value not in load_catalog().datasets:
        raise ValueError(f"{quote(value)} unknown, see: cosmos-board data list")
    return value


Slug: TypeAlias = Annotated[str, _text(text.check_slug)]
Name: TypeAlias = Annotated[str, _text(text.check_name)]
Person: TypeAlias = Annotated[str, _text(text.check_person)]
Words: TypeAlias = Annotated[str, _text(text.check_words)]
Notes: TypeAlias = Annotated[str, _text(text.check_notes)]
Contact: TypeAlias = Annotated[str, _text(text.check_contact)]
Url: TypeAlias = Annotated[str, _text(text.check_url)]
Orcid: TypeAlias = Annotated[str, _text(text.check_orcid)]
Hex: TypeAlias = Annotated[str, _text(_matching("[0-9a-f]{64}", "want 64 hexadecimal digits"))]
Version: TypeAlias = Annotated[
    str, _text(_matching("[A-Za-z0-9][A-Za-z0-9.+!_-]{0,39}", "is no version"))
]
Licence: TypeAlias = Annotated[str, _text(_check_licence)]
Time: TypeAlias = Annotated[str, BeforeValidator(_check_time)]
Path: TypeAlias = Annotated[str, _text(_check_path)]
External: TypeAlias = Annotated[str, _text(_check_external)]
Dataset: TypeAlias = Annotated[str, _text(_check_dataset)]
Protocol: TypeAlias = Annotated[
    str, _text(_matching(PROTOCOL, f"{{}} retired or unknown, want {PROTOCOL}"))
]
PromptName: TypeAlias = Annotated[str, _one_of(*PROMPTS)]
Track: TypeAlias = Annotated[str, _one_of(*SUBMITTED)]
Tier: TypeAlias = Annotated[str, _one_of("self-reported", "audited", "re-run")]
Kind: TypeAlias = Annotated[str, _one_of("promptable", "classical", "baseline")]
Precision: TypeAlias = Annotated[str, _one_of("fp32", "tf32", "bf16", "fp16", "int8", "none")]
Weights: TypeAlias = Annotated[str, _one_of("safetensors", "onnx", "pytorch", "other")]
FormatVersion: TypeAlias = Annotated[int, _number(1, 1, int)]
Number: TypeAlias = Annotated[int, _number(1, 10_000, int)]
UserId: TypeAlias = Annotated[int, _number(PROJECT_ID, 10**12, int)]
Parameters: TypeAlias = Annotated[int, _number(0, 10**13, int)]
SidePx: TypeAlias = Annotated[int, _number(1, 16_384, int)]
BatchSize: TypeAlias = Annotated[int, _number(1, 65_536, int)]
SizeBytes: TypeAlias = Annotated[int, _number(0, 10 << 30, int)]
Seconds: TypeAlias = Annotated[float, _number(0, 1e9, int, float)]
