"""Packs that only a maintainer holds: an index in git, and an audit that somebody signs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.pack import Pack, open_pack
from cosmos_board.submissions.accepted import accept_submission
from cosmos_board.submissions.check import Context
from cosmos_board.submissions.draft import draft_submission
from cosmos_board.submissions.ledger import Entry
from cosmos_board.submissions.pack_index import list_known, read_pack_indices, write_pack_index
from cosmos_board.submissions.rebuild import Rebuilt, rebuild_board
from cosmos_board.submissions.sample import index_pack
from cosmos_board.submissions.vouching import audit_submission
from tests.submissions.samples import ANSWERS, NOW, Sample

ANN, HEAD = 2002, "a" * 40
pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="signs with ssh-keygen")


@dataclass(frozen=True)
class Desk:
    """A submissions folder with an index, a full submission on it, and a maintainer's key."""

    root: Path
    pack: Pack
    key: Path

    def context(self, *packs: Pack) -> Context:
        known = list_known(list(packs), self.root)
        return Context(
            indices=[index_pack(one, track) for one in known for track in ("core", "full")],
            packs=packs,
            now=NOW,
        )

    def sign(self) -> Path:
        return audit_submission(
            self.root, "careful-boxes", self.context(self.pack),
            head=HEAD, signer="max@example.org", key=self.key,
        )  # fmt: skip

    def accept(self, tier: str = "audited") -> Entry:
        """Accept as somebody who does not hold the pack."""
        return accept_submission(
            self.root, "careful-boxes", self.context(),
            submitter=ANN, pull_request=1, head=HEAD, tier=tier,
        )  # fmt: skip

    def rebuild(self, out: Path) -> Rebuilt:
        """Rebuild as continuous integration, which cannot make the pack."""
        return rebuild_board(self.root, read_pack_indices(self.root), out)


@pytest.fixture
def desk(sample: Sample, tmp_path: Path) -> Desk:
    root, pack, key = tmp_path / "submissions", open_pack(sample.pack), tmp_path / "key"
    (root / "_audits").mkdir(parents=True)
    write_pack_index(root, pack)
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
    subprocess.run(words, check=True, timeout=60)
    public = key.with_name("key.pub").read_text()
    (root / "_audits" / "allowed_signers").write_text(f"max@example.org {public}")
    draft_submission(sample.run, "box-prior", ANSWERS, root / "careful-boxes", track="full")
    return Desk(root, pack, key)


def test_the_index_asks_exactly_what_the_pack_asks(desk: Desk) -> None:
    (index,) = read_pack_indices(desk.root)
    for track in ("core", "full"):
        assert index_pack(index, track).sha256 == index_pack(desk.pack, track).sha256
    assert sorted(path.name for path in (desk.root / "_packs" / "phantoms").iterdir()) == [
        "pack.json",
        "references.parquet",
    ]


def test_ids_that_may_not_be_public_get_no_index(desk: Desk, tmp_path: Path) -> None:
    hidden = Pack(desk.pack.path, replace(desk.pack.info, name="our-own", permissions=()))
    with pytest.raises(InputError, match="does not let row ids be public"):
        write_pack_index(tmp_path, hidden)
    assert not (tmp_path / "_packs").exists()


def test_a_signed_audit_makes_counts_audited_where_nobody_can_count(
    desk: Desk, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no full audit was possible"):
        desk.accept()
    path = desk.sign()
    said = json.loads(path.read_text())
    assert said["packs"] == {"phantoms": desk.pack.info.content_sha256}
    assert said["rows"] > 0
    entry = desk.accept()
    assert (entry.tier, entry.beacon) == ("audited", said["beacon"])
    rebuilt = desk.rebuild(tmp_path / "out")
    assert rebuilt.left_out == {}
    assert [one.slug for one in rebuilt.shown] == ["careful-boxes"]


def lose(path: Path) -> None:
    path.unlink()


def improve(path: Path) -> None:
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "rows": said["rows"] + 1}))


def sign_by_another(path: Path) -> None:
    signers = path.parent / "allowed_signers"
    signers.write_text(signers.read_text().replace("max@", "eve@"))


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lose, "has no signed audit"),
        (improve, "is not rightly signed"),
        (sign_by_another, "is not rightly signed"),
    ],
)
def test_an_audit_that_is_gone_altered_or_not_allowed_takes_the_entry_off(
    harm: Callable[[Path], None], says: str, desk: Desk, tmp_path: Path
) -> None:
    path = desk.sign()
    desk.accept()
    harm(path)
    assert says in desk.rebuild(tmp_path / "out").left_out["careful-boxes"]


def test_an_audit_stands_for_one_manifest_alone(desk: Desk) -> None:
    desk.sign()
    manifest = desk.root / "careful-boxes" / "submission.yaml"
    manifest.write_text(manifest.read_text().replace("Careful boxes", "Careless boxes"))
    with pytest.raises(InputError, match="no full audit was possible"):
        desk.accept()
    assert desk.accept("self-reported").tier == "self-reported"
