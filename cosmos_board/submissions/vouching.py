"""Who vouches for the counts of a full submission: an audit here, or one that somebody signed."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmos_board.core.errors import InputError
from cosmos_board.submissions.audit import Audit
from cosmos_board.submissions.check import Checked, Context, inspect_submission
from cosmos_board.submissions.fields import COUNTS
from cosmos_board.submissions.problems import find_refusal
from cosmos_board.submissions.signed_audit import Statement, read_audit, sign_audit


def find_statement(root: Path, checked: Checked) -> Statement | None:
    """Return the signed audit of exactly this submission, if a maintainer left one."""
    if checked.manifest is None or checked.table is None:
        return None
    found = read_audit(root, checked.manifest.slug, checked.manifest.version)
    same = found is not None and (found.manifest_sha256, found.content_sha256) == (
        checked.manifest_sha256,
        checked.content_sha256,
    )
    return found if same else None


def audit_submission(
    root: Path, slug: str, context: Context, *, head: str, signer: str, key: Path
) -> Path:
    """Audit a full submission with packs that only its auditor holds, and sign what was found.

    Args:
        root: Folder of submissions.
        slug: Which of them.
        context: What it is checked against, the packs among it.
        head: The last commit of the pull request.
        signer: Who audits, as `allowed_signers` names them.
        key: Their SSH key.

    Raises:
        InputError: If it is refused, is no full submission, a pack is not held, or the key does
            not sign.
    """
    beacon = secrets.token_hex(16)
    full = replace(context, audit=Audit(head, beacon))
    with TemporaryDirectory(prefix="cosmos-board-") as work:
        checked = inspect_submission(root / slug, full, Path(work))
    manifest = checked.manifest
    if manifest is None or not checked.acceptable:
        raise InputError("", "", str(find_refusal(checked.problems)))
    if manifest.track != "full":
        raise InputError(root / slug, "track", "needs no audit: its scores are made here")
    refuse_unaudited(checked, "audited", root / slug)
    held = {pack.info.name: pack.info.content_sha256 for pack in context.packs}
    statement = Statement(
        slug=slug,
        version=manifest.version,
        manifest_sha256=checked.manifest_sha256,
        content_sha256=checked.content_sha256,
        packs={use.name: held[use.name] for use in manifest.packs},
        head=head,
        beacon=beacon,
        rows=checked.audited_rows,
        signer=signer,
        time_utc=context.now.astimezone(UTC).isoformat(timespec="seconds"),
    )
    return sign_audit(root, statement, key)


def refuse_unaudited(checked: Checked, tier: str, folder: Path) -> None:
    """Nobody vouches for counts that were not read, nor for an audit that was left."""
    if checked.table is None:
        raise InputError(folder, COUNTS, "is not at hand", want="--external or a fetch")
    unseen = [one for one in checked.problems if one.field == "audit"]
    if tier != "self-reported" and (unseen or not checked.audited_rows):
        why = f" ({unseen[0].text})" if unseen else ""
        raise InputError(folder, "tier", f"no full audit was possible{why}", got=tier)
