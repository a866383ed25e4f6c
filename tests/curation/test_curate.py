from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from cosmos_board.core.errors import InputError, InUseError, StorageError
from cosmos_board.curation.curate import ImportReport, curate
from cosmos_board.curation.records import curate_image
from cosmos_board.data.pack import open_pack
from cosmos_board.data.pack.check import check_pack
from cosmos_board.data.source import SourceImage, SourceUnit
from tests.curation.units import (
    INFO,
    build_discs,
    disc,
    make_image,
    make_unit,
    read_broken,
    read_deadly,
    read_hostile,
    yield_images,
)


def run(
    units: list[SourceUnit], out: Path, *, workers: int = 1, batch_units: int = 4
) -> ImportReport:
    return curate(units, INFO, out, workers=workers, batch_units=batch_units)


def test_a_pack_is_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    report = run([make_unit(seed) for seed in range(6)], tmp_path / "pack")

    assert check_pack(tmp_path / "pack") == []
    assert [path.name for path in tmp_path.iterdir()] == ["pack"]
    counts = report.info.counts
    assert (counts.images, counts.references, counts.clusters) == (6, 18, 3)
    assert (report.units, report.quarantined, dict(report.counts.dropped)) == (6, (), {})


@pytest.mark.parametrize("seed", range(3))
def test_the_pack_is_the_same_in_any_order_and_batching(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    seeds = rng.sample(range(9), 9)
    units = [make_unit(*seeds[:2]), *(make_unit(one) for one in seeds[2:])]
    reference = run([make_unit(one) for one in range(9)], tmp_path / "a").info

    shuffled = run(units, tmp_path / "b", batch_units=rng.randint(1, 5)).info

    assert shuffled == reference


def test_two_processes_give_the_same_pack_as_one(tmp_path: Path) -> None:
    units = [make_unit(seed) for seed in range(6)]

    assert (
        run(units, tmp_path / "a", workers=2, batch_units=2).info == run(units, tmp_path / "b").info
    )


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    build_discs(tmp_path / "pack")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "pack").rglob("*")}

    report = run([make_unit(seed) for seed in range(6)], tmp_path / "pack")

    assert report.unchanged
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "pack").rglob("*")} == before


def test_another_pack_in_the_place_is_left_alone(tmp_path: Path) -> None:
    build_discs(tmp_path / "pack", [1])

    with pytest.raises(InputError, match="another pack is there already"):
        run([make_unit(2)], tmp_path / "pack")

    assert check_pack(tmp_path / "pack") == []


