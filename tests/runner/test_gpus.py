"""The real commands on simulated GPUs: right rows, no hidden waits, memory that runs out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="extra `sam` is not installed")
pytest.importorskip("segment_anything", reason="extra `sam` is not installed")

from cosmos_board.core.errors import DeviceError  # noqa: E402
from cosmos_board.core.prompts import make_prompt  # noqa: E402
from cosmos_board.core.run_record import RunSettings  # noqa: E402
from cosmos_board.data.pack import open_pack  # noqa: E402
from cosmos_board.models.registry import load_segmenter  # noqa: E402
from cosmos_board.runner.engine.worker import Worker  # noqa: E402
from cosmos_board.runner.evaluation.evaluate import predict_image  # noqa: E402
from cosmos_board.runner.evaluation.evaluators import make_evaluator  # noqa: E402
from cosmos_board.runner.evaluation.image_session import ImageSession  # noqa: E402
from cosmos_board.runner.evaluation.stage_timer import StageTimer  # noqa: E402
from cosmos_board.runner.record.folder import RunFolder  # noqa: E402
from cosmos_board.runner.record.shards import Shard  # noqa: E402
from cosmos_board.runner.run import RunRequest, run  # noqa: E402
from cosmos_board.runner.settings import Callbacks, SegmenterSpec, WorkerSettings  # noqa: E402
from cosmos_board.training.finetune.data import read_tuning_images  # noqa: E402
from cosmos_board.training.finetune.plan import TuningPlan  # noqa: E402
from cosmos_board.training.finetune.tune import tune  # noqa: E402
from tests.models.scenes import draw_scene  # noqa: E402
from tests.runner.small_sam import SmallSam  # noqa: E402
from tests.runner.test_run import read_rows  # noqa: E402
from tests.simulated_cuda import simulate_gpus  # noqa: E402

SMALL = f"{Path(__file__).parent / 'small_sam.py'}:SmallSam"
PROMPTS = ("everything", "point", "points-5-5", "box", "box-point")


def evaluate(pack: Path, out: Path, device: str, model: str = SMALL, **settings: Any) -> list[Any]:  # noqa: ANN401
    """Return counts and status of every row of a run on one image."""
    run(
        RunRequest(
            packs=(pack,),
            specs=(SegmenterSpec(name=model, device=device),),
            out=out,
            settings=RunSettings(**{"prompts": PROMPTS, "limit": 1, **settings}),
            check_device=False,
        )
    )
    names = ("reference_id", "prompt", "click", "selection", "tp", "fp", "fn", "hd_px", "status")
    return [tuple(row[name] for name in names) for row in read_rows(out).to_pylist()]


@pytest.fixture(scope="module")
def rows_of_cpu(phantom_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Rows of the main study and of clicks on the CPU."""
    out = tmp_path_factory.mktemp("cpu")
    return {
        study: evaluate(phantom_pack, out / study, "cpu", study=study)
        for study in ("main", "clicks")
    }


@pytest.mark.parametrize(("study", "fetches"), [("main", 5), ("clicks", 30)])
def test_a_gpu_gives_the_rows_of_the_cpu_and_is_waited_for_where_results_are_fetched(
    study: str, fetches: int, rows_of_cpu: dict[str, Any], phantom_pack: Path, tmp_path: Path
) -> None:
    """Of an image: estimates and scores of prompts; estimates, stability and masks of the grid."""
    with simulate_gpus(2) as gpus:
        rows = evaluate(phantom_pack, tmp_path / "run", "cuda:1", study=study)

    assert rows == rows_of_cpu[study]
    assert gpus.launches[1] > 1000 > gpus.launches[0]
    assert gpus.hidden_waits() == []
    assert len(gpus.fetches()) <= fetches


@pytest.mark.parametrize(
    ("within", "most_elements", "prompts", "form"),
    [
        ("native_masks.py:to_native_masks", 100_000, ("box", "point"), "allocator"),
        ("everything.py:find_everything", 100_000, ("everything",), "driver"),
        ("metrics/device", 100_000, ("box", "point"), "library"),
        ("decoder.py:attend", 40_000, ("box", "point"), "rocm"),
    ],
    ids=["drawing", "everything", "scoring", "decoding"],
)
def test_batches_are_halved_until_they_fit(
    within: str,
    most_elements: int,
    prompts: tuple[str, ...],
    form: str,
    rows_of_cpu: dict[str, Any],
    phantom_pack: Path,
    tmp_path: Path,
) -> None:
    with simulate_gpus() as gpus:
        gpus.most_elements, gpus.within, gpus.form = most_elements, within, form
        rows = evaluate(phantom_pack, tmp_path / "run", "cuda", prompts=prompts)

    assert gpus.refused
    assert gpus.emptied
    assert rows == [row for row in rows_of_cpu["main"] if row[1] in prompts]


