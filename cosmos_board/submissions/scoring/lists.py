"""What submissions are ranked on: the references of the packs that the maintainers name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cosmos_board.core.tracks import CORE
from cosmos_board.data.pack import Pack
from cosmos_board.store.listing import TrackList
from cosmos_board.submissions.checks.packs import Listing, index_pack, may_submit
from cosmos_board.submissions.scoring.score import write_index


def list_tracks(
    packs: Sequence[Listing], folder: Path, tracks: Iterable[str]
) -> Iterator[TrackList]:
    """Yield what each of `tracks` ranks on, pack by pack; the files that say so go into `folder`.

    The core track needs masks, so a pack of which only the index is here has no part in it; nor
    has one of which no rows may be public.
    """
    for track in tracks:
        for pack in packs:
            info = pack.info
            if not may_submit(info.name, info.permissions):
                continue
            if track == CORE and not isinstance(pack, Pack):
                continue
            name = f"{track}-{info.name}"
            write_index(folder, name, pack, index_pack(pack, track))
            yield TrackList(
                track=track,
                dataset=info.card,
                images=folder / f"{name}.images.parquet",
                references=folder / f"{name}.references.parquet",
            )
