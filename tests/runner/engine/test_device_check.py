"""A worker's device is asked the same again and again, and must answer the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.core.run_record import Card, DeviceCheck, Provenance, RunRecord, RunSettings
from cosmos_board.runner.engine import device_check
from cosmos_board.runner.engine.device_check import DeviceWatch, DriftError
from cosmos_board.runner.run import _remark_mixtures
from tests.runner.segmenters import Squares, Troubled


def test_a_device_that_stays_the_same_is_looked_at_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device_check, "EVERY", 10)
    watch = DeviceWatch(Squares(), "cuda:1")
    watch.note_images(9)
    assert watch.check.after is None

    watch.note_images(1)

    assert watch.check.after == watch.check.before
    assert watch.check.worker.startswith("cuda:1, ")


def test_a_device_that_drifts_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROUBLED_DRIFT", "1000")
    segmenter = Troubled()
    watch = DeviceWatch(segmenter, "cuda:1")
    segmenter.drift = 1

    with pytest.raises(DriftError, match=r"^cuda:1, .* other masks at the end") as caught:
        watch.look()

    assert caught.value.check.after != watch.check.before == caught.value.check.before


@pytest.mark.parametrize(
    ("names", "digests", "remarks"),
    [
        (["A"], ["1", "1"], []),
        (["A", "B"], ["1", "1"], ["2 kinds of GPU (A, B)"]),
        (["A"], ["1", "2"], ["net: devices answered one device check in 2 ways"]),
    ],
)
def test_a_run_says_what_it_mixes(names: list[str], digests: list[str], remarks: list[str]) -> None:
    nothing = Provenance(python="", platform="", processors=1, packages={}, commit=None)
    record = RunRecord(
        settings=RunSettings(),
        protocol="",
        provenance=nothing,
        started_utc="",
        entries={},
        device_checks=[DeviceCheck(model="net", rows=1, before=digest) for digest in digests],
        cards=[Card(name=name, driver="1", runtime="CUDA 13.0") for name in names],
    )

    said = list(_remark_mixtures(Path("run"), record))

    assert len(said) == len(remarks)
    assert all(part in line for part, line in zip(remarks, said, strict=True))
