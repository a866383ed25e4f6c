"""Published models that a board should hold, whether or not we can load them by name yet.

Where a fact was not published, or not found by us, it is None and shown as unknown. What others
made stands in `known_models.toml`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmos_board.core.cards import ModelCard
from cosmos_board.models.cards import ALL_PROMPTS, CARDS, POINTS_AND_BOXES
from cosmos_board.models.weights.checkpoints import BY_HAND, CHECKPOINTS

PAD_1024 = "long side to 1024 px, padded; SAM's mean and deviation"
SQUASH_1024 = "squashed to 1024 px; ImageNet mean and deviation"
SQUASH_UNIT = "squashed to 1024 px; each image to [0, 1]"
NATIVE = "none"

_PROMPT_SETS = {"all": ALL_PROMPTS, "points and boxes": POINTS_AND_BOXES}
"""Words of the file for several prompts."""

_SAM2 = "https://dl.fbaipublicfiles.com/segment_anything_2/092824"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """One published model and what is known of its weights."""

    card: ModelCard

    checkpoint: str | None
    """Address of the weights; None where there are none."""

    sha256: str | None = None
    """Of the weights, in hex; None where nobody published it."""

    preprocessing: str
    """What becomes of an image before the network sees it."""

    address: str | None = None
    """Where else `load_segmenter` finds it, such as `hf:OWNER/NAME`."""

    how: str | None = None
    """What to give where no one name does, with FILE for what the user has to bring."""

    @property
    def loads_as(self) -> str | None:
        """What to give as `--model`; None where a class around the model's own code is needed."""
        return self.card.name if self.card.name in CARDS else self.address


def _built_in(name: str, preprocessing: str, address: str | None = None) -> KnownModel:
    published = CHECKPOINTS.get(name)
    return KnownModel(
        card=CARDS[name],
        checkpoint=published.url if published else BY_HAND.get(name),
        sha256=published.sha256 if published else None,
        preprocessing=preprocessing,
        address=address,
    )


def _sam2(size: str, label: str, parameters: int, sha256: str) -> KnownModel:
    card = ModelCard(
        name=f"sam2.1-{size.replace('_', '-')}",
        label=f"SAM 2.1 {label}",
        family="sam2",
        kind="promptable",
        prompts=ALL_PROMPTS,
        clicks=True,
        mask_input=True,
        parameters=parameters,
        input_size_px=1024,
        licence="Apache-2.0",
        source="https://github.com/facebookresearch/sam2",
        training_data=(),
        description="Segment Anything 2.1 on single images; trained on natural images and videos.",
    )
    return KnownModel(
        card=card,
        checkpoint=f"{_SAM2}/sam2.1_hiera_{size}.pt",
        sha256=sha256,
        preprocessing=SQUASH_1024,
        address=f"hf:facebook/sam2.1-hiera-{size.replace('_', '-')}",
    )


def _read_others() -> list[KnownModel]:
    text = Path(__file__).with_name("known_models.toml").read_text(encoding="utf-8")
    return [_describe_other(name, facts) for name, facts in tomllib.loads(text).items()]


def _describe_other(name: str, facts: dict[str, Any]) -> KnownModel:
    prompts, data = facts.pop("prompts"), facts.pop("training_data", None)
    of_weights = {key: facts.pop(key, None) for key in ("checkpoint", "address", "how")}
    return KnownModel(
        preprocessing=facts.pop("preprocessing"),
        card=ModelCard(
            name=name,
            kind="promptable",
            prompts=_PROMPT_SETS.get(str(prompts)) or tuple(prompts),
            training_data=None if data is None else tuple(data),
            **facts,
        ),
        **of_weights,
    )


KNOWN: dict[str, KnownModel] = {
    known.card.name: known
    for known in (
        _built_in("box-prior", NATIVE),
        _built_in("grabcut", NATIVE),
        _built_in("random-walker", NATIVE),
        _built_in("cosmos-tiny", "long side to 256 px, padded; mean 127.5, deviation 64"),
        _built_in("sam-vit-b", PAD_1024, "hf:facebook/sam-vit-base"),
        _built_in("sam-vit-l", PAD_1024, "hf:facebook/sam-vit-large"),
        _built_in("sam-vit-h", PAD_1024, "hf:facebook/sam-vit-huge"),
        _built_in(
            "sam-med2d",
            "squashed to 256 px, smaller images centred; SAM's mean and deviation, channels BGR",
        ),
        _built_in("medsam", SQUASH_UNIT, "hf:wanglab/medsam-vit-base"),
        _sam2(
            "tiny",
            "tiny",
            38_900_000,
            "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69",
        ),
        _sam2(
            "small",
            "small",
            46_000_000,
            "6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38",
        ),
        _sam2(
            "base_plus",
            "base+",
            80_800_000,
            "a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5",
        ),
        _sam2(
            "large",
            "large",
            224_400_000,
            "2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318",
        ),
        *_read_others(),
    )
}
"""Every known model by name, those that we load first."""
