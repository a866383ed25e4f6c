"""The command line keeps its contract: one line an error, the right exit code, JSON on stdout."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from cosmos_board.cli.main import COMMANDS, group
from cosmos_board.store.schema import PACK_IMAGES
from tests.cli.calls import assert_refused, call, run_program


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    script = (
        "import sys; from cosmos_board.cli.main import group\n"
        "try: group(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pyarrow', 'duckdb', 'mkdocs', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert all(f"  {name}" in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_help(command: str) -> None:
    done = CliRunner().invoke(group, [command, "--help"], prog_name="cosmos-board")

    assert done.output.startswith(f"Usage: cosmos-board {command}")


def test_the_package_runs_as_a_module_too() -> None:
    command = [sys.executable, "-m", "cosmos_board", "data", "show", "no-such-pack"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert_refused(done, 1, "no-such-pack")


def test_listing_data_needs_no_heavy_import() -> None:
    script = (
        "import sys; from cosmos_board.cli.main import group\n"
        "group(['data', 'list', '--json'], standalone_mode=False)\n"
        "heavy = {'torch', 'pyarrow', 'duckdb', 'numpy', 'scipy', 'cv2'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    datasets = json.loads(done.stdout)
    assert sum(dataset["kind"] == "cosmos" for dataset in datasets) == 53


def test_the_light_half_never_imports_torch() -> None:
    """What torch is for is loaded on use."""
    script = (
        "import sys\n"
        "import cosmos_board.cli.boards.rank, cosmos_board.cli.data\n"
        "import cosmos_board.cli.models.models, cosmos_board.board.build\n"
        "import cosmos_board.site.publish.build, cosmos_board.site.publish.plugin\n"
        "import cosmos_board.runner.run, cosmos_board.store.ingest, cosmos_board.curation.curate\n"
        "from cosmos_board.models.registry import list_cards, load_segmenter\n"
        "list_cards(); load_segmenter('grabcut')\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_an_unknown_model_is_refused(phantom_pack: Path, tmp_path: Path) -> None:
    done = call("eval", phantom_pack, "--model", "grabcat", "--out", tmp_path / "run")

    assert_refused(done, 1, "--model: name: unknown name (got 'grabcat', want grabcut)")
    assert not (tmp_path / "run").exists()


def test_an_unknown_prompt_is_refused(phantom_pack: Path, tmp_path: Path) -> None:
    arguments = ("eval", phantom_pack, "--model", "box-prior", "--out", tmp_path / "run")

    assert_refused(call(*arguments, "--prompt", "boxes"), 1, "unknown name (got 'boxes', want box")


def test_wrong_usage_has_its_own_exit_code(tmp_path: Path) -> None:
    assert call("eval", "--out", tmp_path).returncode == 2


def test_a_missing_pack_is_refused(tmp_path: Path) -> None:
    done = call("eval", tmp_path / "none", "--model", "box-prior", "--out", tmp_path / "run")

    assert_refused(done, 1, "is no folder, so this is no pack")


def test_weights_that_are_none_are_refused(phantom_pack: Path, tmp_path: Path) -> None:
    weights = tmp_path / "sam.pth"
    weights.write_bytes(b"not a checkpoint")
    arguments = ("eval", phantom_pack, "--model", "sam-vit-b", "--checkpoint", weights)

    assert_refused(call(*arguments, "--out", tmp_path / "run"), 1, str(weights))


def _spoil_first_image(pack: Path) -> str:
    """Replace the picture of the first image by garbage and return its id."""
    path = min((pack / "images").glob("*.parquet"))
    table = pq.read_table(path)
    pictures = [b"\x89PNG garbage", *table["png"].to_pylist()[1:]]
    index = table.schema.get_field_index("png")
    spoilt = table.set_column(index, PACK_IMAGES.field("png"), pa.array(pictures, pa.binary()))
    pq.write_table(spoilt.cast(PACK_IMAGES), path, row_group_size=64)
    return str(table["image_id"][0])


def test_a_corrupt_image_is_quarantined_and_the_others_are_scored(
    phantom_pack: Path, tmp_path: Path
) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(phantom_pack, pack)
    image_id = _spoil_first_image(pack)

    done = call("eval", pack, "--model", "box-prior", "--out", tmp_path / "run", "--json")

    assert_refused(done, 1, f"quarantined: {image_id}")
    assert json.loads(done.stdout)["rows"] == 5 * 3 * 5 * 2
    assert pq.read_table(tmp_path / "run" / "quarantine.parquet")["image_id"].to_pylist() == [
        image_id
    ]


def _limit_files() -> None:
    """Make the disk seem full after 3 kB a file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))


def test_a_full_disk_is_one_line_and_the_run_resumes(phantom_pack: Path, tmp_path: Path) -> None:
    arguments = ("eval", phantom_pack, "--model", "box-prior", "--out", tmp_path / "run")

    full = run_program(*arguments, preexec_fn=_limit_files)
    assert_refused(full, 74, "write: the file would be larger than allowed")
    assert not list(tmp_path.rglob("*.part"))

    assert call(*arguments).returncode == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_line(phantom_pack: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    done = call("eval", phantom_pack, "--model", "box-prior", "--out", tmp_path / "run")

    assert_refused(done, 74, "permission denied")


@pytest.fixture(scope="module")
def db(phantom_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The board of one run, made as users make it."""
    work = tmp_path_factory.mktemp("terminal")
    db, run = work / "board.duckdb", work / "run"
    ran = run_program("eval", phantom_pack, "--model", "box-prior", "--out", run)
    assert ran.returncode == 0, ran.stderr
    assert run_program("ingest", run, "--db", db).returncode == 0
    return db


def test_from_pack_to_board_in_the_terminal(db: Path) -> None:
    ranked = run_program(
        "rank", "--db", db, "--by", "target", "--prompt", "box", "--format", "json"
    )
    document = json.loads(ranked.stdout)

    assert set(document) == {"caption", "rows"}
    assert len(document["rows"]) == 3
    wanted = {
        "model", "slice", "prompt", "metric", "selection", "score", "low", "high", "rank",
        "rank_low", "rank_high", "references", "clusters", "status",
    }  # fmt: skip
    assert all(wanted <= set(row) for row in document["rows"])


def test_findings_name_what_is_missing(db: Path) -> None:
    findings = json.loads(call("analyse", "findings", "--db", db, "--json").stdout)

    assert [finding["id"] for finding in findings] == [f"F{number}" for number in range(1, 9)]
    assert {finding["verdict"] for finding in findings} == {"not enough data"}
    assert all(finding["missing"] for finding in findings)


def test_a_database_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "board.duckdb"
    path.write_text("hello")

    assert_refused(call("rank", "--db", path), 1, "is no board database")
