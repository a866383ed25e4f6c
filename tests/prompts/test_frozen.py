"""The six prompts are frozen: the same for everyone, whatever came before."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from cosmos_board.core.masks import Mask
from cosmos_board.core.prompts import PROMPTS
from cosmos_board.prompts import PromptsHash, freeze_prompts
from tests.masks import any_reference, draw


def test_every_prompt_but_everything_is_frozen() -> None:
    assert list(freeze_prompts(draw("##. ##."))) == [
        name for name in PROMPTS if name != "everything"
    ]


def test_the_box_is_tight_with_maxima_inclusive() -> None:
    assert freeze_prompts(draw(".... .##. ...."))["box"].box_xyxy == (1, 1, 2, 1)


@given(reference=any_reference())
def test_each_prompt_holds_what_its_kind_promises(reference: Mask) -> None:
    inside, outside = int(reference.sum()), int((~reference).sum())

    for name, prompt in freeze_prompts(reference).items():
        kind = PROMPTS[name]
        assert int((prompt.labels == 1).sum()) <= kind.positive
        assert inside < 5 or int((prompt.labels == 1).sum()) == kind.positive
        assert int((prompt.labels == 0).sum()) <= min(kind.negative, outside)
        assert (prompt.box_xyxy is not None) == kind.box


@given(reference=any_reference())
def test_prompts_move_with_the_reference(reference: Mask) -> None:
    """Prompts are read off the mask alone, so padding at the far edges moves no positive point."""
    padded = np.pad(reference, ((0, 3), (0, 5)))

    before, after = freeze_prompts(reference), freeze_prompts(padded)

    for name in ("point", "points-5", "box", "box-point"):
        assert before[name] == after[name]


def test_the_hash_does_not_depend_on_order_but_on_every_coordinate() -> None:
    prompts = freeze_prompts(draw("####. ####. ....."))
    forward, backward, altered = PromptsHash(), PromptsHash(), PromptsHash()
    for name, prompt in prompts.items():
        forward.add("a", name, prompt)
    for name, prompt in reversed(prompts.items()):
        backward.add("a", name, prompt)
        altered.add("a" if name != "box" else "b", name, prompt)

    assert forward.hexdigest() == backward.hexdigest()
    assert forward.hexdigest() != altered.hexdigest()
