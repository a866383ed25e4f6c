"""A stranger's code is run where it can talk to nobody, or not at all."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.cli.submissions.submit import command
from cosmos_board.core.errors import InputError
from cosmos_board.data.pack import open_pack
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.submissions.scoring import reproduce
from cosmos_board.submissions.scoring.reproduce import reproduce_submission
from tests.submissions.samples import Sample

CODE = """
import json, os, socket
from pathlib import Path
from cosmos_board.models.classical.box_prior import BoxPrior

def Model():
    try:
        socket.create_connection(("127.0.0.1", {port}), 5).close()
        reached = True
    except OSError:
        reached = False
    home = str(Path.home())
    said = {{"reached": reached, "token": os.environ.get("GH_TOKEN"), "home": home}}
    Path({note!r}).write_text(json.dumps(said))
    return BoxPrior()
"""


@pytest.fixture
def model(tmp_path: Path) -> Iterator[str]:
    """Code that tries the network and looks for tokens, then answers as `box-prior` does."""
    path, note = tmp_path / "my_model.py", tmp_path / "note.json"
    with socket.create_server(("127.0.0.1", 0)) as server:
        path.write_text(CODE.format(port=server.getsockname()[1], note=str(note)))
        yield f"{path}:Model"


@pytest.mark.parametrize("network", [True, False])
@pytest.mark.parametrize("words", ["", " x.py:Model"])
def test_no_program_is_started_for_a_submission(
    words: str, network: bool, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where code may run, nor where the name ends like that of a file of code."""
    monkeypatch.setattr("cosmos_board.submissions.scoring.reproduce.has_network", lambda: network)
    note = tmp_path / "started"
    folder = sample.write(tmp_path, slug="careful-boxes")
    arguments = ["reproduce", str(folder), "--pack", str(sample.pack), "--model"]
    result = CliRunner().invoke(command, [*arguments, f"exec:touch {note}{words}"])
    assert "is a program, which no submission may start" in str(result.exception)
    assert not note.exists()


def test_a_manifest_cannot_name_a_program(sample: Sample, tmp_path: Path) -> None:
    """Neither its slug nor its model, which are all that a re-run is named by."""
    name = "exec:touch x"
    folder = sample.write(tmp_path, model__name=name)
    assert f"{folder.name}/submission.toml: model.name: character ':'" in sample.check(folder)[0]
    other = sample.write(tmp_path, slug="exec:touch x")
    assert any("slug" in line for line in sample.check(other))


@pytest.mark.skipif(not reproduce.can_isolate(), reason="namespaces are not allowed here")
def test_code_is_reproduced_without_network_or_tokens(
    sample: Sample, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_TOKEN", "secret")
    folder = sample.write(tmp_path, slug="careful-boxes")
    words = ["reproduce", str(folder), "--pack", str(sample.pack), "--model", model]
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.output
    said = json.loads((tmp_path / "note.json").read_text())
    assert (said["reached"], said["token"]) == (False, None)
    assert Path(said["home"]) != Path.home()


def test_code_is_not_imported_where_there_is_a_network(
    sample: Sample, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cosmos_board.submissions.scoring.reproduce.has_network", lambda: True)
    folder = sample.write(tmp_path, slug="careful-boxes")
    with pytest.raises(InputError, match="is code and there is a network"):
        reproduce_submission(folder, [open_pack(sample.pack)], SegmenterSpec(name=model))
    assert not (tmp_path / "note.json").exists()


def test_a_machine_that_cannot_isolate_refuses(
    sample: Sample, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reproduce, "_UNSHARE", ("false",))
    with pytest.raises(InputError, match=r"unshare: is not allowed here \(want SECURITY.md"):
        reproduce.run_isolated(["submit", "reproduce"])


def test_only_loopback_is_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduce, "_INTERFACES", tmp_path / "dev")
    assert reproduce.has_network()
    for text, network in (("a\nb\n    lo: 0\n", False), ("a\nb\n    lo: 0\n  eth0: 0\n", True)):
        (tmp_path / "dev").write_text(text)
        assert reproduce.has_network() is network
