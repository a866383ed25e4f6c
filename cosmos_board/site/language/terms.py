"""Words of the data that pages translate: metrics, prompts, verdicts, licences, claims, models.

They come from elsewhere in the package, not from a call in the site's code, so extraction asks
this module for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, get_args

from cosmos_board.board.advice.advice import AdviceVerdict
from cosmos_board.board.findings.claims import CLAIMS
from cosmos_board.board.findings.parts import FindingVerdict
from cosmos_board.board.types import Exposure, Status
from cosmos_board.core.cards import ClusterUnit
from cosmos_board.core.modalities import MODALITIES
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.core.scores import Selection
from cosmos_board.core.tracks import CORE, COUNTS, FULL, TIERS
from cosmos_board.core.volumes import VOLUME_PROMPTS
from cosmos_board.data.catalog.load import load_catalog
from cosmos_board.factors.table import FACTORS
from cosmos_board.metrics.table import METRICS
from cosmos_board.models.registry import list_cards
from cosmos_board.site.language.messages import CLAIM_TEXTS, MESSAGES, TIER_TEXTS
from cosmos_board.stats.family import Verdict


def list_terms() -> dict[str, str]:
    """Return every term with what it is, which translators read beside it."""
    texts = CLAIM_TEXTS.values()
    claims = [text for claim in texts for text in (claim.needs, claim.paper, claim.source) if text]
    datasets = load_catalog().cosmos
    groups: dict[str, Sequence[str]] = {
        "modality": [modality.label for modality in MODALITIES.values()],
        "prompt": [prompt.label for prompt in PROMPTS.values()],
        "prompt on a volume": [prompt.label for prompt in VOLUME_PROMPTS.values()],
        "metric": [metric.label for metric in METRICS.values()],
        "definition of a metric": [metric.definition for metric in METRICS.values()],
        "factor": [factor.label for factor in FACTORS.values()],
        "definition of a factor": [factor.definition for factor in FACTORS.values()],
        "verdict on a claim": get_args(FindingVerdict),
        "what the advice on a target amounts to": get_args(AdviceVerdict),
        "verdict on a pair of models": [*get_args(Verdict), "not tested"],
        "how a claim of the study is known": [claim.certainty for claim in CLAIMS],
        "claim of the study": [claim.statement for claim in texts],
        "what is measured for a claim": [claim.effect for claim in texts],
        "of a claim": [text for text in claims if not text.startswith("http")],
        "what the board says of its data": [
            text for text in MESSAGES.values() if isinstance(text, str)
        ],
        "overlap of training and test data": get_args(Exposure),
        "status of a model on a board": [*get_args(Status), "unsupported", "not run"],
        "how far a run was checked": TIERS,
        "what a tier promises and what not": list(TIER_TEXTS.values()),
        "track of runs": [CORE, COUNTS, FULL],
        "state of a submission": ["shown", "left-out", "held", "withdrawn", "taken-down"],
        "how a mask is chosen": get_args(Selection),
        "kind of model": ["promptable", "classical", "baseline"],
        "what is independent": get_args(ClusterUnit),
        "case": ["lowest", "median", "highest", "disputed"],
        "which point moves": ["first", "all"],
        "measure of annotation": ["dice", "seconds"],
        "access to a dataset": sorted({dataset.gate.kind for dataset in datasets}),
        "licence": sorted({dataset.licence for dataset in datasets if _is_told(dataset.licence)}),
        "description of a model": [
            card.description for card in list_cards() if card.kind in ("baseline", "classical")
        ],
    }
    return {term: comment for comment, terms in groups.items() for term in terms}


def _is_told(licence: str) -> bool:
    """Return whether a licence has words to translate."""
    return not licence.startswith("CC BY") or " for " in licence


def extract_terms(
    file: IO[bytes],
    keywords: Mapping[str, object],
    comment_tags: Sequence[str],
    options: Mapping[str, str],
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Give Babel the terms, each with its comment: line, function, message, comments."""
    for term, comment in list_terms().items():
        yield 0, "", term, [comment]
