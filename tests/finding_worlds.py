"""Databases in which all eight findings get the verdict that was planted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.study_boards import SIX, StudyBoard

TARGETS, CLUSTERS = 12, 12


@dataclass(frozen=True, kw_only=True)
class World:
    """How large each effect is, and how noisy. Noise alternates between clusters: mean 0."""

    low_target: float
    """Dice of the worst target (F1)."""

    size: float
    box: float
    """Box over the best point prompt (F3)."""

    drop: float
    lead: float
    tuning: float
    reading: float
    factor: float
    """How tightly the factors follow Dice (F7); negative against the claim."""

    noise: float
    seconds_saved: float = 10.0


WORLDS: dict[str, World] = {
    "holds": World(
        low_target=0.3, size=0.05, box=0.1, drop=0.2, lead=0.1, tuning=0.1, reading=0.03,
        factor=0.4, noise=0.0,
    ),
    "weakened": World(
        low_target=0.4995, size=0.01, box=0.01, drop=0.06, lead=0.01, tuning=0.01,
        reading=0.005, factor=0.08, noise=0.04,
    ),
    "undecided": World(
        low_target=0.5005, size=-0.01, box=-0.01, drop=0.04, lead=-0.01, tuning=-0.01,
        reading=-0.005, factor=0.04, noise=0.04,
    ),
    "overturned": World(
        low_target=0.7, size=-0.05, box=-0.1, drop=0.0, lead=-0.1, tuning=-0.1, reading=-0.03,
        factor=-0.4, noise=0.0,
    ),
}  # fmt: skip


def plant(world: World) -> StudyBoard:
    """Return a database of 12 targets, 12 clusters and 288 references."""
    board = StudyBoard(seed=21).add_targets(TARGETS, clusters=CLUSTERS)
    table = board.references
    number = table["target"].str.removeprefix("ct.organ-").astype(int).to_numpy()
    sign = np.where(table["cluster_id"].str[1:].astype(int) % 2 == 0, 1.0, -1.0)
    swing = world.noise * sign
    level = np.where(number < 3, 0.93, np.where(number == 3, world.low_target, 0.7))
    base = level + 0.75 * swing
    _plant_factors(board, base, world.factor)
    _plant_models(board, world, base, swing)
    _plant_studies(board, world, swing)
    _plant_readings(board, world, swing)
    return board


def _plant_factors(board: StudyBoard, dice: np.ndarray, strength: float) -> None:
    ranks = np.argsort(np.argsort(dice + 1e-9 * np.arange(len(dice)))) / len(dice) - 0.5
    size = len(dice)
    board.references["boundary_complexity"] = 50 - (
        10 * strength * ranks + board.rng.normal(size=size)
    )
    board.references["intensity_difference"] = 50 + (
        10 * strength * ranks + board.rng.normal(size=size)
    )


def _plant_models(board: StudyBoard, world: World, base: np.ndarray, swing: np.ndarray) -> None:
    board.add_model("sam-vit-b").add_model("sam-vit-h").add_model(
        "grabcut", kind="classical", family="classical"
    )
    board.add_model("sam-tuned", base_model="sam-vit-b")
    effects = dict.fromkeys(SIX, -0.25) | {"everything": -0.3, "box": 0.0}
    points = {"point": -world.box - 0.05, "points-5": -world.box, "points-5-5": -world.box - 0.1}
    if world.box < 0:
        # The best prompt stays at `base`; the box falls behind it.
        points = {"point": 0.0, "points-5": 0.0, "points-5-5": 0.0}
        effects["box"] = world.box
    effects |= points
    difference = world.size + 2 * swing if world.noise else np.full(len(base), world.size)
    for prompt, effect in effects.items():
        own = base + effect + (swing / 4 if prompt == "box" else -swing / 2)
        board.add_scores("sam-vit-b", prompt, own - difference / 2)
        board.add_scores("sam-vit-h", prompt, own + difference / 2)
        if prompt == "box":
            board.add_scores("sam-tuned", prompt, own - difference / 2 + world.tuning + swing)


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
    board.add_reading("anna", "unaided", 0.8, 20.0, references=everyone)
    board.add_reading(
        "anna",
        "assisted",
        0.8 + world.reading + swing / 2,
        20.0 - world.seconds_saved,
        references=everyone,
    )
