"""Import files (TOML) read and checked, and the facts of the pack that they make."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

from cosmos_board.core.errors import InputError, UnknownNameError, describe_unreadable
from cosmos_board.core.expected import CountedUnit, ExpectedCount
from cosmos_board.data.catalog.expected import load_expected
from cosmos_board.data.catalog.load import load_catalog
from cosmos_board.data.imports.spec.fields import NAME
from cosmos_board.data.imports.spec.models import ImportSpec
from cosmos_board.data.pack.info import PackInfo
from cosmos_board.data.validation import parse_table

_LARGEST_BYTES = 1 << 20


def load_spec(name_or_path: str) -> ImportSpec:
    """Return the import file of a catalog entry or at a path; InputError if it is neither."""
    if not NAME.fullmatch(name_or_path) or Path(name_or_path).exists():
        return read_spec(Path(name_or_path))
    if name_or_path not in load_catalog().datasets:
        raise UnknownNameError("SPEC", "dataset", name_or_path, load_catalog().datasets)
    entry = files("cosmos_board.data.catalog").joinpath("imports", f"{name_or_path}.toml")
    if not entry.is_file():
        raise InputError(name_or_path, "import file", "is none of ours to import")
    return parse_spec(entry.read_text("utf-8"), name_or_path)


def read_spec(path: Path) -> ImportSpec:
    """Return the import file at `path`; InputError if it is unreadable or cannot be."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(path, "", "is too large for an import file")
        text = path.read_text("utf-8")
    except OSError as error:
        raise describe_unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise InputError(path, "", "is no text in UTF-8") from error
    return parse_spec(text, str(path))


def parse_spec(text: str, origin: str) -> ImportSpec:
    """Return what the import file `text` (TOML) says.

    `origin` is where it lies, for messages.

    Raises:
        InputError: If a field is missing, unknown or cannot be.
    """
    try:
        # Some editors begin a file with the mark of its byte order.
        table = tomllib.loads(text.removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(origin, "", f"is no TOML: {error}") from error
    if "origin" in table:
        raise InputError(origin, "origin", "is unknown")
    return parse_table(ImportSpec, {**table, "origin": origin}, origin)


def make_pack_info(spec: ImportSpec) -> PackInfo:
    """Return the facts of the pack that `spec` makes; the catalog's win where it knows the name.

    Raises:
        InputError: If the import file gives a permission that the catalog withholds.
    """
    known = load_catalog().datasets.get(spec.name)
    granted = {flag for flag, given in spec.permissions.items() if given}
    if known is not None:
        allowed = {flag for flag, given in known.permissions.items() if given}
        if withheld := sorted(granted - allowed):
            field = f"permissions.{withheld[0]}"
            raise InputError(spec.origin, field, "is withheld by the catalog")
        granted = allowed
    by_patient = all(entry.cluster for entry in spec.images)
    return PackInfo(
        name=spec.name,
        label=spec.label or (known.label if known else spec.name),
        version=spec.version or (known.version if known else ""),
        licence=known.licence if known else spec.licence,
        source=spec.source or (known.link if known else ""),
        citation=spec.citation or (known.citation if known else ""),
        normalisation=", ".join(sorted({entry.normalisation for entry in spec.images})),
        cluster_unit=spec.cluster_unit or ("patient" if by_patient else "image"),
        permissions=tuple(sorted(granted)),
        expected=_list_expected(spec.name),
    )


def _list_expected(name: str) -> tuple[ExpectedCount, ...]:
    """Return what the catalog expects a pack of a dataset to hold; nothing is found yet."""
    units: tuple[CountedUnit, ...] = ("cases", "pictures", "references")
    return tuple(
        ExpectedCount(
            part=part.part, modality=part.modality, object=part.object,
            unit=unit, expected=getattr(part, unit), source=part.source, by_path=bool(part.exclude),
        )
        for part in load_expected().get(name, ())
        for unit in units
        if getattr(part, unit) is not None
    )  # fmt: skip
