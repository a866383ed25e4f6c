"""Import files (TOML) → typed values; every unknown or unfitting word is refused by its field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.modalities import get_modality
from cosmos_board.data.catalog.dataset import PERMISSIONS
from cosmos_board.data.catalog.load import load_catalog
from cosmos_board.data.imports.spec.fields import Fields
from cosmos_board.data.imports.spec.meanings import (
    CodeRule,
    ColourRule,
    NameRule,
    Objects,
    fits_name,
    parse_codes,
    parse_colour,
)
from cosmos_board.data.imports.spec.patterns import Pattern, find_fields
from cosmos_board.data.imports.spec.types import (
    INSTANCES,
    KINDS,
    RUNS,
    SPEC_VERSION,
    WARNINGS,
    Frame,
    ImageSpec,
    ImportSpec,
    MaskSpec,
)
from cosmos_board.data.volumes import parse_normalisation

READERS = ("", "picture", "tiff", "array", "nifti", "itk", "dicom")
"""Formats by their reader; the file's ending decides where none is named."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MEANINGS = ("object", "labels", "colours", "names")
_MEANINGS_OF = {"raster": _MEANINGS, "dicom-seg": ("labels", "names"), "runs": ("object", "names")}
_MASK_FIELDS = {field.name for field in dataclass_fields(MaskSpec)} - {"objects"} | {"object"}
_LARGEST_BYTES = 1 << 20


def load_spec(name_or_path: str) -> ImportSpec:
    """Return the import file of a catalog entry, or the one at a path.

    Raises:
        InputError: If it is neither, or says something that cannot be.
    """
    if _NAME.fullmatch(name_or_path) and not Path(name_or_path).exists():
        if name_or_path not in load_catalog().datasets:
            raise UnknownNameError("SPEC", "dataset", name_or_path, load_catalog().datasets)
        entry = files("cosmos_board.data.catalog").joinpath("imports", f"{name_or_path}.toml")
        if not entry.is_file():
            raise InputError(name_or_path, "import file", "is none of ours to import")
        return parse_spec(entry.read_text("utf-8"), name_or_path)
    return read_spec(Path(name_or_path))


