"""A Ray cluster gives the rows of one process, whoever dies on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cosmos_board.core.errors import StorageError, UsageError
from cosmos_board.core.run_record import RunSettings
from cosmos_board.runner.engine.on_ray import run_shards_on_ray
from cosmos_board.runner.record.shards import Shard
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import Callbacks, SegmenterSpec, WorkerSettings
from tests.kills import (
    CLI,
    iter_moments,
    kill_at,
    kill_when,
    list_processes,
    make_program,
    wait_for_none,
)
from tests.runner.object_store import serve_bucket
from tests.runner.test_run import SQUARES, digest, evaluate

ray = pytest.importorskip("ray", reason="extra `ray` is not installed")

pytestmark = [
    pytest.mark.xdist_group("ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A head and two nodes on this machine; returns the log in which workers leave their ids."""
    from ray.cluster_utils import Cluster

    log = tmp_path_factory.mktemp("ray") / "workers"
    os.environ |= {"SQUARES_LOG": str(log), "SQUARES_PAUSE_S": "0.3", "RAY_AUTH_MODE": "disabled"}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(2):
        cluster.add_node(num_cpus=1, num_gpus=1)  # which Ray believes
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        yield log
    finally:
        ray.shutdown()
        cluster.shutdown()
        for name in ("SQUARES_LOG", "SQUARES_PAUSE_S", "RAY_AUTH_MODE"):
            os.environ.pop(name)


def _request(pack: Path, out: Path) -> RunRequest:
    return RunRequest(packs=(pack,), specs=(SegmenterSpec(name=SQUARES),), out=out, engine="ray")


@pytest.mark.parametrize(
    "kills", [pytest.param(1, id="1 kill"), pytest.param(20, id="20 kills", marks=pytest.mark.slow)]
)
def test_killed_workers_cost_no_row(
    kills: int, cluster: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    evaluate(phantom_pack, tmp_path / "local")
    rng = random.Random(0)
    killed = 0
    while killed < kills:
        out = tmp_path / f"ray-{killed}"
        cluster.unlink(missing_ok=True)
        victims: list[int] = []

        def kill_a_worker(references: int, victims: list[int] = victims) -> None:
            if not victims:
                victims.append(rng.choice([int(line) for line in cluster.read_text().split()]))
                os.kill(victims[0], signal.SIGKILL)

        run(_request(phantom_pack, out), Callbacks(on_image=kill_a_worker))
        killed += len(victims)

        assert digest(out) == digest(tmp_path / "local")


def test_workers_on_gpus_keep_their_model_and_the_driver_needs_no_gpu(
    cluster: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    """As tasks they would end after each shard, and load the model again for the next."""
    evaluate(phantom_pack, tmp_path / "local")
    cluster.unlink(missing_ok=True)
    spec = SegmenterSpec(name=SQUARES, device="cuda")
    report = run(replace(_request(phantom_pack, tmp_path / "ray"), specs=(spec,)))
    workers = set(cluster.read_text().split()) - {str(os.getpid())}
    checks = json.loads((tmp_path / "ray/run.json").read_text())["device_checks"]

    assert report.images > 2 >= len(workers) > 0
    assert {check["worker"].split()[-1] for check in checks} == workers
    assert all(check["before"] == check["after"] for check in checks)
    assert digest(tmp_path / "ray") == digest(tmp_path / "local")


def test_on_a_cluster_no_gpu_can_be_chosen(
    cluster: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    spec = SegmenterSpec(name=SQUARES, device="cuda:1")

    with pytest.raises(UsageError, match="--device: is one of several GPUs"):
        run(replace(_request(phantom_pack, tmp_path), specs=(spec,)))


def test_workers_that_share_no_folder_meet_in_a_bucket(
    cluster: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    pytest.importorskip("moto", reason="no server that speaks the protocol of S3 is installed")
    evaluate(phantom_pack, tmp_path / "local")
    with serve_bucket("bucket") as uri:
        request = replace(_request(phantom_pack, tmp_path / "ray"), remote=uri)
        report = run(request)
        again = run(replace(request, out=tmp_path / "other"))

    assert report.evaluated == report.images
    assert again.evaluated == 0
    for name in ("ray", "other"):
        assert digest(tmp_path / name) == digest(tmp_path / "local")


def test_without_a_remote_store_no_worker_makes_the_run_folder(
    cluster: Path, phantom_pack: Path, tmp_path: Path
) -> None:
    spec, out = SegmenterSpec(name=SQUARES), tmp_path / "unseen"
    settings = WorkerSettings(spec, (phantom_pack,), RunSettings(), out)
    shards = run_shards_on_ray([Shard("0" * 16, 0, 1, phantom_pack)], settings, None, Callbacks())

    with pytest.raises(StorageError, match="the folder does not exist"):
        list(shards)

    assert not out.exists()


_RAY_ENDS_S = 120.0
"""Ray ends what it started; a process that is just starting looks for its cluster for a minute."""


def _list_sockets(process: int) -> Iterator[str]:
    for link in Path(f"/proc/{process}/fd").glob("*"):
        with suppress(OSError):  # closed, or its process ended, since it was listed
            yield os.readlink(link)


def _name_owner(processes: Sequence[int], inode: str) -> str:
    for process in processes:
        if f"socket:[{inode}]" in _list_sockets(process):
            return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ").strip()[:80]
    return "?"


def list_reachable(processes: Sequence[int]) -> list[str]:
    """Return the addresses, none of them loopback, at which processes listen."""
    own = {link for process in processes for link in _list_sockets(process)}
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, address, _, state, *rest = line.split()
            loopback = address.partition(":")[0].endswith("0100007F")
            if state == "0A" and f"socket:[{rest[5]}]" in own and not loopback:
                found.append(f"{_name_owner(processes, rest[5])} at {address}")
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
@pytest.mark.parametrize(
    "kills",
    [pytest.param(1, id="1 kill"), pytest.param(20, id="20 kills", marks=pytest.mark.slow)],
)
def test_a_killed_driver_leaves_nothing_running_and_resumes_to_the_same_rows(
    kills: int,
    phantom_pack: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Nor can another machine reach the cluster that it starts."""
    evaluate(phantom_pack, tmp_path / "local")
    rng, running, left = random.Random(0), 0, 0
    reachable: set[str] = set()
    for number, moment_s in enumerate(iter_moments(kills, 5, 20)):
        out = tmp_path / f"driver-{number}"
        command = [CLI, "eval", str(phantom_pack), "--model", SQUARES, "--engine", "ray"]
        command += ["--out", str(out)]
        program = make_program(command, SQUARES_PAUSE_S="0.5", RAY_AUTH_MODE="disabled")
        if kills == 1:
            kill_when(program, lambda out=out: bool(list(out.glob("scores/*.json"))))  # type: ignore[misc]
        else:
            running += kill_at(program, moment_s, rng, victims=("parent", "both")[number % 2])
        left += len(wait_for_none(program.mark, _RAY_ENDS_S))
        done = make_program(command, RAY_AUTH_MODE="disabled")
        with done.start() as driver:
            while driver.poll() is None and kills == 1:
                reachable |= set(list_reachable(list_processes(done.mark)))
                time.sleep(0.2)
        assert driver.returncode == 0
        assert digest(out) == digest(tmp_path / "local")
    record_property("kills", kills)
    record_property("killed_while_running", running)
    record_property("processes_left", left)

    assert (left, reachable) == (0, set())
