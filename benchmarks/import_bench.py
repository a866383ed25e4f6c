"""How fast images are curated and in how much memory, beside the floor: decode and encode alone.

    python benchmarks/import_bench.py [--images 20000] [--workers 2]

A few hundred phantoms are drawn once and filed as PNG; each source image is one of them, decoded
and shifted so that it is new. What is timed is reading, curation and filing, not drawing.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from cosmos_board.core.masks import Pixels
from cosmos_board.curation import curate
from cosmos_board.curation.phantom_pack import PHANTOM_INFO
from cosmos_board.data.pack.png import encode_png
from cosmos_board.data.source import SourceImage, SourceUnit
from cosmos_board.phantoms import phantom_pack_images

_DRAWN = 200
_PER_UNIT = 20
_PER_CLUSTER = 100


def main() -> None:
    """Print one JSON document with both rates and the peak memory of all processes together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="import-bench-") as name:
        folder = Path(name)
        references = draw(folder)
        floor = measure_floor(folder, options.images, options.workers)
        starts = range(0, options.images, _PER_UNIT)
        units = [
            SourceUnit(f"{start}", f"{start}", partial(read, folder, start, _PER_UNIT))
            for start in starts
        ]
        started, cpu_before = time.perf_counter(), measure_cpu()
        report = curate(units, PHANTOM_INFO, folder / "pack", workers=options.workers)
        seconds = time.perf_counter() - started
        size = sum(file.size_bytes for file in report.info.files)
        cpu_s = measure_cpu() - cpu_before
    own, child = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    result = {
        "images": report.info.counts.images,
        "references_per_image": round(references, 2),
        "workers": options.workers,
        "seconds": round(seconds, 1),
        "images_per_s": round(report.info.counts.images / seconds, 1),
        "cpu_ms_per_image": round(1000 * cpu_s / report.info.counts.images, 2),
        "floor_images_per_s": round(floor[0], 1),
        "floor_cpu_ms_per_image": round(floor[1], 2),
        "peak_mib": round(own + options.workers * child),
        "pack_mib": round(size / 2**20, 1),
    }
    print(json.dumps(result, indent=1))


def draw(folder: Path) -> float:
    """File the phantoms as PNG, image and one mask each; return references per image."""
    references = 0
    for i, image in enumerate(phantom_pack_images(_DRAWN)):
        (folder / f"{i}.png").write_bytes(encode_png(image.pixels))
        for name, mask in image.references:
            (folder / f"{i}.{name}.png").write_bytes(encode_png(mask.astype(np.uint8) * 255))
            references += 1
    return references / _DRAWN


def read(folder: Path, start: int, count: int) -> Iterator[SourceImage]:
    """Yield `count` source images, each a phantom shifted so that no two are equal."""
    for index in range(start, start + count):
        drawn, shift = index % _DRAWN, index // _DRAWN
        yield SourceImage(
            pixels=np.roll(decode(folder / f"{drawn}.png"), shift, 0),
            modality="synthetic",
            cluster_key=f"{index // _PER_CLUSTER}",
            masks={
                path.suffixes[0][1:]: (np.roll(decode(path) > 0, shift, 0),)
                for path in folder.glob(f"{drawn}.*.png")
            },
        )


def decode(path: Path) -> Pixels:
    """Return the pixels of a grey PNG file."""
    with Image.open(path) as picture:
        return np.array(picture, np.uint8)


def measure_floor(folder: Path, images: int, workers: int) -> tuple[float, float]:
    """Return images/s and CPU ms per image when each is only decoded, with masks, and encoded."""
    starts = range(0, min(images, 2_000), _PER_UNIT)
    cpu_before = measure_cpu()
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        list(pool.map(_recode, [folder] * workers, [0] * workers, [1] * workers))
        started = time.perf_counter()
        done = sum(pool.map(_recode, [folder] * len(starts), starts, [_PER_UNIT] * len(starts)))
        rate = done / (time.perf_counter() - started)
    return rate, 1000 * (measure_cpu() - cpu_before) / done


def measure_cpu() -> float:
    """Return CPU seconds of this process and of all that have ended below it."""
    both = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _recode(folder: Path, start: int, count: int) -> int:
    for source in read(folder, start, count):
        encode_png(source.pixels)
    return count


if __name__ == "__main__":
    main()