def read_spec(path: Path) -> ImportSpec:
    """Return the import file at `path`.

    Raises:
        InputError: If it cannot be read or says something that cannot be.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(path, "", "is too large for an import file")
        text = path.read_text("utf-8")
    except OSError as error:
        raise InputError(path, "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(path, "", "is no text in UTF-8") from error
    return parse_spec(text, str(path))


def parse_spec(text: str, origin: str) -> ImportSpec:
    """Return what the import file `text` says.

    Args:
        text: TOML.
        origin: Where it lies, for messages.

    Raises:
        InputError: If a field is missing, unknown or cannot be.
    """
    try:
        # Some editors begin a file with the mark of its byte order.
        table = tomllib.loads(text.removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(origin, "", f"is no TOML: {error}") from error
    top = Fields(origin, "", table)
    if (version := top.take("schema_version", int)) > SPEC_VERSION:
        raise InputError(
            origin, "schema_version", "is newer than this program", got=version, want=SPEC_VERSION
        )
    name = top.take("name", str)
    if not _NAME.fullmatch(name):
        raise InputError(origin, "name", "is no name", got=repr(name), want="words-with-hyphens")
    defaults = {
        key: table[key]
        for key in ("normalisation", "plane", "resample", "geometry")
        if top.take(key, str, "")
    }
    rows = top.take("images", list)
    if not all(isinstance(row, dict) for row in rows):
        raise InputError(origin, "images", "are no tables", want="[[images]]")
    images = tuple(
        _parse_images(Fields(origin, f"images[{position}]", {**defaults, **row}))
        for position, row in enumerate(rows)
    )
    if not images:
        raise InputError(origin, "images", "are missing")
    spec = ImportSpec(
        name=name,
        images=images,
        label=top.take("label", str, ""),
        version=top.take("version", str, ""),
        licence=top.take("licence", str, "unknown"),
        source=top.take("source", str, ""),
        citation=top.take("citation", str, ""),
        cluster_unit=top.word("cluster_unit", ("patient", "volume", "image"), ""),
        accept=_parse_accept(top),
        permissions=_parse_permissions(origin, top.take("permissions", dict, {})),
        origin=origin,
    )
    top.finish()
    return spec


def _parse_accept(top: Fields) -> tuple[str, ...]:
    accept = top.take_words("accept")
    if unknown := [word for word in accept if word not in WARNINGS]:
        raise top.error("accept", "is unknown", got=repr(unknown[0]), want=", ".join(WARNINGS))
    return tuple(accept)


def _parse_permissions(origin: str, given: Mapping[str, Any]) -> dict[str, bool]:
    row = Fields(origin, "permissions", given)
    flags = {flag: row.take(flag, bool, False) for flag in PERMISSIONS}
    row.finish()
    return flags


def _parse_images(row: Fields) -> ImageSpec:
    common = _parse_files(row)
    table = row.take("table", str, "")
    fields = set(find_fields(common["files"])) if not table else None
    modality = row.take("modality", str)
    if "{" not in modality:
        try:
            get_modality(modality)
        except InputError as error:
            raise row.error("modality", str(error).partition(": ")[2]) from error
    normalisation = row.take("normalisation", str, "percentile")
    if normalisation != "none":
        try:
            parse_normalisation(normalisation)
        except InputError as error:
            raise row.error(
                "normalisation",
                "is unknown",
                got=repr(normalisation),
                want="none, minmax, percentile or window CENTRE/WIDTH",
            ) from error
    masks = tuple(
        _parse_masks(Fields(row.origin, f"{row.path}.masks[{position}]", mask), fields)
        for position, mask in enumerate(row.take("masks", list))
    )
    if not any(not mask.observer for mask in masks):
        raise row.error("masks", "are missing: no entry is without an observer")
    spec = ImageSpec(
        **common,
        table=table,
        modality=modality,
        cluster=row.take("cluster", str, ""),
        normalisation=normalisation,
        plane=row.word("plane", ("auto", "axial", "coronal", "sagittal"), "auto"),
        resample=row.word("resample", ("", "nearest"), ""),
        geometry=row.word("geometry", ("check", "ignore"), "check"),
        masks=masks,
    )
    for field in ("modality", "cluster"):
        row.check_template(field, getattr(spec, field), fields)
    row.finish()
    return spec


def _parse_masks(row: Fields, image_fields: set[str] | None) -> MaskSpec:
    common = _parse_files(row)
    row.refuse_unknown(_MASK_FIELDS)
    kind = row.word("kind", KINDS, "raster")
    given = [word for word in _MEANINGS if word in row.values]
    allowed = _MEANINGS_OF.get(kind, ("names",))
    if len(given) != 1 or given[0] not in allowed:
        raise row.error(
            "object", f"what is drawn must be said once by {' or '.join(allowed)}", got=given
        )
    spec = MaskSpec(
        **common,
        kind=kind,
        objects=_parse_objects(row, "object", row.values.get("object", [])),
        labels=tuple(
            CodeRule(low, high, objects)
            for text, objects in _parse_rules(row, "labels")
            for low, high in _need(row, "labels", text, parse_codes(text))
        ),
        colours=tuple(
            ColourRule(_need(row, "colours", text, parse_colour(text)), objects)
            for text, objects in _parse_rules(row, "colours")
        ),
        names=tuple(NameRule(text, objects) for text, objects in _parse_rules(row, "names")),
        name=row.take("name", str, ""),
        skip=tuple(row.take_words("skip")),
        instances=row.word("instances", INSTANCES, ""),
        observer=row.take("observer", str, ""),
        threshold=row.take_number("threshold"),
        colour_tolerance=_parse_tolerance(row),
        runs=row.word("runs", RUNS, ""),
        columns=tuple(row.take_words("columns")),
        background=row.take("background", str, "0,0,0" if "colours" in given else "0"),
    )
    _check_masks(row, spec, image_fields)
    return spec


def _check_masks(row: Fields, spec: MaskSpec, image_fields: set[str] | None) -> None:
    if spec.kind == "raster" and bool(spec.names) != bool(spec.name):
        raise row.error("name", "and names go together: one says how a file is called")
    _check_runs(row, spec)
    if spec.colour_tolerance != 0 and not spec.colours:
        raise row.error("colour_tolerance", "is of use with colours only")
    if spec.colours and (
        odd := [text for text in spec.skip if text != "*" and not parse_colour(text)]
    ):
        raise row.error("skip", "is no colour", got=repr(odd[0]), want="255,255,255 or *")
    if spec.threshold is not None and not spec.objects and not spec.names:
        raise row.error("threshold", "is of no use with labels or colours")
    if spec.channels and spec.kind != "raster":
        raise row.error("channels", f"are of no use with kind {spec.kind}")
    if spec.observer and not _NAME.fullmatch(spec.observer):
        raise row.error("observer", "is no name", got=repr(spec.observer))
    ground = parse_colour if spec.colours else parse_codes
    if not ground(spec.background):
        raise row.error("background", "is no code or colour", got=repr(spec.background))
    _check_rules(row, spec)
    if image_fields is not None:
        row.check_template("name", spec.name, image_fields | set(find_fields(spec.files)))


def _check_rules(row: Fields, spec: MaskSpec) -> None:
    """Refuse rules that never apply, because an earlier one or the background comes first."""
    for position, code in enumerate(spec.labels):
        anything = (code.low, code.high) == parse_codes("*")[0]
        if not anything and any(
            code.low <= other.high and other.low <= code.high and other.objects != code.objects
            for other in spec.labels[:position]
        ):
            raise row.error("labels", "give a code two meanings", got=_show_range(code))
        if code.low == code.high and any(
            low <= code.low <= high for low, high in parse_codes(spec.background)
        ):
            raise row.error(
                "labels", "give a meaning to the background", got=code.low, want="background = …"
            )
    for position, name in enumerate(spec.names):
        others = [rule for rule in spec.names[:position] if rule.objects != name.objects]
        earlier = [rule.pattern for rule in others]
        if hidden := [pattern for pattern in earlier if fits_name(name.pattern, pattern)]:
            raise row.error(
                "names", f"{name.pattern!r} never applies", got=f"{hidden[0]!r} before it"
            )


def _show_range(rule: CodeRule) -> str:
    return str(rule.low) if rule.low == rule.high else f"{rule.low}..{rule.high}"


def _check_runs(row: Fields, spec: MaskSpec) -> None:
    if spec.kind != "runs":
        for field in ("runs", "columns"):
            if getattr(spec, field):
                raise row.error(field, 'is of use with kind = "runs" only')
        return
    if not spec.name:
        raise row.error("name", "is missing: how the table calls a picture")
    if not spec.runs:
        raise row.error(
            "runs", "is missing: how the table counts its runs",
            want='"absolute" (pairs of start and length, the first pixel is 1, down the columns),'
            ' "absolute-rows" (the same along the rows) or "relative" (pairs of gap and length)',
        )  # fmt: skip
    wanted = 3 if spec.names else 2
    if (spec.columns or spec.names) and len(spec.columns) != wanted:
        want = "of pictures, of names and of runs" if spec.names else "of pictures and of runs"
        raise row.error("columns", "must name the columns", got=list(spec.columns), want=want)


def _parse_tolerance(row: Fields) -> int | str:
    value: object = row.values.get("colour_tolerance", 0)
    row.taken.add("colour_tolerance")
    if value == "nearest" or (type(value) is int and 0 <= value <= 255):
        return value
    raise row.error(
        "colour_tolerance", "is no distance", got=repr(value), want='0 … 255 or "nearest"'
    )


def _parse_files(row: Fields) -> dict[str, Any]:
    pattern = row.take("files", str)
    try:
        Pattern(pattern)
    except ValueError as error:
        raise row.error("files", str(error), got=repr(pattern)) from error
    axes = row.take("axes", str, "")
    if axes and sorted(axes) not in (sorted("zyx"), sorted("yx"), sorted("zyxc"), sorted("yxc")):
        raise row.error("axes", "are unknown", got=repr(axes), want="the letters z, y, x and c")
    return {
        "files": pattern,
        "reader": row.word("reader", READERS, ""),
        "key": row.take("key", str, ""),
        "frame": _parse_frame(row),
        "axes": axes,
        "orientation": row.word("orientation", ("tag", "ignore"), "tag"),
        "channels": _parse_channels(row),
        "stack": row.word("stack", ("", "name", "order"), ""),
    }


def _parse_frame(row: Fields) -> Frame:
    frame: Frame = row.values.get("frame")
    row.taken.add("frame")
    if frame is None or frame == "all":
        return frame
    if type(frame) is not int or frame < 0:
        raise row.error("frame", "is no position", got=repr(frame), want='0, 1, … or "all"')
    return frame


def _parse_channels(row: Fields) -> tuple[int, ...]:
    channels = row.take("channels", list, [])
    known = all(type(channel) is int and channel >= 0 for channel in channels)
    if not known or ("channels" in row.values and len(channels) not in (1, 3)):
        raise row.error(
            "channels", "are no positions", got=channels, want="[0] for grey, [0, 1, 2] for RGB"
        )
    return tuple(channels)


def _parse_rules(row: Fields, field: str) -> list[tuple[str, Objects]]:
    rules = row.values.get(field, {})
    if not isinstance(rules, dict) or (field in row.values and not rules):
        raise row.error(field, "is no table of code = object")
    return [(text, _parse_objects(row, f"{field}.{text}", given)) for text, given in rules.items()]


def _parse_objects(row: Fields, field: str, given: object) -> Objects:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list):
        raise row.error(field, "is no object", got=repr(given))
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise row.error(field, "is no object", got=repr(name), want="words-with-hyphens")
    return tuple(names)


def _need(row: Fields, field: str, text: str, parsed: Any) -> Any:  # noqa: ANN401
    if not parsed:
        want = "255,0,0" if field == "colours" else '1, "2..5", "1,10" or "*"'
        raise row.error(field, "is no code", got=repr(text), want=want)
    return parsed
