"""Cases that show what a number means: picked from the scores, drawn only where terms permit.

Images come from the packs that lie beside the database (`packs/*`), models' masks from runs that
kept them (`*/predictions`). Nothing of a dataset is read before the licence gate has been asked.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pictures

from cosmos_board.core.masks import Mask, Pixels, Rle
from cosmos_board.core.prompts import Prompt
from cosmos_board.data.catalog.dataset import OPEN_FLAGS
from cosmos_board.data.catalog.load import load_catalog
from cosmos_board.data.pack import Pack, open_pack
from cosmos_board.site.book import DatasetInfo
from cosmos_board.site.contours import trace
from cosmos_board.site.gate import may_show
from cosmos_board.store.parquet import iter_batches
from cosmos_board.store.schema import PREDICTIONS

if TYPE_CHECKING:
    from cosmos_board.store.queries import Connection

PROMPT = "box"
KINDS = ("worst", "median", "best", "disputed")
LARGEST_PX = 512
"""Longer side of a shown image."""

_SMALLEST_PX = 96
"""Least side of what is shown around a small object."""

MOST_MODELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One reference that stands for a target."""

    target: str
    dataset: str
    kind: str
    reference_id: str
    image_id: str
    dice: Mapping[str, float]
    """By model, chosen by predicted IoU."""

    judged: tuple[float, ...]
    """The Dice that it was picked by: of promptable models, where there are any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A pick with what may be shown of it. Coordinates are in pixels of the shown image."""

    pick: Pick
    width: int
    height: int
    picture: bytes | None
    """WebP; None where the dataset does not permit its images to be shown."""

    reference: str
    """Path data of the reference's contour."""

    models: Mapping[str, str]
    """Path data by model, of those whose masks were kept."""

    box_xyxy: tuple[float, float, float, float] | None
    points_xy: tuple[tuple[float, float, int], ...]
    """(x, y, label)."""


def read_cases(
    connection: Connection, db: Path, datasets: Mapping[str, DatasetInfo], models: Sequence[str]
) -> tuple[Case, ...]:
    """Return the cases that may be shown, by target and kind.

    Args:
        connection: The open board database.
        db: Where it lies; packs and runs are looked for beside it.
        datasets: What the packs declared.
        models: Models whose contours are wanted, best first.
    """
    packs = {path.name: path for path in sorted(db.parent.glob("packs/*")) if path.is_dir()}
    declared = {name: _read_declared(path) for name, path in packs.items() if name in datasets}
    allowed = {
        name
        for name in declared
        if all(_may_show(name, flag, datasets, declared) for flag in OPEN_FLAGS)
    }
    if not allowed:
        return ()
    picks = [pick for pick in pick_cases(connection) if pick.dataset in allowed]
    if not picks:
        return ()
    shown = {name for name in allowed if _may_show(name, "show_thumbnails", datasets, declared)}
    wanted = {pick.reference_id for pick in picks}
    drawn = {n for n in allowed if _may_show(n, "publish_predictions", datasets, declared)}
    masks = _read_masks(connection, db, wanted, models, drawn)
    found: list[Case] = []
    for name in sorted({pick.dataset for pick in picks}):
        mine = [pick for pick in picks if pick.dataset == name]
        found.extend(_draw(open_pack(packs[name]), mine, masks, picture=name in shown))
    return tuple(sorted(found, key=lambda c: (c.pick.target, KINDS.index(c.pick.kind))))


def _read_declared(path: Path) -> frozenset[str]:
    """Return the permissions in a pack itself: its owner may have taken some back."""
    info = open_pack(path).info
    return frozenset(info.permissions) if info.name == path.name else frozenset()


def _may_show(
    name: str,
    action: str,
    datasets: Mapping[str, DatasetInfo],
    declared: Mapping[str, frozenset[str]],
) -> bool:
    known = name in load_catalog().datasets
    return may_show(name, action, datasets) and (known or action in declared[name])


