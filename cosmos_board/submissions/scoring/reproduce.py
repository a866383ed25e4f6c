"""Running a submitted model again on the core track: does it answer what was submitted?

A stranger's code has no network: it is run in namespaces of its own, or not at all.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.run_record import RunSettings
from cosmos_board.core.scores import Counts, ScoreRow
from cosmos_board.data.pack import Pack
from cosmos_board.models.registry import BUILTIN, load_segmenter, locate_weights
from cosmos_board.runner.evaluation.evaluate import evaluate_image
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.parquet import iter_rows
from cosmos_board.store.schema import SCORES
from cosmos_board.submissions.checks.packs import index_pack
from cosmos_board.submissions.checks.submission import CheckInputs
from cosmos_board.submissions.format.manifest import Manifest
from cosmos_board.submissions.scoring.score import score_submission

MEAN_LIMIT = 5e-4
"""Largest difference of a pack's mean Dice under one prompt and selection."""

ROW_LIMIT = 0.01
"""Largest 99th percentile of the differences of single rows."""

SAFE_WEIGHTS = (".safetensors", ".onnx")
RECIPE = "SECURITY.md, running a stranger's code"
_INTERFACES = Path("/proc/net/dev")
_UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--ipc", "--pid", "--fork")
_KEPT = ("PATH", "LANG", "LC_ALL", "OMP_NUM_THREADS", "NO_COLOR", "CUDA_VISIBLE_DEVICES")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What came of running a model again."""

    slug: str
    rows: int
    equal_rows: int
    """Rows whose counts are the same to the pixel."""

    mean_difference: float
    """Largest absolute difference of a pack's mean Dice, over prompts and selections."""

    row_difference: float
    """99th percentile of the absolute differences of Dice, row by row."""

    @property
    def agrees(self) -> bool:
        """Whether the entry may be shown as re-run."""
        return self.mean_difference <= MEAN_LIMIT and self.row_difference <= ROW_LIMIT


def reproduce_submission(
    folder: Path, packs: Sequence[Pack], spec: SegmenterSpec, inputs: CheckInputs | None = None
) -> Reproduction:
    """Run the model on every image of the core track and compare with what was submitted.

    A file of code (`spec.name` is `file.py:Class`) is not imported where there is a network;
    `run_isolated` makes a process without one.

    Raises:
        InputError: If the submission is refused, the weights are not those it names, the model
            is a program, or it is code and there is a network.
    """
    if spec.name.startswith("exec:"):
        raise InputError("--model", spec.name, "is a program, which no submission may start")
    if is_code(spec.name) and has_network():
        raise InputError("--model", spec.name, "is code and there is a network", want=RECIPE)
    with TemporaryDirectory(prefix="cosmos-board-") as work:
        scored = score_submission(folder, packs, Path(work) / "run", inputs=inputs)
        manifest = scored.checked.manifest
        _check_weights(manifest, spec, folder)
        claimed = {
            (row["reference_id"], row["prompt"], row["selection"]): Counts(
                row["tp"], row["fp"], row["fn"]
            )
            for path in sorted((scored.run / "scores").glob("*.parquet"))
            for row in iter_rows(path, SCORES)
        }
    names = {use.name for use in manifest.packs}
    again = {pack.info.name: _run(pack, spec, manifest) for pack in packs
             if pack.info.name in names}  # fmt: skip
    return _compare(manifest.slug, claimed, again)


_Key = tuple[str, str, str]
"""Reference, prompt and selection."""


def _check_weights(manifest: Manifest, spec: SegmenterSpec, folder: Path) -> None:
    path = locate_weights(spec.name, spec.checkpoint)
    wanted = manifest.model.checkpoint
    if path is None or wanted is None:
        if (path is None) != (wanted is None):
            raise InputError(folder, "model.checkpoint", "and the model to run do not match")
        return
    if path.suffix not in SAFE_WEIGHTS and spec.name not in BUILTIN:
        raise InputError(path, "", "is no safe file of weights", want=" or ".join(SAFE_WEIGHTS))
    if not path.is_file():
        raise InputError(path, "", "does not exist")
    if (digest := hash_file(path)) != wanted.sha256:
        raise InputError(
            path, "sha256", "is another file", got=digest[:12], want=wanted.sha256[:12]
        )


def _run(pack: Pack, spec: SegmenterSpec, manifest: Manifest) -> list[ScoreRow]:
    index = index_pack(pack)
    settings = RunSettings(prompts=tuple(manifest.model.prompts))
    segmenter = load_segmenter(spec.name, checkpoint=spec.checkpoint, device=spec.device)
    return [
        row
        for item in pack.iter_items(wanted={row.image_id for row in index.rows.values()})
        for row in evaluate_image(segmenter, item, settings).rows
        if row.reference_id in index.rows
    ]


def _compare(
    slug: str, claimed: dict[_Key, Counts], again: dict[str, list[ScoreRow]]
) -> Reproduction:
    answered = {
        (row.reference_id, row.prompt, row.selection) for rows in again.values() for row in rows
    }
    if missing := claimed.keys() - answered:
        reference_id, prompt, _ = min(missing)
        raise InputError(
            slug, prompt, "was submitted and is not answered when run again",
            got=f"nothing for {reference_id} and {len(missing) - 1} more",
        )  # fmt: skip
    differences: dict[_Key, list[float]] = defaultdict(list)
    equal = 0
    for name, rows in again.items():
        for row in rows:
            submitted = claimed[row.reference_id, row.prompt, row.selection]
            equal += row.scores.counts == submitted
            difference = row.scores.counts.dice - submitted.dice
            differences[name, row.prompt, row.selection].append(difference)
    single = np.abs(np.concatenate([np.array(values) for values in differences.values()]))
    return Reproduction(
        slug=slug,
        rows=len(single),
        equal_rows=equal,
        mean_difference=max(abs(float(np.mean(values))) for values in differences.values()),
        row_difference=float(np.percentile(single, 99)),
    )


def is_code(model: str) -> bool:
    """Return whether a model's name stands for a file of code.

    Example:
        >>> is_code("my_model.py:MyModel"), is_code("grabcut")
        (True, False)
    """
    return model.rpartition(":")[0].endswith(".py") and not model.startswith("exec:")


def has_network() -> bool:
    """Return whether this process can see any network but its own loopback."""
    try:
        lines = _INTERFACES.read_text().splitlines()[2:]
    except OSError:
        return True  # no Linux, so nothing is known to be closed
    return any(line.split(":")[0].strip() != "lo" for line in lines)


def run_isolated(arguments: Sequence[str]) -> int:
    """Run `cosmos-board` with these arguments without network and return its exit code.

    The process has namespaces and a home folder of its own and none of our environment but
    `_KEPT`, so no token or key is in it.

    Raises:
        InputError: If this machine does not let us make such a process.
    """
    if not can_isolate():
        raise InputError("reproduce", "unshare", "is not allowed here", want=RECIPE)
    code = "from cosmos_board.cli.main import main; main()"
    with TemporaryDirectory(prefix="cosmos-board-") as home:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        done = subprocess.run(
            [*_UNSHARE, sys.executable, "-c", code, *arguments],
            env={**environment, "HOME": home, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
    return done.returncode


def can_isolate() -> bool:
    """Return whether this machine lets us make a process without network."""
    try:
        done = subprocess.run([*_UNSHARE, "true"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
