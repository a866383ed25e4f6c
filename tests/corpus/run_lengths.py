"""Tables of run lengths, held against drawing run by run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask
from tests.corpus.case import Case, Made, Reading, write_spec
from tests.corpus.cocos import GREY, HEIGHT, MASK, OTHER, WIDTH, count_runs
from tests.corpus.drawing import one_slice
from tests.corpus.pictures import save


def _list_absolute(mask: Mask) -> str:
    """Return starts, the first pixel being 1, and lengths down the columns, pixel by pixel."""
    words: list[int] = []
    before = False
    for position, inside in enumerate(mask.ravel(order="F").tolist(), 1):
        if inside and not before:
            words += [position, 0]
        if inside:
            words[-1] += 1
        before = inside
    return " ".join(map(str, words))


def _list_relative(mask: Mask) -> str:
    """Return how far to go on from the end of the run before, and lengths."""
    runs = count_runs(mask)
    return " ".join(map(str, runs[: len(runs) // 2 * 2]))


def _draw_runs(text: str, relative: bool) -> NDArray[np.bool_]:
    """Return a mask drawn run by run."""
    flat, end = np.zeros(HEIGHT * WIDTH, np.bool_), 0
    numbers = [int(word) for word in text.split()]
    for first, length in zip(numbers[::2], numbers[1::2], strict=True):
        start = end + first if relative else first - 1
        end = start + length
        flat[start:end] = True
    return flat.reshape(WIDTH, HEIGHT).T


def _runs(way: str, said: str, folder: Path) -> Made:
    save(folder / "images/a.png", GREY)
    text = (_list_relative if way == "relative" else _list_absolute)(MASK)
    (folder / "t.csv").write_text(f"ImageId,EncodedPixels\nb,1 3\na,{text}\n")
    convention = f'\nruns = "{said}"' if said else ""
    meaning = f'kind = "runs"\nname = "{{c}}"\nobject = "lesion"{convention}'
    spec = write_spec("images/{c}.png", "t.csv", meaning, modality="x-ray")
    reading = Reading("numpy", partial(_draw_runs, text, way == "relative"), MASK)
    if way != said:
        return Made(spec=spec, refusal="run", readings=(reading,))
    return Made(spec=spec, slices=one_slice(GREY), readings=(reading,))


def _rows(rows: Sequence[str], wanted: Mask | None, refusal: str, folder: Path) -> Made:
    """Several rows of a picture, rows that say nothing, and runs that leave the picture."""
    save(folder / "images/a.png", GREY)
    (folder / "t.csv").write_text("\n".join(["\ufeffImageId,EncodedPixels", *rows]) + "\n", "utf-8")
    meaning = 'kind = "runs"\nname = "{c}"\nobject = "lesion"\nruns = "absolute"'
    spec = write_spec("images/{c}.png", "t.csv", meaning, modality="x-ray")
    if wanted is None:
        return Made(spec=spec, refusal=refusal)
    text = [row.partition(",")[2] for row in rows if "-1" not in row and row.strip(" a,")]
    reading = Reading(
        "numpy", lambda: np.logical_or.reduce([_draw_runs(one, False) for one in text]), wanted
    )
    return Made(spec=spec, slices=one_slice(GREY, wanted), readings=(reading,))


ONE, TWO = _list_absolute(MASK), _list_absolute(OTHER)

CASES = (
    Case("absolute", partial(_runs, "absolute", "absolute")),
    Case("relative", partial(_runs, "relative", "relative")),
    Case("unsaid", partial(_runs, "absolute", "")),
    Case("absolute-said-relative", partial(_runs, "absolute", "relative")),
    Case("two-rows", partial(_rows, (f"a,{ONE}", f"a,{TWO}"), MASK | OTHER, "")),
    Case("row-of-nothing", partial(_rows, (f"a,{ONE}", "b,-1", "c,"), MASK, "")),
    Case("beyond", partial(_rows, (f"a,{HEIGHT * WIDTH - 5} 60",), None, "run")),
    Case("zero-start", partial(_rows, ("a,0 60",), None, "run")),
    Case("odd", partial(_rows, ("a,5 60 9",), None, "run|pair")),
    Case("no-numbers", partial(_rows, ("a,5 x",), None, "run|number")),
    Case("overlapping", partial(_rows, ("a,5 60 30 60",), None, "run|overlap|order")),
)
