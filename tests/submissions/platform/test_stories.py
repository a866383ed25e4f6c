"""What becomes of a pull request, from the check over the merge to the published board."""

from __future__ import annotations

from tests.submissions.platform.hub import Hub
from tests.submissions.samples import Sample

ANN, BOB = 2002, 3003


def test_a_first_submission_is_checked_merged_and_published(hub: Hub, tiny: Sample) -> None:
    request = hub.propose("ann", ANN, lambda fork: tiny.write(fork, slug="careful-boxes"))
    found = hub.check(request)
    assert found is not None
    print(found.log, found.summary)
    assert found.conclusion == "success"
    hub.merge(request)
    found = hub.publish()
    print(found.log)
    assert found.conclusion == "success"
