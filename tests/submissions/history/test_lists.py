"""What submissions are ranked on follows from the packs of the maintainers, not from entries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cosmos_board.board.build import build_boards
from cosmos_board.board.types import BoardRow
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.data.pack import open_pack
from cosmos_board.store.board import open_board
from cosmos_board.store.removal import list_runs, remove_runs
from cosmos_board.submissions.checks.packs import index_pack
from cosmos_board.submissions.history.rebuild import rebuild_board
from cosmos_board.submissions.history.versions import read_history
from tests.submissions.repositories import commit_all, make_repository
from tests.submissions.samples import Sample, make_sample

PACKS = ("first", "second")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    """By pack: an entry that answers it alone."""
    root = tmp_path_factory.mktemp("packs")
    samples = {}
    for seed, name in enumerate(PACKS):
        build_phantom_pack(root / name, 4, side=64, seed=seed, name=name, workers=1)
        samples[name] = make_sample(root / name, root / f"of-{name}", ("box",))
    return samples


def rebuild(samples: dict[str, Sample], entries: dict[str, str], out: Path) -> Path:
    """Return the database of a main with these entries: by slug, the pack that each answers."""
    hub = out / "hub"
    make_repository(hub)
    for number, (slug, pack) in enumerate(entries.items()):
        names: dict[str, Any] = {
            "model__name": slug.title(),
            "authors__0__github_id": 2000 + number,
        }
        samples[pack].write(hub, slug=slug, **names)
    commit_all(hub, "merge")
    packs = [open_pack(samples[name].pack) for name in PACKS]
    rebuilt = rebuild_board(read_history(hub), packs, out / "board")
    assert rebuilt.left_out == {}
    return rebuilt.db


def rows_of(db: Path) -> dict[tuple[str, str, str], BoardRow]:
    """Return the rows of every Dice board by slice, selection and model."""
    with open_board(db) as connection:
        boards = build_boards(connection, ("dice",))
    return {
        (str(key.slice), key.selection, row.model): row
        for key, board in boards.items()
        for row in board.rows
    }


def test_an_entry_on_another_pack_changes_nothing_for_those_before_it(
    samples: dict[str, Sample], tmp_path: Path
) -> None:
    alone = rows_of(rebuild(samples, {"ann-one": "first"}, tmp_path / "alone"))
    db = rebuild(samples, {"ann-one": "first", "bob-two": "second"}, tmp_path / "both")
    both = rows_of(db)

    assert {key: both[key] for key in alone} == alone
    whole = alone["modality:synthetic", "predicted", "ann-one"]
    assert whole.status == "incomplete"
    assert whole.coverage == pytest.approx(count(samples, "first") / count(samples, *PACKS))
    (run,) = [one.run_id for one in list_runs(db) if one.model == "bob-two"]
    remove_runs(db, [run])
    assert rows_of(db) == alone


def test_every_core_sample_is_listed_and_nothing_else(
    samples: dict[str, Sample], tmp_path: Path
) -> None:
    db = rebuild(samples, {"ann-one": "first"}, tmp_path)

    with open_board(db) as connection:
        found = connection.execute(
            "SELECT reference_id FROM track_references WHERE track = 'core' AND fixed"
        ).fetchall()
    indices = [index_pack(open_pack(samples[name].pack)) for name in PACKS]
    assert sorted(name for (name,) in found) == sorted(
        name for index in indices for name in index.rows
    )


def count(samples: dict[str, Sample], *packs: str) -> int:
    return sum(len(index_pack(open_pack(samples[name].pack)).rows) for name in packs)
