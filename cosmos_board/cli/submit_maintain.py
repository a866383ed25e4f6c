"""`cosmos-board submit`: what maintainers write into the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_board.cli.submit_packs import make_context, open_packs
from cosmos_board.core.errors import InputError

if TYPE_CHECKING:
    from cosmos_board.submissions.check import Context
    from cosmos_board.submissions.ledger import Entry

_FOLDER = click.argument("folder", type=click.Path(path_type=Path))
_PACK = click.option(
    "--pack",
    "packs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A pack that the submission names; may be repeated. Demo packs come out of the cache.",
)
_EXTERNAL = click.option(
    "--external",
    type=click.Path(path_type=Path),
    help="Where files with an address lie, or are fetched to. Default: build/external/SLUG.",
)
_REASON = click.option("--reason", required=True, help="Shown on the board.")


@click.command("accept")
@_FOLDER
@_PACK
@click.option("--submitter", required=True, type=click.IntRange(0), help="GitHub id; 0: we.")
@click.option("--pull-request", required=True, type=click.IntRange(0), help="Its number.")
@click.option("--head", required=True, help="Its last commit.")
@click.option(
    "--tier",
    type=click.Choice(["self-reported", "audited", "re-run"]),
    default="audited",
    show_default=True,
    help="What a maintainer vouches for.",
)
@_EXTERNAL
def accept(
    folder: Path,
    packs: tuple[Path, ...],
    submitter: int,
    pull_request: int,
    head: str,
    tier: str,
    external: Path | None,
) -> None:
    """For maintainers: check merged FOLDER once more and write it into the ledger.

    Of a full submission a sample is counted again that is drawn now.
    """
    from cosmos_board.submissions.accepted import accept_submission

    path = folder.absolute()
    entry = accept_submission(
        path.parent, path.name, _gather(folder, packs, external),
        submitter=submitter, pull_request=pull_request, head=head, tier=tier,
    )  # fmt: skip
    click.echo(f"{folder}: version {entry.version} accepted as {tier}, line {entry.number + 1}")


@click.command("audit")
@_FOLDER
@_PACK
@click.option("--head", required=True, help="The pull request's last commit.")
@click.option("--signer", required=True, help="You, as _audits/allowed_signers names you.")
@click.option("--key", required=True, type=click.Path(path_type=Path), help="Your SSH key.")
@_EXTERNAL
def audit(
    folder: Path,
    packs: tuple[Path, ...],
    head: str,
    signer: str,
    key: Path,
    external: Path | None,
) -> None:
    """For maintainers who hold packs that others cannot rebuild: audit FOLDER and sign it."""
    from cosmos_board.submissions.vouching import audit_submission

    path = folder.absolute()
    context = _gather(folder, packs, external)
    signed = audit_submission(path.parent, path.name, context, head=head, signer=signer, key=key)
    click.echo(f"{signed}: signed; commit it with its .sig")


@click.command("index")
@click.argument("pack", type=click.Path(path_type=Path))
@click.option(
    "--root",
    default=Path("submissions"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of submissions.",
)
def index(pack: Path, root: Path) -> None:
    """For maintainers: keep the index of PACK in git, so that counts on it can be submitted."""
    from cosmos_board.data.pack import open_pack
    from cosmos_board.submissions.pack_index import write_pack_index

    click.echo(f"{write_pack_index(root, open_pack(pack))}: written")


@click.command("renew")
@_FOLDER
@_PACK
@_EXTERNAL
def renew(folder: Path, packs: tuple[Path, ...], external: Path | None) -> None:
    """For maintainers: rank FOLDER's entry under the benchmark of today, if it still passes."""
    from cosmos_board.submissions.events import renew_submission

    path = folder.absolute()
    _say(folder, renew_submission(path.parent, path.name, _gather(folder, packs, external)))


@click.command("withdraw")
@_FOLDER
@_REASON
def withdraw(folder: Path, reason: str) -> None:
    """For maintainers: take FOLDER's entry off the ranking; it stays listed as withdrawn."""
    from cosmos_board.submissions.events import withdraw_submission

    path = folder.absolute()
    _say(folder, withdraw_submission(path.parent, path.name, reason, datetime.now(UTC)))


@click.command("quarantine")
@_FOLDER
@_REASON
def quarantine(folder: Path, reason: str) -> None:
    """For maintainers: take FOLDER's entry off the ranking while somebody looks into it."""
    from cosmos_board.submissions.events import quarantine_submission

    path = folder.absolute()
    _say(folder, quarantine_submission(path.parent, path.name, reason, datetime.now(UTC)))


@click.command("restore")
@_FOLDER
def restore(folder: Path) -> None:
    """For maintainers: rank FOLDER's quarantined entry again."""
    from cosmos_board.submissions.events import restore_submission

    path = folder.absolute()
    _say(folder, restore_submission(path.parent, path.name, datetime.now(UTC)))


MAINTAINERS = (accept, audit, index, renew, withdraw, quarantine, restore)
"""Every command of this file."""


def _say(folder: Path, entry: Entry) -> None:
    click.echo(f"{folder}: {entry.event}, line {entry.number + 1}")


def _gather(folder: Path, packs: tuple[Path, ...], external: Path | None) -> Context:
    """Fetch what FOLDER pins elsewhere and return what it is checked against."""
    from cosmos_board.submissions.external import gather_external

    path = folder.absolute()
    files = external or Path("build/external") / path.name
    if problems := gather_external(folder, files):
        raise InputError("", "", str(problems[0]))
    return make_context(open_packs(folder, packs), path.parent, files)
