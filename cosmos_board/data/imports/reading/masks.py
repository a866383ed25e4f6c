"""Files of masks → layers that fit their image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.reading.draw import find_codes, find_foreground
from cosmos_board.data.imports.reading.files import Raster, read_raster
from cosmos_board.data.imports.reading.image_warnings import Remarks
from cosmos_board.data.imports.reading.job import ImageJob, MaskFiles
from cosmos_board.data.imports.reading.layers import LabelLayer, Layer, make_drawn_layer
from cosmos_board.data.imports.reading.resample import (
    lies_like,
    lies_within,
    resample_nearest,
    resize_nearest,
)
from cosmos_board.data.imports.reading.slice_names import find_unpaired, read_slice_names
from cosmos_board.data.imports.spec.models import MaskSpec
from cosmos_board.data.imports.spec.rules import Objects, find_code, find_name, is_skipped
from cosmos_board.data.volumes import Volume, orient, turn_like

if TYPE_CHECKING:
    from cosmos_board.data.readers.dicom.images import DicomIdentity

_Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """What masks have to fit: the voxels of an image; a picture is a volume of one slice."""

    shape: _Shape
    """Along (Z, Y, X), as the file holds them."""

    affine_lps: NDArray[np.float64]
    """Voxel index → millimetres; one a voxel where the file says nothing."""

    placed: bool
    """Whether the file says where they lie."""

    bare: bool
    """Whether it says nothing at all, like a picture."""

    order: tuple[int, ...] | None
    identity: DicomIdentity | None = None
    orientation: int = 1
    """Value of the orientation tag by which the image was turned."""

    @classmethod
    def of(cls, raster: Raster) -> Canvas:
        """Return the canvas of an image."""
        size = raster.array.shape[:2] if raster.colour else raster.array.shape
        z, y, x = (1, *size)[-3:]
        placed = raster.affine_lps is not None and raster.placed
        affine = np.eye(4) if raster.affine_lps is None else raster.affine_lps
        bare = raster.affine_lps is None
        return cls(
            (z, y, x), affine, placed, bare, raster.order, raster.identity, raster.orientation
        )

    @property
    def volume(self) -> Volume:
        """The same as a volume without content."""
        return Volume(np.broadcast_to(np.False_, self.shape), self.affine_lps, self.placed)


def read_layers(
    job: ImageJob, files: MaskFiles, canvas: Canvas, frame: int | None, remarks: Remarks
) -> Iterator[Layer]:
    """Yield what the files of one entry of masks draw on an image.

    Args:
        job: The image.
        files: Files of one of its entries of masks.
        canvas: What they have to fit.
        frame: Which volume of the image is read, for masks with as many volumes.
        remarks: What is worth telling about the masks is added here.

    Raises:
        InputError: If a file is not what it should be, or does not fit.
    """
    spec = files.spec
    where = show_path(files.paths[0])
    keys = {"files": files.paths[0], "labels": files.name}
    if spec.kind != "raster":
        for region, drawn in _read_regions(job, files, canvas, remarks):
            if objects := _find_meaning(spec, region, where):
                key = region.key if spec.instances == "labels" else keys.get(spec.instances, "")
                oriented = orient(Volume(drawn, canvas.affine_lps)).voxels
                yield make_drawn_layer(oriented, objects, key, region.notes)
        return
    own = spec.frame if isinstance(spec.frame, int) else None
    raster = read_raster(job.root, spec, files.paths, frame if spec.frame == "all" else own)
    remarks.note_mask(raster)
    if spec.labels or spec.colours:
        codes, meanings = find_codes(spec, raster, where)
        fitted = _fit(job, files, raster, codes, canvas)
        separate = spec.instances == "labels"
        yield LabelLayer(
            fitted, meanings, separate, keys["files"] if spec.instances == "files" else ""
        )
        return
    objects = spec.objects or find_name(files.name, spec.names) or ()
    drawn = _fit(job, files, raster, find_foreground(spec, raster, where), canvas)
    yield make_drawn_layer(drawn, objects, keys.get(spec.instances, ""))


def _fit(
    job: ImageJob, files: MaskFiles, raster: Raster, voxels: NDArray[Any], canvas: Canvas
) -> NDArray[Any]:
    """Return the voxels of a mask as they lie on the oriented image, axes (Z, Y, X)."""
    where = show_path(files.paths[0])
    voxels = voxels if voxels.ndim == 3 else voxels[np.newaxis]
    if raster.affine_lps is not None and job.spec.geometry == "check":
        mask = Volume(voxels, raster.affine_lps, raster.placed)
        placed = _place(job, mask, canvas, where)
        if placed is not None:
            return orient(Volume(placed, canvas.affine_lps)).voxels
    if raster.order is not None and canvas.order is not None and voxels.shape == canvas.shape:
        # Files pair by their names, while volumes hold them by their place.
        _refuse_unpaired(job, files, canvas)
        by_name = voxels if raster.affine_lps is None else voxels[np.argsort(raster.order)]
        voxels = by_name[list(canvas.order)]
    if voxels.shape != canvas.shape:
        _refuse_unturned(raster, voxels.shape, canvas, where)
        if job.spec.resample != "nearest" or voxels.shape[0] != canvas.shape[0]:
            raise InputError(
                where, "size", "differs from that of its image", got=voxels.shape, want=canvas.shape
            )
        voxels = resize_nearest(voxels, canvas.shape)
    return orient(Volume(voxels, canvas.affine_lps)).voxels


def _place(
    job: ImageJob, mask: Volume, canvas: Canvas, where: str, *, part: bool = False
) -> NDArray[Any] | None:
    """Return a mask by its place, as the image's file holds it; None where neither says its place.

    Args:
        job: The image.
        mask: From a file that holds distances at least.
        canvas: What it has to fit.
        where: For messages.
        part: Whether it may cover a part of the image.
    """
    image = canvas.volume
    if canvas.bare:
        return None
    if lies_like(mask, image):
        return turn_like(mask, image).voxels
    if mask.placed != canvas.placed:
        raise InputError(
            where,
            "geometry",
            "one of image and mask does not say where it lies",
            got=f"only the {'image' if canvas.placed else 'mask'} does",
            want="both, or geometry = 'ignore', which pairs voxels in the order of the files",
        )
    if not mask.placed:
        return None
    if job.spec.resample == "nearest" or (part and lies_within(mask, image)):
        return resample_nearest(mask, image)
    raise InputError(
        where, "geometry", "lies elsewhere than its image", got=mask.voxels.shape,
        want=f"{canvas.shape}, or resample or geometry in the import file",
    )  # fmt: skip


def _refuse_unturned(raster: Raster, shape: _Shape, canvas: Canvas, where: str) -> None:
    """Refuse a mask that fits only without the orientation tag of one of both files."""
    z, y, x = canvas.shape
    swapped = max(canvas.orientation, raster.orientation) > 4
    if swapped and canvas.orientation != raster.orientation and shape == (z, x, y):
        whose = "its image" if canvas.orientation > 4 else "the mask"
        raise InputError(
            where, "orientation tag", f"of {whose} turns it, and only unturned they fit",
            got=max(canvas.orientation, raster.orientation),
            want="a mask of the picture as viewers show it, or orientation = 'ignore'",
        )  # fmt: skip


def _refuse_unpaired(job: ImageJob, files: MaskFiles, canvas: Canvas) -> None:
    """Refuse slices of other numbers: only here it is known whether they lie somewhere in space."""
    # One file may hold all slices: then it has no name for each.
    image, mask = (
        read_slice_names(paths) if len(paths) == canvas.shape[0] else None
        for paths in (job.paths, files.paths)
    )
    reason = find_unpaired(
        image,
        mask,
        by_order="order" in (job.spec.stack, files.spec.stack),
        placed=canvas.placed,
    )
    if reason:
        raise InputError(show_path(files.paths[0]), "stack", reason)


@dataclass(frozen=True, slots=True)
class _Region:
    """What a described region is called."""

    number: int
    label: str

    key: str
    """Tells it from the other regions of its file."""

    notes: tuple[str, ...] = ()


def _read_regions(
    job: ImageJob, files: MaskFiles, canvas: Canvas, remarks: Remarks
) -> Iterator[tuple[_Region, NDArray[np.bool_]]]:
    """Yield each described region, drawn on the canvas as the image's file holds it."""
    spec = files.spec
    path = Path(job.root, files.paths[0])
    if spec.kind in ("coco", "polygons", "runs"):
        flat = _read_flat_regions(job, files, path, canvas, remarks)
        for position, (name, group, mask) in enumerate(flat):
            yield _Region(position, name, group or f"{position:09d}"), mask[np.newaxis]
        return
    if spec.kind == "nrrd-seg":
        yield from _read_nrrd_regions(job, path, canvas)
        return
    if not canvas.placed:
        raise InputError(job.origin, spec.kind, "needs an image that lies somewhere in space")
    if spec.kind == "rtstruct":
        yield from _read_contours(job, files, path, canvas)
        return
    from cosmos_board.data.readers.dicom.seg import read_dicom_seg

    identity = canvas.identity
    if identity is not None and job.spec.geometry == "ignore":
        identity = replace(identity, frame_of_reference_uid="")

    def is_wanted(number: int, label: str) -> bool:
        return bool(_find_meaning(spec, _Region(number, label, ""), show_path(files.paths[0])))

    for segment in read_dicom_seg(path, canvas.volume, identity, is_wanted):
        yield _Region(segment.number, segment.label, str(segment.number)), segment.drawn


