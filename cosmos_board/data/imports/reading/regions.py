"""Described regions (JSON, tables, DICOM, 3D Slicer) → what is drawn on the voxels of an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.reading.fit import fit_by_place
from cosmos_board.data.imports.reading.job import ImageJob, MaskFiles
from cosmos_board.data.imports.reading.notes import ImageWarnings
from cosmos_board.data.imports.spec.models import ImageSpec, MaskSpec
from cosmos_board.data.imports.spec.rules import Objects, find_code, find_name, is_skipped
from cosmos_board.data.readers.raster import Raster
from cosmos_board.data.readers.regions.region import IsWanted, Region


def read_regions(
    job: ImageJob, files: MaskFiles, image: Raster, warnings: ImageWarnings
) -> Iterator[tuple[Objects, Region]]:
    """Yield each described region and the objects that it is, drawn as the image's file holds it.

    Raises:
        InputError: If the file is not what it should be, does not fit the image, or a region
            stands for no object and is not skipped.
    """
    where = show_path(files.paths[0])

    def is_wanted(number: int, name: str) -> bool:
        return bool(find_objects(files.spec, number, name, where))

    if files.spec.kind in ("coco", "polygons", "runs"):
        regions = _read_flat(job, files, image.shape_zyx[1:], is_wanted, warnings)
    else:
        regions = _read_in_space(job, files, image, is_wanted)
    for region in regions:
        drawn = region.drawn if region.drawn.ndim == 3 else region.drawn[None]
        objects = find_objects(files.spec, region.number, region.name, where)
        yield objects, replace(region, drawn=drawn)


def find_objects(spec: MaskSpec, number: int, name: str, where: str) -> Objects:
    """Return what a region is by number or name, nothing if skipped; InputError if no rule does."""
    if spec.objects:
        return spec.objects
    by_code = find_code(number, spec.labels) if spec.labels else find_name(name, spec.names)
    called = str(number) if spec.labels else name
    if by_code is None and not is_skipped(called, spec.skip):
        raise InputError(
            where, "names", "a region means nothing: add it or skip it", got=repr(called)
        )
    return by_code or ()


def _read_flat(
    job: ImageJob,
    files: MaskFiles,
    size: tuple[int, int],
    is_wanted: IsWanted,
    warnings: ImageWarnings,
) -> Iterator[Region]:
    """Yield the regions of a picture that JSON or a table describes."""
    spec, name, path = files.spec, files.name, job.locate(files.paths[0])
    if spec.kind == "runs":
        from cosmos_board.data.readers.regions.run_tables import read_runs

        return read_runs(path, name, size, spec.runs, spec.columns)
    if spec.kind == "coco":
        from cosmos_board.data.readers.regions.coco import read_coco

        return read_coco(path, name, size, is_wanted, warnings.left_out)
    from cosmos_board.data.readers.regions.labelme import names_other_picture, read_labelme
    from cosmos_board.data.readers.regions.text_files import read_json_object

    table = read_json_object(path)
    if names_other_picture(table, job.paths[0]):
        warnings.words.add("other-picture")
    return read_labelme(path, table, size, is_wanted)


def _read_in_space(
    job: ImageJob, files: MaskFiles, image: Raster, is_wanted: IsWanted
) -> Iterator[Region]:
    """Yield the regions of a volume that DICOM or 3D Slicer describes."""
    kind, path = files.spec.kind, job.locate(files.paths[0])
    if kind == "nrrd-seg":
        return _read_nrrd(job.spec, path, image, is_wanted)
    if not image.is_placed:
        raise InputError(job.origin, kind, "needs an image that lies somewhere in space")
    identity = image.identity
    if identity is not None and job.spec.geometry == "ignore":
        identity = replace(identity, frame_of_reference_uid="")
    if kind == "rtstruct":
        from cosmos_board.data.readers.dicom.rtstruct import draw_rtstruct

        frame = "" if identity is None else identity.frame_of_reference_uid
        return draw_rtstruct(path, image.grid, frame, is_wanted)
    from cosmos_board.data.readers.dicom.seg import read_dicom_seg

    return read_dicom_seg(path, image.grid, identity, is_wanted)


def _read_nrrd(spec: ImageSpec, path: Path, image: Raster, is_wanted: IsWanted) -> Iterator[Region]:
    from cosmos_board.data.readers.nrrd_seg import read_nrrd_seg

    for region, segment in read_nrrd_seg(path, is_wanted):
        placed = None
        if spec.geometry == "check":
            placed = fit_by_place(segment, image, spec, str(path), part=True)
        if placed is None and region.drawn.shape != image.shape_zyx:
            raise InputError(
                path, "size", "differs from that of its image",
                got=region.drawn.shape, want=image.shape_zyx,
            )  # fmt: skip
        yield region if placed is None else replace(region, drawn=placed)
