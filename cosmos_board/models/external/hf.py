"""Loads `hf:<repository or folder>`: models of the SAM family as `transformers` keeps them.

Only local files are read (`models fetch hf:OWNER/NAME` gets them), only safetensors, and code
that comes with a repository is never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from torch import Tensor

from cosmos_board.accelerators.transfers import upload
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import CosmosBoardError, InputError
from cosmos_board.core.masks import Pixels
from cosmos_board.models.cards import ALL_PROMPTS, KNOWN
from cosmos_board.models.devices import Device, prepare_device
from cosmos_board.models.external.hf_convert import to_official
from cosmos_board.models.external.hf_files import (
    PREFIX,
    find_folder,
    known_name,
    read_model_type,
    refuse_foreign_parts,
)
from cosmos_board.models.external.hf_memory import HfMemorySegmenter
from cosmos_board.models.external.hf_segmenter import HfSegmenter, mend_sam_hq, preprocess
from cosmos_board.models.sam.geometry import Fit, Frame
from cosmos_board.models.sam.medsam import MedSam
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.models.weights.state_dicts import fill_module, read_weights
from cosmos_board.models.weights.tuned_weights import describe_tuned

if TYPE_CHECKING:
    from cosmos_board.models.segmenter import Segmenter


@dataclass(frozen=True, slots=True)
class _Family:
    """How one architecture is made."""

    name: str
    """On the card."""

    model: str
    """Class in transformers; likewise the processor."""

    processor: str
    fit: Fit
    video: str | None = None
    """Class of the model that goes through volumes, where the files hold its weights too."""


_SAM = _Family("sam", "SamModel", "SamImageProcessor", "pad")
_SAM2 = _Family("sam2", "Sam2Model", "Sam2ImageProcessor", "squash")
_EDGE = _Family("edgetam", "EdgeTamModel", "Sam2ImageProcessor", "squash")
_SAM3 = _Family("sam3", "Sam3TrackerModel", "Sam3ImageProcessor", "squash")

_FAMILIES = {
    "sam": _SAM,
    "sam_hq": _Family("sam-hq", "SamHQModel", "SamImageProcessor", "pad"),
    # A repository of a video model holds the image model too.
    "sam2": _SAM2,
    "sam2_video": replace(_SAM2, video="Sam2VideoModel"),
    "edgetam": _EDGE,
    "edgetam_video": replace(_EDGE, video="EdgeTamVideoModel"),
    "sam3_tracker": _SAM3,
    "sam3_tracker_video": _SAM3,
    "sam3_video": _SAM3,
}
"""By the `model_type` of `config.json`."""

_PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")


class HfSam(SamSegmenter):
    """SAM whose images are resized and normalised by the library's own processor."""

    def __init__(
        self,
        sam: torch.nn.Module,
        processor: Any,  # noqa: ANN401 (transformers is untyped)
        *,
        card: ModelCard,
        device: Device,
    ) -> None:
        super().__init__(sam, card=card, device=device)
        self._processor = processor

    def to_input(self, pixels: Pixels) -> tuple[Frame, Tensor]:
        """Return how an image lies in the input square, and what the encoder takes of it."""
        frame = self._frame(*pixels.shape[:2])
        return frame, upload(preprocess(self._processor, pixels), self._device)


def load(address: str, *, checkpoint: Path | None, device: str) -> Segmenter:
    """Return the segmenter at `address`.

    Args:
        address: `owner/name` of a repository that was fetched, or a folder.
        checkpoint: Fine-tuned weights under the official names; for SAM's own architecture.
        device: Such as `cuda:1+bf16`; `+compile` is for SAM's own architecture.

    Raises:
        InputError: If it is not here, of another architecture, or incomplete.
    """
    folder = find_folder(address)
    model_type = read_model_type(folder)
    if model_type not in _FAMILIES:
        raise InputError(
            folder, "model_type", "has no adapter", got=model_type, want=", ".join(_FAMILIES)
        )
    chosen = prepare_device(device)
    family = _FAMILIES[model_type]
    model, processor = _read(folder, family)
    if family.name == "sam-hq":
        mend_sam_hq(model)
    if family is _SAM:
        return _make_sam(model, processor, address, checkpoint, chosen)
    if checkpoint is not None:
        raise InputError(PREFIX + address, "--checkpoint", "is taken by SAM only", got=model_type)
    if chosen.compiled:
        raise InputError("--device", "+compile", "is taken by SAM only", got=model_type)
    card = _describe(_resolve(address), family, model)
    if family.video is not None:
        load_video = partial(_read_model, folder, family.video)
        return HfMemorySegmenter(model, processor, load_video=load_video, card=card, device=chosen)
    return HfSegmenter(model, processor, card=card, fit=family.fit, device=chosen)


