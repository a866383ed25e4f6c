"""Every sentence exists in every language."""

from __future__ import annotations

import re
import string
from typing import get_args

import pytest

from cosmos_board.board.findings.claims import CLAIMS
from cosmos_board.board.findings.findings import FindingVerdict
from cosmos_board.board.types import Exposure, PairVerdict, Status
from cosmos_board.data.catalog import load_catalog
from cosmos_board.models.registry import list_cards
from cosmos_board.site.content.case_picks import KINDS
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.phrases import translate
from cosmos_board.site.language.words import MissingTranslationError, words_for
from tests.site.sentences import find_sentences

OUR_SENTENCES = {
    *(card.description for card in list_cards() if card.kind in {"baseline", "classical"}),
    *(text for claim in CLAIMS for text in (claim.needs, claim.paper, claim.certainty) if text),
    *(claim.source for claim in CLAIMS if claim.source and not claim.source.startswith("http")),
    "Dice gained", "seconds saved", "−ρ of boundary complexity", "ρ of intensity difference",
    "targets with Dice ≥ 0.9", "targets with Dice ≤ 0.5", "point − everything",
    "box − best point prompt", "drop of box", "drop of point", "lead at click 1",
    "deficit at click 10",
}  # fmt: skip
"""What the board says of itself in whole sentences that carry no numbers of a run."""


def test_what_a_finding_lacks_is_said_in_chinese() -> None:
    words = words_for("zh")
    said = translate(
        "10 targets with at least 10 clusters each (0 of 5 have them; the most is 4)", words
    )

    assert said == "10 个各有至少 10 个独立单元的目标（5 个中有 0 个满足；最多为 4）"
    assert translate("something new", words) == "something new"


def test_every_finding_of_a_thin_board_is_told_in_chinese(data: SiteData) -> None:
    for finding in data.studies.findings:
        for decision in (finding.oracle, finding.predicted):
            for text in decision.missing if decision else ():
                assert translate(text, words_for("zh")) != text


def test_every_sentence_of_the_generator_has_a_translation() -> None:
    assert find_sentences() - words_for("zh").catalog.keys() == set()


def test_every_word_that_our_own_data_uses_has_a_translation() -> None:
    terms = {
        *get_args(FindingVerdict), *get_args(PairVerdict), *get_args(Exposure), *get_args(Status),
        *KINDS, "patient", "volume", "image", "promptable", "classical", "baseline", "unsupported",
        "self-reported", "audited", "re-run",
    }  # fmt: skip
    terms |= OUR_SENTENCES
    for dataset in load_catalog().cosmos:
        terms.add(dataset.gate.kind)
        if not dataset.licence.startswith("CC BY") or " for " in dataset.licence:
            terms.add(dataset.licence)

    assert terms - words_for("zh").catalog.keys() == set()


@pytest.mark.parametrize("sentence", sorted(words_for("zh").catalog))
def test_a_translation_fills_the_same_fields(sentence: str) -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert fields(words_for("zh").catalog[sentence]) == fields(sentence)


def test_no_translation_is_kept_that_nobody_says() -> None:
    said = find_sentences()
    said |= {dataset.licence for dataset in load_catalog().cosmos} | OUR_SENTENCES
    kept = {key for key in words_for("zh").catalog if re.search(r"[ .]", key)}

    assert kept - said - {"not enough data", "not run"} == set()


def test_an_untranslated_sentence_is_an_error_and_a_strange_term_stays_as_it_is() -> None:
    with pytest.raises(MissingTranslationError):
        words_for("zh")("Nobody ever said this.")
    assert words_for("zh").term("some new tier") == "some new tier"