def pick_cases(connection: Connection) -> list[Pick]:
    """Return per target the worst, median and best reference by mean Dice, and the most disputed.

    The mean is over promptable models where there are any, else over all.
    """
    rows = connection.execute(
        """WITH asked AS (
             SELECT i.modality || '.' || r.object AS target, i.dataset, s.reference_id, r.image_id,
                    s.model, m.kind, 2.0 * s.tp / (2 * s.tp + s.fp + s.fn) AS dice
             FROM scores s JOIN reference_masks r USING (reference_id)
             JOIN images i USING (image_id) JOIN models m USING (model)
             WHERE s.study = 'main' AND s.prompt = ? AND s.selection = 'predicted' AND s.trial = 0
             QUALIFY row_number() OVER (PARTITION BY s.model, s.reference_id ORDER BY s.run_id) = 1)
           SELECT target, dataset, reference_id, image_id, model, kind, dice
           FROM asked ORDER BY target, reference_id, model""",
        [PROMPT],
    ).fetchall()
    learned = any(row[5] == "promptable" for row in rows)
    dice: dict[tuple[str, str, str, str], dict[str, float]] = {}
    judged: dict[tuple[str, str, str, str], list[float]] = {}
    for target, dataset, reference, image, model, kind, score in rows:
        key = (target, dataset, reference, image)
        dice.setdefault(key, {})[model] = score
        if not learned or kind == "promptable":
            judged.setdefault(key, []).append(score)
    picks: list[Pick] = []
    for target in sorted({key[0] for key in judged}):
        keys = [key for key in judged if key[0] == target]
        picks.extend(_pick(keys, judged, dice))
    return picks


def _pick(
    keys: list[tuple[str, str, str, str]],
    judged: Mapping[tuple[str, str, str, str], list[float]],
    dice: Mapping[tuple[str, str, str, str], dict[str, float]],
) -> Iterator[Pick]:
    ranked = sorted(keys, key=lambda key: (sum(judged[key]) / len(judged[key]), key[2]))
    place = {key: position for position, key in enumerate(ranked)}
    alone = max(len(judged[key]) for key in keys) < 2  # one model alone disputes with nobody
    argued = {key: list(dice[key].values()) if alone else judged[key] for key in keys}
    spread = sorted(keys, key=lambda key: (min(argued[key]) - max(argued[key]), key[2]))
    wanted = {
        "worst": ranked,
        "best": ranked[::-1],
        "median": sorted(ranked, key=lambda key: abs(2 * place[key] - len(ranked) + 1)),
        "disputed": spread,
    }
    chosen: dict[str, tuple[str, str, str, str]] = {}
    for kind, order in wanted.items():
        free = next((key for key in order if key not in chosen.values()), None)
        if free is not None:
            chosen[kind] = free
    for kind, key in chosen.items():
        target, dataset, reference, image = key
        yield Pick(
            target=target,
            dataset=dataset,
            kind=kind,
            reference_id=reference,
            image_id=image,
            dice=dice[key],
            judged=tuple((argued if kind == "disputed" else judged)[key]),
        )


def _read_masks(
    connection: Connection,
    db: Path,
    wanted: set[str],
    models: Sequence[str],
    datasets: Collection[str],
) -> dict[tuple[str, str], Rle]:
    """Return kept masks by (reference id, model): the candidate of the best predicted IoU."""
    runs: dict[str, tuple[str, str]] = {
        run: (model, dataset)
        for run, model, dataset in connection.execute(
            "SELECT run_id, model, dataset FROM runs WHERE study = 'main'"
        ).fetchall()
    }
    best: dict[tuple[str, str], tuple[float, int, Rle]] = {}
    for path in sorted(db.parent.glob("*/predictions/*.parquet")):
        model, dataset = runs.get(path.stem.rpartition("-")[0], ("", ""))
        if model not in models or dataset not in datasets:
            continue
        for batch in iter_batches(path, PREDICTIONS):
            for row in batch.to_pylist():
                if row["reference_id"] not in wanted or row["prompt"] != PROMPT:
                    continue
                if row["study"] != "main":
                    continue
                key = (row["reference_id"], model)
                rank = (-(row["predicted_iou"] or 0.0), row["candidate"])
                if key not in best or rank < best[key][:2]:
                    best[key] = (*rank, Rle(row["height"], row["width"], row["rle"]))
    order = sorted(best, key=lambda key: (key[0], models.index(key[1])))  # the best model first
    return {key: best[key][2] for key in order}


