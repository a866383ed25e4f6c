from __future__ import annotations

from pathlib import Path

import pytest

from tests.packs import phantom_pack as phantom_pack
from tests.submissions.counts_samples import CountsSample, make_counts_sample
from tests.submissions.samples import Sample, make_sample


@pytest.fixture(scope="session")
def sample(phantom_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A right submission over a pack of 6 phantoms."""
    return make_sample(phantom_pack, tmp_path_factory.mktemp("submission"))


@pytest.fixture
def counts(sample: Sample, tmp_path: Path) -> CountsSample:
    """A right submission of counts over the same pack."""
    return make_counts_sample(sample, tmp_path)
