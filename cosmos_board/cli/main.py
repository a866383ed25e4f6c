"""The command `cosmos-board`: a table of commands, each imported when it is called."""

from __future__ import annotations

import importlib
import os
import signal
import sys

import click

from cosmos_board import __version__
from cosmos_board.core.errors import CosmosBoardError, ExitCode

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Run the main job on the built-in data: evaluate, rank, render."),
    "cosmos": ("cosmos.command", "Fetch, import, evaluate and rank datasets, in one go."),
    "data": ("data", "List, fetch, import, show and check datasets."),
    "models": ("models.models", "List, show, fetch and check segmenters."),
    "eval": ("models.evaluate", "Evaluate segmenters on packs and write score rows."),
    "ingest": ("boards.ingest", "Add finished runs to a board database."),
    "runs": ("boards.runs", "List or remove the runs of a board database."),
    "rank": ("boards.rank", "Print a leaderboard."),
    "compare": ("boards.compare", "Compare two models, paired by target."),
    "plan": ("boards.plan", "How many patients a comparison needs."),
    "analyse": (
        "boards.analyse",
        "Run the studies: factors, jitter, clicks, annotation, findings.",
    ),
    "finetune": ("models.finetune", "Fine-tune a promptable segmenter on packs."),
    "advise": ("boards.advise", "Say which segmenter and prompt to use for a task."),
    "submit": ("submissions.submit", "Make, check, score and reproduce a submission."),
    "site": ("boards.site", "Build or serve the website of a board."),
    "verify": ("boards.verify", "Re-derive every published number."),
}
"""Command → module of `cosmos_board.cli`, and its line in the help."""


class _Lazy(click.Group):
    """Lists commands from the table, so that `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cosmos_board.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cosmos-board")
def group() -> None:
    """Evaluate promptable segmentation models on medical images and rank them."""


def main(command: click.Command = group) -> None:
    """Run a command line; each error we know is one line and its own exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        command(standalone_mode=False)
    except CosmosBoardError as error:
        _leave(str(error), error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        _leave("stopped", ExitCode.STOPPED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.STOPPED)
    except OSError as error:
        _leave(f"{error.filename or 'disk'}: {error.strerror or error}", ExitCode.STORAGE)
    except Exception as error:  # what we did not foresee is our fault, and says so
        if os.environ.get("COSMOS_BOARD_TRACEBACK"):
            raise
        _leave(
            f"internal error: {type(error).__name__}: {error} "
            "(COSMOS_BOARD_TRACEBACK=1 shows where)",
            ExitCode.INTERNAL,
        )


def _leave(line: str, code: int) -> None:
    click.echo(" ".join(line.split()), err=True)
    sys.exit(code)
