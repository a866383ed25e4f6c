"""An attacker who has every number of one or two sites, all open data, and linear programming.

Nothing is assumed about what a number means. Each number of each data file, table and drawing is
found by walking the site; how it depends on the Dice of a group of patients is measured by making
the site again with that group's Dice raised. What is linear goes into one system.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.optimize import linprog

from cosmos_board.site.publish.generate import Site, SiteOptions, generate_site

Floats: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = dict[str, list[str]]
"""Every number of a site by file, as it is written, in the order in which they stand there."""

_NUMBER = re.compile(r"(?<![\w.])[-−+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])")
_HASH = re.compile(r"\b[0-9a-f]{12,64}\b")
RAISE = 0.1
"""By how much the Dice of a group is raised to see what changes."""


def published(db: Path, *, local: bool = False, earlier: Path | None = None) -> Site:
    """Return everything that a site of `db` would publish."""
    blocks = earlier.read_bytes() if earlier is not None and earlier.is_file() else None
    return generate_site(db, options=SiteOptions(local=local, earlier=blocks))


def texts_of(site: Site) -> dict[str, str]:
    """Return all that a site says, by file, hashes and versions of the data taken out."""
    found = {path: _read(path, content) for path, content in site.files.items()}
    for page in site.pages:
        found[page.path] = "\n".join([page.title, page.skeleton, *map(str, page.slots.values())])
    found.pop("data/manifest.json", None)  # lengths and hashes of the others
    version = site.version or "none"
    return {path: _HASH.sub("#", text.replace(version, "#")) for path, text in found.items()}


def _read(path: str, content: bytes) -> str:
    if not path.endswith(".parquet"):
        return content.decode()
    table = pq.read_table(io.BytesIO(content))
    keep = [name for name in table.column_names if not pa.types.is_string(table[name].type)]
    return "\n".join(" ".join(str(value) for value in row) for row in zip(
        *(table[name].to_pylist() for name in keep), strict=True))  # fmt: skip


def numbers_of(site: Site) -> Numbers:
    """Return every number of the data files of a site; pages show them with fewer digits."""
    return {
        path: [one.replace("−", "-") for one in _NUMBER.findall(text)]
        for path, text in texts_of(site).items()
        if path in site.files
    }


@dataclass
class Attack:
    """Bounds on what is true of groups of patients, from one or more sites of the same truth."""

    truth: Mapping[str, float]
    """What is to be found out of each group: its mean Dice, or how many patients it has."""

    step: float = RAISE
    """By how much it is changed to see which numbers change."""

    most: float = 1.0
    """The greatest value that it can have."""

    rows: list[Floats] = field(default_factory=list)
    slack: list[float] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    """Where each row of the system was published."""

    looked: int = 0
    """Numbers that were looked at."""

    def watch(self, publish: Callable[[Mapping[str, float]], Numbers]) -> None:
        """Add what a site says to the system.

        Args:
            publish: Gives the numbers of the site with the truth of some groups changed.
        """
        base, groups = publish({}), list(self.truth)
        once = [publish({group: self.step}) for group in groups]
        slope = len(groups) * self.most / abs(self.step)
        times = np.array([1 + place % 3 for place in range(len(groups))])
        mixed = publish(dict(zip(groups, self.step * times, strict=True)))
        for path, written in base.items():
            self.looked += len(written)
            worlds = [world.get(path, []) for world in (*once, mixed)]
            if any(len(world) != len(written) for world in worlds):
                continue  # it lists other models: not a number that goes straight up and down
            values = np.array([written, *worlds], float).reshape(len(worlds) + 1, -1)
            changes = values[1:] - values[0]
            step = _steps([written, *worlds])
            bent = np.abs(changes[-1] - times @ changes[:-1])
            straight = bent <= (2 + times.sum()) * step
            for place in np.flatnonzero(straight & (np.abs(changes) > 2 * step).any(axis=0)):
                self.rows.append(changes[:-1, place] / self.step)
                self.places.append(f"{path}: {written[place]}")
                self.slack.append(float(step[place]) * (1 + slope))

    def bound(self, weights: Mapping[str, float]) -> tuple[float, float]:
        """Return the least and greatest value that a weighted sum of groups can have."""
        target = np.array([weights.get(group, 0.0) for group in self.truth])
        rows = np.array(self.rows).reshape(-1, len(target))
        slack, middle = np.array(self.slack), rows @ np.array(list(self.truth.values()))
        matrix = np.vstack([rows, -rows])
        limits = np.concatenate([middle + slack, slack - middle])
        ends = []
        for sign in (1, -1):
            found = linprog(sign * target, matrix, limits, bounds=(0, self.most), method="highs")
            assert found.fun is not None, found.message
            ends.append(float(sign * found.fun))
        return ends[0], ends[1]


def _steps(worlds: list[list[str]]) -> Floats:
    """Return half of what each number is rounded to, by the most decimals it is written with.

    Whole numbers are counts, and exact.
    """
    decimals = np.array(
        [[len(one.lower().partition("e")[0].partition(".")[2]) for one in each] for each in worlds]
    ).max(axis=0)
    return np.where(decimals == 0, 1e-6, 0.5 * 10.0 ** -decimals.astype(float))
