"""Numbers on pages are read as a reader sees them and asked of the database by other SQL."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cosmos_board.core.prompts import PROMPTS
from cosmos_board.store.board import open_board
from cosmos_board.store.queries.connection import Connection
from tests.site.seen_tables import Seen, read_tables

METRICS = {
    "dice": "2.0 * tp / (2 * tp + fp + fn)", "iou": "1.0 * tp / (tp + fp + fn)", "nsd": "nsd",
    "nsd_rel": "nsd_rel",
    "boundary_iou": "boundary_iou",
}  # fmt: skip
MEDIANS = ("hd95_px", "assd_px")
DIGITS = dict.fromkeys(METRICS, 3) | dict.fromkeys(MEDIANS, 1)
FOLDERS = {"modalities": "i.modality = ?", "objects": "r.object = ?", "datasets": "i.dataset = ?",
           "targets": "i.modality || '.' || r.object = ?"}  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """What a database says of one slice, one prompt and one model."""

    scores: dict[str, float]
    oracle: float
    references: int
    clusters: int


class Asker:
    """Asks a database what a page claims: means over targets of means over clusters.

    Of targets that have 10 clusters each, or of all where there is none.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.ask = cache(self._ask)

    def _ask(self, folder: str, name: str, prompt: str) -> dict[str, Truth]:
        condition = FOLDERS.get(folder, "? = ''")
        sums = ", ".join(f"avg({sql}) AS {metric}" for metric, sql in METRICS.items())
        medians = ", ".join(f"median({name}) AS {name}" for name in MEDIANS)
        again = ", ".join(f"avg({metric}) AS {metric}" for metric in METRICS)
        sql = f"""
            WITH every AS (
                SELECT s.model, s.selection, i.modality || '.' || r.object AS target, i.dataset,
                       i.cluster_id, count(*) AS n, {sums}
                FROM scores s JOIN reference_masks r USING (reference_id)
                JOIN images i USING (image_id)
                WHERE s.study = 'main' AND s.prompt = ? AND {condition} GROUP BY ALL),
            sizes AS (
                SELECT target, count(DISTINCT (dataset, cluster_id)) AS size
                FROM every GROUP BY target),
            clusters AS (
                SELECT every.* FROM every JOIN sizes USING (target)
                WHERE size >= 10 OR (SELECT max(size) FROM sizes) < 10),
            medians AS (
                SELECT s.model, s.selection, {medians}
                FROM scores s JOIN reference_masks r USING (reference_id)
                JOIN images i USING (image_id)
                WHERE s.study = 'main' AND s.status = 'ok' AND s.prompt = ? AND {condition}
                GROUP BY ALL),
            targets AS (
                SELECT model, selection, target, sum(n) AS n, {again} FROM clusters GROUP BY ALL)
            SELECT model, selection, sum(n)::INT, {again},
                   any_value(hd95_px), any_value(assd_px),
                   (SELECT count(DISTINCT (dataset, cluster_id)) FROM clusters c
                    WHERE c.model = t.model AND c.selection = t.selection)
            FROM targets t LEFT JOIN medians USING (model, selection) GROUP BY ALL"""
        rows = self._connection.execute(sql, [prompt, name] * 2).fetchall()
        found = {(row[0], row[1]): row for row in rows}
        chosen = "oracle" if prompt == "everything" else "predicted"
        return {
            model: Truth(
                dict(zip((*METRICS, *MEDIANS), row[3:], strict=False)),
                found[model, "oracle"][3],
                row[2],
                row[-1],
            )
            for (model, selection), row in found.items()
            if selection == chosen
        }


def check(seen: Seen, expected: float, digits: int, where: str) -> int:
    """Hold one cell against the database; return how many numbers were compared."""
    if seen.number is None:
        return 0
    assert abs(seen.number - expected) <= 0.5 * 10**-digits + 1e-9, f"{where}: {seen.text}"
    return 1


def check_board(page: Path, asker: Asker, folder: str, name: str, prompt: str) -> int:
    compared = 0
    truth = asker.ask(folder, name, prompt)
    for row in read_tables(page)["board"].records():
        known = truth.get(row["model"].name)
        if known is None:
            continue
        where = f"{page.parent.name}: {row['model'].name}"
        compared += check(row["score"], known.scores["dice"], 3, where)
        if "oracle" in row:
            compared += check(row["oracle"], known.oracle, 3, where)
        for metric in DIGITS.keys() & row.keys():
            compared += check(row[metric], known.scores[metric], DIGITS[metric], where)
        if "references" in row:
            compared += check(row["references"], known.references, 0, where)
            compared += check(row["clusters"], known.clusters, 0, where)
    return compared


def check_matrix(page: Path, asker: Asker, folder: str, name: str) -> int:
    compared = 0
    for row in read_tables(page)["by-prompt"].records():
        for prompt in PROMPTS:
            known = asker.ask(folder, name, prompt).get(row["model"].name)
            if known is not None:
                where = f"{page.parent.name}: {row['model'].name}: {prompt}"
                compared += check(row[prompt], known.scores["dice"], 3, where)
    return compared


def check_model(page: Path, asker: Asker) -> int:
    compared = 0
    tables = read_tables(page)
    for table, folder in (("modalities-table", "modalities"), ("targets-table", "targets")):
        for row in tables[table].records():
            for prompt in PROMPTS:
                known = asker.ask(folder, row["slice"].name, prompt).get(page.parent.name)
                if known is not None and prompt in row:
                    where = f"{page.parent.name}: {row['slice'].name}: {prompt}"
                    compared += check(row[prompt], known.scores["dice"], 3, where)
    return compared


def test_every_number_of_thirty_pages_equals_a_query(site: Path, board_db: Path) -> None:
    with open_board(board_db) as connection:
        compared = compare_pages(site, Asker(connection))

    assert len(compared) >= 30
    assert min(compared.values()) >= 10, compared
    assert sum(compared.values()) > 1500


def compare_pages(site: Path, asker: Asker) -> dict[str, int]:
    """Return how many numbers of each page were held against the database."""
    compared = {"index.html": check_board(site / "index.html", asker, "", "", "box")}
    for folder in FOLDERS:
        for page in sorted((site / folder).glob("*/index.html")):
            name = page.parent.name
            if name == "catalogue":
                continue
            compared[f"{folder}/{name}"] = check_board(page, asker, folder, name, "box")
            compared[f"{folder}/{name}"] += check_matrix(page, asker, folder, name)
    for page in sorted((site / "models").glob("*/index.html")):
        compared[f"models/{page.parent.name}"] = check_model(page, asker)
    for page in sorted((site / "prompts").glob("*/*/index.html")):
        name, prompt = page.parent.name, page.parent.parent.name
        folder = "targets" if "." in name else "modalities"
        compared[f"prompts/{prompt}/{name}"] = check_board(page, asker, folder, name, prompt)
    return compared
