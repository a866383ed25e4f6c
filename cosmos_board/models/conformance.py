"""Does an adapter keep its promises? Each is tried on small drawn scenes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.masks import Mask, Rle
from cosmos_board.core.prompts import PROMPTS, Prompt
from cosmos_board.models.candidate_checks import AnswerError, check_answer
from cosmos_board.models.device_candidates import DeviceSegmenter
from cosmos_board.models.drawn_scene import BRIGHT_XY, FAINT_XY, HEIGHT, WIDTH, Scene
from cosmos_board.models.segmenter import Segmenter

KINDS = ("promptable", "classical", "baseline", "observer")
FOUND_DICE = 0.5
"""Any candidate this close to a bright disc counts as found."""

BATCH_TOLERANCE = 1e-4
"""Share of pixels that may differ between a prompt alone and in company: rounding, no more."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One promise that is not kept."""

    check: str
    """Such as `axis order`."""

    text: str

    def __str__(self) -> str:
        return f"{self.check}: {self.text}"


def find_problems(segmenter: Segmenter, *, everything: bool = False) -> list[Problem]:
    """Return every promise of `Segmenter` that the adapter breaks; none means that it conforms.

    Args:
        segmenter: With its real weights: some checks need it to find a bright disc.
        everything: Whether to run everything mode too, which takes minutes for a large model.
    """
    problems: list[Problem] = list(_check_card(segmenter))
    checks: list[tuple[str, Callable[[Segmenter], Iterator[Problem]]]] = [
        ("answers", _check_answers),
        ("axis order, box format and scale", _check_places),
        ("prompt is used", _check_use),
        ("determinism", _check_determinism),
        ("batch invariance", _check_batches),
        ("empty image", _check_empty),
        ("mask input", _check_mask_input),
        ("masks on the device", _check_device),
    ]
    if everything and "everything" in segmenter.card.prompts:
        checks.append(("everything", _check_everything))
    for name, check in checks:
        try:
            problems.extend(check(segmenter))
        except Exception as error:  # an adapter may fail in any way; that is the finding
            problems.append(Problem(name, f"raises {type(error).__name__}: {error}"))
    return problems


def _supported(segmenter: Segmenter, prompts: dict[str, Prompt]) -> dict[str, Prompt]:
    return {name: one for name, one in prompts.items() if name in segmenter.card.prompts}


def _ask(segmenter: Segmenter, scene: Scene, prompts: list[Prompt]) -> list[Candidates]:
    return segmenter.predict(segmenter.embed(scene.pixels), prompts)


def _best_dice(candidates: Candidates, reference: Mask) -> float:
    shared = (candidates.masks & reference).sum(axis=(1, 2))
    summed = candidates.masks.sum(axis=(1, 2)) + reference.sum()
    return float((2 * shared / summed).max())


def _check_card(segmenter: Segmenter) -> Iterator[Problem]:
    card = segmenter.card
    if card.kind not in KINDS:
        yield Problem("card", f"kind is {card.kind!r}, not one of {', '.join(KINDS)}")
    if unknown := [name for name in card.prompts if name not in PROMPTS]:
        yield Problem("card", f"prompts name {', '.join(unknown)}, which the protocol has not")
    if not card.prompts:
        yield Problem("card", "lists no prompt")


def _check_answers(segmenter: Segmenter) -> Iterator[Problem]:
    scene = Scene()
    prompts = _supported(segmenter, scene.prompts(BRIGHT_XY))
    for pixels, colour in ((scene.pixels, "RGB"), (scene.pixels[..., 0].copy(), "grey")):
        before = pixels.copy()
        answers = segmenter.predict(segmenter.embed(pixels), list(prompts.values()))
        if len(answers) != len(prompts):
            yield Problem("answers", f"{len(answers)} to {len(prompts)} prompts ({colour})")
        for name, answer in zip(prompts, answers, strict=False):
            for text in _faults(answer, mask_input=segmenter.card.mask_input):
                yield Problem("answers", f"{text} ({name}, {colour})")
        if not np.array_equal(pixels, before):
            yield Problem("answers", f"the image is written to ({colour})")


def _faults(answer: Candidates, *, mask_input: bool) -> Iterator[str]:
    try:
        check_answer(answer, (HEIGHT, WIDTH), keeps_logits=mask_input)
    except AnswerError as error:
        yield str(error)
        return
    if not np.isfinite(answer.predicted_iou).all():
        yield "predicted IoU is not one finite number per mask"
    if mask_input and answer.logits is None:
        yield "the card promises mask input, but logits are missing"


def _check_places(segmenter: Segmenter) -> Iterator[Problem]:
    for scene in (Scene(1), Scene(3)):
        prompts = _supported(segmenter, scene.prompts(BRIGHT_XY))
        answers = _ask(segmenter, scene, list(prompts.values()))
        for name, answer in zip(prompts, answers, strict=True):
            bright, faint = (_best_dice(answer, scene.disc(at)) for at in (BRIGHT_XY, FAINT_XY))
            size = f"{name}, {scene.scale * WIDTH} × {scene.scale * HEIGHT} px"
            if faint > bright:
                yield Problem("axis order", f"the mask lies where x and y are swapped ({size})")
            elif bright < FOUND_DICE:
                kind = "box format" if "box" in name else "scale"
                yield Problem(kind, f"a bright disc is not found: Dice {bright:.2f} ({size})")


