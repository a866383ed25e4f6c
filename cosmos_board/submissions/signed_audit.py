"""Audits by maintainers who hold a pack that others cannot rebuild: a statement and a signature.

`submissions/_audits/` holds SLUG-VERSION.json, its signature by `ssh-keygen`, and
`allowed_signers`: who may sign. A statement stands for exactly one manifest and its counts.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.store.files import write_bytes

AUDITS = "_audits"
"""Folder below that of submissions; no slug begins so."""

SIGNERS = "allowed_signers"
_NAMESPACE = "cosmos-board-audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a maintainer vouches for."""

    slug: str
    version: int
    manifest_sha256: str
    content_sha256: str
    packs: Mapping[str, str]
    """Content hash of each pack that was held, by name."""

    head: str
    beacon: str
    rows: int
    """How many were counted again; all were equal."""

    signer: str
    """As `allowed_signers` names them."""

    time_utc: str


def sign_audit(root: Path, statement: Statement, key: Path) -> Path:
    """Write a statement and its signature below the submissions folder `root`.

    Args:
        root: Folder of submissions.
        statement: What is vouched for.
        key: The signer's SSH key, as `ssh-keygen -Y sign -f` takes it.

    Raises:
        InputError: If the key cannot sign.
        StorageError: If the disk fails.
    """
    path = _find(root, statement.slug, statement.version)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"schema_version": 1, **asdict(statement)}, indent=1, sort_keys=True)
    write_bytes(path, f"{text}\n".encode())
    signature = path.with_name(f"{path.name}.sig")
    signature.unlink(missing_ok=True)
    _run(["-Y", "sign", "-f", str(key), "-n", _NAMESPACE, str(path)], key, "cannot sign")
    return path


def read_audit(root: Path, slug: str, version: int) -> Statement | None:
    """Return what a maintainer vouched for, its signature verified, or None where nobody has.

    Raises:
        InputError: If the statement is not signed by one of `allowed_signers`.
    """
    path = _find(root, slug, version)
    if not path.is_file():
        return None
    data = path.read_bytes()
    try:
        facts = json.loads(data)
        del facts["schema_version"]
        statement = Statement(**facts)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(path, "", "is no statement of an audit") from error
    signers, signature = root / AUDITS / SIGNERS, path.with_name(f"{path.name}.sig")
    words = ["-Y", "verify", "-f", str(signers), "-I", statement.signer]
    _run([*words, "-n", _NAMESPACE, "-s", str(signature)], path, "is not rightly signed", data)
    if (statement.slug, statement.version) != (slug, version):
        raise InputError(path, "slug", "is another", got=f"{statement.slug} {statement.version}")
    return statement


def _find(root: Path, slug: str, version: int) -> Path:
    return root / AUDITS / f"{slug}-{version}.json"


def _run(words: list[str], place: Path, problem: str, given: bytes = b"") -> None:
    try:
        done = subprocess.run(
            ["ssh-keygen", *words], input=given, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(place, "ssh-keygen", f"failed ({type(error).__name__})") from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise InputError(place, "signature", f"{problem}: {reason[-1][:120]}")
