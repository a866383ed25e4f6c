"""Boards at full size.

`rows` is one model on six million references, `wide` fifty models at cluster level, `ten` ten
million rows of seven models.

Usage: python benchmarks/board_scale.py make rows|wide|ten FILE
       python benchmarks/board_scale.py boards FILE [METRIC …]
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import duckdb

from cosmos_board import store
from cosmos_board.board.build import build_boards
from cosmos_board.metrics.table import METRICS
from cosmos_board.store.board import open_board

SIZE = 1_000_000
"""Pixels of each reference: large, so that scores hardly tie."""

DATASETS, MODALITIES, OBJECTS, TARGETS, CLUSTERS = 53, 18, 84, 125, 55_014
MODALITY_NAMES = [
    *("ct", "mr-t1", "mr-t2", "mr-flair", "mr-t1-gd", "mr-pd", "mr-adc", "mr-dw", "mr-cine"),
    *("cmr", "x-ray", "ultrasound", "fundus", "dermoscopy", "colonoscopy", "histopathology"),
    *("microscopy", "electron-microscopy"),
]

SETTINGS = {
    # images, references per image, models
    "rows": (1_050_000, 6, 1),
    "wide": (CLUSTERS, 3, 50),
    "ten": (CLUSTERS, 3, 7),
}

TABLES = """
CREATE TEMP TABLE target AS
SELECT t, t % {DATASETS} AS d, t // {DATASETS} AS nth,
       count(*) OVER (PARTITION BY t % {DATASETS}) AS width, 'object-' || (t % {OBJECTS}) AS object
FROM range({TARGETS}) r(t);
CREATE TEMP TABLE modality AS
SELECT unnest(range({MODALITIES})) AS number, unnest({MODALITY_NAMES}) AS name;
INSERT INTO datasets SELECT 'dataset-' || d, 'D', '1', 'CC0-1.0', '', '', 'patient', false,
    'cosmos-1', 'percentile', '', md5(d::VARCHAR), md5(d::VARCHAR), [] FROM range({DATASETS}) r(d);
INSERT INTO models SELECT 'model-' || m, 'Model ' || m, 'planted', 'promptable',
    ['everything', 'point', 'points-5', 'points-5-5', 'box', 'box-point'], false, NULL, NULL,
    'Apache-2.0', '', [], '', NULL FROM range({models}) r(m);
INSERT INTO images SELECT md5(i::VARCHAR), 'dataset-' || (i % {DATASETS}), name,
    md5('c' || ((i // {DATASETS}) % ({CLUSTERS} // {DATASETS}))), 512, 512
FROM range({images}) r(i) JOIN modality ON number = (i % {DATASETS}) % {MODALITIES};
CREATE TEMP TABLE reference AS
SELECT md5(i::VARCHAR) || '.' || object || '.' || (k // width) AS reference_id, i, k, object, d
FROM range({images}) r(i), range({per_image}) s(k), target
WHERE d = i % {DATASETS} AND nth = k % width AND ({per_image} > 3 OR k < width);
INSERT INTO reference_masks BY NAME
SELECT reference_id, md5(i::VARCHAR) AS image_id, object, k AS instance, 10000 AS size_px
FROM reference;
INSERT INTO runs SELECT 'run-' || m || '-' || d, 'model-' || m, 'dataset-' || d, 'main', 'cosmos-1',
    '', NULL, 'cpu', 0, 'full', 're-run', '2026-01-01', '{{}}'
FROM range({models}) r(m), range({DATASETS}) s(d);
"""

SCORES = """
INSERT INTO scores
SELECT 'run-{model}-' || d, 'model-{model}', reference_id, prompt, 'main', NULL, NULL, 0, NULL,
    selection, tp, {SIZE} - tp, {SIZE} - tp, ({SIZE} - tp) / 1e3, ({SIZE} - tp) / 2e3,
    ({SIZE} - tp) / 1e4, tp / {SIZE}.0, tp * 0.8 / {SIZE}, 0.9, 'ok'
FROM (SELECT d, reference_id, prompt, selection, least({SIZE}, 700000 + 1000 * {model} +
        (hash(i % {CLUSTERS}) % 150000) + (hash(i, k, prompt, {model}) % 100000))::BIGINT AS tp
    FROM reference, (VALUES ('everything'), ('point'), ('points-5'), ('points-5-5'), ('box'),
        ('box-point')) p(prompt), (VALUES ('oracle'), ('predicted')) s(selection)
    WHERE prompt <> 'everything' OR selection = 'oracle')
"""


def make(kind: str, path: Path) -> None:
    """Write a database of planted scores."""
    images, per_image, models = SETTINGS[kind]
    connection = duckdb.connect(str(path))
    connection.execute(Path(store.__file__).with_name("board_ddl.sql").read_text(encoding="utf-8"))
    connection.execute("INSERT INTO meta VALUES ('schema_version', '1')")
    connection.execute(
        TABLES.format(**globals(), images=images, per_image=per_image, models=models)
    )
    for model in range(models):
        connection.execute(SCORES.format(**globals(), model=model))
    count = connection.execute("SELECT count(*) FROM scores").fetchone()
    print(f"{path}: {count[0] if count else 0:,} score rows")
    connection.close()


def boards(path: Path, metrics: list[str]) -> None:
    """Build every board of the database and say what it cost."""
    start = time.perf_counter()
    with open_board(path) as connection:
        found = build_boards(connection, metrics or list(METRICS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    pairs = sum(len(table.p) for table in found.pairs.values())
    print(
        f"{len(found):,} boards and {pairs:,} pairs in {time.perf_counter() - start:.1f} s "
        f"({time.process_time():.1f} s of CPU), peak {peak:.2f} GiB"
    )


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], Path(sys.argv[3]))
    else:
        boards(Path(sys.argv[2]), sys.argv[3:])
