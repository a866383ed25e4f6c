"""Few patients of a restricted dataset are not found out, from one site or from two."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cosmos_board.cli.main import group
from cosmos_board.core.errors import InputError
from cosmos_board.data.catalog.licence import MIN_CLUSTERS
from cosmos_board.site.content.blocks import BLOCKS_PATH, Block, Blocks, Partition, parse_blocks
from cosmos_board.site.publish.generate import Site
from cosmos_board.site.publish.versions import Published, write_list
from cosmos_board.store.board import open_board_to_write
from tests.site.attack import Attack, Numbers, numbers_of, published, texts_of
from tests.site.closed_world import (
    GROUPS,
    NEW,
    OPEN_FLAGS,
    PART,
    PLANTED,
    REST,
    SEEN,
    UNSTIRRED,
    WITHHELD,
    change_world,
    drop_clusters,
    make_world,
)

TEN = frozenset("0123456789")
LEAST_RANGE = 0.1
"""A cell whose Dice is known to less than this is recovered."""

PROTECTED = (WITHHELD, PART, SEEN, UNSTIRRED)
OLD = {REST: 10 / 12, SEEN: 1 / 12, UNSTIRRED: 1 / 12}
"""The twelve patients of `north ct.liver` that the first site shows, by their weight."""

Publish = Callable[..., Site]
published_or_local = pytest.mark.parametrize(
    "local",
    [
        pytest.param(False, id="published"),
        pytest.param(True, id="local", marks=pytest.mark.slow),
    ],
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_world(tmp_path_factory.mktemp("world") / "board.duckdb")


@pytest.fixture(scope="module")
def publish(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Publish:
    """Return what makes the site of a changed world: once for each world that is asked for."""
    folder, numbers = tmp_path_factory.mktemp("worlds"), itertools.count()
    made: dict[object, Site] = {}

    def make(
        *,
        raised: Mapping[str, float] | None = None,
        without: tuple[str, ...] = (NEW,),
        local: bool = False,
        earlier: Site | None = None,
        change: Callable[[Path], None] | None = None,
    ) -> Site:
        key = (frozenset((raised or {}).items()), without, local)
        simple = earlier is None and change is None
        if simple and key in made:
            return made[key]
        path = change_world(
            world, folder / f"{next(numbers)}.duckdb", without=without, raised=raised
        )
        if change is not None:
            change(path)
        before = path.with_suffix(".json")
        if earlier is not None and BLOCKS_PATH in earlier.files:
            before.write_bytes(earlier.files[BLOCKS_PATH])
        site = published(path, local=local, earlier=before)
        path.unlink()
        if simple:
            made[key] = site
        return site

    return make


@pytest.fixture(scope="module")
def first(publish: Publish) -> Site:
    return publish()


def width(attack: Attack, group: str) -> float:
    low, high = attack.bound({group: 1.0})
    assert low - 1e-6 <= PLANTED[group] <= high + 1e-6
    return high - low


def attack_one(publish: Publish, *, local: bool) -> Attack:
    attack = Attack({name: dice for name, dice in PLANTED.items() if name != NEW})
    attack.watch(lambda raised: numbers_of(publish(raised=raised, local=local)))
    return attack


def test_no_planted_cell_is_recovered_from_a_site(publish: Publish) -> None:
    attack = attack_one(publish, local=False)

    assert attack.looked > 7_000
    assert {group for group in PROTECTED if width(attack, group) < LEAST_RANGE} == set()
    low, high = attack.bound(OLD)
    assert high - low < 1e-3  # twelve patients are no secret: the system does see them


def test_the_same_attack_recovers_every_cell_where_nothing_is_left_out(publish: Publish) -> None:
    attack = attack_one(publish, local=True)

    assert {group for group in PROTECTED if width(attack, group) < LEAST_RANGE} == set(PROTECTED)


@published_or_local
def test_the_number_of_withheld_patients_is_not_recovered(local: bool, publish: Publish) -> None:
    attack = Attack({WITHHELD: 5, PART: 4}, step=-1, most=9)

    def count(change: Mapping[str, float]) -> Numbers:
        gone = {group: int(-step) for group, step in change.items()}
        shrunk = partial(shrink, groups=gone) if gone else None
        return numbers_of(publish(local=local, change=shrunk))

    attack.watch(count)
    ranges = [attack.bound({group: 1.0}) for group in attack.truth]

    assert all((high - low < 1) == local for low, high in ranges), ranges


@published_or_local
def test_two_patients_who_come_are_not_the_difference_of_two_sites(
    local: bool, publish: Publish, first: Site
) -> None:
    attack = Attack({name: PLANTED[name] for name in (WITHHELD, REST, NEW)})

    def one(raised: Mapping[str, float]) -> Numbers:
        return numbers_of(publish(raised=raised, local=local))

    def two(raised: Mapping[str, float]) -> Numbers:
        return numbers_of(publish(raised=raised, without=(), local=local, earlier=first))

    attack.watch(one)
    attack.watch(two)

    assert (width(attack, NEW) < LEAST_RANGE) == local
    assert (width(attack, WITHHELD) < LEAST_RANGE) == local


def test_a_site_is_the_same_to_the_last_byte_whatever_is_withheld(
    publish: Publish, first: Site
) -> None:
    dice = publish(raised={WITHHELD: 0.2, PART: -0.2})
    counts = publish(change=lambda path: shrink(path, {WITHHELD: 2, PART: 1}))

    assert differing(first, dice) == []
    assert differing(first, counts) == []
    local = publish(local=True)
    assert len(differing(local, publish(local=True, raised={WITHHELD: 0.2}))) > 10


def test_the_next_site_is_the_same_whoever_came_as_long_as_they_are_few(
    publish: Publish, first: Site
) -> None:
    grown = publish(without=(), earlier=first)

    assert differing(grown, publish(without=(), earlier=first, raised={NEW: 0.3})) == []
    one = publish(without=(), earlier=first, change=lambda path: shrink(path, {NEW: 1}))
    assert differing(grown, one) == []
    assert clusters_of(grown, "targets/ct.kidney") == clusters_of(first, "targets/ct.kidney")
    told = "Not every patient of North counts here"
    assert told in texts_of(grown)["targets/ct.liver.md"]
    assert told not in texts_of(first)["targets/ct.liver.md"]
    assert clusters_of(publish(without=()), "targets/ct.liver") == 26  # nothing came before
    assert clusters_of(grown, "targets/ct.liver") == 24


def test_a_target_that_crosses_ten_is_shown_as_one_block(publish: Publish, first: Site) -> None:
    def grow(path: Path) -> None:
        with open_board_to_write(path) as connection:
            connection.execute(
                "UPDATE datasets SET permissions = ? WHERE dataset <> 'west'", [list(OPEN_FLAGS)]
            )
            drop_clusters(connection, "north", "kidney", range(9))
            connection.execute("UPDATE datasets SET permissions = [] WHERE dataset <> 'west'")

    few = publish(change=grow)
    many = publish(earlier=few)

    assert ("north", "ct.kidney") not in blocks_of(few).strata
    assert [len(block) for block in blocks_of(many).strata["north", "ct.kidney"]] == [12]
    assert blocks_of(many) == blocks_of(first)


def test_a_patient_who_leaves_takes_at_least_nine_others_along(
    publish: Publish, first: Site
) -> None:
    left = publish(earlier=first, change=lambda path: shrink(path, {SEEN: 1}))

    assert clusters_of(left, "targets/ct.liver") == 12  # of the open dataset alone
    assert blocks_of(left) == blocks_of(first)
    back = publish(earlier=left)
    assert clusters_of(back, "targets/ct.liver") == 24


def test_a_dataset_that_is_withdrawn_is_remembered(publish: Publish, first: Site) -> None:
    def withdraw(path: Path) -> None:
        with open_board_to_write(path) as connection:
            for thing in ("liver", "spleen", "kidney"):
                drop_clusters(connection, "north", thing, range(14))

    gone = publish(earlier=first, change=withdraw)

    assert blocks_of(gone) == blocks_of(first)
    grown = publish(without=(), earlier=gone)
    assert clusters_of(grown, "targets/ct.liver") == 24


def test_a_model_that_is_added_changes_no_block(publish: Publish, first: Site) -> None:
    def remove(path: Path) -> None:
        with open_board_to_write(path) as connection:
            for table in ("scores", "runs", "models"):
                connection.execute(f"DELETE FROM {table} WHERE model = 'beta'")

    before = publish(change=remove)

    assert blocks_of(publish(earlier=before)) == blocks_of(first)


def test_what_is_withheld_is_listed_and_what_lacks_a_part_says_so(first: Site) -> None:
    listed = first.files["data/tables/targets/index/withheld-table.csv"].decode()

    assert "ct.spleen" in listed
    assert "fewer than 10" in listed
    liver = texts_of(first)["targets/ct.liver.md"]
    assert "Without South: fewer than 10 patients" in liver
    assert "Not every patient" not in liver


def test_open_data_alone_is_published_as_it_is(publish: Publish) -> None:
    def open_all(path: Path) -> None:
        with open_board_to_write(path) as connection:
            connection.execute("UPDATE datasets SET permissions = ?", [list(OPEN_FLAGS)])

    public, local = (publish(change=open_all, local=local) for local in (False, True))

    manifest = "data/manifest.json"
    assert {path: data for path, data in public.files.items() if path != manifest} == {
        path: data for path, data in local.files.items() if path != manifest
    }
    assert BLOCKS_PATH not in public.files


def test_blocks_are_what_every_later_wish_is_cut_to() -> None:
    rng = np.random.default_rng(3)
    names = np.array([f"{number:03}" for number in range(90)])
    for _ in range(200):
        partition, published_sets = Partition(), []
        for _ in range(12):
            there, share = names[: rng.integers(5, 90)], rng.uniform(0.1, 1)
            wish = frozenset(there[rng.random(len(there)) < share].tolist())
            published_sets.append(partition.admit(wish))
            assert published_sets[-1] <= wish
        for wanted in published_sets:
            assert is_union(wanted, partition.blocks)
        assert all(len(block) >= MIN_CLUSTERS for block in partition.blocks)


def test_a_difference_of_few_is_filled_up_to_ten() -> None:
    partition = Partition()
    everyone = frozenset(f"{number:02}" for number in range(25))

    assert partition.admit(everyone) == everyone
    kept = partition.admit(everyone - {"24"})
    assert len(kept) == 15
    assert "24" not in kept
    assert partition.admit(frozenset(sorted(kept)[:9])) == frozenset()
    assert partition.admit(everyone | {"30", "31"}) == everyone


def is_union(wanted: Block, blocks: list[Block]) -> bool:
    return all(block <= wanted or not block & wanted for block in blocks)


@pytest.mark.parametrize(
    "data",
    [
        b"{}", b"no", Blocks({("a", "ct.b"): (frozenset({"x"}),)}).dump(),
        Blocks({("a", "ct.b"): (TEN,)}).dump() + b" ",
        Blocks({("a", "ct.b"): (TEN, TEN | {"x"})}).dump(),
    ],
    ids=["empty", "no JSON", "a small block", "a byte more", "a cluster in two"],
)  # fmt: skip
def test_a_damaged_list_of_blocks_stops_the_build(data: bytes) -> None:
    with pytest.raises(InputError, match=BLOCKS_PATH) as caught:
        parse_blocks(data)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def before(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as it was built before two patients came; to be copied."""
    work = tmp_path_factory.mktemp("before")
    build(change_world(world, work / "few.duckdb", without=(NEW,)), work / "site")
    return work / "site"


