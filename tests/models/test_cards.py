from __future__ import annotations

import re

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.models.cards import CARDS, KNOWN, KnownModel
from cosmos_board.models.conformance import KINDS
from cosmos_board.models.registry import BUILTIN, load_segmenter

EACH = pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN.keys())


def test_what_we_load_is_known() -> None:
    named = {name for name, known in KNOWN.items() if known.loads_as == name}

    assert named == set(CARDS)
    assert set(BUILTIN) == set(CARDS)


@EACH
def test_a_card_uses_the_protocols_words(known: KnownModel) -> None:
    card = known.card

    assert re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", card.name)
    assert card.kind in KINDS
    assert set(card.prompts) <= set(PROMPTS)
    assert card.description.endswith(".")
    assert card.source.startswith("https://") or card.name in {
        "box-prior",
        "cosmos-tiny",
        "ellipsoid",
    }


@EACH
def test_a_hash_is_a_sha256_and_has_a_file(known: KnownModel) -> None:
    if known.sha256 is not None:
        assert re.fullmatch(r"[0-9a-f]{64}", known.sha256)
        assert known.checkpoint is not None


@EACH
def test_a_base_model_is_known_itself(known: KnownModel) -> None:
    """Contamination follows the line of descent."""
    assert known.card.base_model is None or known.card.base_model in KNOWN


def test_a_model_without_an_adapter_says_so() -> None:
    with pytest.raises(InputError, match="no adapter"):
        load_segmenter("biomedparse")
