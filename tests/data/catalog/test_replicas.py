"""Every replica of a published folder imports to the counts that its files hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.replicas.replica import Replica, count_import, load_replicas


@pytest.mark.parametrize(
    "replica", load_replicas(), ids=lambda replica: f"{replica.dataset}: {replica.variant}"
)
def test_a_replica_imports_to_its_counts(replica: Replica, tmp_path: Path) -> None:
    replica.write(tmp_path)

    assert count_import(replica.dataset, tmp_path) == replica.counts