@pytest.mark.parametrize("elsewhere", [False, True], ids=["in --out", "--earlier"])
def test_a_build_follows_on_the_site_that_is_published(
    elsewhere: bool, world: Path, before: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    shutil.copytree(before, site)
    later = tmp_path / "later" if elsewhere else site
    build(world, later, *(["--earlier", str(site)] if elsewhere else []))

    assert clusters_in(later / "data/tables/targets/ct.liver/board.json") == 24
    done = CliRunner().invoke(group, ["verify", "--db", str(world), "--site", str(later)])
    assert done.exit_code == 0, done.output


def test_a_build_that_follows_on_no_site_shows_every_patient(world: Path, tmp_path: Path) -> None:
    build(world, tmp_path / "unaware")

    assert clusters_in(tmp_path / "unaware/data/tables/targets/ct.liver/board.json") == 26


def test_a_site_whose_blocks_are_gone_is_not_followed(world: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    listed = Published(version="0" * 16, frozen=(), files={BLOCKS_PATH: "0" * 64})
    write_list(tmp_path / "site", listed)
    command = ["site", "build", "--db", str(world), "--out", str(tmp_path / "out")]

    with pytest.raises(InputError, match="is not as it was published"):
        CliRunner().invoke(
            group, [*command, "--earlier", str(tmp_path / "site")], catch_exceptions=False
        )


def build(db: Path, out: Path, *options: str) -> None:
    command = ["site", "build", "--db", str(db), "--out", str(out), "--language", "en"]
    done = CliRunner().invoke(group, [*command, *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def shrink(path: Path, groups: Mapping[str, int]) -> None:
    """Remove the last patients of some groups."""
    with open_board_to_write(path) as connection:
        for group, count in groups.items():
            dataset, thing, clusters = GROUPS[group]
            drop_clusters(connection, dataset, thing, clusters[-count:])


def differing(one: Site, other: Site) -> list[str]:
    """Return the files and pages in which two sites differ."""
    ours, theirs = texts_of(one), texts_of(other)
    return sorted(path for path in ours.keys() | theirs if ours.get(path) != theirs.get(path))


def clusters_of(site: Site, page: str) -> int:
    """Return the clusters behind the first row of a page's leaderboard."""
    return first_clusters(site.files[f"data/tables/{page}/board.json"])


def clusters_in(path: Path) -> int:
    return first_clusters(path.read_bytes())


def first_clusters(data: bytes) -> int:
    document = json.loads(data)
    return int(document["rows"][0][document["columns"].index("clusters")])


def blocks_of(site: Site) -> Blocks:
    return parse_blocks(site.files.get(BLOCKS_PATH))
