from __future__ import annotations

import pytest

from cosmos_board.core.errors import UnknownNameError
from cosmos_board.core.modalities import _SYNONYMS, MODALITIES, find_near_modalities, get_modality


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("US", {"ultrasound"}),
        ("Ultra-Sound", {"ultrasound"}),
        ("MRI", {"mr", "mr-t1", "cmr"}),
        ("xray", {"x-ray"}),
        ("X Ray", {"x-ray"}),
        ("Mammo", {"mammography"}),
        ("histology", {"histopathology"}),
        ("OCT-A", {"octa"}),
        ("T1w", {"mr-t1"}),
        ("dermoscopic", {"dermoscopy"}),
    ],
)
def test_words_of_the_field_lead_to_ours(word: str, near: set[str]) -> None:
    assert near <= set(find_near_modalities(word))

    with pytest.raises(UnknownNameError, match=next(iter(near))):
        get_modality(word)


def test_a_word_like_none_is_met_with_all() -> None:
    assert find_near_modalities("telepathy") == tuple(MODALITIES)


def test_every_synonym_leads_to_a_modality_and_is_none() -> None:
    assert not _SYNONYMS.keys() & MODALITIES.keys()
    assert {name for names in _SYNONYMS.values() for name in names} <= MODALITIES.keys()
