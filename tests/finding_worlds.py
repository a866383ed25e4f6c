"""Databases in which the eight findings get the verdicts that were planted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.board.findings.parts import FindingVerdict
from tests.study_boards import SIX, StudyBoard

TARGETS, CLUSTERS = 12, 12
READERS = ("anna", "ben", "cleo")


@dataclass(frozen=True, kw_only=True)
class World:
    """How large each effect is, and how noisy. Noise alternates between clusters: mean 0."""

    low_targets: int
    """How many of the targets are done badly; six are done well (F1)."""

    size: float
    box: float
    """Box over the best prompt of points (F3)."""

    drop: float
    lead: float
    tuning: float
    reading: float
    seconds_saved: float
    factor: float
    """How tightly the factors follow Dice (F7); negative against the claim."""

    noise: float
    verdicts: tuple[FindingVerdict, ...]
    """Of F1 … F8."""


WORLDS: dict[str, World] = {
    "as claimed": World(
        low_targets=3, size=0.03, box=0.1, drop=0.2, lead=0.1, tuning=0.1, reading=0.03,
        seconds_saved=10.0, factor=1.0, noise=0.0, verdicts=("holds",) * 8,
    ),
    "about as claimed": World(
        low_targets=2, size=0.03, box=0.1, drop=0.05, lead=0.1, tuning=0.1, reading=0.03,
        seconds_saved=10.0, factor=0.45, noise=0.02,
        verdicts=(
            "there, size open", "holds", "holds", "holds", "there, size open", "holds",
            "there, size open", "holds",
        ),
    ),
    "less than claimed": World(
        low_targets=1, size=0.03, box=0.1, drop=0.03, lead=0.1, tuning=0.1, reading=0.03,
        seconds_saved=10.0, factor=1.0, noise=0.002,
        verdicts=(
            "not shown", "holds", "holds", "holds", "smaller than claimed", "holds", "holds",
            "holds",
        ),
    ),
    "no effect": World(
        low_targets=0, size=0.0, box=0.0, drop=0.0, lead=0.0, tuning=0.0, reading=0.0,
        seconds_saved=0.0, factor=0.0, noise=0.04, verdicts=("not shown",) * 8,
    ),
    "against the claim": World(
        low_targets=0, size=-0.03, box=-0.1, drop=-0.1, lead=-0.1, tuning=-0.1, reading=-0.03,
        seconds_saved=-10.0, factor=-1.0, noise=0.0,
        verdicts=("not shown", *("contradicted",) * 7),
    ),
}  # fmt: skip


def plant(world: World) -> StudyBoard:
    """Return a database of 12 targets, 12 clusters and 288 references."""
    board = StudyBoard(seed=21).add_targets(TARGETS, clusters=CLUSTERS)
    table = board.references
    number = table["target"].str.removeprefix("ct.organ-").astype(int).to_numpy()
    sign = np.where(table["cluster_id"].str[1:].astype(int) % 2 == 0, 1.0, -1.0)
    swing = world.noise * sign
    level = np.where(number < 6, 0.96, np.where(number < 6 + world.low_targets, 0.3, 0.7))
    difficulty = board.rng.normal(size=len(table))
    base = level - 0.005 * difficulty
    _plant_factors(board, difficulty, world.factor)
    _plant_models(board, world, base, swing)
    _plant_studies(board, world, swing)
    _plant_readings(board, world, swing)
    return board


def _plant_factors(board: StudyBoard, difficulty: np.ndarray, strength: float) -> None:
    noise = board.rng.normal(size=(2, len(difficulty)))
    board.references["boundary_complexity"] = 50 + strength * difficulty + noise[0]
    board.references["intensity_difference"] = 50 - strength * difficulty + noise[1]


def _plant_models(board: StudyBoard, world: World, base: np.ndarray, swing: np.ndarray) -> None:
    board.add_model("sam-vit-b").add_model("sam-vit-h").add_model(
        "grabcut", kind="classical", family="classical"
    )
    board.add_model("sam-tuned", base_model="sam-vit-b")
    effects = dict.fromkeys(SIX, -0.25) | {"everything": -0.28, "box": min(world.box, 0.0)}
    ahead = max(world.box, 0.0)
    effects |= {"point": -ahead - 0.02, "points-5": -ahead, "points-5-5": -ahead - 0.1}
    difference = world.size + 2 * swing
    for prompt, effect in effects.items():
        own = base + effect + (swing / 4 if prompt == "box" else -swing / 2)
        board.add_scores("sam-vit-b", prompt, own - difference / 2)
        board.add_scores("sam-vit-h", prompt, own + difference / 2)
        if prompt == "box":
            tuned = own - difference / 2 + world.tuning + swing
            board.add_scores("sam-tuned", prompt, tuned - 0.1 * (tuned > 0.99))


def _plant_studies(board: StudyBoard, world: World, swing: np.ndarray) -> None:
    for prompt in ("box", "point"):
        for model in ("sam-vit-b", "sam-vit-h"):
            own = _dice_of(board, model, prompt)
            for trial in range(2):
                board.add_scores(
                    model, prompt, own - world.drop - swing,
                    study="jitter", level=20, mode="first", trial=trial,
                )  # fmt: skip
    board.add_scores("grabcut", "point", 0.4)
    for click in range(1, 11):
        ahead = 0.6 + (world.lead if click == 1 else 0.0) + swing * (click == 1)
        behind = 0.6 + (abs(world.lead) if click == 10 else 0.0)
        for model in ("sam-vit-b", "sam-vit-h"):
            board.add_scores(model, "point", ahead, study="clicks", click=click)
        board.add_scores("grabcut", "point", behind, study="clicks", click=click)


def _dice_of(board: StudyBoard, model: str, prompt: str) -> np.ndarray:
    for table in board.scores:
        first = table.iloc[0]
        if (first["model"], first["prompt"], first["selection"], first["study"]) == (
            model, prompt, "oracle", "main",
        ):  # fmt: skip
            dice: np.ndarray = (table["tp"] / (table["tp"] + table["fn"])).to_numpy()
            return dice
    raise AssertionError("planted before")


def _plant_readings(board: StudyBoard, world: World, swing: np.ndarray) -> None:
    everyone = board.references["reference_id"].tolist()
    for reader in READERS:
        board.add_reading(reader, "unaided", 0.8, 20.0, references=everyone)
        assisted = 0.8 + world.reading + swing / 2
        board.add_reading(
            reader, "assisted", assisted, 20.0 - world.seconds_saved, references=everyone
        )
