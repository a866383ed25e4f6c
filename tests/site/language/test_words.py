"""Every sentence exists in every language."""

from __future__ import annotations

import re
import string
from typing import get_args

import pytest

from cosmos_board.board.findings.claims import CLAIMS
from cosmos_board.board.findings.findings import FindingVerdict
from cosmos_board.board.messages import Message, MessageKey
from cosmos_board.board.types import Exposure, PairVerdict, Status
from cosmos_board.data.catalog import load_catalog
from cosmos_board.models.registry import list_cards
from cosmos_board.site.content.case_picks import KINDS
from cosmos_board.site.language.messages import CLAIM_TEXTS, MESSAGES, SINGULAR, say
from cosmos_board.site.language.words import MissingTranslationError, words_for
from tests.site.sentences import find_sentences

OUR_SENTENCES = {
    *(card.description for card in list_cards() if card.kind in {"baseline", "classical"}),
    *(claim.certainty for claim in CLAIMS),
    *(text.source for text in CLAIM_TEXTS.values() if text.source[:4] not in ("", "http")),
}
"""What the board says of itself in whole sentences that carry no numbers of a run."""


def test_what_a_finding_lacks_is_said_in_chinese() -> None:
    lacking = Message.of("wide-targets", n=10, least=10, have=0, all=5, most=4)
    factor = Message.of("variation", factor=Message("boundary-rho"))

    chinese = words_for("zh")
    assert (
        say(lacking, chinese) == "10 个各有至少 10 个独立单元的目标（5 个中有 0 个满足；最多为 4）"
    )
    assert "边界复杂度的 −ρ" in say(factor, chinese)
    assert say(Message.of("promptable-model", prompts=("box", "point"))) == (
        "a promptable model with box, point"
    )


def test_one_cluster_is_not_said_to_be_many() -> None:
    one, many = (say(Message.of("too-few-to-recommend", n=n, least=10)) for n in (1, 2))

    assert one.startswith("1 cluster: ")
    assert many.startswith("2 clusters: ")


def test_every_key_of_the_board_has_its_words() -> None:
    assert set(MESSAGES) == set(get_args(MessageKey))
    assert MESSAGES.keys() >= SINGULAR.keys()


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
