"""`cosmos-tiny`: a SAM small enough to be learnt on two CPU cores, and the file of its weights.

The prompt encoder, two-way transformer, mask tokens, hypernetworks and IoU head are those of
`segment-anything` at width 128. Ours are the image encoder (`encoder`), the drawn prompt
(`prompt_encoder`), the upscaling that it joins (`decoder`), the crop of the box (`box_crop`) and
the estimate of a mask's IoU from the mask (`iou_head`). `SamPredictor` takes the model as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

from segment_anything.modeling import Sam
from torch import Tensor

from cosmos_board.core.errors import InputError
from cosmos_board.models.cards import CARDS
from cosmos_board.models.devices import prepare_device
from cosmos_board.models.sam.everything_grid import EverythingSettings
from cosmos_board.models.sam.segmenter import Preprocessing, SamSegmenter
from cosmos_board.models.tiny.decoder import TinyMaskDecoder
from cosmos_board.models.tiny.encoder import TinyEncoder
from cosmos_board.models.tiny.prompt_encoder import TinyPromptEncoder
from cosmos_board.models.weights.state_dicts import read_weights
from cosmos_board.models.weights.tuned_weights import describe_tuned, write_weights
from cosmos_board.models.weights.weights_file import LOADER_KEY, read_loader_name

ARCHITECTURE = "cosmos-tiny"
PREPROCESSING = Preprocessing(mean=(127.5, 127.5, 127.5), std=(64.0, 64.0, 64.0))

STABILITY_OFFSET = 0.25
"""The logits of `cosmos-tiny` are about four times less steep than those the protocol's offset of
1 is meant for: at this one, 94 % of its masks of IoU 0.9 on phantoms count as stable, and none
below 0.5."""

_NAMES_IN_FILE = (
    ("mask_decoder.transformer.inner.", "mask_decoder.transformer."),
    ("mask_decoder.judge.", "mask_decoder.iou_head."),
    (".output_upscaling.closeup.", ".output_upscaling.box_crop."),
    (".likeness.judge.", ".likeness.combine."),
)
"""What the shipped file calls parts of the model, and what they are called here."""


def build_tiny() -> Sam:
    """Return an untrained `cosmos-tiny`, whose encoder takes (pixel − 127.5) / 64.

    Before it has learnt anything its masks are about the ellipse of the box, a disc around the
    points, or the mask that was fed back: it starts from the prior that it has to beat.
    """
    return Sam(
        image_encoder=TinyEncoder(),
        prompt_encoder=TinyPromptEncoder(),
        mask_decoder=TinyMaskDecoder(),
        pixel_mean=list(PREPROCESSING.mean),
        pixel_std=list(PREPROCESSING.std),
    )


def load(*, checkpoint: Path | None, device: str) -> SamSegmenter:
    """Return `cosmos-tiny`, from `checkpoint` or the weights that ship with the package."""
    chosen = prepare_device(device)
    return SamSegmenter(
        load_tiny(checkpoint),
        card=describe_tuned(CARDS[ARCHITECTURE], checkpoint),
        device=chosen,
        preprocessing=PREPROCESSING,
        everything=EverythingSettings(stability_offset=STABILITY_OFFSET),
    )


def load_tiny(path: Path | None = None) -> Sam:
    """Return the module with the weights at `path`, or those that ship with the package.

    Raises:
        InputError: If the file holds weights of something else.
    """
    if path is None:
        with as_file(files("cosmos_board.models").joinpath("tiny/cosmos-tiny.safetensors")) as p:
            return load_tiny(p)
    if (architecture := read_loader_name(path)) != ARCHITECTURE:
        raise InputError(path, LOADER_KEY, "cannot be loaded", got=architecture, want=ARCHITECTURE)
    state = {_rename(name): weights for name, weights in read_weights(path).items()}
    sam = build_tiny()
    expected = sam.state_dict()
    if differing := sorted(set(state) ^ set(expected)):
        raise InputError(path, differing[0], "names weights that the architecture does not have")
    for name, value in state.items():
        if value.shape != expected[name].shape:
            shapes = tuple(value.shape), tuple(expected[name].shape)
            raise InputError(path, name, "has another shape", got=shapes[0], want=shapes[1])
    sam.load_state_dict({name: value.to(expected[name].dtype) for name, value in state.items()})
    return sam.eval()


def write_tiny(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write weights, named as in `build_tiny()`, in half precision, with where they come from."""
    write_weights(path, state, {LOADER_KEY: ARCHITECTURE, **metadata}, halve=True)


def _rename(name: str) -> str:
    for in_file, here in _NAMES_IN_FILE:
        name = name.replace(in_file, here)
    return name