def _resolve(address: str) -> str:
    """Return a folder by its whole path, so that it is the same model from wherever it is named."""
    return str(Path(address).resolve()) if Path(address).is_dir() else address


def _make_sam(
    model: Any,  # noqa: ANN401
    processor: Any,  # noqa: ANN401
    address: str,
    checkpoint: Path | None,
    device: Device,
) -> SamSegmenter:
    address = _resolve(address)
    card = describe_tuned(_describe(address, _SAM, model), checkpoint)
    sam = to_official(model, Path(address))
    if checkpoint is not None:
        fill_module(sam, read_weights(checkpoint), checkpoint, PREFIX + address)
    if known_name(address) == "medsam":  # its authors resize and scale in another way
        return MedSam(sam, card=card, device=device)
    return HfSam(sam, processor, card=card, device=device)


def _read(folder: Path, family: _Family) -> tuple[Any, Any]:
    refuse_foreign_parts(folder)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = _read_model(folder, family.model)
    with _explain_failure(folder):
        side = model.config.prompt_encoder_config.image_size
        return model, _read_processor(folder, family, side)


def _read_model(folder: Path, kind: str) -> Any:  # noqa: ANN401
    """Return the model of a class with the weights in a folder, none of them missing."""
    with _explain_failure(folder):
        model, report = getattr(transformers, kind).from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            # Said here, so that no file can ask for a kernel from elsewhere.
            attn_implementation="sdpa",
            dtype=torch.float32,
        )
    for wrong in ("missing_keys", "mismatched_keys"):
        if report[wrong]:
            raise InputError(
                folder, "weights", "are not those of the architecture", got=sorted(report[wrong])[0]
            )
    return model


@contextmanager
def _explain_failure(folder: Path) -> Iterator[None]:
    """A library may fail in any way over a file that it does not like: make that one line."""
    try:
        yield
    except CosmosBoardError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        raise InputError(folder, "", "cannot be loaded", got=reason) from error


def _read_processor(folder: Path, family: _Family, side: int) -> Any:  # noqa: ANN401
    processor_class = getattr(transformers, family.processor)
    expected = {"longest_edge": side} if family.fit == "pad" else {"height": side, "width": side}
    if not any((folder / name).is_file() for name in _PROCESSOR_FILES):
        pad = {"pad_size": {"height": side, "width": side}} if family.fit == "pad" else {}
        return processor_class(size=expected, **pad)
    processor = processor_class.from_pretrained(folder, local_files_only=True)
    size = {key: processor.size[key] for key in expected}
    if size != expected:
        raise InputError(folder, "processor size", "is not the model's", got=size, want=expected)
    return processor


def _describe(address: str, family: _Family, model: Any) -> ModelCard:  # noqa: ANN401
    side = model.config.prompt_encoder_config.image_size
    if known := known_name(address):
        return replace(KNOWN[known].card, input_size_px=side)
    parts = [part for part in re.split(r"[/\\]+", address) if part not in ("", ".", "..")]
    is_folder = Path(address).is_dir()
    words = "-".join(parts[-1:] if is_folder else parts)
    return ModelCard(
        name="hf-" + re.sub(r"[^a-z0-9.]+", "-", words.lower()).strip("-."),
        label=parts[-1] if parts else address,
        family=family.name,
        kind="promptable",
        prompts=ALL_PROMPTS,
        clicks=True,
        mask_input=True,
        parameters=sum(each.numel() for each in model.parameters()),
        input_size_px=side,
        source="" if is_folder else f"https://huggingface.co/{address}",
        description=f"A {family.name} in the format of transformers; what it learnt from is not "
        "known.",
    )
