"""Is a pack whole and unaltered? Every hash is taken again from what the files hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cosmos_board.core.errors import InputError, make_one_line
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.targets import Reference
from cosmos_board.data.pack.box_references import BoxReferences
from cosmos_board.data.pack.info import INFO_NAME, PackInfo, is_unaltered
from cosmos_board.data.pack.items import PackItem
from cosmos_board.data.pack.pack import Pack, open_pack
from cosmos_board.data.pack.png import hash_pixels
from cosmos_board.data.pack.totals import PackTotals
from cosmos_board.data.pack.volume_check import find_volume_problems
from cosmos_board.prompts import freeze_prompts

SMALLEST_PX = 51
"""A reference is kept when it has more than 50 pixels."""


def check_pack(path: Path) -> list[str]:
    """Return every problem of the pack in folder `path`, a line each; none means it is whole.

    The bytes of each file are compared with `pack.json`, and `pack.json` with its own hash; then
    images are decoded, ids, boxes and prompts derived again, and all hashes and counts taken anew.
    """
    try:
        pack = open_pack(path)
        problems = [] if is_unaltered(path) else [f"{path / INFO_NAME}: was altered"]
    except InputError as error:
        return [str(error)]
    problems += _check_files(path, pack.info)
    return problems + _Contents(pack).find_problems()


def _check_files(path: Path, info: PackInfo) -> Iterator[str]:
    present = {
        file.relative_to(path).as_posix(): file
        for file in sorted(path.rglob("*"))
        if not file.is_dir() or file.is_symlink()
    }
    present.pop(INFO_NAME, None)
    for file in info.files:
        where = present.pop(file.path, None)
        if where is None:
            yield f"{path / file.path}: is missing"
        elif where.is_symlink():
            yield f"{where}: is a link, not a file"
        elif not where.is_file():
            yield f"{where}: is a pipe or a device, not a file"
        elif where.stat().st_size != file.size_bytes:
            size = where.stat().st_size
            yield f"{where}: has another size (got {size}, want {file.size_bytes} bytes)"
        elif hash_file(where) != file.sha256:
            yield f"{where}: has another sha256 than {INFO_NAME} says"
    for where in present.values():
        yield f"{where}: is not part of the pack"


class _Contents:
    """Goes through a pack once and takes every hash and count again."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._problems: list[str] = []
        self._totals = PackTotals()
        self._ids: set[str] = set()
        self._boxes = BoxReferences()

    def find_problems(self) -> list[str]:
        """Return what is wrong, in the order of the pack."""
        try:
            for item in self._pack.iter_items(on_bad=lambda _, error: self._report(str(error))):
                self._check_image(item)
            for observer, reference_id, rle in self._pack.iter_observations():
                row = {"observer": observer, "reference_id": reference_id, "rle": rle.counts}
                self._totals.add_observer(row)
        except InputError as error:
            self._report(str(error))
            return self._problems
        expected = self._totals.find_expected(self._pack.info.expected)
        for name, held in {**self._totals.list_facts(), "expected": expected}.items():
            said = getattr(self._pack.info, name)
            if held != said:
                problem = f"{name}: is not what the files hold (got {said}, want {held})"
                self._report(f"{INFO_NAME}: {problem}")
        for problem in find_volume_problems(self._pack, self._boxes):
            self._report(problem)
        return self._problems

    def _check_image(self, item: PackItem) -> None:
        image = item.image
        if image.image_id in self._ids:
            self._report(f"{image.image_id}: comes twice")
        self._ids.add(image.image_id)
        row = {
            "image_id": image.image_id,
            "cluster_id": image.cluster_id,
            "modality": image.modality,
            "height": image.height,
            "width": image.width,
            "sha256": hash_pixels(image.pixels),
        }
        self._totals.add_image(row, (reference.object for reference in item.references))
        for reference in item.references:
            self._check_reference(item, reference)

    def _check_reference(self, item: PackItem, reference: Reference) -> None:
        name = reference.reference_id
        mask = reference.mask()
        if (size_px := int(mask.sum())) < SMALLEST_PX:
            problem = f"is too small (got {size_px}, want at least {SMALLEST_PX} pixels)"
            self._report(f"{name}: {problem}")
        if not size_px:
            return
        frozen = freeze_prompts(mask)
        if item.prompts[name] != frozen:
            self._report(f"{name}: has other prompts than the protocol gives")
        if reference.box_xyxy != frozen["box"].box_xyxy:
            self._report(f"{name}: has another box than its mask")
        for prompt_name, prompt in item.prompts[name].items():
            self._totals.add_prompt(name, prompt_name, prompt)
        row = {
            "reference_id": name,
            "object": reference.object,
            "instance": reference.instance,
            "box": reference.box_xyxy,
            "rle": reference.rle.counts,
        }
        self._totals.add_reference(row)
        if self._pack.info.volumes is not None:
            self._boxes.add(name, reference.image_id, reference.object, reference.rle.counts)

    def _report(self, problem: str) -> None:
        where = str(self._pack.path)
        text = problem if problem.startswith(where) else f"{where}: {problem}"
        self._problems.append(make_one_line(text))
