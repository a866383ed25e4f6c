"""Tables of runs count as the import file says, or are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import parse_spec
from cosmos_board.data.readers.regions.run_tables import read_runs
from tests.data.hostile import write_spec
from tests.data.raw_files import draw_noise, save_picture
from tests.import_files import iter_source_images

SHAPE = (6, 5)


def draw_box() -> Mask:
    """Return rows 1 … 3 of columns 2 and 3."""
    mask = np.zeros(SHAPE, np.bool_)
    mask[1:4, 2:4] = True
    return mask


def encode(mask: Mask, order: str, *, relative: bool = False) -> str:
    """Return the runs of a mask, found pixel by pixel."""
    words, end, length = [], 0, 0
    flat = [*mask.ravel(order=order), False]  # type: ignore[arg-type]
    for position, value in enumerate(flat):
        if value:
            length += 1
        elif length:
            start = position - length
            words += [start - end if relative else start + 1, length]
            end, length = position, 0
    return " ".join(map(str, words))


def read(folder: Path, text: str, runs: str = "absolute") -> list[Mask]:
    (folder / "t.csv").write_text(f"ImageId,EncodedPixels\na,{text}\n")
    return [region.drawn for region in read_runs(folder / "t.csv", "a", SHAPE, runs)]


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ("absolute", encode(draw_box(), "F")),
        ("absolute-rows", encode(draw_box(), "C")),
        ("relative", encode(draw_box(), "F", relative=True)),
    ],
)
def test_each_way_of_counting_gives_the_same_mask(runs: str, text: str, tmp_path: Path) -> None:
    (mask,) = read(tmp_path, text, runs)

    assert np.array_equal(mask, draw_box())


@pytest.mark.parametrize("text", ["", "-1", "nan", "NaN"])
def test_a_row_of_nothing_draws_nothing(text: str, tmp_path: Path) -> None:
    assert read(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 3", r"starts at 0 \(want starts from 1\)"),
        ("10 3 4 2", r"overlap or do not ascend \(got 4 after 10 3"),
        ("4 3 6 2", r"overlap or do not ascend \(got 6 after 4 3"),
        ("4 0", "a run of no pixel"),
        ("29 3", "a run outside of the picture"),
        ("1 2 3", "no pairs within the picture"),
        ("1.5 2", "runs that are no numbers"),
    ],
)
def test_runs_that_cannot_be_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_starts_are_not_taken_for_gaps(tmp_path: Path) -> None:
    """Their sum may well fit into the picture."""
    (tmp_path / "t.csv").write_text("ImageId,EncodedPixels\na,11 2 51 3 92 3 132 2\n")

    with pytest.raises(InputError, match=r'gaps that grow by every run \(want runs = "absolute"'):
        list(read_runs(tmp_path / "t.csv", "a", (40, 40), "relative"))


@pytest.mark.parametrize("mark", [";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables_are_read_as_people_save_them(
    mark: str, start: str, end: str, tmp_path: Path
) -> None:
    text = f"{start}ImageId{mark}EncodedPixels{end}a{mark} 1 2{end}a{mark} 5 1{end}"
    (tmp_path / "t.csv").write_bytes(text.encode())

    masks = [region.drawn for region in read_runs(tmp_path / "t.csv", "a", SHAPE, "absolute")]

    assert [int(mask.sum()) for mask in masks] == [2, 1]


def test_a_table_in_utf_16_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("ImageId,EncodedPixels\na,1 2\n", "utf-16")

    with pytest.raises(InputError, match="is no CSV in UTF-8"):
        list(read_runs(tmp_path / "t.csv", "a", SHAPE, "absolute"))


def write_import(folder: Path, table: str, meaning: str) -> str:
    save_picture(folder / "a.png", draw_noise())
    save_picture(folder / "b.png", draw_noise(seed=1))
    (folder / "t.csv").write_text(table)
    return write_spec("{case}.png", "t.csv", f"kind = 'runs'\nname = '{{case}}.png'\n{meaning}")


def test_columns_say_which_holds_what(tmp_path: Path) -> None:
    table = "id,class,width,rle\na.png,big,32,1 96\na.png,small,32,\nb.png,small,32,1 64\n"
    meaning = (
        "runs = 'absolute'\ncolumns = ['id', 'class', 'rle']\n"
        "names = { big = 'stomach', small = 'colon' }"
    )
    plan = plan_import(parse_spec(write_import(tmp_path, table, meaning), "s"), tmp_path)

    first, second = iter_source_images(plan)

    assert {name: int(masks[0].sum()) for name, masks in first.masks.items()} == {"stomach": 96}
    assert {name: int(masks[0].sum()) for name, masks in second.masks.items()} == {"colon": 64}


@pytest.mark.parametrize(
    ("meaning", "message"),
    [
        ("object = 'colon'", 'runs: is missing.*"absolute".*"absolute-rows".*"relative"'),
        ("object = 'colon'\nruns = 'both'", "runs: is unknown"),
        ("names = { a = 'colon' }\nruns = 'relative'", "columns: must name the columns"),
        ("object = 'colon'\nruns = 'relative'\ncolumns = ['a']", "columns: must name the columns"),
    ],
)
def test_how_runs_are_counted_must_be_said(meaning: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        parse_spec(write_import(tmp_path, "", meaning), "s")


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ("id,class,rle\na.png,x,1 2\n", "", "columns: are not two"),
        ("id,rle\na.png,1 2\n", "columns = ['id', 'runs']", "columns: are not in the table"),
        ("id,rle\na.png,1 2,3\n", "", "line 2: has too many or few cells"),
    ],
)
def test_a_table_of_other_columns_is_refused(
    table: str, columns: str, message: str, tmp_path: Path
) -> None:
    spec = write_import(tmp_path, table, f"runs = 'absolute'\nobject = 'colon'\n{columns}")

    with pytest.raises(InputError, match=message):
        list(iter_source_images(plan_import(parse_spec(spec, "s"), tmp_path)))


def test_a_picture_without_a_row_is_told(tmp_path: Path) -> None:
    spec = write_import(tmp_path, "id,rle\na.png,1 96\n", "runs = 'absolute'\nobject = 'colon'")

    plan = plan_import(parse_spec(spec, "s"), tmp_path)

    assert [job.origin for job in plan.jobs] == ["a.png"]
    assert "not used: no row of t.csv is called b.png" in plan.describe()
