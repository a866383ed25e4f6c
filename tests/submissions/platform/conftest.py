from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cosmos_board.curation.phantom_pack import build_phantom_pack
from tests.submissions.platform.hub import Hub
from tests.submissions.platform.tools import make_tools
from tests.submissions.repositories import commit_all, git
from tests.submissions.samples import Sample, make_sample

ROOT = Path(__file__).parents[3]
MAX = 1001
"""Numeric id of the one maintainer."""

DECISIONS = f"""schema_version = 1
maintainers = [{{ name = "Max Roe", github_id = {MAX} }}]
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A submission over a pack of 12 phantoms of 64 pixels: enough for intervals."""
    root = tmp_path_factory.mktemp("tiny")
    build_phantom_pack(root / "pack", 12, side=64, workers=1)
    return make_sample(root / "pack", root, ("box",))


@pytest.fixture(scope="session")
def first(tiny: Sample, tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """The project as it stands, with a pack of its own and without submissions; to be copied."""
    work = tmp_path_factory.mktemp("platform")
    repo = work / "project"
    repo.mkdir()
    listed = subprocess.check_output(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"])
    kept = ("cosmos_board/", "site/", ".ci/", ".github/workflows/", "mkdocs")
    for name in listed.decode().splitlines():
        left = (".safetensors", "site/zh/", "/locale/")  # one language will do
        if name.startswith(kept) and not any(part in name for part in left):
            if not (ROOT / name).is_file():
                continue  # removed, not committed yet
            (repo / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, repo / name)
    (repo / ".gitignore").write_text(".venv\nbuild\n")
    (repo / "packs").mkdir()
    shutil.copytree(tiny.pack, repo / "packs" / "phantoms")
    (repo / "submissions").mkdir()
    (repo / "submissions" / "README.md").write_text("data only\n")
    (repo / "submissions" / "decisions.toml").write_text(DECISIONS)
    git(repo, "init", "-q", "-b", "main")
    commit_all(repo, "start")
    git(work, "clone", "-q", "--bare", str(repo), str(work / "hub.git"))
    variables = {"PACKS": "phantoms", "PUBLISHED_URL": str(work / "pages")}
    return Hub(work / "hub.git", work, make_tools(work / "tools", tiny.run), variables)


@pytest.fixture
def hub(first: Hub, tmp_path: Path) -> Hub:
    """A platform of its own."""
    return first.copy(tmp_path)
