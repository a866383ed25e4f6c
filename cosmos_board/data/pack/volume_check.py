"""Are the volumes of a pack whole? Ids, prompts, hashes and counts are derived again."""

from __future__ import annotations

from collections.abc import Iterator

from cosmos_board.core.errors import InputError
from cosmos_board.data.pack.box_references import BoxReferences
from cosmos_board.data.pack.info import INFO_NAME
from cosmos_board.data.pack.pack import Pack
from cosmos_board.data.pack.png import hash_pixels, make_image_id
from cosmos_board.data.pack.volume_rows import make_reference_row
from cosmos_board.data.pack.volume_totals import VolumeTotals
from cosmos_board.data.pack.volumes import PackVolumes, VolumeItem
from cosmos_board.prompts.volumes import freeze_volume_prompts


def find_volume_problems(pack: Pack, boxes: BoxReferences) -> Iterator[str]:
    """Yield every problem of the volumes of a pack, a line each.

    `boxes` knows every reference of the 2-D study.
    """
    problems: list[str] = []
    totals = VolumeTotals()
    seen: set[str] = set()

    def report(_: str, error: InputError) -> None:
        problems.append(str(error))

    try:
        for item in PackVolumes(pack).iter_items(on_bad=report):
            if item.volume.volume_id in seen:
                problems.append(f"{item.volume.volume_id}: comes twice")
            seen.add(item.volume.volume_id)
            problems += _check_volume(item, boxes, totals)
    except InputError as error:
        problems.append(str(error))
    yield from problems
    if not problems and totals.list_facts() != pack.info.volumes:
        yield f"{INFO_NAME}: volumes: is not what the files hold (want {totals.list_facts()})"


def _check_volume(item: VolumeItem, boxes: BoxReferences, totals: VolumeTotals) -> Iterator[str]:
    volume = item.volume
    hashes = [hash_pixels(pixels) for pixels in volume.voxels]
    rows = []
    for reference in item.references:
        name = reference.volume_reference_id
        shown = ((make_image_id(hashes[index]), rle) for index, rle in reference.slices)
        if reference.box_reference_ids != boxes.find(reference.object, shown):
            yield f"{name}: has other boxes of the 2-D study than its masks give"
        if item.prompts[name] != freeze_volume_prompts(reference):
            yield f"{name}: has other prompts than the protocol gives"
        totals.add_prompts(name, item.prompts[name].values())
        rows.append(make_reference_row(reference))
    slices, height, width = volume.shape
    row = {
        "volume_id": volume.volume_id,
        "cluster_id": volume.cluster_id,
        "modality": volume.modality,
        "slices": slices,
        "height": height,
        "width": width,
        "spacing_mm": volume.spacing_mm,
    }
    shown_slices = (
        {"slice_index": index, "image_id": make_image_id(sha256), "sha256": sha256}
        for index, sha256 in enumerate(hashes)
    )
    totals.add_volume(row, shown_slices, rows)
