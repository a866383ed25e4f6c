"""Every sentence exists in every language."""

from __future__ import annotations

import re
import string
from typing import get_args

import pytest

from cosmos_board.board.findings import FindingVerdict
from cosmos_board.board.types import Exposure, PairVerdict, Status
from cosmos_board.data.catalog import load_catalog
from cosmos_board.site.cases import KINDS
from cosmos_board.site.words import MissingTranslationError, words_for
from tests.site.sentences import find_sentences


def test_every_sentence_of_the_generator_has_a_translation() -> None:
    assert find_sentences() - words_for("zh").catalog.keys() == set()


def test_every_word_that_our_own_data_uses_has_a_translation() -> None:
    terms = {
        *get_args(FindingVerdict), *get_args(PairVerdict), *get_args(Exposure), *get_args(Status),
        *KINDS, "patient", "volume", "image", "promptable", "classical", "baseline", "unsupported",
        "self-reported", "audited", "re-run",
    }  # fmt: skip
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
    said |= {dataset.licence for dataset in load_catalog().cosmos}
    kept = {key for key in words_for("zh").catalog if re.search(r"[ .]", key)}

    assert kept - said - {"not enough data", "not run"} == set()


def test_an_untranslated_sentence_is_an_error_and_a_strange_term_stays_as_it_is() -> None:
    with pytest.raises(MissingTranslationError):
        words_for("zh")("Nobody ever said this.")
    assert words_for("zh").term("some new tier") == "some new tier"
