"""`python -m cosmos_board.cli.submissions.pull_request`: the check of a pull request.

What `submission.yml` runs. It checks what a merge of the request into the commit that is checked
out would change, and writes the whole report.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cosmos_board.core.errors import CosmosBoardError, ExitCode


@click.command("pull_request")
@click.option("--head", required=True, help="Last commit of the request.")
@click.option("--fetched", required=True, help="Last commit that was fetched.")
@click.option("--author", required=True, type=int, help="Numeric GitHub id of who opened it.")
@click.option("--base-ref", required=True, help="Branch that it goes to.")
@click.option("--default-branch", required=True, help="Branch whose requests are checked.")
@click.option("--pack", "packs", multiple=True, type=click.Path(path_type=Path))
@click.option("--summary", required=True, type=click.Path(path_type=Path), help="Report to add to.")
def command(
    head: str,
    fetched: str,
    author: int,
    base_ref: str,
    default_branch: str,
    packs: tuple[Path, ...],
    summary: Path,
) -> None:
    """Check a pull request, write the summary, print every line."""
    from cosmos_board.data.pack import open_pack
    from cosmos_board.submissions.problems import Problem
    from cosmos_board.submissions.pull_request import PullRequest, Report, check_pull_request

    text = ""
    if base_ref != default_branch:
        text = f"goes to another branch; only requests to {default_branch} are judged"
    elif fetched != head:
        text = f"head moved from {head[:7]} to {fetched[:7]}; the newer check decides"
    if text:
        report = Report([Problem("PR", "", text)])
    else:
        request = PullRequest(Path(), head, author)
        report = check_pull_request(request, [open_pack(path) for path in packs], Path("external"))
    with summary.open("a", encoding="utf-8") as file:
        file.write(report.write())
    click.echo(report.write())
    if not report.passes:
        raise SystemExit(ExitCode.REFUSED)


if __name__ == "__main__":
    try:
        command(standalone_mode=False)
    except CosmosBoardError as error:
        click.echo(str(error), err=True)
        sys.exit(ExitCode.REFUSED)
