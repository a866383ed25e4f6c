"""Archives are read as if they were unpacked: the same images from each kind of archive."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from cosmos_board.core.errors import InputError
from cosmos_board.curation.curate import curate
from cosmos_board.data.imports.planning.plan import ImportPlan, plan_import
from cosmos_board.data.imports.spec.load import make_pack_info, parse_spec
from tests.data.raw_files import draw_noise, draw_square, save_nifti, save_picture, save_series
from tests.import_files import iter_source_images

HEAD = "schema_version = 1\nname = 'packed'\n"
ENTRIES = """
[[images]]
files = "**/images/{case}.png"
modality = "colonoscopy"
[[images.masks]]
files = "**/masks/{case}.png"
object = "polyp"
[[images]]
files = "**/ct/{case}.mhd"
modality = "ct"
cluster = "{case}"
[[images.masks]]
files = "**/ct/{case}.nii.gz"
object = "liver"
[[images]]
files = "**/mr/{case}/*.dcm"
modality = "mr-t2"
cluster = "{case}"
[[images.masks]]
files = "**/mr/{case}.npy"
object = "liver"
"""


def make_tree(folder: Path) -> Path:
    """Write pictures, a volume in two files, a DICOM series and their masks."""
    for seed in range(3):
        save_picture(folder / f"images/{seed}.png", draw_noise(seed=seed))
        save_picture(folder / f"masks/{seed}.png", draw_square() * 255)
    (folder / "ct").mkdir()
    volume = sitk.GetImageFromArray(draw_noise((4, 32, 32)))
    sitk.WriteImage(volume, str(folder / "ct/a.mhd"))
    save_nifti(folder / "ct/a.nii.gz", draw_square((32, 32, 4)), affine=np.diag([-1, -1, 1, 1]))
    save_series(folder / "mr/p")
    np.save(folder / "mr/p.npy", np.broadcast_to(draw_square(), (4, 32, 32)))
    return folder


def list_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def pack_zip(tree: Path, target: Path) -> None:
    with zipfile.ZipFile(target.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for path in list_files(tree):
            archive.write(path, path.relative_to(tree))
        archive.writestr("__MACOSX/images/._0.png", b"x")


def pack_tar(mode: str, ending: str) -> Callable[[Path, Path], None]:
    def pack(tree: Path, target: Path) -> None:
        with tarfile.open(target.with_suffix(ending), mode) as archive:  # type: ignore[call-overload]
            archive.add(tree, "top")

    return pack


def pack_7z(tree: Path, target: Path) -> None:
    py7zr = pytest.importorskip("py7zr")
    with py7zr.SevenZipFile(target.with_suffix(".7z"), "w") as archive:
        archive.writeall(tree, "top")


def split(pack: Callable[[Path, Path], None], names: list[str]) -> Callable[[Path, Path], None]:
    def pack_parts(tree: Path, target: Path) -> None:
        pack(tree, target)
        (whole,) = target.parent.glob(f"{target.name}.*")
        data = whole.read_bytes()
        size = -(-len(data) // len(names))
        for number, name in enumerate(names):
            part = data[number * size : (number + 1) * size]
            whole.with_name(f"{whole.name}.{name}").write_bytes(part)
        whole.unlink()

    return pack_parts


def plan(source: Path, archives: str, entries: str = ENTRIES) -> ImportPlan:
    return plan_import(parse_spec(f"{HEAD}archives = {archives}\n{entries}", "spec.toml"), source)


def hash_images(found: ImportPlan) -> dict[str, str]:
    """Return a hash of pixels, masks and cluster of each image, by the end of its path."""
    hashes = {}
    for image in iter_source_images(found):
        digest = sha256(image.pixels.tobytes())
        for name, masks in sorted(image.masks.items()):
            digest.update(name.encode() + b"".join(mask.tobytes() for mask in masks))
        hashes[image.origin.removeprefix("top/")] = digest.hexdigest()
    return hashes


@pytest.mark.parametrize(
    "pack",
    [
        pytest.param(pack_zip, id="zip"),
        pytest.param(pack_tar("w", ".tar"), id="tar"),
        pytest.param(pack_tar("w:gz", ".tar.gz"), id="tar.gz"),
        pytest.param(pack_tar("w:gz", ".tgz"), id="tgz"),
        pytest.param(pack_tar("w:bz2", ".tar.bz2"), id="tar.bz2"),
        pytest.param(pack_tar("w:xz", ".tar.xz"), id="tar.xz"),
        pytest.param(pack_7z, id="7z"),
        pytest.param(split(pack_zip, ["001", "002", "003"]), id="zip in parts"),
        pytest.param(split(pack_tar("w", ".tar"), ["part-aa", "part-ab"]), id="tar in parts"),
        pytest.param(split(pack_tar("w:gz", ".tar.gz"), ["aa", "ab"]), id="tar.gz in parts"),
        pytest.param(split(pack_7z, ["001", "002"]), id="7z in parts"),
    ],
)
def test_an_archive_gives_what_the_unpacked_files_give(
    pack: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    tree, source = make_tree(tmp_path / "tree"), tmp_path / "source"
    source.mkdir()
    pack(tree, source / "data")

    packed, plain = plan(source, '["data.*"]'), plan(tree, "[]")

    assert not packed.problems
    assert hash_images(packed) == hash_images(plain)
    assert len(hash_images(plain)) == 3 + 1 + 4


def test_an_import_out_of_an_archive_gives_the_same_pack_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, source, scratch = make_tree(tmp_path / "tree"), tmp_path / "source", tmp_path / "scratch"
    source.mkdir()
    scratch.mkdir()
    pack_tar("w:gz", ".tar.gz")(tree, source / "data")
    before = list_files(source)
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)

    hashes: list[str] = []
    for found in (plan(source, '"data.tar.gz"'), plan(tree, "[]")):
        out = tmp_path / f"pack{len(hashes)}"
        report = curate(found.units(), make_pack_info(found.spec), out, workers=1)
        assert not report.quarantined
        hashes.append(report.info.content_sha256)

    assert hashes[0] == hashes[1]
    assert list_files(source) == before
    assert list_files(scratch) == []


def test_a_unit_is_read_again_when_its_archive_changes(tmp_path: Path) -> None:
    tree, source = make_tree(tmp_path / "tree"), tmp_path / "source"
    source.mkdir()
    pack_zip(tree, source / "data")
    keys = [unit.key for unit in plan(source, '"data.zip"').units()]

    assert keys == [unit.key for unit in plan(source, '"data.zip"').units()]
    os.utime(source / "data.zip", ns=(1, 1))
    assert not {*keys} & {unit.key for unit in plan(source, '"data.zip"').units()}


@pytest.mark.parametrize("place", ["", "data"])
def test_what_lies_unpacked_is_not_read_twice(place: str, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "source" / place)
    pack_zip(tree, tmp_path / "source" / "data")

    found = plan(tmp_path / "source", '"data.zip"')

    assert not found.problems
    assert len(hash_images(found)) == 8
    assert not any(job.members for job in found.jobs)


PICTURES = ENTRIES.partition('[[images]]\nfiles = "**/ct')[0]


def test_archives_with_the_same_names_need_folders(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    for seed, name in enumerate(("train", "test")):
        tree = tmp_path / name
        save_picture(tree / "images/1.png", draw_noise(seed=seed))
        save_picture(tree / "masks/1.png", draw_square() * 255)
        pack_zip(tree, tmp_path / "source" / name)
    entry = PICTURES.replace("**/images", "{part}/images").replace("**/masks", "{part}/masks")

    with pytest.raises(InputError, match=r"is in both test\.zip and train\.zip"):
        plan(tmp_path / "source", '"*.zip"', PICTURES)
    found = plan(tmp_path / "source", '{ "{set}.zip" = "{set}" }', entry)

    assert sorted(job.paths[0] for job in found.jobs) == ["test/images/1.png", "train/images/1.png"]


def test_tables_and_descriptions_are_read_out_of_archives(tmp_path: Path) -> None:
    square = [[8, 8, 20, 8, 20, 20, 8, 20]]
    coco = {
        "images": [{"id": 1, "file_name": "a.png", "height": 32, "width": 32}],
        "annotations": [{"image_id": 1, "category_id": 1, "segmentation": square}],
        "categories": [{"id": 1, "name": "nucleus"}],
    }
    save_picture(tmp_path / "tree/a.png", draw_noise())
    (tmp_path / "tree/a.json").write_text(json.dumps(coco))
    (tmp_path / "tree/Grade.csv").write_text("name, Patient ID\na, 7\n")
    pack_zip(tmp_path / "tree", tmp_path / "tree.d")
    (tmp_path / "source").mkdir()
    (tmp_path / "tree.zip").rename(tmp_path / "source/data.zip")

    found = plan(
        tmp_path / "source",
        '"data.zip"',
        """
