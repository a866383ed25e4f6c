"""A small submission that is right, made by the project's own steps, and ways to change it."""

from __future__ import annotations

import copy
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cosmos_board.core.run_record import RunSettings
from cosmos_board.data.pack import open_pack
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.submissions.checks.check import check_submission
from cosmos_board.submissions.checks.submission import CheckInputs
from cosmos_board.submissions.draft.draft import Metadata, draft_submission
from cosmos_board.submissions.draft.model_run import open_model_run
from tests.submissions.drafts import put, to_toml

NOW = datetime(2100, 1, 1, tzinfo=UTC)
METADATA = Metadata(
    authors=({"name": "Ann Lee", "github_id": 2002},),
    contact="ann@example.org",
    code_url="https://example.org/code",
    licence="MIT",
    training_data=(),
    terms_accepted=True,
    name="Careful boxes",
)


@dataclass(frozen=True)
class Sample:
    """A right submission with everything it was made of."""

    pack: Path
    run: Path
    manifest: Mapping[str, Any]
    table: pa.Table
    inputs: CheckInputs

    def write(
        self,
        root: Path,
        *,
        slug: str = "evil-sam",
        table: pa.Table | None = None,
        data: bytes | None = None,
        manifest: bytes | None = None,
        **changes: object,
    ) -> Path:
        """Write a copy below `root`, changed as asked, with hashes that fit; return its folder."""
        folder = root / "submissions" / slug
        folder.mkdir(parents=True)
        path = folder / "predictions.parquet"
        if data is None:
            pq.write_table(self.table if table is None else table, path)
        else:
            path.write_bytes(data)
        fields = copy.deepcopy(dict(self.manifest))
        fields["slug"] = slug
        fields["files"][0]["size_bytes"] = path.stat().st_size
        fields["files"][0]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        for name, value in changes.items():
            put(fields, name.split("__"), value)
        (folder / "submission.toml").write_bytes(to_toml(fields) if manifest is None else manifest)
        return folder

    def change_row(self, row: int, **values: object) -> pa.Table:
        """Return the predictions with some values of one row replaced."""
        rows = self.table.to_pylist()
        rows[row].update(values)
        return pa.Table.from_pylist(rows, self.table.schema)

    def check(self, folder: Path) -> list[str]:
        """Return the lines of the check."""
        return [str(problem) for problem in check_submission(folder, self.inputs)]


def make_sample(
    pack: Path,
    root: Path,
    prompts: tuple[str, ...] = ("box", "point"),
    *,
    model: str = "box-prior",
) -> Sample:
    """Evaluate a model, by default one without weights, on `pack` and draft its submission."""
    report = run(
        RunRequest(
            packs=(pack,),
            specs=(SegmenterSpec(name=model),),
            out=root / "run",
            settings=RunSettings(prompts=prompts, save_masks=True),
        )
    )
    folder = draft_submission(open_model_run(report.out, model), METADATA, root / "careful-boxes")
    inputs = CheckInputs(packs=(open_pack(pack),), now=NOW)
    return Sample(
        pack=pack,
        run=report.out,
        manifest=tomllib.loads((folder / "submission.toml").read_text()),
        table=pq.read_table(folder / "predictions.parquet"),
        inputs=inputs,
    )
