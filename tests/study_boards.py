"""Board databases for the studies: any study's rows, planted one column at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import numpy as np
import pandas as pd

from cosmos_board import store

DDL = Path(store.__file__).with_name("board_ddl.sql")
SIX = ("everything", "point", "points-5", "points-5-5", "box", "box-point")
SIZE_PX = 1_000_000
"""Pixels of every planted reference: Dice is planted to a millionth."""

Dice: TypeAlias = float | np.ndarray | Callable[[pd.DataFrame], "np.ndarray | pd.Series[float]"]


def short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class StudyBoard:
    """Tables in memory until `write`."""

    seed: int = 0
    references: pd.DataFrame = field(default_factory=pd.DataFrame)
    models: list[dict[str, Any]] = field(default_factory=list)
    scores: list[pd.DataFrame] = field(default_factory=list)
    annotations: list[pd.DataFrame] = field(default_factory=list)
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def add_target(
        self, name: str, *, clusters: int = 12, per_cluster: int = 2, dataset: str = "north"
    ) -> StudyBoard:
        """Add references; column `effect` is a cluster's own difficulty, sd 1, for `dice`."""
        modality, object_ = name.split(".")
        effects = self.rng.normal(size=clusters)
        rows = [
            {
                "reference_id": short(f"{dataset}/{name}/{cluster}/{number}"),
                "image_id": short(f"{dataset}/{modality}/{cluster}/{number}"),
                "object": object_,
                "instance": 0,
                "modality": modality,
                "dataset": dataset,
                "cluster_id": f"c{cluster:04}",
                "target": name,
                "effect": effects[cluster],
            }
            for cluster in range(clusters)
            for number in range(per_cluster)
        ]
        added = pd.DataFrame(rows)
        size = len(added)
        added["size_px"] = self.rng.integers(60, 20_000, size)
        added["aspect_ratio"] = self.rng.uniform(0.2, 1, size)
        added["intensity_difference"] = self.rng.uniform(0, 80, size)
        added["boundary_complexity"] = self.rng.uniform(1, 30, size)
        added["efd_order"] = self.rng.integers(1, 40, size)
        added["components"] = self.rng.integers(1, 4, size)
        added["position"] = self.rng.uniform(0, 0.9, size)
        self.references = pd.concat([self.references, added], ignore_index=True)
        return self

    def add_targets(self, count: int, *, clusters: int = 12, per_cluster: int = 2) -> StudyBoard:
        """Add `ct.organ-0` … `ct.organ-(count − 1)`."""
        for number in range(count):
            self.add_target(f"ct.organ-{number}", clusters=clusters, per_cluster=per_cluster)
        return self

    def add_model(self, name: str, **facts: object) -> StudyBoard:
        """Add a model; it needs no scores."""
        defaults = {
            "label": name.title(),
            "family": "sam",
            "kind": "promptable",
            "prompts": list(SIX),
            "clicks": True,
            "parameters": None,
            "licence": "Apache-2.0",
            "source": "",
            "training_data": [],
            "description": "planted",
            "base_model": None,
        }
        self.models.append({"model": name, **defaults, **facts})
        return self

    def add_scores(
        self,
        model: str,
        prompt: str,
        dice: Dice,
        *,
        gap: float = 0.0,
        estimate: float | np.ndarray = 0.9,
        study: str = "main",
        level: int | None = None,
        mode: str | None = None,
        trial: int = 0,
        click: int | None = None,
        rows: Callable[[pd.DataFrame], Any] | None = None,
    ) -> StudyBoard:
        """Add one column of scores, on all references or those that `rows` picks.

        `dice` is a number, an array, or a function of the references; `gap` is how much worse
        `predicted` is than `oracle`, `estimate` the predicted IoU.
        """
        chosen = self.references if rows is None else self.references[rows(self.references)]
        values = dice(chosen) if callable(dice) else dice
        oracle = np.broadcast_to(np.asarray(values, float), len(chosen))
        for selection in ("oracle",) if prompt == "everything" else ("oracle", "predicted"):
            share = np.clip(oracle - (gap if selection == "predicted" else 0.0), 0, 1)
            tp = np.rint(share * SIZE_PX).astype(np.int64)
            self.scores.append(
                pd.DataFrame(
                    {
                        "run_id": f"{model}/{study}/" + chosen["dataset"],
                        "model": model,
                        "reference_id": chosen["reference_id"],
                        "dataset": chosen["dataset"],
                        "prompt": prompt,
                        "study": study,
                        "jitter_level": pd.array([level] * len(chosen), "Int32"),
                        "jitter_mode": mode,
                        "trial": trial,
                        "click": pd.array([click] * len(chosen), "Int32"),
                        "selection": selection,
                        "tp": tp,
                        "fp": SIZE_PX - tp,
                        "fn": SIZE_PX - tp,
                        "hd_px": 1.0,
                        "hd95_px": 1.0,
                        "assd_px": 1.0,
                        "nsd": share,
                        "nsd_rel": share,
                        "boundary_iou": share,
                        "predicted_iou": estimate,
                        "status": np.where(tp == 0, "penalised", "ok"),
                    }
                )
            )
        return self

    def add_reading(
        self, reader: str, arm: str, dice: Dice, seconds: float, *, references: Sequence[str]
    ) -> StudyBoard:
        """Add one reader's annotation of some references in one arm."""
        chosen = self.references[self.references["reference_id"].isin(list(references))]
        values = dice(chosen) if callable(dice) else dice
        tp = np.rint(np.broadcast_to(np.asarray(values, float), len(chosen)) * SIZE_PX)
        self.annotations.append(
            pd.DataFrame(
                {
                    "reader": reader,
                    "image": chosen["image_id"],
                    "reference_id": chosen["reference_id"],
                    "arm": arm,
                    "seconds": seconds,
                    "tp": tp.astype(np.int64),
                    "fp": SIZE_PX - tp.astype(np.int64),
                    "fn": SIZE_PX - tp.astype(np.int64),
                    "hce": 3.0,
                }
            )
        )
        return self

    def write(self, path: Path, *, shuffle: int | None = None, synthetic: bool = False) -> Path:
        """Write the database and return its path."""
        scores = pd.concat(self.scores) if self.scores else pd.DataFrame()
        tables = {
            "models": pd.DataFrame(self.models),
            "datasets": self._datasets(synthetic),
            "images": self.references.drop_duplicates("image_id")[
                ["image_id", "dataset", "modality", "cluster_id"]
            ].assign(height=400, width=500),
            "reference_masks": self.references.drop(
                columns=["modality", "dataset", "cluster_id", "target", "effect"]
            ),
            "runs": _runs(scores),
            "scores": scores.drop(columns="dataset", errors="ignore"),
            "annotations": pd.concat(self.annotations) if self.annotations else pd.DataFrame(),
            "seen_clusters": pd.DataFrame(self.seen, columns=["model", "dataset", "cluster_id"]),
        }
        with closing(duckdb.connect(str(path))) as connection:
            connection.execute(DDL.read_text(encoding="utf-8"))
            connection.execute("INSERT INTO meta VALUES ('schema_version', '2')")
            for name, table in tables.items():
                if len(table):
                    rows = table if shuffle is None else table.sample(frac=1, random_state=shuffle)
                    connection.register("planted", rows)
                    connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM planted")
                    connection.unregister("planted")
        return path

    def _datasets(self, synthetic: bool) -> pd.DataFrame:
        return pd.DataFrame(
            [
                {
                    "dataset": name,
                    "label": name.title(),
                    "version": "1",
                    "licence": "CC0-1.0",
                    "citation": "",
                    "source": "",
                    "cluster_unit": "patient",
                    "synthetic": synthetic,
                    "protocol": "cosmos-1",
                    "normalisation": "percentile",
                    "subsample": "",
                    "pack_sha256": short(name),
                    "prompts_sha256": short(name),
                    "permissions": [],
                }
                for name in sorted(set(self.references["dataset"]))
            ]
        )


def _runs(scores: pd.DataFrame) -> pd.DataFrame:
    if scores.empty:
        return scores
    runs = scores[["run_id", "model", "dataset", "study"]].drop_duplicates("run_id")
    return runs.assign(
        protocol="cosmos-1",
        prompts_sha256="0",
        device="cpu",
        seed=0,
        track="full",
        tier="re-run",
        started_utc="2026-01-01T00:00:00Z",
        provenance="{}",
    )
