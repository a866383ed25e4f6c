"""Candidates that were ordered, and estimates that were made, with the references are held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cosmos_board.data.pack import open_pack
from cosmos_board.metrics.overlap import count_candidates
from cosmos_board.metrics.reference import prepare_reference
from cosmos_board.submissions.checks.informed import Answer, find_informed
from cosmos_board.submissions.checks.predictions import decode_candidates, group_candidates
from cosmos_board.submissions.scoring.score import score_submission
from tests.submissions.samples import Sample, make_sample

SPREAD = 0.05
"""Standard deviation of the Dice of an answer's candidates."""


def answer(
    rng: np.random.Generator,
    *,
    skill: float = 0.5,
    estimate_sd: float = 0.1,
    spread: float = SPREAD,
    pack: str = "demo",
) -> Answer:
    """Return an answer of three candidates, of which the best is chosen with chance `skill`."""
    dice = np.clip(rng.normal(0.7, 0.15) + rng.normal(0, spread, 3), 0.01, 1)
    best = int(dice.argmax())
    chosen = best if rng.random() < skill else int(rng.integers(3))
    iou = dice / (2 - dice)
    return Answer(pack, "box", chosen, dice, iou, iou + rng.normal(0, estimate_sd, 3))


def say(answers: list[Answer]) -> list[str]:
    return [f"{one.disposition}: {one.text}" for one in find_informed(answers, "p")]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("spread", "skill"), [(0.0005, 0.5), (SPREAD, 0.8)])
def test_a_model_that_chooses_well_and_guesses_well_is_believed(
    seed: int, spread: float, skill: float
) -> None:
    """With a box, the candidates of a good model are nearly alike, and the oracle gains little."""
    rng = np.random.default_rng(seed)

    assert say([answer(rng, skill=skill, estimate_sd=0.08, spread=spread) for _ in range(40)]) == []


def test_a_choice_that_is_always_the_best_is_held_once() -> None:
    rng = np.random.default_rng(0)

    (line,) = say([answer(rng, skill=1) for _ in range(40)])

    assert line == (
        "held: 100 % of the chosen candidates are the best, the oracle gains 0.0000 Dice; "
        "held for review"
    )


def test_a_choice_by_the_references_is_seen_in_one_pack_among_many() -> None:
    rng = np.random.default_rng(0)
    honest = [answer(rng, pack=f"pack-{number % 5}") for number in range(400)]

    (line,) = say([*honest, *(answer(rng, skill=1, pack="forged") for _ in range(30))])

    assert line.startswith("held: forged, box: 100 % of the chosen")


def test_a_model_without_a_choice_is_believed() -> None:
    """One candidate, or three of one Dice: the oracle gains nothing and nothing could be lost."""
    one = np.array([0.7])
    same = np.array([0.7, 0.7, 0.7])
    answers = [Answer("demo", "box", 0, dice, dice, dice * np.nan) for dice in (one, same) * 40]

    assert say(answers) == []


@pytest.mark.parametrize("noise", [0, 0.01])
def test_estimates_near_the_true_iou_are_held(noise: float) -> None:
    rng = np.random.default_rng(1)

    (line,) = say([answer(rng, estimate_sd=noise) for _ in range(40)])

    assert line.startswith("held: predicted IoU follows the true one (rank correlation ")


def test_a_rising_function_of_the_true_iou_is_held() -> None:
    rng = np.random.default_rng(2)
    plain = [answer(rng) for _ in range(40)]
    bent = [Answer(a.pack, a.prompt, a.chosen, a.dice, a.iou, 0.4 + a.iou**3 / 2) for a in plain]

    (line,) = say(bent)

    assert "rank correlation 1.000" in line


def test_few_answers_and_none_say_nothing() -> None:
    rng = np.random.default_rng(3)

    assert say([answer(rng, skill=1, estimate_sd=0) for _ in range(19)]) == []
    assert say([]) == []


@pytest.fixture(scope="module")
def tiny(phantom_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A submission of the project's own model, which offers three candidates."""
    root = tmp_path_factory.mktemp("tiny")
    return make_sample(phantom_pack, root, ("point", "box"), model="cosmos-tiny")


def held(sample: Sample, tmp_path: Path, table: pa.Table | None = None) -> list[str]:
    """Return why the scored submission is held."""
    folder = sample.write(tmp_path, table=table)
    scored = score_submission(
        folder, [open_pack(sample.pack)], tmp_path / "run", inputs=sample.inputs
    )
    return [one.text for one in scored.checked.find("held")]


def iter_true_iou(sample: Sample) -> Iterator[tuple[tuple[str, str], list[float]]]:
    """Yield the true IoU of every candidate by reference and prompt."""
    groups = group_candidates(sample.table.to_pylist())
    for item in open_pack(sample.pack).iter_items():
        for reference in item.references:
            prepared = prepare_reference(reference.mask())
            for (name, prompt), rows in groups.items():
                if name == reference.reference_id:
                    counts = count_candidates(decode_candidates(rows).masks, prepared)
                    yield (name, prompt), [c.tp / (c.tp + c.fp + c.fn) for c in counts]


def test_the_projects_own_models_are_believed(tiny: Sample, sample: Sample, tmp_path: Path) -> None:
    assert held(tiny, tmp_path / "tiny") == []
    assert held(sample, tmp_path / "prior") == []


def test_the_own_model_is_held_once_its_estimates_are_made_with_the_references(
    tiny: Sample, tmp_path: Path
) -> None:
    true = dict(iter_true_iou(tiny))
    rows = tiny.table.to_pylist()
    for row in rows:
        iou = true[row["reference_id"], row["prompt"]]
        row["predicted_iou"] = iou[row["candidate"]]
    table = pa.Table.from_pylist(rows, tiny.table.schema)

    texts = " ".join(held(tiny, tmp_path, table))

    assert "predicted IoU follows the true one" in texts
    assert "of the chosen candidates are the best" in texts


def test_the_own_model_is_held_once_its_candidates_are_ordered_with_the_references(
    tiny: Sample, tmp_path: Path
) -> None:
    """The estimates stay what they were; the best mask is given the highest of them."""
    true = dict(iter_true_iou(tiny))
    groups = group_candidates(tiny.table.to_pylist())
    rows = []
    for key, group in groups.items():
        estimates = sorted(row["predicted_iou"] for row in group)
        for row, place in zip(group, np.argsort(np.argsort(true[key])), strict=True):
            rows.append({**row, "predicted_iou": estimates[place]})

    texts = held(tiny, tmp_path, pa.Table.from_pylist(rows, tiny.table.schema))

    assert any("of the chosen candidates are the best" in text for text in texts)
