"""The pictures that JSON files and tables of masks describe, by what those call them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.names import compose
from cosmos_board.data.imports.planning.archived import Problem
from cosmos_board.data.imports.planning.walk import Listing
from cosmos_board.data.imports.reading.job import ImageJob, MaskFiles
from cosmos_board.data.imports.spec.models import MaskSpec

Names = dict[tuple[MaskSpec, str], dict[str, str]]
"""By file of masks: what it calls each picture."""


def find_described(
    listing: Listing, jobs: Sequence[ImageJob], problems: list[Problem]
) -> tuple[Names, dict[str, str]]:
    """Return what JSON files and tables call each image, and why they do not describe others.

    What cannot be used is added to `problems`.
    """
    wanted: Names = defaultdict(dict)
    for job in jobs:
        for files in job.masks:
            if files.spec.kind in ("coco", "runs"):
                wanted[files.spec, files.paths[0]][job.paths[0]] = files.name
    names: Names = {}
    reasons: dict[str, str] = {}
    for (spec, path), pictures in wanted.items():
        try:
            names[spec, path] = _find_names(listing, spec, path, pictures, reasons)
        except InputError as error:
            names[spec, path] = {}
            reason = str(error).replace(f"{listing.locate(path)}: ", "")
            problems.append((path, reason))
            reasons.update(dict.fromkeys(pictures, f"{path}: {reason}"))
    return names, reasons


def list_unused_pictures(listing: Listing, names: Names) -> dict[str, frozenset[str]]:
    """Return the pictures of each COCO file that are no image, by its path."""
    from cosmos_board.data.readers.regions.coco import list_coco_pictures

    return {
        path: frozenset(list_coco_pictures(listing.locate(path))) - {*pictures.values()}
        for (spec, path), pictures in names.items()
        if spec.kind == "coco" and pictures
    }


def list_described(job: ImageJob, names: Names) -> Iterator[MaskFiles]:
    """Yield the masks of an image without those whose file does not describe it."""
    for files in job.masks:
        pictures = names.get((files.spec, files.paths[0]))
        if pictures is None:
            yield files
        elif job.paths[0] in pictures:
            yield replace(files, name=pictures[job.paths[0]])


def _find_names(
    listing: Listing,
    spec: MaskSpec,
    path: str,
    pictures: Mapping[str, str],
    reasons: dict[str, str],
) -> dict[str, str]:
    """Return what a file of masks calls each picture; those it does not know get a reason."""
    if spec.kind == "runs":
        from cosmos_board.data.readers.regions.run_tables import list_pictures

        rows = list_pictures(listing.locate(path), spec.columns)
        absent = {picture: name for picture, name in pictures.items() if name not in rows}
        for picture, name in absent.items():
            reasons[picture] = f"no row of {path} is called {name}"
        return {picture: name for picture, name in pictures.items() if picture not in absent}
    from cosmos_board.data.readers.regions.coco import list_coco_pictures

    names = match_pictures(list(pictures), list_coco_pictures(listing.locate(path)), path)
    reasons.update({picture: reason for picture, (name, reason) in names.items() if not name})
    return {picture: name for picture, (name, _) in names.items() if name}


def match_pictures(
    paths: Sequence[str], names: Sequence[str], where: str
) -> dict[str, tuple[str, str]]:
    r"""Return for each path the name of its picture, or "" and the reason why there is none.

    A name fits a path if one is the end of the other, folder by folder; `\\` counts as `/`, and
    of an address only the path counts. Equal paths win; what stays ambiguous is refused.

    Args:
        paths: Of the pictures, below the source folder.
        names: What the file calls its pictures.
        where: The file, for messages.

    Example:
        >>> match_pictures(["x/a.png", "b.png"], ["a.png"], "ann.json")
        {'x/a.png': ('a.png', ''), 'b.png': ('', 'no picture of ann.json is called b.png')}
    """
    rows: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for name in names:
        steps = _split(name)
        rows[steps[-1]].append((steps, name))
    chosen: dict[str, tuple[str, str]] = {}
    owners: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        steps = tuple(compose(path).split("/"))
        fitting = _choose(steps, rows.get(steps[-1], []))
        if len(fitting) == 1:
            chosen[path] = (fitting[0], "")
            owners[fitting[0]].append(path)
        elif fitting:
            same = ", ".join(fitting[:3])
            chosen[path] = ("", f"{len(fitting)} pictures of {where} may be {path}: {same}")
        else:
            other = next((f", only {name}" for _, name in rows.get(steps[-1], [])), "")
            chosen[path] = ("", f"no picture of {where} is called {path}{other}")
    for name, several in owners.items():
        exact = [path for path in several if tuple(compose(path).split("/")) == _split(name)]
        for path in several if len(several) > 1 else ():
            if path not in exact:
                same = " and ".join(several[:3])
                chosen[path] = ("", f"{where} calls {len(several)} pictures {name}: {same}")
    return chosen


def _choose(steps: tuple[str, ...], rows: Sequence[tuple[tuple[str, ...], str]]) -> list[str]:
    """Return the names that fit a path, the closest only."""
    inner = [row for row in rows if steps[-len(row[0]) :] == row[0]]
    longest = max((len(row[0]) for row in inner), default=0)
    outer = [name for row, name in rows if row[-len(steps) :] == steps]
    return [name for row, name in inner if len(row) == longest] or outer


def _split(name: str) -> tuple[str, ...]:
    if "://" in name:
        name = unquote(urlsplit(name).path)
    steps = compose(name).replace("\\", "/").split("/")
    return tuple(step for step in steps if step not in ("", ".")) or ("",)