def _draw(
    pack: Pack, picks: Sequence[Pick], masks: Mapping[tuple[str, str], Rle], *, picture: bool
) -> Iterator[Case]:
    images = {pick.image_id for pick in picks}
    for item in pack.iter_items(wanted=images):
        for pick in picks:
            if pick.image_id != item.image.image_id:
                continue
            reference = next(
                (one for one in item.references if one.reference_id == pick.reference_id), None
            )
            if reference is None:
                continue
            prompt = item.prompts[pick.reference_id].get(PROMPT)
            window = frame_case(reference.box_xyxy, item.image.height, item.image.width)
            left, top, right, bottom = window
            scale = min(1.0, LARGEST_PX / max(bottom - top, right - left))
            pixels = item.image.pixels[top:bottom, left:right]
            yield Case(
                pick=pick,
                width=round((right - left) * scale),
                height=round((bottom - top) * scale),
                picture=encode_webp(pixels, scale) if picture else None,
                reference=trace(reference.mask()[top:bottom, left:right], scale),
                models={
                    model: trace(_decode(rle)[top:bottom, left:right], scale)
                    for (reference_id, model), rle in masks.items()
                    if reference_id == pick.reference_id
                },
                box_xyxy=_box(prompt, scale, left, top),
                points_xy=_points(prompt, scale, left, top),
            )


def frame_case(
    box_xyxy: tuple[int, int, int, int], height: int, width: int
) -> tuple[int, int, int, int]:
    """Return what of an image is shown, (left, top, right, bottom), the last two exclusive.

    All of it, unless the object is small: then a square of four times its longer side.

    Example:
        >>> frame_case((10, 10, 60, 60), 100, 100), frame_case((0, 90, 19, 99), 1000, 1000)
        ((0, 0, 100, 100), (0, 47, 96, 143))
    """
    left, top, right, bottom = box_xyxy
    side = max(4 * max(right - left + 1, bottom - top + 1), _SMALLEST_PX)
    if side >= max(height, width) / 1.5:
        return 0, 0, width, height
    start_x = min(max((left + right + 1) // 2 - side // 2, 0), max(width - side, 0))
    start_y = min(max((top + bottom + 1) // 2 - side // 2, 0), max(height - side, 0))
    return start_x, start_y, min(start_x + side, width), min(start_y + side, height)


def _decode(rle: Rle) -> Mask:
    return rle.decode() if rle.counts else np.zeros((rle.height, rle.width), np.bool_)


def _box(
    prompt: Prompt | None, scale: float, x: int, y: int
) -> tuple[float, float, float, float] | None:
    if prompt is None or prompt.box_xyxy is None:
        return None
    left, top, right, bottom = prompt.box_xyxy
    return (
        round((left - x) * scale, 1),
        round((top - y) * scale, 1),
        round((right + 1 - x) * scale, 1),
        round((bottom + 1 - y) * scale, 1),
    )


def _points(
    prompt: Prompt | None, scale: float, left: int, top: int
) -> tuple[tuple[float, float, int], ...]:
    if prompt is None:
        return ()
    return tuple(
        (round((x + 0.5 - left) * scale, 1), round((y + 0.5 - top) * scale, 1), int(label))
        for (x, y), label in zip(prompt.points_xy.tolist(), prompt.labels.tolist(), strict=True)
    )


def encode_webp(pixels: Pixels, scale: float) -> bytes:
    """Return an image (uint8, axes (Y, X) or (Y, X, 3)) as WebP, made smaller by `scale`."""
    picture = Pictures.fromarray(pixels)
    if scale < 1:
        size = (round(picture.width * scale), round(picture.height * scale))
        picture = picture.resize(size, Pictures.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=80, method=4)
    return out.getvalue()
