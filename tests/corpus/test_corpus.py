"""Every format and trap that files are known for: read right, or refused with a clear line."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.corpus.case import Case, Made
from tests.corpus.families import FAMILIES
from tests.corpus.importing import assert_as_made, import_made

CASES = {f"{family}-{case.name}": case for family, cases in FAMILIES.items() for case in cases}


@cache
def _make(case: Case, folder: Path) -> Made:
    folder.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        # Writing what readers have to bear is not always to a library's liking.
        warnings.simplefilter("ignore")
        return case.make(folder)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the files of all cases, made when they are first asked for."""
    return tmp_path_factory.mktemp("corpus")


def test_the_corpus_is_large_and_no_name_is_used_twice() -> None:
    assert len(CASES) == sum(map(len, FAMILIES.values())) >= 120


@pytest.mark.parametrize("name", CASES)
def test_what_comes_out_is_what_was_put_in(name: str, corpus: Path, tmp_path: Path) -> None:
    made = _make(CASES[name], corpus / name)

    imported = import_made(corpus / name, made, tmp_path)

    assert_as_made(imported, made)


@pytest.mark.parametrize("name", CASES)
def test_another_reader_sees_what_was_put_in(name: str, corpus: Path) -> None:
    made = _make(CASES[name], corpus / name)

    assert made.readings or not made.slices, "no second reader holds this case"
    for reading in made.readings:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = np.asarray(reading.read())
        assert found.shape == reading.wanted.shape, reading.reader
        assert np.array_equal(found, reading.wanted), reading.reader
