"""Files of masks → layers that fit their image."""

from __future__ import annotations

from collections.abc import Iterator

from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.reading.codes import find_codes
from cosmos_board.data.imports.reading.files import read_raster
from cosmos_board.data.imports.reading.fit import fit_mask
from cosmos_board.data.imports.reading.foreground import find_foreground
from cosmos_board.data.imports.reading.image_warnings import ImageWarnings
from cosmos_board.data.imports.reading.job import ImageJob, MaskFiles
from cosmos_board.data.imports.reading.layers import LabelLayer, Layer, make_drawn_layer
from cosmos_board.data.imports.reading.regions import read_regions
from cosmos_board.data.imports.spec.rules import find_name
from cosmos_board.data.readers.raster import Raster
from cosmos_board.data.volumes import Volume, orient


def read_layers(
    job: ImageJob, files: MaskFiles, image: Raster, frame: int | None, warnings: ImageWarnings
) -> Iterator[Layer]:
    """Yield what the files of one entry of masks draw on an image.

    `frame` is which volume of the image is read, for masks with as many volumes.

    Raises:
        InputError: If a file is not what it should be, or does not fit.
    """
    spec = files.spec
    if spec.kind != "raster":
        for objects, region in read_regions(job, files, image, warnings):
            if objects:
                voxels = orient(Volume(region.drawn, image.grid.affine_lps)).voxels
                key = region.key if spec.instances == "labels" else _get_file_key(files)
                yield make_drawn_layer(voxels, objects, key, region.notes)
        return
    where = show_path(files.paths[0])
    own = spec.frame if isinstance(spec.frame, int) else None
    mask = read_raster(job.root, spec, files.paths, frame if spec.frame == "all" else own)
    warnings.look_at_mask(mask)
    if spec.labels or spec.colours:
        codes, objects_of = find_codes(spec, mask, where)
        fitted = fit_mask(job, files, mask, codes, image)
        separate = spec.instances == "labels"
        yield LabelLayer(fitted, objects_of, separate, _get_file_key(files))
        return
    drawn = fit_mask(job, files, mask, find_foreground(spec, mask, where), image)
    objects = spec.objects or find_name(files.name, spec.names) or ()
    key = files.name if spec.instances == "labels" else _get_file_key(files)
    yield make_drawn_layer(drawn, objects, key)


def _get_file_key(files: MaskFiles) -> str:
    """Return the key of all that a file draws, where each file is an instance."""
    return files.paths[0] if files.spec.instances == "files" else ""
