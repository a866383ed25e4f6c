"""Board databases with planted scores, made in SQL: small ones for tests, big ones for budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmos_board.core.modalities import MODALITIES
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.store.board import open_board_to_write
from cosmos_board.store.queries.connection import Connection

EVERY = tuple(PROMPTS)
GUIDED = tuple(name for name in PROMPTS if name != "everything")


@dataclass(frozen=True)
class Model:
    """A model to plant, with how good it is."""

    name: str
    label: str
    family: str
    kind: str
    skill: float
    prompts: Sequence[str] = EVERY
    parameters: int | None = None
    trained_on: Sequence[str] | None = ()
    seconds: float = 0.1
    description: str = ""
    track: str = "full"
    tier: str = "re-run"


@dataclass(frozen=True)
class Dataset:
    """A dataset to plant: its targets and how much of each there is."""

    name: str
    label: str
    targets: Sequence[tuple[str, str]]
    clusters: int = 12
    references: int = 3
    """References per target and cluster."""

    licence: str = "CC BY 4.0"
    synthetic: bool = False
    permissions: Sequence[str] = (
        "redistribute_images", "redistribute_masks", "publish_row_ids", "show_thumbnails",
    )  # fmt: skip


MODELS = (
    Model("sam-vit-h", "SAM ViT-H", "sam", "promptable", 0.90, parameters=641_090_608, seconds=2.9,
          description="The largest of the three released Segment Anything models."),
    Model("sam-vit-b", "SAM ViT-B", "sam", "promptable", 0.87, parameters=93_735_472, seconds=0.5,
          description="The smallest of the three released Segment Anything models."),
    Model("cosmos-tiny", "cosmos-tiny", "cosmos", "promptable", 0.83, parameters=5_900_000,
          seconds=0.02, description="A small model of SAM’s shape, trained on drawn images."),
    Model("grabcut", "GrabCut", "grabcut", "classical", 0.70, GUIDED, seconds=0.15,
          description="Graph cuts over colour mixtures."),
    Model("random-walker", "Random walker", "random-walker", "classical", 0.72, GUIDED,
          seconds=0.3, description="Diffusion from the given points."),
    Model("box-prior", "Box prior", "box-prior", "baseline", 0.62, GUIDED, seconds=0.001,
          description="The ellipse in the box."),
)  # fmt: skip
DATASETS = (
    Dataset("chest-ct", "Chest CT", (("ct", "lung"), ("ct", "lung-tumour"), ("ct", "heart")), 14),
    Dataset("abdomen-ct", "Abdomen CT", (("ct", "liver"), ("ct", "spleen"), ("ct", "lung")), 16),
    Dataset("brain-mr", "Brain MR", (("mr-t1", "grey-matter"), ("mr-t1", "white-matter"))),
    Dataset("lesions", "Skin lesions", (("dermoscopy", "lesion"),), 30, 1, "CC BY-NC 4.0"),
    Dataset("nuclei", "Fluorescence nuclei", (("microscopy", "nucleus"),), 12, 8),
    Dataset("few", "Few patients", (("ultrasound", "nerve"), ("ultrasound", "lesion")), 5),
)


def make_board(
    path: Path,
    models: Sequence[Model] = MODELS,
    datasets: Sequence[Dataset] = DATASETS,
    *,
    studies: bool = False,
) -> Path:
    """Write a board database at `path` and return it. The same arguments give the same scores."""
    with open_board_to_write(path) as connection:
        for model in models:
            _add_model(connection, model)
        for dataset in datasets:
            _add_dataset(connection, dataset)
        _add_runs(connection, models, datasets)
        _add_scores(connection, models, datasets)
        if studies:
            _add_studies(connection)
    return path


def make_big_board(path: Path, *, models: int = 50, targets: int = 125, datasets: int = 53) -> Path:
    """Write a board of the size of the real one."""
    modalities = [name for name, modality in MODALITIES.items() if modality.in_cosmos]
    objects = [f"object-{number:02d}" for number in range(84)]
    pairs = [(modalities[n % 18], objects[(n * 5 + n // 84) % 84]) for n in range(targets)]
    planted = [
        Model(f"model-{n:02d}", f"Model {n:02d} ViT-{'BLH'[n % 3]}", f"family-{n // 5}",
              "promptable", 0.95 - n * 0.008, EVERY if n % 4 else GUIDED, 10_000_000 * (n + 1),
              seconds=0.02 * 1.1 ** (models - n))
        for n in range(models)
    ]  # fmt: skip
    sets = [
        Dataset(f"dataset-{n:02d}", f"Dataset {n:02d}", pairs[n::datasets], 12, 2)
        for n in range(datasets)
    ]
    return make_board(path, planted, sets)


def _add_model(connection: Connection, model: Model) -> None:
    trained = None if model.trained_on is None else list(model.trained_on)
    connection.execute(
        "INSERT INTO models (model, label, family, kind, prompts, clicks, parameters,"
        " input_size_px, licence, source, training_data, description, base_model)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'Apache-2.0', ?, ?, ?, NULL)",
        [
            model.name, model.label, model.family, model.kind, list(model.prompts),
            model.kind == "promptable", model.parameters, 1024 if model.parameters else None,
            f"https://example.org/{model.family}", trained, model.description,
        ],
    )  # fmt: skip


def _add_dataset(connection: Connection, dataset: Dataset) -> None:
    connection.execute(
        "INSERT INTO datasets (dataset, label, version, licence, citation, source, cluster_unit,"
        " synthetic, protocol, normalisation, subsample, pack_sha256, prompts_sha256, permissions)"
        " VALUES (?, ?, '1', ?, 'Somebody et al. 2020', ?, 'patient', ?, 'cosmos-1',"
        " 'percentile', '', sha256(?), sha256(?), ?)",
        [
            dataset.name, dataset.label, dataset.licence, f"https://example.org/{dataset.name}",
            dataset.synthetic, dataset.name, dataset.name + "p", list(dataset.permissions),
        ],
    )  # fmt: skip
    for modality in sorted({modality for modality, _ in dataset.targets}):
        connection.execute(
            "INSERT INTO images SELECT concat_ws('-', ?, ?, c, i), ?, ?, concat(?, '-', c),"
            " 256, 256 FROM range(?) clusters(c), range(?) images(i)",
            [dataset.name, modality, dataset.name, modality, dataset.name,
             dataset.clusters, dataset.references],
        )  # fmt: skip
    for modality, thing in dataset.targets:
        connection.execute(
            "INSERT INTO reference_masks (reference_id, image_id, object, instance, size_px,"
            " aspect_ratio, intensity_difference, boundary_complexity, efd_order, components,"
            " position) SELECT concat(image_id, '-', ?), image_id, ?, 0,"
            " 400 + hash(concat(image_id, ?)) % 4000, 0.3 + (hash(image_id) % 700) / 1000,"
            " hash(concat(image_id, 'd')) % 90, 2 + hash(concat(image_id, 'b')) % 30, 5, 1,"
            " (hash(concat(image_id, 'p')) % 800) / 1000"
            " FROM images WHERE dataset = ? AND modality = ?",
            [thing, thing, thing, dataset.name, modality],
        )


def _add_runs(connection: Connection, models: Sequence[Model], datasets: Sequence[Dataset]) -> None:
    for model in models:
        connection.execute(
            "INSERT INTO runs SELECT concat(model, '.', dataset), model, dataset, 'main',"
            " 'cosmos-1', prompts_sha256, NULL, 'cpu', 0, ?, ?, '2026-01-01T00:00:00Z', '{}'"
            " FROM models, datasets WHERE model = ?",
            [model.track, model.tier, model.name],
        )
    connection.execute(
        "INSERT INTO shards SELECT run_id, 'scores-00000.parquet', sha256(run_id), 1 FROM runs"
    )
    first = datasets[0].name
    for model in models:
        for stage, share in (("embed", 0.8), ("prompt", 0.2), ("everything", 4.0)):
            if stage != "everything" or "everything" in model.prompts:
                connection.execute(
                    "INSERT INTO timings VALUES (?, ?, 'CPU, 2 cores', ?, 50, ?, 1000000)",
                    [f"{model.name}.{first}", model.name, stage, model.seconds * share],
                )


def _add_scores(
    connection: Connection, models: Sequence[Model], datasets: Sequence[Dataset]
) -> None:
    skill = " ".join(f"WHEN {_quoted(model.name)} THEN {model.skill}" for model in models)
    bonus = " ".join(
        f"WHEN '{name}' THEN {value}"
        for name, value in zip(PROMPTS, (-0.22, -0.12, -0.07, -0.05, 0.0, 0.01), strict=True)
    )
    connection.execute(
        f"""
        INSERT INTO scores
        WITH asked AS (
            SELECT r.run_id, m.model, t.reference_id, p.prompt, s.selection, t.size_px,
                   CASE m.model {skill} END + CASE p.prompt {bonus} END
                   + CASE s.selection WHEN 'oracle' THEN 0.02 ELSE 0 END
                   - (hash(concat(i.modality, t.object)) % 25) / 100.0
                   - (hash(concat(i.modality, t.object, m.family)) % 8) / 100.0
                   + (hash(i.cluster_id) % 100) / 1200.0 - 0.04
                   + (hash(concat(t.reference_id, m.model, p.prompt)) % 100) / 900.0 - 0.05 AS dice
            FROM reference_masks t JOIN images i USING (image_id)
            JOIN runs r USING (dataset) JOIN models m USING (model),
            unnest(m.prompts) AS p(prompt), (VALUES ('oracle'), ('predicted')) s(selection)
            WHERE p.prompt != 'everything' OR s.selection = 'oracle'),
        counted AS (
            SELECT *, CASE WHEN hash(concat(reference_id, model, prompt, 'x')) % 90 = 0 THEN 0
                      ELSE round(size_px * least(0.99, greatest(0.02, dice)))::BIGINT END AS tp
            FROM asked)
        SELECT run_id, model, reference_id, prompt, 'main', NULL, NULL, 0, NULL, selection,
               tp, CASE WHEN tp = 0 THEN 0 ELSE size_px - tp END, size_px - tp,
               CASE WHEN tp = 0 THEN 362 ELSE 40 * (1 - tp / size_px) END,
               CASE WHEN tp = 0 THEN 362 ELSE 25 * (1 - tp / size_px) END,
               CASE WHEN tp = 0 THEN 362 ELSE 8 * (1 - tp / size_px) END,
               0.9 * tp / size_px, 0.8 * tp / size_px, 0.7 * tp / size_px, 0.9,
               CASE WHEN tp = 0 THEN 'penalised' ELSE 'ok' END
        FROM counted ORDER BY ALL
        """
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _add_studies(connection: Connection) -> None:
    """Add jitter (box and point) and clicks, made out of the main scores."""
    columns = (
        "tp, fp, fn, hd_px, hd95_px, assd_px, nsd, nsd_rel, boundary_iou, predicted_iou, status"
    )
    for study in ("jitter", "clicks"):
        connection.execute(
            "INSERT INTO runs SELECT * REPLACE (concat(run_id, $study) AS run_id, $study AS study)"
            " FROM runs WHERE study = 'main'",
            {"study": study},
        )
    shrunk = "greatest(1, (tp * share)::BIGINT)"
    worse = columns.replace("tp, fp, fn", f"{shrunk}, fp + tp - {shrunk}, fn + tp - {shrunk}")
    connection.execute(
        f"""INSERT INTO scores
        SELECT concat(run_id, 'jitter'), model, reference_id, prompt, 'jitter', level, mode, trial,
               NULL, selection, {worse}
        FROM (SELECT s.*, level, mode, t.trial AS trial_number,
                     1 - level / 110.0 - (hash(concat(s.reference_id, s.model, level, t.trial))
                     % 100) / 900.0 AS share
              FROM scores s, (VALUES (0), (10), (20)) l(level), range(3) t(trial),
                   (VALUES ('first'), ('all')) m(mode)
              WHERE s.study = 'main' AND ((s.prompt = 'box' AND mode = 'first')
                    OR (s.prompt = 'point' AND mode = 'first'))) s
        """.replace("mode, trial,", "mode, trial_number,")
    )
    grown = "least(tp + fn, greatest(1, ((tp + fn) * share)::BIGINT))"
    better = columns.replace("tp, fp, fn", f"{grown}, tp + fn - {grown}, tp + fn - {grown}")
    connection.execute(
        f"""INSERT INTO scores
        SELECT concat(run_id, 'clicks'), model, reference_id, prompt, 'clicks', NULL, NULL, 0,
               click, selection, {better}
        FROM (SELECT s.* EXCLUDE (click), c.click,
                     CASE WHEN m.kind = 'classical' THEN 0.35 + 0.060 * c.click
                          ELSE 0.70 + 0.018 * c.click END
                     + (hash(concat(s.reference_id, s.model, c.click)) % 100) / 1500.0 AS share
              FROM scores s JOIN models m USING (model), range(1, 11) c(click)
              WHERE s.study = 'main' AND s.prompt = 'point'
                    AND m.kind IN ('promptable', 'classical'))"""
    )
