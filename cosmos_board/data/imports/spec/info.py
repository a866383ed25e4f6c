"""What an import file and the catalog say about a pack as a whole."""

from __future__ import annotations

from cosmos_board.core.cards import ClusterUnit
from cosmos_board.core.errors import InputError
from cosmos_board.data.catalog.load import load_catalog
from cosmos_board.data.imports.spec.models import ImportSpec
from cosmos_board.data.pack.info import PackInfo


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
            raise InputError(
                spec.origin, f"permissions.{withheld[0]}", "is withheld by the catalog"
            )
        granted = allowed
    return PackInfo(
        name=spec.name,
        label=spec.label or (known.label if known else spec.name),
        version=spec.version or (known.version if known else ""),
        licence=known.licence if known else spec.licence,
        source=spec.source or (known.link if known else ""),
        citation=spec.citation or (known.citation if known else ""),
        normalisation=", ".join(sorted({entry.normalisation for entry in spec.images})),
        cluster_unit=_get_cluster_unit(spec),
        permissions=tuple(sorted(granted)),
    )


def _get_cluster_unit(spec: ImportSpec) -> ClusterUnit:
    units: dict[str, ClusterUnit] = {"patient": "patient", "volume": "volume", "image": "image"}
    if spec.cluster_unit:
        return units[spec.cluster_unit]
    return "patient" if all(entry.cluster for entry in spec.images) else "image"
