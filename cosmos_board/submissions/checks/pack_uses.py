"""The packs that a manifest names: known here, of the version it says, and open to public rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cosmos_board.core.errors import UnknownNameError
from cosmos_board.data.catalog.licence import may
from cosmos_board.submissions.checks.sample import IndexRow, ReferenceIndex
from cosmos_board.submissions.format.manifest import Manifest
from cosmos_board.submissions.problems import Problem

_PUBLIC = ("publish_row_ids", "publish_predictions")


def find_indices(manifest: Manifest, indices: Iterable[ReferenceIndex]) -> list[ReferenceIndex]:
    """Return those of `indices` that the manifest's packs and track ask for."""
    names = {use.name for use in manifest.packs}
    return [one for one in indices if one.pack in names and one.track == manifest.track]


def find_rows(
    manifest: Manifest, indices: Iterable[ReferenceIndex]
) -> Mapping[str, IndexRow] | None:
    """Return the references that are asked for, by id; None where a pack is unknown here."""
    found = find_indices(manifest, indices)
    if len(found) < len(manifest.packs):
        return None
    return {key: row for one in found for key, row in one.rows.items()}


def check_packs(
    manifest: Manifest, indices: Iterable[ReferenceIndex], place: str
) -> Iterator[Problem]:
    """Yield what is wrong with the packs that a manifest names.

    Args:
        manifest: What the submission says.
        indices: References of the packs that are known here, for any track.
        place: Path of the manifest, for messages.
    """
    known = {one.pack: one for one in find_indices(manifest, indices)}
    for number, use in enumerate(manifest.packs):
        field_ = f"packs[{number}]"
        index = known.get(use.name)
        declared = None if index is None else dict.fromkeys(index.permissions, True)
        try:
            public = all(may(use.name, action, declared) for action in _PUBLIC)
        except UnknownNameError:
            text = f"'{use.name}' unknown, see: cosmos-board data list"
            yield Problem(place, f"{field_}.name", text)
            continue
        if not public:
            text = f"rows from '{use.name}': public rows not permitted, use the summary route"
            yield Problem(place, f"{field_}.name", text)
        elif index is None:
            text = f"no pack '{use.name}' here to check against; held for who has it"
            yield Problem(place, f"{field_}.name", text, "held")
        else:
            for name, have in (
                ("content_sha256", index.content_sha256),
                ("prompts_sha256", index.prompts_sha256),
                ("sample_sha256", index.sha256),
            ):
                if (got := getattr(use, name)) != have:
                    text = f"{got[:12]}... retired or unknown, want {have[:12]}..."
                    yield Problem(place, f"{field_}.{name}", text)
