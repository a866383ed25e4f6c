"""Every replica of a published folder imports to the counts that its files hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.replicas.replica import Replica, count_import, load_replicas

REPLICAS = load_replicas()


def _name(replica: Replica) -> str:
    return f"{replica.dataset}: {replica.variant}"


@pytest.mark.parametrize("replica", REPLICAS, ids=_name)
def test_a_replica_imports_to_its_counts(replica: Replica, tmp_path: Path) -> None:
    replica.write(tmp_path)

    assert count_import(replica.dataset, tmp_path) == replica.counts


@pytest.mark.parametrize("replica", [one for one in REPLICAS if one.archives], ids=_name)
def test_a_replica_is_read_out_of_its_archives(replica: Replica, tmp_path: Path) -> None:
    replica.write_packed(tmp_path)

    assert count_import(replica.dataset, tmp_path) == replica.counts
