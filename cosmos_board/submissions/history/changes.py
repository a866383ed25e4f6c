"""What a merge would change on main, and whether whoever asks may change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from cosmos_board.core.errors import InputError
from cosmos_board.submissions.format.fields import PROJECT_ID
from cosmos_board.submissions.format.manifest import MANIFEST
from cosmos_board.submissions.format.text import check_slug
from cosmos_board.submissions.history.decisions import PLACE, find_new
from cosmos_board.submissions.history.git import GONE, Change
from cosmos_board.submissions.history.versions import (
    FOLDER,
    History,
    LandedSubmission,
    check_files,
    read_claim,
    read_decisions,
)
from cosmos_board.submissions.problems import Problem

MOST_FILES = 200
_OWNERS = ".github/CODEOWNERS"


@dataclass(slots=True)
class Merge:
    """What main would be after a pull request is merged."""

    history: History
    """Main as it is."""

    tree: str
    author: int
    """Numeric GitHub id of whoever opened the request."""

    now: datetime
    folders: dict[str, list[Change]] = field(default_factory=dict)
    """Changes of submissions, by slug."""

    guarded: list[Change] = field(default_factory=list)
    """Changes of what is the maintainers': decisions, and the indices of packs."""

    others: list[Change] = field(default_factory=list)

    @property
    def acting(self) -> frozenset[int]:
        """Return whom the author may act for: a maintainer for the project too."""
        known = self.author in self.history.decisions.maintainer_ids
        return frozenset({self.author, PROJECT_ID} if known else {self.author})

    def add(self, change: Change) -> None:
        """Take in one change, as what its path makes it."""
        first, _, below = change.path.partition("/")
        slug = below.partition("/")[0]
        if first != FOLDER or below == "README.md":
            self.others.append(change)
        elif change.path == PLACE or slug.startswith("_"):
            self.guarded.append(change)
        else:
            self.folders.setdefault(slug, []).append(change)

    def find_files(self, slug: str) -> dict[str, Change]:
        """Return what would lie in the folder of a submission, by path below it."""
        files = dict(self.history.entries[slug].files) if slug in self.history.entries else {}
        for change in self.folders[slug]:
            name = change.path.split("/", 2)[-1]
            files.pop(name, None)
            if change.mode != GONE:
                files[name] = change
        return files


def find_merge(history: History, head: str, author: int, now: datetime) -> Merge:
    """Return what a merge of commit `head` into main would change.

    Raises:
        InputError: If it cannot be merged, or not in one way only.
    """
    tree = history.repo.merge(history.head, head)
    if tree is None:
        raise InputError("PR", "", "conflicts with main", want="your branch brought up to date")
    merge = Merge(history, tree, author, now)
    for change in history.repo.list_changes(history.head, tree):
        merge.add(change)
    return merge


def check_changes(merge: Merge) -> tuple[str | None, list[Problem]]:
    """Return the slug that a request is about, None where none, and what is wrong with it."""
    problems: list[Problem] = []
    if merge.author not in merge.history.decisions.maintainer_ids:
        text = f"only maintainers change it, PR author is {merge.author}"
        problems += [Problem(change.path, "", text) for change in merge.guarded]
    elif merge.guarded:
        problems += _check_decisions(merge)
    if not merge.folders:
        return None, problems
    slug = min(merge.folders)
    count = sum(map(len, (merge.others, merge.guarded, *merge.folders.values())))
    if count > MOST_FILES:
        return slug, [Problem("PR", "", f"{count} changed files, limit {MOST_FILES}")]
    outside = [*merge.others, *merge.guarded]
    problems += [Problem(change.path, "", "path outside submissions/<slug>/") for change in outside]
    for name in sorted(merge.folders):
        problems += _check_owner(merge, name)
    if len(merge.folders) > 1:
        problems.append(Problem("PR", "", f"{len(merge.folders)} slugs changed, want 1"))
    for name in sorted(merge.folders):
        problems += _check_folder(merge, name)
    return slug, problems


def note_set_up(history: History) -> Iterator[Problem]:
    """Yield what a maintainer has not set up yet, without which nobody decides or reviews."""
    if not history.decisions.maintainers:
        text = "nobody is named, so nobody can decide; see site/submit/operate.md, Set up"
        yield Problem(PLACE, "maintainers", text, "noted")
    if history.repo.run("grep", "-lw", "@OWNER", history.head, "--", _OWNERS, failing=(1,)):
        text = "names @OWNER, not the maintainers; see site/submit/operate.md, Set up"
        yield Problem(_OWNERS, "", text, "noted")


def _check_decisions(merge: Merge) -> Iterator[Problem]:
    """Yield what is wrong with new decisions; what one takes down may be removed with it."""
    history = merge.history
    try:
        new = find_new(history.decisions, read_decisions(history.repo, merge.tree))
    except InputError as error:
        yield Problem("", "", str(error))
        return
    for number, decision in enumerate(new, len(history.decisions.decisions)):
        versions = _find_entry(history, decision.slug).versions
        known = decision.version in {version.claim.version for version in versions}
        who = decision.who
        for wrong, name, text in (
            (who != merge.author, "who", f"is {who}, PR author is {merge.author}"),
            (not known, "version", "is none that landed on main"),
            (decision.when > merge.now, "when", "lies in the future"),
        ):
            if wrong:
                yield Problem(PLACE, f"decisions[{number}].{name}", text)
        changes = merge.folders.get(decision.slug, [])
        if decision.word == "taken-down" and all(change.mode == GONE for change in changes):
            merge.folders.pop(decision.slug, None)


def _find_entry(history: History, slug: str) -> LandedSubmission:
    return history.entries.get(slug) or LandedSubmission(slug)


def _check_owner(merge: Merge, slug: str) -> Iterator[Problem]:
    owners = _find_entry(merge.history, slug).owners
    if slug in merge.history.entries and not owners & merge.acting:
        who = f"user id {min(owners)}" if owners else "unknown, so a maintainer has to help"
        text = f"owner is {who}, PR author is {merge.author}"
        yield Problem(f"{FOLDER}/{slug}", "", text)


def _check_folder(merge: Merge, slug: str) -> Iterator[Problem]:
    """Yield what is wrong with the files and the version that a request leaves in a folder."""
    history, place = merge.history, f"{FOLDER}/{slug}"
    if [change.path for change in merge.folders[slug]] == [place]:
        yield Problem(place, "", "path outside submissions/<slug>/")
        return
    try:
        check_slug(slug)
    except ValueError as error:
        yield Problem(place, "", str(error))
    for change in merge.folders[slug]:
        if change.mode == GONE:
            text = "accepted files are not removed; ask a maintainer to withdraw the entry"
            yield Problem(change.path, "", text)
    files = merge.find_files(slug)
    yield from check_files(history.repo, files, place)
    got, want = read_claim(history.repo, files).version, _find_entry(history, slug).number + 1
    if got != want and MANIFEST in files:
        text = f"is not the next (got {got}, want {want})"
        yield Problem(f"{place}/{MANIFEST}", "version", text)
    if said := history.decisions.find_state(slug):
        text = f"was {said.word} by a maintainer, and a merge does not bring it back"
        yield Problem(place, "", text, "held", slug)
