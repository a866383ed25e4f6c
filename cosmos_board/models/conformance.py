"""Checks that an adapter keeps the rules of `Segmenter`, on small drawn images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.masks import Mask, Pixels, Rle
from cosmos_board.core.prompts import PROMPTS, Prompt, make_prompt
from cosmos_board.models.candidate_checks import CandidatesError, check_candidates
from cosmos_board.models.segmenter import DeviceSegmenter, Segmenter, VolumeSegmenter
from cosmos_board.models.volume_conformance import check_volumes

KINDS = ("promptable", "classical", "baseline", "observer")
MINIMUM_DICE = 0.5
"""Any candidate this close to a bright disc counts as found."""

BATCH_TOLERANCE = 1e-4
"""Share of pixels that may differ between a prompt alone and in a batch: rounding only."""


HEIGHT, WIDTH, RADIUS = 96, 144, 12
"""Of the scene and its discs at the base size, in pixels."""

BRIGHT_XY, FAINT_XY = (80, 24), (24, 80)


@dataclass(frozen=True, slots=True, eq=False)
class DiscImage:
    """A drawn image, wider than high, with two discs, `scale` times the base size.

    A bright disc lies where x > y, and a fainter one where the first would be if x and y were
    swapped, so that common mistakes give the wrong disc.
    """

    scale: int = 1

    @property
    def pixels(self) -> Pixels:
        """uint8, axes (Y, X, 3)."""
        noise = np.random.default_rng(0).integers(0, 16, (HEIGHT, WIDTH), np.uint8)
        small = noise + 32
        for centre, step in ((BRIGHT_XY, 150), (FAINT_XY, 60)):
            small[_draw_disc(centre, 1)] += np.uint8(step)
        large = small.repeat(self.scale, axis=0).repeat(self.scale, axis=1)
        return np.repeat(large[..., None], 3, axis=2)

    def disc(self, centre_xy: tuple[int, int]) -> Mask:
        """Return one disc, bool, axes (Y, X)."""
        return _draw_disc(centre_xy, self.scale)

    def prompts(self, centre_xy: tuple[int, int]) -> dict[str, Prompt]:
        """Return each of the protocol's prompts but `everything`, for one disc."""
        x, y = (self.scale * value for value in centre_xy)
        half, far = self.scale * RADIUS // 2, self.scale * (RADIUS + 4)
        inside = [(x, y), (x - half, y), (x + half, y), (x, y - half), (x, y + half)]
        outside = [(x - far, y), (x + far, y), (x, y - far), (x, y + far), (x - far, y - far)]
        height, width = self.scale * HEIGHT, self.scale * WIDTH
        outside = [p for p in outside if 0 <= p[0] < width and 0 <= p[1] < height]
        ys, xs = np.nonzero(self.disc(centre_xy))
        box = (int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max()))
        return {
            "point": make_prompt(inside[:1]),
            "points-5": make_prompt(inside),
            "points-5-5": make_prompt(inside, outside),
            "box": make_prompt(box_xyxy=box),
            "box-point": make_prompt(inside[:1], box_xyxy=box),
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """One rule of `Segmenter` that an adapter breaks."""

    check: str
    """Such as `axis order`."""

    text: str

    def __str__(self) -> str:
        return f"{self.check}: {self.text}"


def find_problems(segmenter: Segmenter, *, everything: bool = False) -> list[Problem]:
    """Return every rule of `Segmenter` that the adapter breaks; none means that it conforms.

    It needs its real weights: some checks ask it to find a bright disc. Everything mode takes
    minutes for a large model.
    """
    problems: list[Problem] = list(_check_card(segmenter))
    checks = list(_IMAGE_CHECKS) if segmenter.card.prompts else []
    if everything and "everything" in segmenter.card.prompts:
        checks.append(("everything", _check_everything))
    if _takes_volumes(segmenter):
        checks.append(("volume", _check_volumes))
    for name, check in checks:
        try:
            problems.extend(check(segmenter))
        except CandidatesError as error:
            problems.append(Problem(name, str(error)))
        except Exception as error:  # an adapter may fail in any way; that is the finding
            problems.append(Problem(name, f"raises {type(error).__name__}: {error}"))
    return problems


def _supported(segmenter: Segmenter, prompts: dict[str, Prompt]) -> dict[str, Prompt]:
    return {name: prompt for name, prompt in prompts.items() if name in segmenter.card.prompts}


def _predict(segmenter: Segmenter, image: DiscImage, prompts: list[Prompt]) -> list[Candidates]:
    return segmenter.predict(segmenter.embed(image.pixels), prompts)


def _takes_volumes(segmenter: Segmenter) -> bool:
    return isinstance(segmenter, VolumeSegmenter) and bool(segmenter.volume_prompts)


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
    if not card.prompts and not _takes_volumes(segmenter):
        yield Problem("card", "lists no prompt")


def _check_answers(segmenter: Segmenter) -> Iterator[Problem]:
    image = DiscImage()
    prompts = _supported(segmenter, image.prompts(BRIGHT_XY))
    for pixels, colour in ((image.pixels, "RGB"), (image.pixels[..., 0].copy(), "grey")):
        before = pixels.copy()
        answers = segmenter.predict(segmenter.embed(pixels), list(prompts.values()))
        if len(answers) != len(prompts):
            yield Problem("answers", f"{len(answers)} to {len(prompts)} prompts ({colour})")
        for name, answer in zip(prompts, answers, strict=False):
            for text in _find_errors(answer, mask_input=segmenter.card.mask_input):
                yield Problem("answers", f"{text} ({name}, {colour})")
        if not np.array_equal(pixels, before):
            yield Problem("answers", f"the image is written to ({colour})")


def _find_errors(answer: Candidates, *, mask_input: bool) -> Iterator[str]:
    try:
        check_candidates(answer, (HEIGHT, WIDTH), keeps_logits=mask_input)
    except CandidatesError as error:
        yield str(error)
        return
    if not np.isfinite(answer.predicted_iou).all():
        yield "predicted IoU is not one finite number per mask"
    if mask_input and answer.logits is None:
        yield "the card promises mask input, but logits are missing"


def _check_places(segmenter: Segmenter) -> Iterator[Problem]:
    for image in (DiscImage(1), DiscImage(3)):
        prompts = _supported(segmenter, image.prompts(BRIGHT_XY))
        answers = _predict(segmenter, image, list(prompts.values()))
        for name, answer in zip(prompts, answers, strict=True):
            bright, faint = (_best_dice(answer, image.disc(at)) for at in (BRIGHT_XY, FAINT_XY))
            size = f"{name}, {image.scale * WIDTH} × {image.scale * HEIGHT} px"
            if faint > bright:
                yield Problem("axis order", f"the mask lies where x and y are swapped ({size})")
            elif bright < MINIMUM_DICE:
                kind = "box format" if "box" in name else "scale"
                yield Problem(kind, f"a bright disc is not found: Dice {bright:.2f} ({size})")


def _check_use(segmenter: Segmenter) -> Iterator[Problem]:
    image = DiscImage()
    here, there = (_supported(segmenter, image.prompts(at)) for at in (BRIGHT_XY, FAINT_XY))
    for name in here:
        first, second = _predict(segmenter, image, [here[name], there[name]])
        if np.array_equal(first.masks, second.masks):
            yield Problem("prompt is used", f"two distant objects get the same masks ({name})")


def _check_determinism(segmenter: Segmenter) -> Iterator[Problem]:
    image = DiscImage()
    prompts = _supported(segmenter, image.prompts(BRIGHT_XY))
    first, second = (_predict(segmenter, image, list(prompts.values())) for _ in range(2))
    for name, before, after in zip(prompts, first, second, strict=True):
        same = np.array_equal(before.predicted_iou, after.predicted_iou)
        if not same or not np.array_equal(before.masks, after.masks):
            yield Problem("determinism", f"the same question gets another answer ({name})")


def _check_batches(segmenter: Segmenter) -> Iterator[Problem]:
    image = DiscImage()
    prompts = [
        prompt
        for at in (BRIGHT_XY, FAINT_XY)
        for prompt in _supported(segmenter, image.prompts(at)).values()
    ]
    embedding = segmenter.embed(image.pixels)
    singles = [segmenter.predict(embedding, [prompt])[0] for prompt in prompts]
    together = segmenter.predict(embedding, prompts)
    backwards = segmenter.predict(embedding, prompts[::-1])[::-1]
    for company, words in ((together, "in a batch"), (backwards, "in another order")):
        shares = [
            float((single.masks != grouped.masks).mean())
            for single, grouped in zip(singles, company, strict=True)
        ]
        if max(shares) > BATCH_TOLERANCE:
            yield Problem("batch invariance", f"{max(shares):.2%} of pixels differ {words}")


def _check_empty(segmenter: Segmenter) -> Iterator[Problem]:
    black = np.zeros((HEIGHT, WIDTH), np.uint8)
    prompts = _supported(segmenter, DiscImage().prompts(BRIGHT_XY))
    for name, answer in zip(
        prompts, segmenter.predict(segmenter.embed(black), list(prompts.values())), strict=True
    ):
        for text in _find_errors(answer, mask_input=segmenter.card.mask_input):
            yield Problem("empty image", f"{text} ({name})")


def _check_mask_input(segmenter: Segmenter) -> Iterator[Problem]:
    if not segmenter.card.mask_input:
        return
    image = DiscImage()
    prompts = _supported(segmenter, image.prompts(BRIGHT_XY))
    prompt = prompts.get("point") or next(iter(prompts.values()))
    embedding = segmenter.embed(image.pixels)
    first = segmenter.predict(embedding, [prompt])[0]
    assert first.logits is not None
    second = segmenter.predict(embedding, [prompt], [first.logits[first.best]])[0]
    other = segmenter.predict(embedding, [prompt], [-first.logits[first.best]])[0]
    assert second.logits is not None
    assert other.logits is not None
    if np.array_equal(second.logits, other.logits):
        yield Problem("mask input", "logits that are fed back change nothing")


def _check_device(segmenter: Segmenter) -> Iterator[Problem]:
    """Yield a problem if masks on the device differ from those of `predict`."""
    if not isinstance(segmenter, DeviceSegmenter):
        return
    image = DiscImage()
    prompts = list(_supported(segmenter, image.prompts(BRIGHT_XY)).values())
    embedding = segmenter.embed(image.pixels)
    copied = segmenter.predict(embedding, prompts)
    on_device = [
        candidates.to_host() for candidates in segmenter.predict_on_device(embedding, prompts)
    ]
    if len(on_device) != len(copied):
        yield Problem("masks on the device", f"{len(on_device)} answers to {len(prompts)} prompts")
    elif any(not np.array_equal(a.masks, b.masks) for a, b in zip(on_device, copied, strict=True)):
        yield Problem("masks on the device", "they are not the masks that `predict` returns")


def _check_everything(segmenter: Segmenter) -> Iterator[Problem]:
    everything = segmenter.segment_everything(segmenter.embed(DiscImage().pixels))
    if len(everything.rles) != len(everything.predicted_iou):
        yield Problem("everything", "masks and predicted IoU differ in number")
    strange = {type(rle).__name__ for rle in everything.rles if not isinstance(rle, Rle)}
    if strange:
        text = f"masks are {', '.join(sorted(strange))}, want Rle: see core.masks.encode_mask"
        yield Problem("everything", text)
    elif any((rle.height, rle.width) != (HEIGHT, WIDTH) for rle in everything.rles):
        yield Problem("everything", "masks are not in the native size")


def _check_volumes(segmenter: Segmenter) -> Iterator[Problem]:
    assert isinstance(segmenter, VolumeSegmenter)
    for text in check_volumes(segmenter):
        yield Problem("volume", text)


_IMAGE_CHECKS: tuple[tuple[str, Callable[[Segmenter], Iterator[Problem]]], ...] = (
    ("answers", _check_answers),
    ("axis order, box format and scale", _check_places),
    ("prompt is used", _check_use),
    ("determinism", _check_determinism),
    ("batch invariance", _check_batches),
    ("empty image", _check_empty),
    ("mask input", _check_mask_input),
    ("masks on the device", _check_device),
)
"""Of a segmenter that answers prompts on images."""


def _draw_disc(centre_xy: tuple[int, int], scale: int) -> Mask:
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    disc: Mask = (x - centre_xy[0]) ** 2 + (y - centre_xy[1]) ** 2 <= RADIUS**2
    return disc.repeat(scale, axis=0).repeat(scale, axis=1)