def test_a_pack_of_other_terms_in_the_place_says_what_differs(tmp_path: Path) -> None:
    build_discs(tmp_path / "pack", [1])
    facts = tmp_path / "pack" / "pack.json"
    facts.write_text(facts.read_text().replace('"licence": "', '"licence": "not '))

    with pytest.raises(InputError, match=r"already.*got another licence\)"):
        run([make_unit(1)], tmp_path / "pack")


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(InputError, match="so this is no pack"):
        run([make_unit(1)], tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_unit_that_cannot_be_read_is_quarantined_whole(tmp_path: Path) -> None:
    units = [
        make_unit(1),
        SourceUnit("broken", "scan.nii", partial(read_broken, 7)),
        SourceUnit("hostile", "evil.tif", read_hostile),
    ]

    report = run(units, tmp_path / "pack")

    assert report.quarantined == (
        ("evil.tif", "evil.tif: cannot be read: ValueError: bad magic"),
        ("scan.nii", "scan.nii: header: is cut off"),
    )
    assert report.info.counts.images == 1


def test_a_unit_that_kills_its_process_is_quarantined_alone(tmp_path: Path) -> None:
    units = [make_unit(1), SourceUnit("deadly", "crash.dcm", read_deadly), make_unit(2)]

    report = run(units, tmp_path / "pack", workers=2, batch_units=3)

    assert report.quarantined == (("crash.dcm", "the process that read it died"),)
    assert report.info.counts.images == 2


def test_what_could_not_be_read_is_tried_again_by_the_next_call(tmp_path: Path) -> None:
    """Memory was short, or a package that reads such files was missing: both can be mended."""

    def unit(read: Callable[[], Iterable[SourceImage]]) -> SourceUnit:
        return SourceUnit("scan", "scan.nii", read)

    with pytest.raises(InputError, match="none could be read"):
        run([unit(read_hostile)], tmp_path / "pack")

    report = run([unit(lambda: [make_image(1)])], tmp_path / "pack")

    assert (report.quarantined, report.info.counts.images) == ((), 1)


def test_nothing_readable_is_refused_with_the_first_reason(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none could be read; evil\.tif"):
        run([SourceUnit("hostile", "evil.tif", read_hostile)], tmp_path / "pack")

    assert not [path for path in tmp_path.iterdir() if not path.name.endswith(".lock")]


def test_references_of_50_pixels_are_dropped_and_of_51_are_kept() -> None:
    pixels = np.eye(20, dtype=np.uint8)
    fifty, fifty_one = np.zeros((2, 20, 20), np.bool_)
    fifty.ravel()[:50] = True
    fifty_one.ravel()[:51] = True
    source = SourceImage(
        pixels=pixels,
        modality="ct",
        cluster_key="",
        masks={"small": (fifty,), "large": (fifty_one,), "absent": (np.zeros_like(fifty),)},
    )
    dropped: Counter[str] = Counter()

    image = curate_image(source, dropped)

    assert image is not None
    assert [(reference.object, reference.row["size_px"]) for reference in image.references] == [
        ("large", 51)
    ]
    assert dropped == {"small: 50 pixels or fewer": 1, "absent: the mask is empty": 1}


def test_an_image_without_a_reference_is_dropped_and_counted(tmp_path: Path) -> None:
    bare = replace(make_image(3), masks={})

    report = run([yield_images(bare, make_image(4))], tmp_path / "pack")

    assert dict(report.counts.dropped) == {"bare: no reference is left in the image": 1}
    assert report.info.counts.images == 1


def test_instances_are_numbered_by_their_first_pixel(tmp_path: Path) -> None:
    image = make_image(1)
    reversed_masks = {name: masks[::-1] for name, masks in image.masks.items()}
    run([yield_images(replace(image, masks=reversed_masks))], tmp_path / "pack")

    (item,) = open_pack(tmp_path / "pack").iter_items()

    cells = [reference for reference in item.references if reference.object == "cell"]
    assert [cell.instance for cell in cells] == [0, 1]
    assert [int(np.argmax(cell.mask())) for cell in cells] == sorted(
        int(np.argmax(mask)) for mask in image.masks["cell"]
    )


def test_the_same_image_twice_becomes_one_with_all_references(tmp_path: Path) -> None:
    image = make_image(1)
    first = replace(image, masks={"organ": image.masks["organ"]}, observers={})
    second = replace(image, masks={**image.masks, "organ": image.masks["organ"]})

    report = run([yield_images(second, first)], tmp_path / "pack")

    assert dict(report.counts.dropped) == {
        "same: the same mask came more than once in an image": 1,
        "twice: the same image came more than once and was merged": 1,
    }
    (item,) = open_pack(tmp_path / "pack").iter_items()
    assert [reference.object for reference in item.references] == ["cell", "cell", "organ"]
    assert open_pack(tmp_path / "pack").info.observers == ("second",)


def test_clusters_that_share_an_image_are_one(tmp_path: Path) -> None:
    images = (
        make_image(1, cluster="a"),
        make_image(2, cluster="a"),
        make_image(1, cluster="b"),
        make_image(3, cluster="b"),
        make_image(4, cluster="c"),
    )

    report = run([yield_images(*images)], tmp_path / "pack")

    assert (report.joined_clusters, report.info.counts.clusters) == (1, 2)


def test_two_equal_images_that_join_clusters_are_named(tmp_path: Path) -> None:
    images = (make_image(1, cluster="a"), make_image(1, cluster="b"), make_image(2, cluster="c"))
    units = [
        SourceUnit(f"unit {n}", f"unit {n}", partial(list, [replace(image, origin=f"file {n}")]))
        for n, image in enumerate(images)
    ]

    report = run(units, tmp_path / "pack")

    assert report.shared_images == (("file 0", "file 1"),)


def make_blank(seed: int, cluster: str, *, colour: bool = False) -> SourceImage:
    shape = (40, 40, 3) if colour else (40, 40)
    return replace(make_image(seed, cluster=cluster), pixels=np.full(shape, 9, np.uint8))


@pytest.mark.parametrize("colour", [False, True])
def test_images_of_one_value_are_left_out_and_join_no_clusters(
    colour: bool, tmp_path: Path
) -> None:
    clusters = ("a", "b", "c")
    blank = [make_blank(1, cluster, colour=colour) for cluster in clusters]
    shown = [make_image(seed, cluster=cluster) for seed, cluster in enumerate(clusters)]

    report = run([yield_images(*blank, *shown)], tmp_path / "pack")

    assert (report.joined_clusters, report.info.counts.clusters) == (0, 3)
    assert report.info.counts.images == 3
    assert dict(report.counts.dropped) == {"constant: an image of one value shows nothing": 3}


def test_nothing_left_is_explained_by_what_was_left_out(tmp_path: Path) -> None:
    units = [
        yield_images(make_blank(1, "a"), replace(make_image(2), masks={})),
        SourceUnit("broken", "scan.nii", partial(read_broken, 7)),
    ]

    with pytest.raises(InputError, match=r"images: none is left: ") as caught:
        run(units, tmp_path / "pack")

    for reason in (
        "1 bare: no reference is left in the image",
        "1 constant: an image of one value shows nothing",
        "1 could not be read, first scan.nii: header: is cut off",
    ):
        assert reason in str(caught.value)


def test_regions_passed_over_and_warnings_are_counted(tmp_path: Path) -> None:
    images = [
        replace(make_image(seed), left_out={"crowd": seed}, warnings=("inverted",) * (seed > 1))
        for seed in (1, 2, 3)
    ]

    report = run([yield_images(*images)], tmp_path / "pack")

    assert dict(report.counts.dropped) == {"crowd": 6}
    assert dict(report.counts.warnings) == {"images": 3, "inverted": 2}


def test_clusters_are_numbered_by_their_smallest_image_hash(tmp_path: Path) -> None:
    pack = open_pack(build_discs(tmp_path / "pack", range(8)))

    smallest: dict[str, str] = {}
    for row in pack.iter_image_rows():
        smallest.setdefault(row["cluster_id"], row["image_id"])
    assert sorted(smallest, key=smallest.__getitem__) == sorted(smallest)
    assert sorted(smallest) == [f"discs-{number:05d}" for number in range(1, 5)]


def test_no_word_of_the_source_reaches_the_pack(tmp_path: Path) -> None:
    build_discs(tmp_path / "pack")

    everything = b"".join(path.read_bytes() for path in (tmp_path / "pack").rglob("*.*"))

    assert b"discs-00001" in everything
    for word in (b"Doe", b"Jane", b"jane", b"picture", b"seeds"):
        assert word not in everything


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"pixels": np.zeros((4, 4), np.float32)}, "are not 8-bit", id="float"),
        pytest.param({"pixels": np.zeros((4, 4, 4), np.uint8)}, "are not 8-bit", id="RGBA"),
        pytest.param({"pixels": np.zeros((9, 9), np.uint8)}, "does not fit its image", id="size"),
        pytest.param({"masks": {"Left Lung": ()}}, "is no name", id="object"),
        pytest.param({"modality": "xray"}, "unknown name", id="modality"),
        pytest.param(
            {"observers": {"second": {"cell": (disc(40, 9, 9, 5),)}}},
            r"drew another number of cell \(got 1, want 2\)",
            id="observer",
        ),
    ],
)
def test_what_is_no_source_image_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        curate_image(replace(make_image(1), **change), Counter())  # type: ignore[arg-type]


