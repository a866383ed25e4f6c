"""The history of `submissions/` on main: every version that landed, and whose each entry is.

The first-parent line of main is the record: a merge, a squash or a push is one step of it. What a
step leaves in a folder is a new version if its manifest says a higher one; results that changed
without it are refused, and the version before stays.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.submissions.checks.submission import Accepted
from cosmos_board.submissions.files.folder import check_name_and_size
from cosmos_board.submissions.format.fields import PROJECT_ID
from cosmos_board.submissions.format.manifest import MANIFEST, read_unchecked
from cosmos_board.submissions.format.text import check_slug
from cosmos_board.submissions.format.toml import LARGEST_BYTES
from cosmos_board.submissions.history.decisions import DECISIONS, NONE, Decisions, parse_decisions
from cosmos_board.submissions.history.git import FILE, GONE, Change, Repository, Step
from cosmos_board.submissions.problems import Problem

FOLDER = "submissions"
MOST_NEW = 5
"""New entries of one owner in `NEW_DAYS` days: more are held for a maintainer."""

NEW_DAYS = 30


@dataclass(frozen=True, slots=True)
class Claim:
    """What a manifest that nobody has checked yet says of itself."""

    version: int = 0
    owners: frozenset[int] = frozenset()
    """Numeric GitHub ids of the authors."""

    name: str = ""
    track: str = ""
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """What one step of main left in the folder of an entry."""

    slug: str
    claim: Claim
    commit: str
    landed: datetime
    files: Mapping[str, Change]
    """By name."""


@dataclass(slots=True)
class LandedSubmission:
    """The versions of one slug; a slug is never given to another entry."""

    slug: str
    versions: list[Version] = field(default_factory=list)
    """Those that followed the rules, oldest first."""

    owners: frozenset[int] = frozenset()
    """Who may propose the next version: the authors of the newest manifest that names any."""

    files: dict[str, Change] = field(default_factory=dict)
    """What lies in the folder now, by path below it."""

    problems: list[Problem] = field(default_factory=list)
    """Why what lies in the folder now is no version."""

    @property
    def number(self) -> int:
        """The newest version; 0 where there is none."""
        return self.versions[-1].claim.version if self.versions else 0


@dataclass(frozen=True, slots=True)
class History:
    """Everything that landed, up to one commit of main."""

    repo: Repository
    head: str
    entries: dict[str, LandedSubmission]
    """By slug, in the order in which they first landed."""

    decisions: Decisions

    def list_accepted(self, *, without: str) -> list[Accepted]:
        """Return the names and owners of all entries but one."""
        return [
            Accepted(entry.slug, entry.versions[-1].claim.name, entry.owners)
            for entry in self.entries.values()
            if entry.versions and entry.slug != without
        ]

    def list_taken_down(self) -> dict[str, frozenset[str]]:
        """Return the slugs that were taken down, with every name that each had."""
        names = {}
        for slug in {decision.slug for decision in self.decisions.decisions}:
            state, entry = self.decisions.find_state(slug), self.entries.get(slug)
            if state is not None and state.word == "taken-down":
                versions = entry.versions if entry else []
                names[slug] = frozenset(version.claim.name for version in versions)
        return names

    def refuse_rewritten(self, published: str, admitted: str | None) -> None:
        """Refuse to go back behind the commit that the published site was made of, if any.

        `admitted` is the same commit where the history was rewritten on purpose.

        Raises:
            InputError: If this history does not hold that commit, and it was not admitted.
        """
        if published and published != admitted and not self.repo.holds(published, self.head):
            raise InputError(
                "main", "history", "does not hold the commit that the published site was made of",
                got=self.head, want=f"{published}, or --rewritten {published}",
            )  # fmt: skip

    def check_rate(self, version: Version) -> Iterator[Problem]:
        """Yield what is wrong with how many entries an owner brings; 0, the project, is free."""
        landed = version.landed
        others = (entry.versions[0] for entry in self.entries.values()
                  if entry.versions and entry.slug != version.slug)  # fmt: skip
        owners, since = version.claim.owners - {PROJECT_ID}, landed - timedelta(days=NEW_DAYS)
        recent = [first for first in others
                  if first.claim.owners & owners and since <= first.landed <= landed]  # fmt: skip
        entry = self.entries.get(version.slug)
        is_new = entry is None or entry.versions[:1] in ([], [version])
        if len(recent) >= MOST_NEW and is_new:
            text = f"owner {min(version.claim.owners)} has {len(recent)} entries in {NEW_DAYS} days"
            place = f"{FOLDER}/{version.slug}"
            yield Problem(place, "", f"{text}, limit {MOST_NEW}", "held", recent[0].slug)


def read_history(path: Path, commit: str = "HEAD") -> History:
    """Return what landed in the repository that `path` lies in, up to `commit`.

    Raises:
        InputError: If it is no repository with its whole history, or its decisions are not right.
    """
    repo = Repository(path)
    head = repo.find_commit(commit)
    entries: dict[str, LandedSubmission] = {}
    for step in repo.walk(head, FOLDER):
        touched = {}
        for change in step.changes:
            _, slug, *below = change.path.split("/")
            if below and not slug.startswith("_"):
                entry = touched[slug] = entries.setdefault(slug, LandedSubmission(slug))
                entry.files.pop("/".join(below), None)
                if change.mode != GONE:
                    entry.files["/".join(below)] = change
        for entry in touched.values():
            _land(repo, entry, step)
    return History(repo, head, entries, read_decisions(repo, head))


def read_decisions(repo: Repository, tree: str) -> Decisions:
    """Return the decisions in a tree or commit; none where it has no such file.

    Raises:
        InputError: If the file is not right.
    """
    fields = repo.run("ls-tree", tree, f"{FOLDER}/{DECISIONS}").split()
    return parse_decisions(repo.read(fields[2].decode())) if fields else NONE


def write_files(repo: Repository, files: Mapping[str, Change], folder: Path) -> Path:
    """Write files of git into a new folder and return it: contents alone, no modes and no links."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, change in files.items():
        (folder / name).write_bytes(repo.read(change.blob))
    return folder


