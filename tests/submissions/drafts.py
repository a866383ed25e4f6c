"""A manifest that is right, to be made wrong one field at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cosmos_board.submissions.checks.submission import CheckedSubmission, CheckInputs
from cosmos_board.submissions.format.manifest import dump_fields, parse_manifest


def draft_manifest(**changes: object) -> dict[str, Any]:
    """Return the fields of a right `submission.toml`; `changes` name fields with dots as `__`."""
    fields: dict[str, Any] = {
        "schema_version": 1,
        "slug": "evil-sam",
        "version": 1,
        "track": "core",
        "tier": "audited",
        "protocol": "cosmos-1",
        "model": {
            "name": "Careful SAM",
            "family": "sam",
            "kind": "promptable",
            "prompts": ["box"],
            "code_url": "https://example.org/code",
        },
        "authors": [{"name": "Ann Lee", "github_id": 2002}],
        "contact": "ann@example.org",
        "licence": "MIT",
        "training_data": [],
        "run": {
            "device": "cpu",
            "dtype": "fp32",
            "batch_size": 1,
            "started_at": "2026-01-01T00:00:00Z",
            "finished_at": "2026-01-01T01:00:00Z",
            "wall_s": 3600,
        },
        "packs": [
            {
                "name": "demo-phantoms",
                "content_sha256": "a" * 64,
                "prompts_sha256": "b" * 64,
                "sample_sha256": "c" * 64,
            }
        ],
        "files": [{"path": "predictions.parquet", "sha256": "d" * 64, "size_bytes": 100}],
        "terms_accepted": True,
    }
    for path, value in changes.items():
        put(fields, path.split("__"), value)
    return fields


def put(fields: Any, path: list[str], value: object) -> None:  # noqa: ANN401 - nested plain data
    """Set one value in nested mappings and lists."""
    for key in path[:-1]:
        fields = fields[int(key)] if isinstance(fields, list) else fields.setdefault(key, {})
    if isinstance(fields, list):
        fields[int(path[-1])] = value
    else:
        fields[path[-1]] = value


def to_toml(fields: Mapping[str, Any]) -> bytes:
    """Return the file."""
    return dump_fields(fields)


def make_checked(content: Any, copies: Path = Path(), **changes: object) -> CheckedSubmission:  # noqa: ANN401
    """Return a checked submission of `draft_manifest` with this content."""
    manifest, problems = parse_manifest(to_toml(draft_manifest(**changes)), "submission.toml")
    assert manifest is not None, problems
    folder = Path("submissions", manifest.slug)
    checked = CheckedSubmission(folder, CheckInputs(), copies, content=content)
    checked.set_manifest(manifest)
    return checked
