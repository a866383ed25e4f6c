"""Which picture of a JSON file or table is which file: found out while an import is planned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.names import compose
from cosmos_board.data.imports.reading.job import MaskFiles
from cosmos_board.data.imports.spec.models import MaskSpec

Problem = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The files of one image: those that answer to the same parts."""

    parts: Mapping[str, str]
    paths: tuple[str, ...]
    key: str = ""
    """Array of the file, where one file holds image and mask."""


@dataclass(frozen=True, slots=True)
class Described:
    """Images with those masks only that their JSON files and tables really describe."""

    images: Found
    """With the picture's own name in each COCO file or table as the name of its masks."""

    absent: list[Problem]
    """(path, reason) of images that are left without any mask."""

    unclaimed: dict[str, frozenset[str]]
    """By path of a COCO file: its pictures that are none of the images."""


Found = list[tuple[ImageFiles, tuple[MaskFiles, ...]]]


def find_described(root: Path, found: Found, problems: list[Problem]) -> Described:
    """Return images with those masks only that their JSON files and tables really describe.

    Args:
        root: The source folder.
        found: Images, each with the files of its masks.
        problems: What cannot be used is added here.
    """
    pictures: dict[tuple[MaskSpec, str], dict[str, str]] = defaultdict(dict)
    for image, masks in found:
        for files in masks:
            if files.spec.kind in ("coco", "runs"):
                pictures[files.spec, files.paths[0]][image.paths[0]] = files.name
    called: dict[tuple[MaskSpec, str], dict[str, str]] = {}
    reasons: dict[str, str] = {}
    for (spec, path), wanted in pictures.items():
        try:
            called[spec, path] = _find_names(root, spec, path, wanted, reasons)
        except InputError as error:
            called[spec, path] = {}
            reason = str(error).replace(f"{root / path}: ", "")
            problems.append((path, reason))
            reasons.update(dict.fromkeys(wanted, f"{path}: {reason}"))
    kept: Found = []
    for image, masks in found:
        picture = image.paths[0]
        kept.append((image, tuple(_keep_described(masks, picture, called))))
    absent = [
        (image.paths[0], reasons[image.paths[0]])
        for image, masks in kept
        if not masks and image.paths[0] in reasons
    ]
    return Described(kept, absent, _list_unclaimed(root, called))


def _list_unclaimed(
    root: Path, called: Mapping[tuple[MaskSpec, str], dict[str, str]]
) -> dict[str, frozenset[str]]:
    from cosmos_board.data.readers.regions.coco import list_coco_pictures

    unclaimed = {}
    for (spec, path), names in called.items():
        if spec.kind == "coco" and names:
            unclaimed[path] = frozenset(list_coco_pictures(root / path)) - {*names.values()}
    return unclaimed


def _keep_described(
    masks: Iterable[MaskFiles], picture: str, called: Mapping[tuple[MaskSpec, str], dict[str, str]]
) -> Iterable[MaskFiles]:
    for files in masks:
        names = called.get((files.spec, files.paths[0]))
        if names is None:
            yield files
        elif picture in names:
            yield replace(files, name=names[picture])


def _find_names(
    root: Path, spec: MaskSpec, path: str, pictures: Mapping[str, str], reasons: dict[str, str]
) -> dict[str, str]:
    """Return what a file of masks calls each picture; those it does not know get a reason."""
    if spec.kind == "runs":
        from cosmos_board.data.readers.regions.run_tables import list_pictures

        rows = list_pictures(root / path, spec.columns)
        for picture, name in pictures.items():
            if name not in rows:
                reasons[picture] = f"no row of {path} is called {name}"
        return {picture: name for picture, name in pictures.items() if name in rows}
    from cosmos_board.data.readers.regions.coco import list_coco_pictures

    names = match_pictures(list(pictures), list_coco_pictures(root / path), path)
    reasons.update({picture: reason for picture, (name, reason) in names.items() if not name})
    return {picture: name for picture, (name, _) in names.items() if name}


def match_pictures(
    paths: Sequence[str], names: Sequence[str], where: str
) -> dict[str, tuple[str, str]]:
    r"""Return for each path the name that means it, or "" and the reason why none does.

    A name means a path if one is the end of the other, folder by folder; `\\` counts as `/`, and
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
    """Return the names that may mean a path, the closest only."""
    inner = [row for row in rows if steps[-len(row[0]) :] == row[0]]
    longest = max((len(row[0]) for row in inner), default=0)
    outer = [name for row, name in rows if row[-len(steps) :] == steps]
    return [name for row, name in inner if len(row) == longest] or outer


def _split(name: str) -> tuple[str, ...]:
    if "://" in name:
        name = unquote(urlsplit(name).path)
    steps = compose(name).replace("\\", "/").split("/")
    return tuple(step for step in steps if step not in ("", ".")) or ("",)
