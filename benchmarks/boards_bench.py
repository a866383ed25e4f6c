"""Every board and finding of a large database: time and memory.

Usage: python -m benchmarks.boards_bench [FILE.json] [--models 50] [--references 120000]
       [--clusters 55000] [--database FILE.duckdb]

The database is planted: scores of every model with all six prompts under both selections, on
references of 40 targets in 53 datasets. With the defaults it has 66 M rows, of 50 models on 55,000
clusters. Where `--database` names a file that is there, it is measured as it is, and kept.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.inputs import BUILD
from benchmarks.timing import describe_machine
from cosmos_board import store
from cosmos_board.board.build import build_boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.findings.findings import find_findings
from cosmos_board.store.board import open_board
from cosmos_board.store.queries.connection import count_rows
from cosmos_board.store.schema import SCHEMA_VERSION

DDL = Path(store.__file__).with_name("board_ddl.sql")
TARGETS = 40
DATASETS = 53
PIXELS = 10_000


def plant(path: Path, models: int, references: int, clusters: int) -> None:
    """Write the database."""
    connection = duckdb.connect(str(path))
    connection.execute(DDL.read_text(encoding="utf-8"))
    connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
    connection.execute(
        f"""INSERT INTO models BY NAME SELECT 'm' || lpad(i::VARCHAR, 3, '0') AS model,
            'M' || i AS label, 'planted' AS family, 'promptable' AS kind,
            ['everything', 'point', 'points-5', 'points-5-5', 'box', 'box-point'] AS prompts,
            false AS clicks, 'MIT' AS licence, '' AS source, '' AS description,
            []::VARCHAR[] AS training_data FROM range({models}) t(i)"""
    )
    connection.execute(
        f"""INSERT INTO datasets BY NAME SELECT 'd' || lpad(i::VARCHAR, 2, '0') AS dataset,
            'D' || i AS label, '1' AS version, 'CC0-1.0' AS licence, '' AS citation,
            'd' || i AS source, 'patient' AS cluster_unit, false AS synthetic,
            'cosmos-1' AS protocol, 'percentile' AS normalisation, '' AS subsample,
            'p' || i AS pack_sha256, 'q' || i AS prompts_sha256, []::VARCHAR[] AS permissions
            FROM range({DATASETS}) t(i)"""
    )
    connection.execute(
        f"""CREATE TEMP TABLE planted AS SELECT i, i % {clusters} AS cluster,
            (i % {clusters}) % {DATASETS} AS dataset,
            ((i % {clusters}) % {DATASETS} + (i // {clusters}) * 7) % {TARGETS} AS target
            FROM range({references}) t(i)"""
    )
    connection.execute(
        """INSERT INTO images BY NAME SELECT 'i' || i AS image_id,
           'd' || lpad(dataset::VARCHAR, 2, '0') AS dataset, 'ct' AS modality,
           'c' || cluster AS cluster_id, 300 AS height, 400 AS width FROM planted"""
    )
    connection.execute(
        f"""INSERT INTO reference_masks BY NAME SELECT 'r' || i AS reference_id,
            'i' || i AS image_id, 'organ' || target AS object, 0 AS instance,
            {PIXELS} AS size_px, 1.0 AS aspect_ratio, random() AS intensity_difference,
            random() AS boundary_complexity, 5 AS efd_order, 1 AS components, random() AS position
            FROM planted"""
    )
    connection.execute(
        """INSERT INTO runs BY NAME SELECT model || '/' || dataset AS run_id, model, dataset,
           'main' AS study, 'cosmos-1' AS protocol, prompts_sha256, 'cpu' AS device, 0 AS seed,
           'full' AS track, 're-run' AS tier, '2026-01-01T00:00:00Z' AS started_utc,
           '{}' AS provenance FROM models CROSS JOIN datasets"""
    )
    connection.execute(
        f"""INSERT INTO scores BY NAME
            SELECT model || '/d' || lpad(dataset::VARCHAR, 2, '0') AS run_id, model,
                   'r' || i AS reference_id, prompt, selection, 'main' AS study, 0 AS trial,
                   tp, {PIXELS} - tp AS fp, {PIXELS} - tp AS fn, 30.0 AS hd_px, 20.0 AS hd95_px,
                   5.0 AS assd_px, tp / {PIXELS}.0 AS nsd, tp / {PIXELS}.0 AS boundary_iou,
                   0.9 AS predicted_iou, 'ok' AS status
            FROM (SELECT *, ({PIXELS} * least(1, 0.6 + 0.004 * (hash(model) % 50)
                         + 0.2 * random() - 0.1))::INTEGER AS tp
                  FROM (SELECT model FROM models) CROSS JOIN planted CROSS JOIN (VALUES
                    ('everything', 'oracle'), ('point', 'oracle'), ('point', 'predicted'),
                    ('points-5', 'oracle'), ('points-5', 'predicted'), ('points-5-5', 'oracle'),
                    ('points-5-5', 'predicted'), ('box', 'oracle'), ('box', 'predicted'),
                    ('box-point', 'oracle'), ('box-point', 'predicted')) p(prompt, selection))"""
    )
    connection.close()


def run(path: Path) -> dict[str, object]:
    """Compute every board and finding of a database, and return seconds and GiB."""
    times: dict[str, dict[str, float]] = {}

    def note(name: str, way: Callable[[], object]) -> None:
        start, worked = time.perf_counter(), time.process_time()
        way()
        times[name] = {
            "elapsed_s": round(time.perf_counter() - start, 1),
            "processor_s": round(time.process_time() - worked, 1),
        }
        print(f"{name}: {times[name]}", flush=True)

    with open_board(path) as connection:
        counts = {table: count_rows(connection, table) for table in ("scores", "models")}
        clusters = count_rows(connection, "(SELECT DISTINCT dataset, cluster_id FROM images)")
        cube = Cube(connection)
        note("boards", lambda: build_boards(connection, cube=cube))
        note("findings", lambda: find_findings(cube))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {
        "machine": describe_machine(),
        "rows": counts["scores"],
        "models": counts["models"],
        "clusters": clusters,
        "times": times,
        "peak_gib": round(peak, 2),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    for name, default in (("models", 50), ("references", 120_000), ("clusters", 55_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--database", type=Path)
    given = parser.parse_args()
    database = given.database or BUILD / "boards.duckdb"
    if given.database is None or not database.is_file():
        database.parent.mkdir(parents=True, exist_ok=True)
        database.unlink(missing_ok=True)
        plant(database, given.models, given.references, given.clusters)
    figures = run(database)
    if given.database is None:
        database.unlink()
    print(json.dumps(figures, indent=1))
    if given.file:
        given.file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
