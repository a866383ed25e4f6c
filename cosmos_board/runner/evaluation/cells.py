"""Cells: which prompt, of which study and trial, is put to a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cosmos_board.core.prompts import Prompt
from cosmos_board.core.scores import Study
from cosmos_board.prompts.jitter import JitterCell, JitterMode, jitter_cells, jitter_prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The key of a score within its reference and selection."""

    prompt: str
    study: Study = "main"
    jitter_level: int | None = None
    jitter_mode: JitterMode | None = None
    trial: int = 0
    click: int | None = None


def main_cells(
    prompts: Mapping[str, Prompt], wanted: tuple[str, ...]
) -> Iterator[tuple[Cell, Prompt]]:
    """Yield the prompts of the protocol that are wanted, but `everything`."""
    for name in wanted:
        if name in prompts:
            yield Cell(prompt=name), prompts[name]


def jittered_cells(
    prompts: Mapping[str, Prompt],
    wanted: tuple[str, ...],
    *,
    reference_id: str,
    height: int,
    width: int,
) -> Iterator[tuple[Cell, Prompt]]:
    """Yield every displaced prompt of study `jitter`."""
    for name in wanted:
        for cell in jitter_cells(name) if name in prompts else ():
            moved = jitter_prompt(
                prompts[name],
                cell,
                reference_id=reference_id,
                prompt_name=name,
                height=height,
                width=width,
            )
            yield _key(name, cell), moved


def _key(name: str, cell: JitterCell) -> Cell:
    return Cell(
        prompt=name,
        study="jitter",
        jitter_level=cell.level,
        jitter_mode=cell.mode,
        trial=cell.trial,
    )
