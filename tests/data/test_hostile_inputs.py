from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cosmos_board.core.errors import StorageError
from cosmos_board.curation.curate import curate
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import make_pack_info, parse_spec
from tests.data.hostile import CASES, HostileInput, find_refusals, write_spec
from tests.data.raw_files import draw_noise, draw_square, save_picture


def test_the_corpus_has_sixty_inputs_and_more() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_input_is_refused_in_one_line(case: HostileInput, tmp_path: Path) -> None:
    lines = find_refusals(case, tmp_path / "source")

    assert lines
    assert all(line.isprintable() and len(line) < 400 for line in lines), lines
    assert not any(str(tmp_path) in line for line in lines if "--source" not in line), lines


def test_the_whole_corpus_stays_below_one_gibibyte(tmp_path: Path) -> None:
    """Measured in a process of its own, since the peak of this one is that of all tests.

    By the high-water mark of its own memory: `ru_maxrss` starts at what its parent held.
    """
    code = (
        "import sys, pathlib, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "from tests.data.hostile import CASES, find_refusals\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "assert all(find_refusals(case, root / str(i)) for i, case in enumerate(CASES))\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(int(status.split('VmHWM:')[1].split()[0]) * 1024)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    assert int(run.stdout) < 1 << 30


def test_bad_units_are_quarantined_and_the_good_ones_kept(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("a", "b", "c"):
        save_picture(source / f"images/{name}.png", draw_noise(seed=ord(name)))
        save_picture(source / f"masks/{name}.png", draw_square() * 255)
    (source / "images/b.png").write_bytes(b"\x89PNG cut")
    spec = parse_spec(write_spec("images/{case}.png", "masks/{case}.png"), "spec.toml")

    report = curate(
        plan_import(spec, source).units(), make_pack_info(spec), tmp_path / "pack", workers=1
    )

    assert report.info.counts.references == 2
    assert [origin for origin, _ in report.quarantined] == ["images/b.png"]


def test_names_in_any_script_are_read(tmp_path: Path) -> None:
    for place in ("图像", "遮罩"):
        save_picture(tmp_path / place / "Müller ø.png", draw_square() * 255)
    spec = parse_spec(write_spec("图像/{case}.png", "遮罩/{case}.png"), "spec.toml")

    (unit,) = plan_import(spec, tmp_path).units()
    (image,) = unit.read()

    assert image.masks["lesion"][0].sum() == 144


def test_a_link_within_the_folder_is_read(tmp_path: Path) -> None:
    save_picture(tmp_path / "store/a.png", draw_square() * 255)
    for place in ("images", "masks"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "a.png").symlink_to("../store/a.png")
    spec = parse_spec(write_spec("images/{case}.png", "masks/{case}.png"), "spec.toml")

    assert len(plan_import(spec, tmp_path).jobs) == 1


def test_a_target_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    for place in ("images", "masks"):
        save_picture(tmp_path / place / "a.png", draw_square() * 255)
    spec = parse_spec(write_spec("images/{case}.png", "masks/{case}.png"), "spec.toml")
    units = plan_import(spec, tmp_path).units()

    with pytest.raises(StorageError) as caught:
        curate(units, make_pack_info(spec), tmp_path / "images/a.png/pack", workers=1)

    assert "\n" not in str(caught.value)
