"""`data import` says what it will do, what is seldom meant, and how it went."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from cosmos_board.cli.data import command
from cosmos_board.core.errors import InputError
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, draw_square, save_nifti, save_picture


def call(folder: Path, spec: str, *options: str) -> Result:
    """Import the files of a folder; an error of ours is raised as it is."""
    (folder / "spec.toml").write_text(spec)
    source, out = folder / "in", folder / "pack"
    arguments = ["import", folder / "spec.toml", "--source", source, "--out", out, *options]
    result = CliRunner().invoke(command, [*map(str, arguments), "--workers", "1"])
    if isinstance(result.exception, InputError):
        raise result.exception
    return result


def save_pairs(folder: Path, *names: str, swapped: bool = False) -> str:
    for seed, name in enumerate(names):
        image, mask = draw_noise(seed=seed), draw_square() * np.uint8(255)
        save_picture(folder / f"in/a/{name}.png", mask if swapped else image)
        save_picture(folder / f"in/b/{name}.png", image if swapped else mask)
    return write_spec("a/{case}.png", "b/{case}.png").replace("'ct'", "'fundus'")


def test_swapped_files_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    spec = save_pairs(tmp_path, "a", "b", swapped=True)

    with pytest.raises(InputError, match="look swapped"):
        call(tmp_path, spec)
    with pytest.raises(InputError, match="look swapped"):
        call(tmp_path, spec, "--dry-run")

    assert not (tmp_path / "pack").exists()


def test_swapped_files_are_imported_where_that_is_meant(tmp_path: Path) -> None:
    spec = save_pairs(tmp_path, "a", "b", swapped=True)

    assert call(tmp_path, spec, "--accept", "swapped").exit_code == 0
    assert (tmp_path / "pack/pack.json").exists()


def test_a_plan_needs_no_pack_and_an_import_does(tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(save_pairs(tmp_path, "a"))
    arguments = ["import", str(tmp_path / "spec.toml"), "--source", str(tmp_path / "in")]

    planned = CliRunner().invoke(command, [*arguments, "--dry-run"])
    imported = CliRunner().invoke(command, arguments)

    assert planned.exit_code == 0
    assert "1 with masks" in planned.stdout
    assert imported.exit_code == 2
    assert "Missing option '--out'" in imported.stderr


def test_a_warning_is_told_before_and_after_and_can_be_accepted(tmp_path: Path) -> None:
    spec = save_pairs(tmp_path, "p1_1", "p1_2", "p2_1", "p2_2")

    told = call(tmp_path, spec)
    accepted = call(tmp_path, spec, "--accept", "clusters")

    assert told.exit_code == accepted.exit_code == 0
    assert told.stderr.count("--accept clusters") == 2
    assert "warning" not in accepted.stderr


def test_a_word_that_accepts_nothing_is_wrong_usage(tmp_path: Path) -> None:
    result = call(tmp_path, save_pairs(tmp_path, "a"), "--accept", "all")

    assert result.exit_code == 2
    assert "'all' is none of swapped, crossed" in result.stderr


def test_a_dry_run_that_finds_nothing_is_refused(tmp_path: Path) -> None:
    spec = save_pairs(tmp_path, "a").replace("b/{case}", "c/{case}")

    with pytest.raises(InputError, match=r"no file fits c/.*want a/\{case\}\.png"):
        call(tmp_path, spec, "--dry-run")


def test_a_dry_run_tells_of_files_that_cannot_be_read(tmp_path: Path) -> None:
    spec = save_pairs(tmp_path, "a", "b")
    save_picture(tmp_path / "in/b/a.png", draw_square((9, 9)) * np.uint8(255))

    told = call(tmp_path, spec, "--dry-run")
    assert told.exit_code == 0
    assert "1 of 2 looked at cannot be read, first b/a.png: size: differs" in told.stderr

    (tmp_path / "in/b/b.png").write_bytes(b"none")
    with pytest.raises(InputError, match="2 of 2 looked at cannot be read, first b/a"):
        call(tmp_path, spec, "--dry-run")


def test_clusters_that_share_an_image_are_named(tmp_path: Path) -> None:
    spec = save_pairs(tmp_path, "a", "b")
    save_picture(tmp_path / "in/a/b.png", draw_noise(seed=0))

    result = call(tmp_path, spec)

    assert (
        "1 clusters share an image with another and were joined: a/a.png = a/b.png" in result.stderr
    )


def test_blank_slices_of_three_patients_leave_three_clusters(tmp_path: Path) -> None:
    for seed, name in enumerate("abc"):
        voxels = draw_noise((32, 32, 3), seed=seed)
        voxels[:, :, 0] = 0
        save_nifti(tmp_path / f"in/a/{name}.nii.gz", voxels)
        save_nifti(tmp_path / f"in/b/{name}.nii.gz", draw_square((32, 32, 3), 0, 12))
    spec = write_spec("a/{case}.nii.gz", "b/{case}.nii.gz", more="normalisation = 'minmax'")

    result = call(tmp_path, spec)

    assert "dropped 3: constant: an image of one value shows nothing" in result.stdout
    assert result.stdout.endswith("written: 6 images, 6 references, 3 clusters\n")
    assert "--accept blank" in result.stderr


def test_the_last_line_counts_what_could_not_be_read(tmp_path: Path) -> None:
    spec = save_pairs(tmp_path, "a", "b", "c")
    save_picture(tmp_path / "in/b/c.png", draw_square((9, 9)) * np.uint8(255))

    result = call(tmp_path, spec)

    assert result.exit_code == 0
    assert result.stdout.endswith("2 images, 2 references, 2 clusters; 1 not read\n")
    assert "quarantined a/c.png: b/c.png: size: differs" in result.stderr


def test_a_dry_run_of_other_names_ends_with_one_line_and_code_1(tmp_path: Path) -> None:
    save_picture(tmp_path / "in/Bilder/a.png", draw_noise())
    arguments = ["import", "kvasir-seg", "--source", tmp_path / "in", "--out", tmp_path / "pack"]

    result = CliRunner().invoke(command, [*map(str, arguments), "--dry-run"])

    assert isinstance(result.exception, InputError)
    assert result.exception.exit_code == 1
    assert "0 of 1000 pictures: files are named Bilder/a.png, the catalog expects" in str(
        result.exception
    )


def test_an_import_says_before_and_after_how_much_of_the_dataset_it_is(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_picture(tmp_path / f"in/images/{name}.jpg", draw_noise(seed=ord(name)))
        save_picture(tmp_path / f"in/masks/{name}.jpg", draw_square() * np.uint8(255))
    save_picture(tmp_path / "in/more/c.png", draw_noise())
    arguments = ["import", "kvasir-seg", "--source", tmp_path / "in", "--out", tmp_path / "pack"]

    planned = CliRunner().invoke(command, [*map(str, arguments), "--dry-run"])
    done = CliRunner().invoke(command, [*map(str, arguments), "--workers", "1"])

    assert planned.exit_code == done.exit_code == 0
    assert "    all: 2 of 1000 pictures\n" in planned.stdout
    assert "    1 .png in more/, such as more/c.png\n" in planned.stdout
    assert "expected by the catalog: all: 2 of 1000 pictures\n" in done.stdout
    assert not [line for line in planned.stdout.splitlines() if "expected by" in line]
