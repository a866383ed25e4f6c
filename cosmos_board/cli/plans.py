"""The plan of an import as every command shows it that imports."""

from __future__ import annotations

from collections.abc import Callable

import click

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.planning.comparison import describe_comparison, explain_nothing
from cosmos_board.data.imports.planning.plan import ImportPlan
from cosmos_board.data.imports.planning.warnings import (
    PlanWarning,
    find_warnings,
    read_sample,
    refuse_mistakes,
)


def show_plan(
    plan: ImportPlan,
    *,
    say: Callable[[str], object],
    dry_run: bool = False,
    whole: bool = True,
) -> tuple[PlanWarning, ...]:
    """Print what would be read, what is not used, of how much, and what in it is seldom meant.

    Args:
        plan: What an import would do.
        say: Called with lines of text; warnings go to stderr.
        dry_run: Whether no import follows, which would tell what cannot be read.
        whole: Whether a complete copy is expected, and not the part that a starter takes.

    Returns:
        The warnings that were printed.

    Raises:
        InputError: If nothing is found, or something looks like a mistake.
        StorageError: If the disk fails.
    """
    say(plan.describe())
    explain_nothing(plan)
    plan.refuse_nothing()
    for line in describe_comparison(plan) if whole else ():
        say(line)
    return _warn(plan, dry_run=dry_run)


def _warn(plan: ImportPlan, *, dry_run: bool) -> tuple[PlanWarning, ...]:
    """Print what in a plan is seldom meant, and return what was printed."""
    look = read_sample(plan)
    if look.unread and dry_run:
        # An import tells this itself, of all files.
        problem = f"{len(look.unread)} of {look.units} looked at cannot be read, first"
        if len(look.unread) == look.units:
            raise InputError("--source", "", f"{problem} {look.unread[0]}")
        click.echo(f"{problem} {look.unread[0]}", err=True)
    warnings = find_warnings(plan, look)
    refuse_mistakes(warnings)
    for warning in warnings:
        click.echo(str(warning), err=True)
    return warnings