def _read_contours(
    job: ImageJob, files: MaskFiles, path: Path, canvas: Canvas
) -> Iterator[tuple[_Region, NDArray[np.bool_]]]:
    from cosmos_board.data.readers.dicom.rtstruct import note_region, rasterise, read_rtstruct

    own = ""
    if canvas.identity is not None and job.spec.geometry == "check":
        own = canvas.identity.frame_of_reference_uid
    for region in read_rtstruct(path):
        called = _Region(region.number, region.name, f"{region.name}\0{region.number:09d}")
        # What is passed over need not even lie on the series.
        if not _find_meaning(files.spec, called, show_path(files.paths[0])):
            continue
        if own and region.frame_of_reference not in ("", own):
            raise InputError(
                path, "ReferencedFrameOfReferenceUID", "differs from that of the image",
                want="the RTSTRUCT of this series, or geometry = 'ignore'",
            )  # fmt: skip
        drawn = rasterise(region, canvas.volume, path)
        yield replace(called, notes=note_region(region, drawn)), drawn


def _read_nrrd_regions(
    job: ImageJob, path: Path, canvas: Canvas
) -> Iterator[tuple[_Region, NDArray[np.bool_]]]:
    from cosmos_board.data.readers.nrrd_seg import read_nrrd_seg

    for number, name, segment in read_nrrd_seg(path):
        drawn = None
        if job.spec.geometry == "check":
            drawn = _place(job, segment, canvas, str(path), part=True)
        if drawn is None and segment.voxels.shape != canvas.shape:
            raise InputError(
                path, "size", "differs from that of its image",
                got=segment.voxels.shape, want=canvas.shape,
            )  # fmt: skip
        yield _Region(number, name, f"{number:09d}"), segment.voxels if drawn is None else drawn