[[images]]
files = "{image}.png"
modality = "histopathology"
cluster = "{patient}"
parts.patient = { table = "Grade.csv", where = { name = "{image}" }, column = "patient id" }
[[images.masks]]
files = "a.json"
kind = "coco"
names = { nucleus = "nucleus" }
""",
    )
    (image,) = iter_source_images(found)

    assert image.cluster_key == "7"
    assert int(image.masks["nucleus"][0].sum()) == 144


def test_a_name_that_leads_out_of_an_archive_is_refused_and_the_rest_is_read(
    tmp_path: Path,
) -> None:
    save_picture(tmp_path / "1.png", draw_noise())
    (tmp_path / "source").mkdir()
    with tarfile.open(tmp_path / "source/data.tar", "w") as archive:
        for name in ("images/1.png", "masks/1.png", "../images/2.png", "/images/3.png"):
            archive.add(tmp_path / "1.png", name, filter=lambda info: info)
        info = tarfile.TarInfo("images/4.png")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with zipfile.ZipFile(tmp_path / "source/more.zip", "w") as zipped:
        zipped.write(tmp_path / "1.png", "..\\images\\5.png")

    found = plan(tmp_path / "source", '["data.tar", "more.zip"]', PICTURES)

    assert [job.paths[0] for job in found.jobs] == ["images/1.png"]
    reasons = dict(found.problems)
    assert reasons["data.tar: ../images/2.png"] == "has a name that leads out of the archive"
    assert reasons["data.tar: images/4.png"] == "is no regular file"
    assert "leads out" in " ".join(reasons[path] for path in reasons if path.startswith("more.zip"))


def test_an_archive_that_is_cut_off_or_encrypted_or_none_is_one_line(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    pack_zip(tree, tmp_path / "source")
    data = (tmp_path / "source.zip").read_bytes()
    for number, (name, content) in enumerate(
        {"a.zip": data[:-200], "b.tar": data, "c.tar.gz": gzip.compress(data)[:-100]}.items()
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / name).write_bytes(content)
        with pytest.raises(InputError, match="is damaged") as error:
            plan(folder, f'"{name}"')
        assert "\n" not in str(error.value)


def test_a_member_that_holds_more_than_it_says_is_left(tmp_path: Path) -> None:
    """The size in the list of files is forged, as in a bomb."""
    save_picture(tmp_path / "tree/masks/1.png", draw_square() * 255)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/1.png", bytes(1 << 24))
        archive.write(tmp_path / "tree/masks/1.png", "masks/1.png")
    data = buffer.getvalue().replace((1 << 24).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    (tmp_path / "source").mkdir()
    (tmp_path / "source/data.zip").write_bytes(data)

    (unit,) = plan(tmp_path / "source", '"data.zip"', PICTURES).units()

    with pytest.raises(InputError, match=r"damaged|more than it may|cut off"):
        list(unit.read())


def test_of_a_file_that_a_tar_holds_twice_the_last_counts(tmp_path: Path) -> None:
    first, last = draw_noise(seed=1), draw_noise(seed=2)
    (tmp_path / "source").mkdir()
    with tarfile.open(tmp_path / "source/data.tar", "w") as file:
        for name, pixels in (("images/1", first), ("masks/1", draw_square() * 255),
                             ("images/1", last)):  # fmt: skip
            save_picture(tmp_path / "file.png", pixels)
            file.add(tmp_path / "file.png", f"{name}.png")

    found = plan(tmp_path / "source", '"data.tar"', PICTURES)
    (image,) = iter_source_images(found)

    assert np.array_equal(image.pixels, last)
    assert "not used: images/1.png: is more than once in data.tar" in found.describe()


def test_archives_in_an_archive_are_to_be_unpacked(tmp_path: Path) -> None:
    """Kvasir-Instrument: its file holds two further archives, which the import file names."""
    pack_zip(make_tree(tmp_path / "tree"), tmp_path / "tree/inner")
    (tmp_path / "source").mkdir()
    with zipfile.ZipFile(tmp_path / "source/outer.zip", "w") as file:
        file.write(tmp_path / "tree/inner.zip", "inner.zip")

    for named, archive in (("outer", "inner"), ("inner", "outer")):
        with pytest.raises(InputError, match=rf"; {archive}\.zip is an archive: unpack it"):
            plan(tmp_path / "source", f'"{named}.zip"', PICTURES).refuse_nothing()


def test_a_missing_part_and_an_archive_that_is_not_named_are_told(tmp_path: Path) -> None:
    tree, source = make_tree(tmp_path / "tree"), tmp_path / "source"
    source.mkdir()
    split(pack_zip, ["001", "002", "003"])(tree, source / "data")
    (source / "data.zip.002").unlink()
    pack_zip(tree, source / "more")

    assert dict(plan(source, '"data.zip"').problems)["data.zip"].startswith("lacks a part")
    with pytest.raises(InputError, match=r"more\.zip is an archive: it is read if archives names"):
        plan(source, "[]").refuse_nothing()
