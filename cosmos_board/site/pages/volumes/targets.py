"""What one prompt on one slice reaches in a volume: a page for each target, and their list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cosmos_board.board.types import BoardRow
from cosmos_board.board.volumes.boards import VolumeBoard, VolumeDetails
from cosmos_board.core.volumes import DISTANCE_PARTS, VOLUME_PROMPTS
from cosmos_board.site.components.figure import COLOURS, Axis, Figure, Point, Series
from cosmos_board.site.components.page import Page
from cosmos_board.site.components.table import Table
from cosmos_board.site.content.labels import target_label, volume_url
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import number, with_interval
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.notices import note_synthetic
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import Link, PageContext, PageWriter


@dataclass(frozen=True, slots=True)
class _Line:
    """One model with one prompt on one target."""

    prompt: str
    row: BoardRow
    details: VolumeDetails


def volume_pages(context: PageContext) -> Iterator[Page]:
    """Yield the list of targets and the page of each; nothing where no volume was scored."""
    boards = context.data.volumes
    targets = list(dict.fromkeys(board.board.key.slice.name for board in boards))
    if targets:
        yield _index_page(context, targets)
    for target in targets:
        own = [board for board in boards if board.board.key.slice.name == target]
        yield _target_page(context, target, own)


def _index_page(context: PageContext, targets: Sequence[str]) -> Page:
    words = context.words
    page = PageWriter(context, "volumes/index.md", words("Volumes"))
    page.text(
        words(
            "What one prompt on one slice reaches in a whole volume, beside a box on every slice. "
            "These boards are of volumes and never mix with those of images."
        )
    )
    links = (Link(target_label(name, words), volume_url(name)) for name in targets)
    page.links(words("Targets"), links)
    return page.finish()


def _target_page(context: PageContext, target: str, boards: Sequence[VolumeBoard]) -> Page:
    data, words = context.data, context.words
    label = target_label(target, words)
    page = PageWriter(context, volume_url(target), words("{target} in volumes", target=label))
    page.text(
        words(
            "Dice of whole volumes in 3-D, by what the user gives and by how it reaches the other "
            "slices. A box on every slice is summed from the boxes of the study of images."
        )
    )
    if boards[0].board.facts.synthetic:
        note_synthetic(page)
    lines = [
        _Line(board.board.key.prompt, row, details)
        for board in boards
        for row, details in zip(board.board.rows, board.details, strict=True)
    ]
    page.figure(_clicks_figure(lines, label, words))
    page.table(_table(data, lines, label, words))
    page.links(words("See also"), [Link(words("Volumes"), "volumes/")])
    return page.finish()


def _clicks_figure(lines: Sequence[_Line], label: str, words: Words) -> Figure | None:
    """Return Dice against clicks; a mask of one slice is not clicked, and stands in the table."""
    clicked = [line for line in lines if line.details.clicks]
    if not clicked:
        return None
    series = []
    for colour, model in enumerate(sorted({line.row.model for line in clicked})):
        own = [line for line in clicked if line.row.model == model]
        own.sort(key=lambda line: line.details.clicks or 0)
        points = tuple(
            Point(
                line.details.clicks or 0,
                line.row.score,
                line.row.low,
                line.row.high,
                with_interval(
                    f"{line.row.label}, {_prompt_label(line.prompt, words)}: "
                    f"{number(line.row.score)}",
                    line.row.low,
                    line.row.high,
                ),
            )
            for line in own
        )
        shade = colour if colour < COLOURS else -1
        series.append(
            Series(name=own[0].row.label, points=points, colour=shade, line=len(points) > 1)
        )
    return Figure(
        name="clicks",
        title=words("Dice in 3-D against clicks, {target}", target=label),
        says=words(
            "A point is one click, a box two. To the right the user gives more; the box on every "
            "slice is the full effort, and bars are 95 % confidence intervals."
        ),
        x=Axis(label=words("Clicks"), log=True),
        y=Axis(label=words("Dice"), low=0.0, high=1.0),
        series=tuple(series),
    )


def _table(data: SiteData, lines: Sequence[_Line], label: str, words: Words) -> Table:
    table = RecordTable(data, words, lines)
    table.text("model", words("Model"), lambda line: line.row.label, frozen=True)
    table.text(
        "prompt", words("Prompt"), lambda line: _prompt_label(line.prompt, words), facet=True
    )
    table.count("rank", words("Rank"), lambda line: line.row.rank)
    table.score("dice", words("Dice"), lambda line: line.row.score, shaded=True, best="high")
    table.interval(lambda line: (line.row.low, line.row.high))
    for part in range(DISTANCE_PARTS):
        heading = words("Dice, part {part} of the way", part=part + 1)
        table.score(f"part_{part + 1}", heading, _take_part(part))
    table.score("overrun", words("Overrun slices"), lambda line: line.details.overrun_slices,
                digits=1, best="low")  # fmt: skip
    table.score("missed", words("Missed slices"), lambda line: line.details.missed_slices,
                digits=1, best="low")  # fmt: skip
    table.change("volume_error", words("Volume error"), lambda line: line.details.volume_error)
    table.score("hd95_mm", words("HD95 (mm)"), lambda line: line.details.hd95_mm, digits=1,
                best="low")  # fmt: skip
    table.score("volume_s", words("Seconds a volume"), lambda line: line.details.volume_s, digits=2)
    table.score("peak_mib", words("Memory (MiB)"), lambda line: _to_mib(line.details), digits=0)
    table.count("clusters", words("Clusters"), lambda line: line.row.clusters)
    caption = words(
        "Dice ↑ of volumes, {target}. The way from the prompt slice to either end of the object "
        "has five equal parts. Overrun: slices with a mask where the object has none; missed: "
        "slices of the object without one; volume error: predicted less true volume over the true "
        "one. Ranks hold within a prompt. Data {version}.",
        target=label,
        version=data.version_label,
    )
    return table.build("volumes", caption)


def _take_part(part: int) -> Callable[[_Line], float | None]:
    return lambda line: line.details.retention[part]


def _to_mib(details: VolumeDetails) -> float | None:
    return None if details.peak_bytes is None else details.peak_bytes / 2**20


def _prompt_label(name: str, words: Words) -> str:
    return words(VOLUME_PROMPTS[name].label)