@pytest.mark.parametrize(
    ("within", "form"),
    [
        ("segmenter.py:__init__", "driver"),
        ("relative_attention.py:forward", "library"),
        ("decoder.py:attend", "allocator"),
        ("everything.py:find_everything", "rocm"),
    ],
    ids=["for the model", "for an image", "for a prompt", "for a point"],
)
def test_a_gpu_that_neighbours_have_filled_is_not_charged_to_the_model(
    within: str, form: str, phantom_pack: Path, tmp_path: Path
) -> None:
    with simulate_gpus() as gpus:
        gpus.most_elements, gpus.within, gpus.form = 0, within, form
        with pytest.raises(DeviceError, match=r"^device: out of memory"):
            evaluate(phantom_pack, tmp_path, "cuda", prompts=("box", "everything"))

    assert not list((tmp_path / "scores").glob("*.parquet"))


def test_stages_are_timed_by_the_clock_of_the_gpu(phantom_pack: Path) -> None:
    """The host only launches: by its own clock an embedding would take no time."""
    timer, [item] = StageTimer(), open_pack(phantom_pack).iter_items(0, 1)
    with simulate_gpus() as gpus:
        segmenter = SmallSam("cuda")
        embed, decode = segmenter.embed_many, segmenter.decode

        def embed_slowly(images: Any) -> Any:  # noqa: ANN401 (handed on)
            gpus.work(0.010 * len(images))
            return embed(images)

        def decode_slowly(embedding: Any, batch: Any) -> Any:  # noqa: ANN401 (handed on)
            gpus.work(0.002 * len(batch))
            return decode(embedding, batch)

        segmenter.embed_many, segmenter.decode = embed_slowly, decode_slowly  # type: ignore[method-assign]
        settings = RunSettings(prompts=("box", "point"))
        for deferred in predict_image(ImageSession(segmenter, item, settings, timer)):
            deferred()
        timings = timer.medians_s()

    assert {stage: items for stage, (items, _) in timings.items()} == {
        "embed": 1,
        "prompt": 2 * len(item.references),
    }
    assert timings["embed"][1] == pytest.approx(0.010)
    assert timings["prompt"][1] == pytest.approx(0.002)


def test_a_worker_watches_its_own_gpu_and_says_which_it_is(
    phantom_pack: Path, tmp_path: Path
) -> None:
    spec = SegmenterSpec(name=SMALL, device="cuda")
    request = RunRequest(
        packs=(phantom_pack,), specs=(spec,), out=tmp_path, settings=RunSettings(prompts=("box",))
    )
    with simulate_gpus(8) as gpus:
        settings = WorkerSettings(spec, request.packs, request.settings, tmp_path, 60.0, None, True)
        worker = Worker(settings.on_device_of(13))
        shard = Shard("0" * 16, 0, 1, phantom_pack)
        RunFolder(tmp_path).make()
        [finished] = worker.run([shard], Callbacks())
        check = worker.finish()

    assert set(gpus.launches) == {5}
    assert finished.record.card is not None
    assert finished.record.card.name == "Simulated GPU"
    assert check is not None
    assert check.worker.startswith("cuda:5, ")
    assert check.before == check.after


def test_a_run_that_is_done_already_takes_no_gpu(phantom_pack: Path, tmp_path: Path) -> None:
    request = RunRequest(
        packs=(phantom_pack,),
        specs=(SegmenterSpec(name=SMALL, device="cuda"),),
        out=tmp_path,
        settings=RunSettings(prompts=("box",), limit=1),
        check_device=False,
    )
    with simulate_gpus():
        first = run(request)
    with simulate_gpus() as gpus:
        again = run(request)

    assert (first.evaluated, again.evaluated) == (1, 0)
    assert not gpus.launches


def test_whoever_only_hands_out_work_needs_no_gpu_and_takes_none_of_its_memory() -> None:
    spec = SegmenterSpec(name=SMALL, device="cuda+bf16")
    with simulate_gpus() as gpus:
        assert make_evaluator(spec, []).card.name == "small"

    assert not gpus.launches
    assert make_evaluator(spec, []).card.name == "small"


@pytest.mark.parametrize("method", ["decoder", "lora"])
def test_fine_tuning_keeps_to_its_gpu(method: Any, phantom_pack: Path) -> None:  # noqa: ANN401
    images, _ = read_tuning_images([phantom_pack])
    plan = TuningPlan(method=method, epochs=1, rank=2, prompts=("box", "point"))
    with simulate_gpus(2) as gpus:
        result = tune(SmallSam("cuda:1+bf16"), images[:1], images[1:2], plan)

    assert len(result.validation) == 2
    assert gpus.launches[1] > 100 > gpus.launches[0]


def test_half_precision_answers_as_float32_does_on_a_gpu() -> None:
    """Which computes squares in float32: a CPU's autocast does not, so that it is refused there."""
    pixels, prompt = draw_scene(64, 64), make_prompt([(20, 30)])
    with simulate_gpus():
        answers = [
            one.predict(one.embed(pixels), [prompt])[0]
            for one in (load_segmenter("cosmos-tiny", device=f"cuda{e}") for e in ("", "+fp16"))
        ]

    np.testing.assert_allclose(answers[0].predicted_iou, answers[1].predicted_iou, atol=0.02)
    assert (answers[0].masks != answers[1].masks).mean() < 0.01
