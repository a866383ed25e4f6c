"""The numbers of good inputs: packs of all real sources equal an independent reading.

Prompts, factors and metrics equal second implementations, on a few references of each source here
and on all of them among the slow tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from cosmos_board.core.masks import Mask
from cosmos_board.curation.curate import curate
from cosmos_board.data.imports.spec.load import make_pack_info, read_spec
from cosmos_board.data.pack import PackItem, open_pack
from cosmos_board.metrics.reference import prepare_reference
from cosmos_board.metrics.score import score
from tests.corpus.importing import assert_same_slices
from tests.corpus.real_readings import read_source
from tests.import_files import SPECS, plan_source
from tests.metrics.pairs import distort
from tests.second_opinions import (
    assert_close,
    find_prompts,
    measure_plain_factors,
    measure_shape,
    transform_scores,
)
from tests.shared import needs_shared

SOURCES = sorted(path.stem for path in SPECS.glob("*.toml"))
FEW = 2
"""References of each source in a usual run."""

pytestmark = needs_shared


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the packs of all sources, each made when it is first asked for."""
    return tmp_path_factory.mktemp("real")


def _import(source: str, packs: Path) -> tuple[PackItem, ...]:
    pack = packs / source
    if not pack.is_dir():
        info = make_pack_info(read_spec(SPECS / f"{source}.toml"))
        curate(plan_source(source).units(), info, pack, workers=1)
    return tuple(open_pack(pack).iter_items())


def test_all_sources_are_read_a_second_time() -> None:
    assert len(SOURCES) == 35


@pytest.mark.parametrize("source", SOURCES)
def test_pixels_and_masks_equal_an_independent_reading(source: str, packs: Path) -> None:
    assert_same_slices(_import(source, packs), read_source(source))


@pytest.mark.parametrize("source", SOURCES)
def test_prompts_factors_and_metrics_equal_second_implementations(source: str, packs: Path) -> None:
    pairs = [(item, id_) for item in _import(source, packs) for id_ in _list_ids(item)]
    step = max(1, len(pairs) // FEW)

    _assert_same_numbers(pairs[step // 2 :: step][:FEW], ways=1)


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_all_prompts_factors_and_metrics_equal_second_implementations(
    source: str, packs: Path
) -> None:
    _assert_same_numbers(
        ((item, id_) for item in _import(source, packs) for id_ in _list_ids(item)), ways=4
    )


def _list_ids(item: PackItem) -> list[str]:
    return [reference.reference_id for reference in item.references]


def _assert_same_numbers(pairs: Iterable[tuple[PackItem, str]], ways: int) -> None:
    """Compare everything that is known of references, each with `ways` distorted predictions."""
    checked = 0
    for number, (item, id_) in enumerate(pairs):
        mask = _find_mask(item, id_)
        _assert_same_prompts(item, id_, mask)
        _assert_same_factors(item, id_, mask)
        for way in range(number, number + ways):
            prediction = distort(mask, way, seed=int(mask.sum()))
            if prediction.any():
                ours = score(prediction, prepare_reference(mask))
                assert_close(ours, transform_scores(prediction, mask))
                checked += 1
    assert checked


def _find_mask(item: PackItem, id_: str) -> Mask:
    return next(one for one in item.references if one.reference_id == id_).mask()


def _assert_same_prompts(item: PackItem, id_: str, mask: Mask) -> None:
    wanted = find_prompts(mask)
    assert sorted(item.prompts[id_]) == sorted(wanted)
    for name, (points, labels, box) in wanted.items():
        prompt = item.prompts[id_][name]
        found = prompt.points_xy.tolist(), prompt.labels.tolist(), prompt.box_xyxy
        assert found == (points, labels, box), name


def _assert_same_factors(item: PackItem, id_: str, mask: Mask) -> None:
    factors = item.factors[id_]
    for name, value in measure_plain_factors(item.image.pixels, mask).items():
        assert getattr(factors, name) == pytest.approx(value, abs=1e-9, nan_ok=True), name
    complexity, order = measure_shape(mask)
    assert factors.efd_order == order
    assert factors.boundary_complexity == pytest.approx(complexity, abs=1e-9)
