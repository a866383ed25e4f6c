"""A small submission of counts that is right, its files elsewhere, and ways to change it."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cosmos_board.core.errors import InputError
from cosmos_board.core.hashes import hash_file
from cosmos_board.data.pack import open_pack
from cosmos_board.submissions.checks.packs import Listing, list_known, write_pack_index
from cosmos_board.submissions.checks.submission import CheckInputs
from cosmos_board.submissions.draft.draft import Elsewhere, draft_submission
from cosmos_board.submissions.draft.model_run import open_model_run
from cosmos_board.submissions.format.manifest import ManifestFile
from tests.submissions.drafts import to_toml
from tests.submissions.samples import METADATA, NOW, Sample

URL = "https://zenodo.org/records/1/files"


@dataclass(frozen=True)
class CountsSample:
    """A right submission of counts, its files elsewhere."""

    pack: Path
    folder: Path
    files: Path

    def fetch(self, file: ManifestFile, out: Path) -> Path:
        """Stand for the network."""
        assert file.url == f"{URL}/{file.path}"
        return Path(shutil.copy(self.files / file.path, out / file.path))

    def inputs(self, seed: str = "b", packs: bool = True) -> CheckInputs:
        """Check against the pack."""
        known: Listing = open_pack(self.pack)
        if not packs:
            write_pack_index(self.folder.parent, open_pack(self.pack))
            (known,) = list_known([], self.folder.parent)
        return CheckInputs(
            packs=[known],
            external=self.files,
            seed=seed,
            now=NOW,
        )


def make_counts_sample(sample: Sample, root: Path) -> CountsSample:
    """Draft the submission of counts of a sample's run below `root`."""
    folder = root / "made" / "submissions" / "careful-boxes"
    folder.parent.mkdir(parents=True)
    files = root / "files"
    run = open_model_run(sample.run, "box-prior", "counts")
    draft_submission(run, METADATA, folder, elsewhere=Elsewhere(files, URL))
    return CountsSample(sample.pack, folder, files)


def forge(
    counts: CountsSample, change: Callable[[pa.Table], pa.Table], name: str = "counts.parquet"
) -> None:
    """Change a data file and let the manifest say so."""
    path = counts.files / name
    pq.write_table(change(pq.read_table(path)), path)
    fields = tomllib.loads((counts.folder / "submission.toml").read_text())
    for file in fields["files"]:
        file["sha256"] = hash_file(counts.files / file["path"])
        file["size_bytes"] = (counts.files / file["path"]).stat().st_size
    (counts.folder / "submission.toml").write_bytes(to_toml(fields))


def lose(file: ManifestFile, out: Path) -> Path:
    """Stand for a host that has lost its files."""
    raise InputError("files", file.path, "cannot be fetched: gone")
