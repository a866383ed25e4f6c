"""Board databases with planted scores: real DuckDB files, made from the real table definitions."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from cosmos_board import store
from cosmos_board.store.schema import SCHEMA_VERSION

DDL = Path(store.__file__).with_name("board_ddl.sql")
SIX = ("everything", "point", "points-5", "points-5-5", "box", "box-point")
SIZE_PX = 10_000
"""Pixels of every planted reference; a Dice is planted to 1/SIZE_PX."""


@dataclass(frozen=True, kw_only=True)
class PlantedModel:
    """A model and how well it does."""

    name: str
    dice: float | Mapping[str, float] = 0.8
    """Expected Dice, for all targets or by target name."""

    prompt_effect: Mapping[str, float] = field(default_factory=dict)
    """Added to the expected Dice, by prompt."""

    gap: float = 0.0
    """How much worse `predicted` is than `oracle`."""

    kind: str = "promptable"
    family: str = "planted"
    prompts: Sequence[str] = SIX
    training_data: Sequence[str] | None = ()
    base_model: str | None = None
    track: str = "full"
    tier: str = "re-run"
    failed: int = 0
    """How many references of each dataset and prompt fail."""

    missing: int = 0
    """How many references of each dataset and prompt have no row."""

    datasets: Collection[str] | None = None
    """The datasets that it is run on; all by default."""

    def is_run_on(self, dataset: str) -> bool:
        """Return whether it has rows on a dataset."""
        return self.datasets is None or dataset in self.datasets


@dataclass(frozen=True, kw_only=True)
class PlantedTarget:
    """A target in a dataset and how much of it there is."""

    name: str
    """modality.object"""

    dataset: str
    clusters: int = 12
    references: int = 2
    """References per cluster, one in each image."""

    difficulty: float = 0.0
    """Taken off every Dice."""


def planted_board(
    path: Path,
    models: Sequence[PlantedModel],
    targets: Sequence[PlantedTarget],
    *,
    prompts: Sequence[str] = ("box",),
    synthetic: Sequence[str] = (),
    sources: Mapping[str, str] | None = None,
    cluster_sd: float = 0.05,
    noise_sd: float = 0.03,
    seed: int = 0,
    own_seeds: bool = False,
    shuffle: int | None = None,
) -> Path:
    """Write a board database and return its path.

    Args:
        path: The DuckDB file to make.
        models: Every one is scored on every target, with each of `prompts` that it answers.
        targets: Targets of one dataset share its clusters and images.
        prompts: Prompts of the main study.
        synthetic: Datasets that are marked synthetic.
        sources: Address of the source by dataset; its own name where not given.
        cluster_sd: Spread of the clusters' effect, shared by all models.
        noise_sd: Spread of each score around its expectation, independent between models.
        seed: Of all of the above.
        own_seeds: Whether a model's scores depend on its name alone, whoever else is there.
        shuffle: Seed of the order of rows; None keeps the order in which they were drawn.
    """
    rng = np.random.default_rng(seed)
    references = _draw_references(targets, rng, cluster_sd)
    scores = pd.concat(
        _draw_scores(
            model,
            references,
            prompts,
            np.random.default_rng([seed, *model.name.encode()]) if own_seeds else rng,
            noise_sd,
        )
        for model in models
    )
    tables = {
        "models": _models(models),
        "datasets": _datasets(targets, synthetic, sources or {}),
        "images": references.drop_duplicates("image_id")[
            ["image_id", "dataset", "modality", "cluster_id", "height", "width"]
        ],
        "reference_masks": references[["reference_id", "image_id", "object", "instance"]].assign(
            size_px=SIZE_PX
        ),
        "runs": _runs(models, targets),
        "scores": scores,
    }
    connection = duckdb.connect(str(path))
    connection.execute(DDL.read_text(encoding="utf-8"))
    connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
    for name, table in tables.items():
        rows = table if shuffle is None else table.sample(frac=1.0, random_state=shuffle)
        if rows.empty:
            continue
        connection.register("planted", rows)
        connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM planted")
        connection.unregister("planted")
    connection.close()
    return path


def _draw_references(
    targets: Sequence[PlantedTarget], rng: np.random.Generator, cluster_sd: float
) -> pd.DataFrame:
    rows = []
    for target in targets:
        modality, object_ = target.name.split(".")
        effects = rng.normal(0.0, cluster_sd, target.clusters)
        for cluster in range(target.clusters):
            for number in range(target.references):
                image = f"{target.dataset}-{modality}-{cluster}-{number}"
                rows.append(
                    {
                        "reference_id": _short(f"{image}-{object_}"),
                        "image_id": _short(image),
                        "dataset": target.dataset,
                        "modality": modality,
                        "object": object_,
                        "target": target.name,
                        "cluster_id": f"c{cluster:05}",
                        "instance": 0,
                        "height": 300,
                        "width": 400,
                        "effect": effects[cluster] - target.difficulty,
                    }
                )
    return pd.DataFrame(rows)


def _draw_scores(
    model: PlantedModel,
    references: pd.DataFrame,
    prompts: Sequence[str],
    rng: np.random.Generator,
    noise_sd: float,
) -> pd.DataFrame:
    found = []
    for prompt in (name for name in prompts if name in model.prompts):
        expected = (
            references["target"].map(dict(model.dice)).to_numpy(float)
            if isinstance(model.dice, Mapping)
            else np.full(len(references), model.dice)
        )
        expected = expected + model.prompt_effect.get(prompt, 0.0) + references["effect"]
        oracle = expected + rng.normal(0.0, noise_sd, len(references))
        rows = pd.DataFrame(
            {
                "run_id": f"{model.name}/" + references["dataset"],
                "model": model.name,
                "reference_id": references["reference_id"],
                "prompt": prompt,
            }
        )
        order = references.groupby("dataset").cumcount().to_numpy()
        for selection in ("oracle",) if prompt == "everything" else ("oracle", "predicted"):
            dice = oracle if selection == "oracle" else oracle - model.gap
            scored = _score(rows, dice.to_numpy(), failed=order < model.failed)
            scored["selection"] = selection
            run = references["dataset"].map(model.is_run_on).to_numpy()
            found.append(scored[(order >= model.missing) & run])
    return pd.concat(found) if found else pd.DataFrame()


def _score(rows: pd.DataFrame, dice: np.ndarray, *, failed: np.ndarray) -> pd.DataFrame:
    tp = np.rint(np.clip(dice, 0.0, 1.0) * SIZE_PX).astype(np.int64)
    tp[failed] = 0
    share = tp / SIZE_PX
    status = np.where(tp == 0, "penalised", "ok").astype(object)
    status[failed] = "failed: out of memory"
    return rows.assign(
        study="main",
        trial=0,
        tp=tp,
        fp=np.where(tp == 0, 0, SIZE_PX - tp),
        fn=SIZE_PX - tp,
        hd_px=500 * (1 - share),
        hd95_px=400 * (1 - share),
        assd_px=100 * (1 - share),
        nsd=share**2,
        nsd_rel=share**4,
        boundary_iou=share**3,
        predicted_iou=0.9,
        status=status,
    )


def _models(models: Sequence[PlantedModel]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "model": model.name,
                "label": model.name.title(),
                "family": model.family,
                "kind": model.kind,
                "prompts": list(model.prompts),
                "clicks": False,
                "licence": "Apache-2.0",
                "source": "https://example.org",
                "training_data": None if model.training_data is None else [*model.training_data],
                "description": "planted",
                "base_model": model.base_model,
            }
            for model in models
        ]
    )


def _datasets(
    targets: Sequence[PlantedTarget], synthetic: Sequence[str], sources: Mapping[str, str]
) -> pd.DataFrame:
    names = sorted({target.dataset for target in targets})
    return pd.DataFrame(
        [
            {
                "dataset": name,
                "label": name.upper(),
                "version": "1",
                "licence": "CC0-1.0",
                "citation": "",
                "source": sources.get(name, name),
                "cluster_unit": "patient",
                "synthetic": name in synthetic,
                "protocol": "cosmos-1",
                "normalisation": "percentile",
                "subsample": "",
                "pack_sha256": _short(name),
                "prompts_sha256": _short(name),
                "permissions": [],
            }
            for name in names
        ]
    )


def _runs(models: Sequence[PlantedModel], targets: Sequence[PlantedTarget]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "run_id": f"{model.name}/{dataset}",
                "model": model.name,
                "dataset": dataset,
                "study": "main",
                "protocol": "cosmos-1",
                "prompts_sha256": _short(dataset),
                "device": "cpu",
                "seed": 0,
                "track": model.track,
                "tier": model.tier,
                "started_utc": "2026-01-01T00:00:00Z",
                "provenance": "{}",
            }
            for model in models
            for dataset in sorted({target.dataset for target in targets})
            if model.is_run_on(dataset)
        ]
    )


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