def _read_flat_regions(
    job: ImageJob, files: MaskFiles, path: Path, canvas: Canvas, remarks: Remarks
) -> Iterator[tuple[str, str, Mask]]:
    """Yield (name, group, mask) of each region that JSON or a table describes."""
    spec = files.spec
    size = canvas.shape[1:]
    if spec.kind == "runs":
        from cosmos_board.data.readers.regions.run_tables import read_runs

        for name, mask in read_runs(path, files.name, size, spec.runs, spec.columns):
            yield name, "", mask
        return

    def passed_over(name: str) -> bool:
        return find_name(name, spec.names) is None and is_skipped(name, spec.skip)

    if spec.kind == "coco":
        from cosmos_board.data.readers.regions.coco import read_coco

        regions = read_coco(path, files.name, size, remarks.left_out, passed_over)
    else:
        from cosmos_board.data.readers.regions.json_files import read_json_object
        from cosmos_board.data.readers.regions.labelme import draw_shapes, names_other_picture

        table = read_json_object(path)
        if names_other_picture(table, job.paths[0]):
            remarks.signs.add("other-picture")
        regions = draw_shapes(path, table, size, passed_over)
    for region in regions:
        yield region.name, region.group and f"group {region.group}", region.mask


def _find_meaning(spec: MaskSpec, region: _Region, where: str) -> Objects:
    if spec.objects:
        return spec.objects
    called = str(region.number) if spec.labels else region.label
    objects = (
        find_code(region.number, spec.labels)
        if spec.labels
        else find_name(region.label, spec.names)
    )
    if objects is None and not is_skipped(called, spec.skip):
        raise InputError(
            where, "names", "a region means nothing: add it or skip it", got=repr(called)
        )
    return objects or ()
