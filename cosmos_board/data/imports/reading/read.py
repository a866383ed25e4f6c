"""One image with its masks → source images: read, oriented, resampled and cut, one at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.volumes import SpacingMm
from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.reading.codes import find_codes, name_code
from cosmos_board.data.imports.reading.eight_bit import prepare_picture, prepare_volume
from cosmos_board.data.imports.reading.files import count_frames, read_channels, read_raster
from cosmos_board.data.imports.reading.fit import fit_mask
from cosmos_board.data.imports.reading.foreground import find_foreground
from cosmos_board.data.imports.reading.job import ImageJob, MaskFiles
from cosmos_board.data.imports.reading.layers import (
    LabelLayer,
    Layer,
    Layers,
    MasksByObject,
    draw_regions,
    draw_slice,
    drop_empty,
    make_drawn_layer,
    split_regions,
)
from cosmos_board.data.imports.reading.notes import ImageWarnings, note_picture, note_volume
from cosmos_board.data.imports.reading.regions import find_objects, read_regions
from cosmos_board.data.imports.spec.rules import find_joined, find_name
from cosmos_board.data.readers.guard import quietly
from cosmos_board.data.readers.raster import Raster
from cosmos_board.data.source import SourceImage, VolumeSlice
from cosmos_board.data.volumes import (
    PLANES,
    Plane,
    Volume,
    choose_plane,
    count_slices,
    order_spacing,
    orient,
    take_slice,
)


def read_job(job: ImageJob) -> Iterator[SourceImage]:
    """Yield the slices of one volume that have something drawn on them, or one picture.

    Where the import file says `keep_volumes`, every slice of a volume.

    Raises:
        InputError: If a file is not what it should be, or a mask does not belong to the image.
    """
    unpacked = job
    try:
        with job.unpack() as unpacked:
            for frame in _list_frames(unpacked):
                yield from _read_frame(unpacked, frame)
    except InputError as error:
        # Messages go into reports that may be passed on: paths only below the source folder.
        raise InputError.plain(show_path(unpacked.name_places(str(error)))) from error
    except MemoryError as error:
        raise InputError(show_path(job.origin), "", "does not fit into memory") from error


def _list_frames(job: ImageJob) -> Sequence[int | None]:
    if job.spec.frame == "all":
        with quietly():
            count = count_frames(job.spec, job.locate(job.paths[0]))
            for spec, path in ((files.spec, files.paths[0]) for files in job.masks):
                if spec.frame != "all":
                    continue
                if (own := count_frames(spec, job.locate(path))) != count:
                    raise InputError(
                        path, "frame", "differs in number from its image", got=own, want=count
                    )
        return range(count)
    return [job.spec.frame if isinstance(job.spec.frame, int) else None]


def _read_frame(job: ImageJob, frame: int | None) -> Iterator[SourceImage]:
    origin = show_path(job.origin)
    with quietly():
        raster = read_raster(job.spec, [job.locate(path) for path in job.paths], frame)
        warnings = ImageWarnings()
        layers = _read_all_layers(job, raster, frame, warnings)
    warnings.look_at_image(raster)
    # No colours, and more than 8 bit: values may be Hounsfield units.
    has_units = not raster.in_colour and raster.array.dtype.itemsize > 1
    if job.modality == "ct" and job.spec.normalisation == "percentile" and has_units:
        warnings.words.add("ct-percentile")
    image = _AnnotatedImage(job, layers, warnings, _find_unknown(raster))
    if "Z" not in raster.axes:
        yield from _read_picture(image, raster, origin)
        return
    voxels, volume = prepare_volume(raster, job.spec.normalisation, origin)
    chosen = [plane for plane in PLANES if plane == job.spec.plane]
    flat = [plane for plane, size in zip(PLANES, voxels.shape, strict=True) if size == 1]
    flat = flat if len(flat) == 1 else []
    plane = (*chosen, *flat, choose_plane(volume.spacing_mm))[0]
    notes = (*note_volume(raster, plane, frame), *image.list_notes(voxels))
    spacing_mm = _find_spacing(job, raster, volume, plane)
    del raster, volume
    for index in range(count_slices(voxels, plane)):
        regions = {name: draw_regions(drawn, plane, index) for name, drawn in layers.items()}
        masks = {name: drop_empty(split_regions(drawn)) for name, drawn in regions.items()}
        part = None
        if job.spec.keep_volumes:
            part = VolumeSlice(index=index, spacing_mm=spacing_mm, regions=regions.get("", {}))
        where = f"{origin} {'' if frame is None else f'frame {frame} '}{plane} {index}"
        if masks.get(""):
            image.check_known(masks[""], plane, index, where)
            yield image.make_image(take_slice(voxels, plane, index), masks, notes, where, part)
        elif part is not None:
            yield SourceImage(
                pixels=take_slice(voxels, plane, index), modality=job.modality,
                cluster_key=job.cluster_key, masks={}, origin=where, volume=part,
            )  # fmt: skip


def _find_spacing(job: ImageJob, raster: Raster, volume: Volume, plane: Plane) -> SpacingMm | None:
    """Return what the file says of its spacing, else what the import file says, else None."""
    if raster.affine_lps is not None:
        return order_spacing(volume.spacing_mm, plane)
    # Such a volume keeps the order of its axes.
    return order_spacing(job.spec.spacing_mm, plane) if job.spec.spacing_mm else None


def _read_picture(image: _AnnotatedImage, raster: Raster, origin: str) -> Iterator[SourceImage]:
    masks = {observer: draw_slice(drawn, "axial", 0) for observer, drawn in image.layers.items()}
    image.check_known(masks.get("", {}), "axial", 0, origin)
    # What could have been drawn on a picture and was not has an empty mask.
    for spec in (files.spec for files in image.job.masks):
        for name in () if spec.instances or spec.names else spec.all_objects:
            empty = np.zeros(raster.shape_zyx[1:], np.bool_)
            masks.setdefault(spec.observer, {}).setdefault(name, (empty,))
    pixels = prepare_picture(raster, image.job.spec.normalisation, origin)
    notes = (*note_picture(raster), *image.list_notes(pixels))
    yield image.make_image(pixels, masks, notes, origin)


@dataclass(frozen=True, slots=True, eq=False)
class _AnnotatedImage:
    """One image and what is drawn on it, before it is cut into slices."""

    job: ImageJob
    layers: Layers
    warnings: ImageWarnings
    unknown: NDArray[np.bool_] | None
    """Which voxels are NaN, oriented; None where all are numbers."""

    def list_notes(self, pixels: NDArray[np.uint8]) -> tuple[str, ...]:
        """Return the notes of all masks, each once, and on constant pixels."""
        layers = (layer for drawn in self.layers.values() for _, layer in drawn)
        constant = () if pixels.min() < pixels.max() else ("all pixels have one value",)
        return (*dict.fromkeys(note for layer in layers for note in layer.notes), *constant)

    def check_known(self, drawn: MasksByObject, plane: Plane, index: int, where: str) -> None:
        """Refuse NaN inside of what is drawn; around it, NaN means that nothing was measured."""
        if self.unknown is None:
            return
        here = take_slice(self.unknown, plane, index)
        for name, masks in drawn.items():
            if count := max((int(np.count_nonzero(mask & here)) for mask in masks), default=0):
                raise InputError(
                    where, name, "is drawn where the image holds no numbers", got=f"{count} NaN",
                    want="numbers there",
                )  # fmt: skip

    def make_image(
        self,
        pixels: NDArray[np.uint8],
        masks: dict[str, MasksByObject],
        notes: tuple[str, ...],
        origin: str,
        part: VolumeSlice | None = None,
    ) -> SourceImage:
        """Return one slice or picture with its masks by observer."""
        return SourceImage(
            pixels=pixels,
            modality=self.job.modality,
            cluster_key=self.job.cluster_key,
            masks=masks.get("", {}),
            observers={name: drop_empty(drawn) for name, drawn in sorted(masks.items()) if name},
            notes=notes,
            left_out=self.warnings.left_out,
            warnings=self.warnings.finish(pixels, masks.get("", {}).values()),
            origin=origin,
            volume=part,
        )


def _read_all_layers(
    job: ImageJob, raster: Raster, frame: int | None, warnings: ImageWarnings
) -> Layers:
    layers: Layers = defaultdict(list)
    for files in job.masks:
        pieces = files.spec.instances == "components"
        for layer in read_layers(job, files, raster, frame, warnings):
            layers[files.spec.observer].append((pieces, layer))
    return layers


def read_layers(
    job: ImageJob, files: MaskFiles, image: Raster, frame: int | None, warnings: ImageWarnings
) -> Iterator[Layer]:
    """Yield what the files of one entry of masks draw on an image, or on one volume of it."""
    spec, where = files.spec, show_path(files.paths[0])
    separate = spec.instances == "labels"

    def join(name: str) -> str:
        return find_joined(name, spec.joined, ignore_case=spec.ignore_case)

    key = files.paths[0] if spec.instances == "files" else ""
    if spec.kind != "raster":
        for objects, region in read_regions(job, files, image, warnings):
            if objects:
                voxels = orient(Volume(region.drawn, image.grid.affine_lps)).voxels
                own_key = region.key if separate else key
                called = str(region.number) if spec.labels else region.name
                if spec.joined and (word := join(called)) != called:
                    own_key = word
                yield make_drawn_layer(voxels, objects, own_key, region.notes)
        return
    own = spec.frame if isinstance(spec.frame, int) else None
    own = frame if spec.frame == "all" else own
    located = [job.locate(path) for path in files.paths]
    if spec.channels == "labels":
        for position, channel in enumerate(read_channels(spec, located[0], own)):
            if objects := find_objects(spec, position, "", where):
                drawn = fit_mask(job, files, channel, find_foreground(spec, channel, where), image)
                yield make_drawn_layer(drawn, objects, join(str(position)) if separate else key)
        return
    mask = read_raster(spec, located, own)
    warnings.look_at_mask(mask)
    if spec.labels or spec.colours:
        codes, objects_of = find_codes(spec, mask, where)
        key_of = {code: join(name_code(spec, code)) if separate else key for code in objects_of}
        yield LabelLayer(fit_mask(job, files, mask, codes, image), objects_of, key_of)
        return
    drawn = fit_mask(job, files, mask, find_foreground(spec, mask, where), image)
    objects = spec.objects or find_name(files.name, spec.names, ignore_case=spec.ignore_case) or ()
    yield make_drawn_layer(drawn, objects, join(files.name) if separate else key)


def _find_unknown(raster: Raster) -> NDArray[np.bool_] | None:
    if raster.array.dtype.kind != "f" or not (unknown := np.isnan(raster.array)).any():
        return None
    flat = unknown.any(axis=2) if raster.in_colour else unknown
    return orient(Volume(flat.reshape(raster.shape_zyx), raster.grid.affine_lps)).voxels
