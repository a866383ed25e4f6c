"""What the catalog expects of a complete copy is about datasets and targets that it has."""

from __future__ import annotations

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.catalog.expected import load_expected, parse_expected
from cosmos_board.data.catalog.load import get_dataset
from cosmos_board.data.imports.spec.load import load_spec

PARTS = [(name, part) for name, parts in load_expected().items() for part in parts]


@pytest.mark.parametrize(("name", "part"), PARTS, ids=lambda value: getattr(value, "part", value))
def test_each_part_is_of_targets_that_the_dataset_has_and_its_import_reads(
    name: str, part: object
) -> None:
    (part,) = [each for each in load_expected()[name] if each is part]
    targets = get_dataset(name).targets
    read = {object_ for entry in load_spec(name).images for mask in entry.masks
            for object_ in mask.all_objects}  # fmt: skip

    assert any(part.covers(target.modality, target.object) for target in targets)
    assert not part.object or part.object in read
    assert part.source.strip()


def test_parts_of_one_dataset_are_told_apart() -> None:
    for name, parts in load_expected().items():
        assert len({part.part for part in parts}) == len(parts), name


def test_numbers_that_its_publishers_state_are_there() -> None:
    cases = {part.part: part.cases for part in load_expected()["msd"]}

    assert cases["Task01_BrainTumour"] == 484
    assert cases["Task09_Spleen"] == 41


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("source = 'x'", r"toy\[0\]: cases: are missing"),
        ("source = 'x'\nreferences = 2", r"toy\[0\]: references: need an object"),
        ("source = 'x'\nmodality = 'ct'\npictures = 2", "pictures: of one modality need an object"),
        (
            "source = 'x'\nobject = 'lung'\ncases = 1\nexclude = ['a/']",
            "exclude: cannot stand beside",
        ),
        ("source = 'x'\ncases = 0", "cases: .*greater than or equal to 1"),
        ("cases = 1", "source: is missing"),
    ],
)
def test_a_part_that_says_nothing_to_count_is_refused(row: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse_expected(f"[[toy]]\npart = 'all'\n{row}")