def test_two_imports_to_one_place_do_not_mix(tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / ".pack.lock"),
        pytest.raises(InUseError, match="another process is writing it"),
    ):
        run([make_unit(1)], tmp_path / "pack")


def test_a_full_disk_is_one_line_and_the_import_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = [make_unit(seed) for seed in range(6)]
    calls = []

    def fail_later(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 9:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail_later)
        with pytest.raises(StorageError, match="no space left on the disk"):
            run(units, tmp_path / "pack", batch_units=1)
    assert not (tmp_path / "pack").exists()

    assert run(units, tmp_path / "pack", batch_units=1).info == run(units, tmp_path / "b").info


_SLOW = """
import sys, time
from functools import partial
from pathlib import Path
from cosmos_board.curation.curate import curate
from tests.curation.units import INFO, make_unit
if __name__ == "__main__":
    curate(
        [make_unit(seed) for seed in range(40)],
        INFO,
        Path(sys.argv[1]),
        workers=int(sys.argv[2]),
        batch_units=1,
        on_progress=lambda done, total: (print(done, flush=True), time.sleep(0.02)),
    )
"""


def start_slow_import(out: Path, workers: int) -> subprocess.Popen[str]:
    script = out.with_name("slow.py")
    script.write_text(_SLOW)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, str(script), str(out), str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_an_import_killed_halfway_resumes_to_the_same_pack(tmp_path: Path) -> None:
    with start_slow_import(tmp_path / "pack", workers=1) as child:
        assert child.stdout is not None
        while int(child.stdout.readline()) < 20:
            pass
        child.send_signal(signal.SIGKILL)
    assert not (tmp_path / "pack").exists()
    units = [make_unit(seed) for seed in range(40)]
    started = time.perf_counter()

    resumed = run(units, tmp_path / "pack", batch_units=1)

    assert time.perf_counter() - started < 30
    assert resumed.info == run(units, tmp_path / "b").info
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "pack", "slow.py"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to see processes")
def test_a_killed_import_leaves_no_process_behind(tmp_path: Path) -> None:
    with start_slow_import(tmp_path / "pack", workers=2) as child:
        assert child.stdout is not None
        while int(child.stdout.readline()) < 2:
            pass
        below = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        child.send_signal(signal.SIGKILL)

    assert len(below) >= 2
    deadline = time.monotonic() + 20
    while any(is_running(process) for process in below):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(process: str) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