def check_files(repo: Repository, files: Mapping[str, Change], place: str) -> list[Problem]:
    """Return what is wrong with names, kinds and sizes of the files in a submission's folder."""
    problems: list[Problem] = []
    kinds = {"120000": "symlink", "160000": "submodule", "100755": "executable bit"}
    sizes = repo.find_sizes([change.blob for change in files.values() if change.mode == FILE])
    for name, change in sorted(files.items()):
        text = check_name_and_size(name, sizes.get(change.blob, 0))
        if "/" in name:
            text = "folders are not allowed below submissions/<slug>/"
            name = name.partition("/")[0]
        elif change.mode != FILE:
            text = f"{kinds.get(change.mode, f'mode {change.mode}')} not allowed"
        if text:
            problems.append(Problem(f"{place}/{name}", "", text))
    if MANIFEST not in files:
        problems.append(Problem(f"{place}/{MANIFEST}", "", "missing"))
    return problems


def read_claim(repo: Repository, files: Mapping[str, Change]) -> Claim:
    """Return what the manifest among files of git claims; nothing where it is unreadable."""
    change = files.get(MANIFEST)
    if change is None or change.mode != FILE:
        return Claim()
    if repo.find_sizes([change.blob]).get(change.blob, 1 << 40) > LARGEST_BYTES:
        return Claim()
    return parse_claim(repo.read(change.blob))


def parse_claim(data: bytes | None) -> Claim:
    """Return what a manifest claims; nothing where it is unreadable."""
    said = read_unchecked(data)
    version, authors, model = said.get("version"), said.get("authors"), said.get("model")
    listed = authors if isinstance(authors, list) else []
    ids = (author.get("github_id") for author in listed if isinstance(author, dict))
    return Claim(
        version if type(version) is int else 0,
        frozenset(number for number in ids if type(number) is int),
        str(model.get("name", "")) if isinstance(model, dict) else "",
        str(said.get("track", "")),
        str(said.get("protocol", "")),
    )


def _land(repo: Repository, entry: LandedSubmission, step: Step) -> None:
    """Take in what a step of main left in a folder: a version, or the reason why it is none."""
    place, claim, files = f"{FOLDER}/{entry.slug}", read_claim(repo, entry.files), entry.files
    problems = [Problem(place, "", "was removed from main")]
    if files:
        problems = check_files(repo, files, place)
    try:
        check_slug(entry.slug)
    except ValueError as error:
        problems.append(Problem(place, "", str(error)))
    if not problems and entry.versions and files == entry.versions[-1].files:
        entry.problems = []  # as it was: what came between was taken back
        return
    if not problems and claim.version <= entry.number:
        text = f"changed without a new version (got {claim.version}, want {entry.number + 1})"
        problems.append(Problem(f"{place}/{MANIFEST}", "version", text))
    if not problems and entry.owners and not claim.owners & entry.owners:
        text = f"owner is user id {min(entry.owners)}, who is none of the authors now"
        problems.append(Problem(f"{place}/{MANIFEST}", "authors", text))
    if not problems:
        entry.versions.append(Version(entry.slug, claim, step.commit, step.time, dict(files)))
    entry.problems = problems
    if claim.owners and (not problems or not entry.owners):
        entry.owners = claim.owners
