"""Held-out sets: datasets of the study that no known model was trained on."""

from __future__ import annotations

from collections import Counter

import pytest

from cosmos_board.core.cards import PROTOCOL
from cosmos_board.data.catalog.held_out import HELD_OUT
from cosmos_board.data.catalog.load import load_catalog
from cosmos_board.models.cards import KNOWN

CHOSEN = [name for names in HELD_OUT[PROTOCOL].values() for name in names]


@pytest.mark.parametrize("name", CHOSEN)
def test_no_known_model_was_trained_on_a_held_out_dataset(name: str) -> None:
    dataset = load_catalog().datasets[name]

    assert dataset.kind == "cosmos"
    assert [use.model for use in dataset.contamination if use.use == "trained-on"] == []
    trained = [key for key, known in KNOWN.items() if name in (known.card.training_data or ())]
    assert trained == []


def test_a_dataset_is_in_one_set_and_no_modality_has_more_than_two() -> None:
    datasets = load_catalog().datasets
    modalities = Counter(part for name in CHOSEN for part in datasets[name].modalities)

    assert len(set(CHOSEN)) == len(CHOSEN)
    assert max(modalities.values()) == 2


@pytest.mark.parametrize("modality", ["x-ray", "ultrasound", "dermoscopy"])
def test_a_modality_without_a_held_out_dataset_has_none_that_nobody_trained_on(
    modality: str,
) -> None:
    found = [dataset for dataset in load_catalog().cosmos if modality in dataset.modalities]

    assert found
    for dataset in found:
        assert "trained-on" in {use.use for use in dataset.contamination}, dataset.name


def test_the_catalog_and_the_cards_of_models_say_the_same() -> None:
    datasets = load_catalog().cosmos
    for name in {use.model for dataset in datasets for use in dataset.contamination}:
        trained = {
            dataset.name
            for dataset in datasets
            for use in dataset.contamination
            if (use.model, use.use) == (name, "trained-on")
        }
        assert set(KNOWN[name].card.training_data or ()) == trained, name
