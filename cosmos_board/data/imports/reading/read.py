"""Jobs → source images: reading, orienting, resampling and cutting, one volume at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.reading.files import Raster, count_frames, look_up, read_raster
from cosmos_board.data.imports.reading.image_warnings import Remarks
from cosmos_board.data.imports.reading.job import ImageJob
from cosmos_board.data.imports.reading.layers import Layer
from cosmos_board.data.imports.reading.masks import Canvas, read_layers
from cosmos_board.data.imports.reading.notes import note_picture, note_volume
from cosmos_board.data.intensities import Normalisation, normalise, parse_normalisation
from cosmos_board.data.readers.quiet import quietly
from cosmos_board.data.source import SourceImage
from cosmos_board.data.volumes import Plane, Volume, choose_plane, count_slices, orient, take_slice

_PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")
_LARGEST_PIECES_PX = 1 << 32
"""Of all masks of the connected pieces of one slice, which are held at once."""

_Drawn = dict[str, tuple[Mask, ...]]
_Layers = dict[str, list[tuple[bool, Layer]]]
"""By observer, each with whether its connected pieces are instances."""


def read_job(job: ImageJob) -> Iterator[SourceImage]:
    """Yield the slices of one volume that have something drawn on them, or one picture.

    Raises:
        InputError: If a file is not what it should be, or a mask does not belong to the image.
    """
    try:
        for frame in _list_frames(job):
            yield from _read_frame(job, frame)
    except InputError as error:
        # Messages go into reports that may be passed on: paths only below the source folder.
        raise InputError.plain(show_path(str(error).replace(f"{job.root}/", ""))) from error
    except MemoryError as error:
        raise InputError(show_path(job.origin), "", "does not fit into memory") from error


def _list_frames(job: ImageJob) -> Sequence[int | None]:
    if job.spec.frame == "all":
        with quietly():
            count = count_frames(job.root, job.spec, job.paths[0])
            for spec, path in ((files.spec, files.paths[0]) for files in job.masks):
                if spec.frame == "all" and (own := count_frames(job.root, spec, path)) != count:
                    raise InputError(
                        path, "frame", "differs in number from its image", got=own, want=count
                    )
        return range(count)
    return [job.spec.frame if isinstance(job.spec.frame, int) else None]


def _read_frame(job: ImageJob, frame: int | None) -> Iterator[SourceImage]:
    origin = show_path(job.origin)
    with quietly():
        raster = read_raster(job.root, job.spec, job.paths, frame)
        canvas = Canvas.of(raster)
        remarks = Remarks()
        layers = _read_all_layers(job, canvas, frame, remarks)
    remarks.note_image(raster)
    if job.modality == "ct" and job.spec.normalisation == "percentile" and _has_units(raster):
        remarks.signs.add("ct-percentile")
    found = {note: None for drawn in layers.values() for _, layer in drawn for note in layer.notes}
    unknown = _find_unknown(raster, canvas)
    if raster.colour or raster.array.ndim == 2:
        masks = {observer: _collect(drawn, "axial", 0) for observer, drawn in layers.items()}
        _check_known(masks, unknown, "axial", 0, origin)
        _note_absent(job, masks, canvas)
        pixels = _prepare_picture(job, raster, origin)
        notes = (*note_picture(raster), *found, *_note_constant(pixels))
        yield _make_image(job, pixels, masks, notes, remarks, origin)
        return
    cut = _prepare_volume(job, raster, canvas, origin)
    notes = (*note_volume(raster, cut.plane, frame), *found, *_note_constant(cut.voxels))
    del raster
    for index in range(count_slices(cut.voxels, cut.plane)):
        masks = {
            observer: drop_empty(_collect(drawn, cut.plane, index))
            for observer, drawn in layers.items()
        }
        if masks.get(""):
            where = f"{origin} {'' if frame is None else f'frame {frame} '}{cut.plane} {index}"
            _check_known(masks, unknown, cut.plane, index, where)
            pixels = take_slice(cut.voxels, cut.plane, index)
            yield _make_image(job, pixels, masks, notes, remarks, where)


def _has_units(raster: Raster) -> bool:
    """Return whether values may be Hounsfield units: no colours, and more than 8 bit."""
    return not raster.colour and raster.array.dtype.itemsize > 1


def _read_all_layers(job: ImageJob, canvas: Canvas, frame: int | None, remarks: Remarks) -> _Layers:
    layers: _Layers = defaultdict(list)
    for files in job.masks:
        pieces = files.spec.instances == "components"
        for layer in read_layers(job, files, canvas, frame, remarks):
            layers[files.spec.observer].append((pieces, layer))
    return layers


def _find_unknown(raster: Raster, canvas: Canvas) -> NDArray[np.bool_] | None:
    """Return which voxels are NaN, oriented; None where all are numbers."""
    if raster.array.dtype.kind != "f" or not (unknown := np.isnan(raster.array)).any():
        return None
    flat = unknown.any(axis=2) if raster.colour else unknown
    return orient(Volume(flat.reshape(canvas.shape), canvas.affine_lps)).voxels


def _check_known(
    drawn: dict[str, _Drawn],
    unknown: NDArray[np.bool_] | None,
    plane: Plane,
    index: int,
    where: str,
) -> None:
    """Refuse NaN inside of what is drawn; around it, NaN means that nothing was measured."""
    if unknown is None:
        return
    here = take_slice(unknown, plane, index)
    for name, masks in drawn.get("", {}).items():
        if count := max((int(np.count_nonzero(mask & here)) for mask in masks), default=0):
            raise InputError(
                where, name, "is drawn where the image holds no numbers", got=f"{count} NaN",
                want="numbers there",
            )  # fmt: skip


def _note_constant(pixels: Pixels) -> list[str]:
    return [] if pixels.min() < pixels.max() else ["all pixels have one value"]


def _note_absent(job: ImageJob, masks: dict[str, _Drawn], canvas: Canvas) -> None:
    """Give what could have been drawn on a picture and was not an empty mask."""
    for spec in (files.spec for files in job.masks):
        for name in () if spec.instances or spec.names else spec.all_objects:
            empty = np.zeros(canvas.shape[1:], np.bool_)
            masks.setdefault(spec.observer, {}).setdefault(name, (empty,))


def drop_empty(drawn: _Drawn) -> _Drawn:
    """Return what has at least one pixel."""
    kept = {name: tuple(mask for mask in masks if mask.any()) for name, masks in drawn.items()}
    return {name: masks for name, masks in kept.items() if masks}


def _make_image(
    job: ImageJob,
    pixels: Pixels,
    masks: dict[str, _Drawn],
    notes: tuple[str, ...],
    remarks: Remarks,
    origin: str,
) -> SourceImage:
    return SourceImage(
        pixels=pixels,
        modality=job.modality,
        cluster_key=job.cluster_key,
        masks=masks.get("", {}),
        observers={
            observer: drop_empty(drawn) for observer, drawn in sorted(masks.items()) if observer
        },
        notes=notes,
        left_out=remarks.left_out,
        signs=remarks.find_signs(pixels, masks.get("", {}).values()),
        origin=origin,
    )


def _collect(layers: list[tuple[bool, Layer]], plane: Plane, index: int) -> _Drawn:
    """Return what is drawn on one slice: parts of an object with the same key are joined.

    Args:
        layers: Each with whether its connected pieces are instances.
        plane: Where to cut.
        index: Which slice.
    """
    joined: dict[tuple[str, bool, str], Mask] = {}
    for pieces, layer in layers:
        for part in layer.cut(plane, index):
            for name in part.objects:
                which = (name, pieces, "" if pieces else part.key)
                before = joined.get(which)
                joined[which] = part.mask if before is None else before | part.mask
    drawn: dict[str, list[Mask]] = defaultdict(list)
    for name, pieces, key in sorted(joined):
        mask = joined[name, pieces, key]
        drawn[name] += _split(mask) if pieces else [mask]
    return {name: tuple(masks) for name, masks in drawn.items()}


def _split(mask: Mask) -> list[Mask]:
    import cv2

    count, pieces = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    if count * mask.size > _LARGEST_PIECES_PX:
        raise InputError(
            "mask", "instances", "are too many connected pieces", got=count - 1,
            want="a mask without noise, or smaller images",
        )  # fmt: skip
    return [pieces == piece for piece in range(1, count)]


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    voxels: Pixels
    """Axes (Z, Y, X), oriented."""

    plane: Plane


def _prepare_picture(job: ImageJob, raster: Raster, origin: str) -> Pixels:
    array = _find_levels(raster, origin)
    if raster.palette is not None and (array == array[..., :1]).all():
        array = array[..., 0]
    if array.dtype in (np.uint8, np.bool_):
        return _keep_8_bit(array, inverted=raster.inverted)
    return _to_8_bit(job, array, origin, inverted=raster.inverted)


def _keep_8_bit(array: NDArray[Any], *, inverted: bool) -> Pixels:
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    return np.ascontiguousarray(_invert(array) if inverted else array)


def _find_levels(raster: Raster, origin: str) -> NDArray[Any]:
    """Return what is seen of an image: colours looked up, few bits widened to eight."""
    array = raster.array
    if raster.palette is not None:
        array = look_up(origin, array, raster.palette)
    if raster.bits and array.dtype == np.uint8 and raster.palette is None:
        largest = (1 << raster.bits) - 1
        array = ((array.astype(np.uint16) * 255 + largest // 2) // largest).astype(np.uint8)
    if raster.opaque is not None and not raster.opaque.all():
        in_colour = array.ndim > raster.array.ndim or raster.colour
        colours = array.reshape(-1, array.shape[-1] if in_colour else 1)
        if (colours == colours[0]).all():
            raise InputError(
                origin, "alpha", "holds the picture, while its colours are constant",
                want=f"channels = [{3 if in_colour else 1}]",
            )  # fmt: skip
    return array


def _prepare_volume(job: ImageJob, raster: Raster, canvas: Canvas, origin: str) -> _Cut:
    array = _find_levels(raster, origin)
    if array.ndim == 4:
        if not (array == array[..., :1]).all():
            raise InputError(
                origin, "palette", "is in colour, and the slices of volumes are grey",
                want="one channel, such as channels = [0]",
            )  # fmt: skip
        array = array[..., 0]
    volume = orient(Volume(array, canvas.affine_lps))
    if raster.single and raster.array.dtype in (np.uint8, np.bool_):
        voxels = _keep_8_bit(volume.voxels, inverted=raster.inverted)
    else:
        voxels = _to_8_bit(job, volume.voxels, origin, inverted=raster.inverted)
    asked = next((plane for plane in _PLANES if plane == job.spec.plane), None)
    return _Cut(voxels, asked or _find_flat(voxels.shape) or choose_plane(volume.spacing_mm))


def _find_flat(shape: tuple[int, ...]) -> Plane | None:
    flat = [plane for plane, size in zip(_PLANES, shape, strict=True) if size == 1]
    return flat[0] if len(flat) == 1 else None


def _to_8_bit(job: ImageJob, array: NDArray[Any], origin: str, *, inverted: bool) -> Pixels:
    if job.spec.normalisation == "none":
        if array.dtype != np.uint8:
            raise InputError(
                origin, "normalisation", "is none, yet pixels are not 8 bit", got=array.dtype
            )
        return _invert(array) if inverted else array
    how: Normalisation = parse_normalisation(job.spec.normalisation)
    if not inverted:
        return normalise(array, how, where=origin)
    if how.rule == "window":
        # A window is given in the values that the file holds.
        return _invert(normalise(array, how, where=origin))
    return normalise(_invert(array), how, where=origin)


def _invert(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype == np.uint8:
        return np.uint8(255) - array
    if array.dtype.kind in "iu":
        array = array.astype(np.int64)
    flipped: NDArray[Any] = array.max() + array.min() - array
    return flipped