def _check_use(segmenter: Segmenter) -> Iterator[Problem]:
    scene = Scene()
    here, there = (_supported(segmenter, scene.prompts(at)) for at in (BRIGHT_XY, FAINT_XY))
    for name in here:
        first, second = _ask(segmenter, scene, [here[name], there[name]])
        if np.array_equal(first.masks, second.masks):
            yield Problem("prompt is used", f"two distant objects get the same masks ({name})")


def _check_determinism(segmenter: Segmenter) -> Iterator[Problem]:
    scene = Scene()
    prompts = _supported(segmenter, scene.prompts(BRIGHT_XY))
    first, second = (_ask(segmenter, scene, list(prompts.values())) for _ in range(2))
    for name, one, other in zip(prompts, first, second, strict=True):
        same = np.array_equal(one.predicted_iou, other.predicted_iou)
        if not same or not np.array_equal(one.masks, other.masks):
            yield Problem("determinism", f"the same question gets another answer ({name})")


def _check_batches(segmenter: Segmenter) -> Iterator[Problem]:
    scene = Scene()
    prompts = [
        prompt
        for at in (BRIGHT_XY, FAINT_XY)
        for prompt in _supported(segmenter, scene.prompts(at)).values()
    ]
    embedding = segmenter.embed(scene.pixels)
    alone = [segmenter.predict(embedding, [prompt])[0] for prompt in prompts]
    together = segmenter.predict(embedding, prompts)
    backwards = segmenter.predict(embedding, prompts[::-1])[::-1]
    for company, words in ((together, "in company"), (backwards, "in another order")):
        shares = [
            float((one.masks != other.masks).mean())
            for one, other in zip(alone, company, strict=True)
        ]
        if max(shares) > BATCH_TOLERANCE:
            yield Problem("batch invariance", f"{max(shares):.2%} of pixels differ {words}")


def _check_empty(segmenter: Segmenter) -> Iterator[Problem]:
    black = np.zeros((HEIGHT, WIDTH), np.uint8)
    prompts = _supported(segmenter, Scene().prompts(BRIGHT_XY))
    for name, answer in zip(
        prompts, segmenter.predict(segmenter.embed(black), list(prompts.values())), strict=True
    ):
        for text in _faults(answer, mask_input=segmenter.card.mask_input):
            yield Problem("empty image", f"{text} ({name})")


def _check_mask_input(segmenter: Segmenter) -> Iterator[Problem]:
    if not segmenter.card.mask_input:
        return
    scene = Scene()
    prompts = _supported(segmenter, scene.prompts(BRIGHT_XY))
    prompt = prompts.get("point") or next(iter(prompts.values()))
    embedding = segmenter.embed(scene.pixels)
    first = segmenter.predict(embedding, [prompt])[0]
    assert first.logits is not None
    second = segmenter.predict(embedding, [prompt], [first.logits[first.best]])[0]
    other = segmenter.predict(embedding, [prompt], [-first.logits[first.best]])[0]
    assert second.logits is not None
    assert other.logits is not None
    if np.array_equal(second.logits, other.logits):
        yield Problem("mask input", "logits that are fed back change nothing")


def _check_device(segmenter: Segmenter) -> Iterator[Problem]:
    """What stays on the device has to be what is copied, or rows would depend on the place."""
    if not isinstance(segmenter, DeviceSegmenter):
        return
    scene = Scene()
    prompts = list(_supported(segmenter, scene.prompts(BRIGHT_XY)).values())
    embedding = segmenter.embed(scene.pixels)
    copied = segmenter.predict(embedding, prompts)
    left = [one.to_host() for one in segmenter.predict_on_device(embedding, prompts)]
    if len(left) != len(copied):
        yield Problem("masks on the device", f"{len(left)} answers to {len(prompts)} prompts")
    elif any(not np.array_equal(a.masks, b.masks) for a, b in zip(left, copied, strict=True)):
        yield Problem("masks on the device", "they are not the masks that `predict` returns")


def _check_everything(segmenter: Segmenter) -> Iterator[Problem]:
    found = segmenter.segment_everything(segmenter.embed(Scene().pixels))
    if len(found.rles) != len(found.predicted_iou):
        yield Problem("everything", "masks and predicted IoU differ in number")
    strange = {type(rle).__name__ for rle in found.rles if not isinstance(rle, Rle)}
    if strange:
        text = f"masks are {', '.join(sorted(strange))}, want Rle: see core.masks.encode_mask"
        yield Problem("everything", text)
    elif any((rle.height, rle.width) != (HEIGHT, WIDTH) for rle in found.rles):
        yield Problem("everything", "masks are not in the native size")
