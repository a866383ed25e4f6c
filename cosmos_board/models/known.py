"""Published models that a board should hold, whether or not we can load them by name yet.

Where a fact was not published, or not found by us, it is None and shown as unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

from cosmos_board.core.cards import ModelCard
from cosmos_board.models.cards import ALL_PROMPTS, CARDS, POINTS_AND_BOXES
from cosmos_board.models.checkpoints import BY_HAND, CHECKPOINTS

PAD_1024 = "long side to 1024 px, padded; SAM's mean and deviation"
SQUASH_1024 = "squashed to 1024 px; ImageNet mean and deviation"
SQUASH_UNIT = "squashed to 1024 px; each image to [0, 1]"
NATIVE = "none"

_SAM2 = "https://dl.fbaipublicfiles.com/segment_anything_2/092824"
_RITM = "https://github.com/SamsungLabs/ritm_interactive_segmentation/releases/download/v1.0"


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

    @property
    def is_loadable(self) -> bool:
        """Whether `load_segmenter` takes its name."""
        return self.loads_as is not None


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


def _other(
    name: str,
    label: str,
    family: str,
    prompts: tuple[str, ...],
    *,
    source: str,
    checkpoint: str | None,
    preprocessing: str,
    parameters: int | None = None,
    input_size_px: int | None = None,
    licence: str = "unknown",
    clicks: bool = False,
    training_data: tuple[str, ...] | None = None,
    base_model: str | None = None,
    mask_input: bool = False,
    address: str | None = None,
    how: str | None = None,
    description: str = "",
) -> KnownModel:
    card = ModelCard(
        name=name,
        label=label,
        family=family,
        kind="promptable",
        prompts=prompts,
        clicks=clicks,
        mask_input=mask_input,
        parameters=parameters,
        input_size_px=input_size_px,
        licence=licence,
        source=source,
        training_data=training_data,
        base_model=base_model,
        description=description,
    )
    return KnownModel(
        card=card,
        checkpoint=checkpoint,
        preprocessing=preprocessing,
        address=address,
        how=how,
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
        _other(
            "sam3",
            "SAM 3",
            "sam3",
            ALL_PROMPTS,
            source="https://github.com/facebookresearch/sam3",
            checkpoint="https://huggingface.co/facebook/sam3",
            preprocessing="squashed to 1008 px",
            parameters=848_000_000,
            input_size_px=1008,
            licence="SAM License",
            training_data=(),
            clicks=True,
            mask_input=True,
            address="hf:facebook/sam3",
            description="Points, boxes and text; weights only after accepting terms.",
        ),
        _other(
            "litemedsam",
            "LiteMedSAM",
            "medsam",
            ("box",),
            source="https://github.com/bowang-lab/MedSAM/tree/LiteMedSAM",
            checkpoint=BY_HAND["medsam"],
            preprocessing="long side to 256 px, padded; each image to [0, 1]",
            input_size_px=256,
            licence="Apache-2.0",
            base_model="medsam",
            description="MedSAM distilled into a TinyViT.",
        ),
        _other(
            "medsam2",
            "MedSAM2",
            "medsam2",
            ("box",),
            source="https://github.com/bowang-lab/MedSAM2",
            checkpoint="https://huggingface.co/wanglab/MedSAM2",
            preprocessing="squashed to 512 px",
            input_size_px=512,
            base_model="sam2.1-tiny",
            description="SAM 2.1 tiny fine-tuned on medical volumes and videos.",
        ),
        _other(
            "medicosam",
            "MedicoSAM",
            "sam",
            POINTS_AND_BOXES,
            source="https://github.com/computational-cell-analytics/medico-sam",
            checkpoint="https://owncloud.gwdg.de/index.php/s/f5Ol4FrjPQWfjUF/download",
            preprocessing=PAD_1024,
            parameters=93_735_472,
            input_size_px=1024,
            clicks=True,
            base_model="sam-vit-b",
            how="sam-vit-b --checkpoint FILE",
            description="SAM ViT-B fine-tuned with SAM's own interactive training on medical "
            "images.",
        ),
        _other(
            "imis-net-b",
            "IMIS-Net-B",
            "imis-net",
            POINTS_AND_BOXES,
            source="https://github.com/uni-medical/IMIS-Bench",
            checkpoint=None,
            preprocessing="to 1024 px",
            input_size_px=1024,
            clicks=True,
            base_model="sam-vit-b",
            description="Points, boxes and text, trained on IMed-361M.",
        ),
        _other(
            "scribbleprompt-unet",
            "ScribblePrompt UNet",
            "scribbleprompt",
            POINTS_AND_BOXES,
            source="https://github.com/halleewong/ScribblePrompt",
            checkpoint=None,
            preprocessing="squashed to 128 px, grey; each image to [0, 1]",
            input_size_px=128,
            clicks=True,
            description="A small UNet for scribbles, clicks and boxes.",
        ),
        _other(
            "scribbleprompt-sam",
            "ScribblePrompt SAM",
            "scribbleprompt",
            POINTS_AND_BOXES,
            source="https://github.com/halleewong/ScribblePrompt",
            checkpoint=None,
            preprocessing=PAD_1024,
            input_size_px=1024,
            clicks=True,
            base_model="sam-vit-b",
            description="SAM ViT-B trained on the scribbles of ScribblePrompt.",
        ),
        _other(
            "samed-2",
            "SAMed-2",
            "samed-2",
            ("box",),
            source="https://github.com/ZhilingYan/Medical-SAM-Bench",
            checkpoint="https://drive.google.com/file/d/1JVmZnpWip7AIi8o9J1heog_Kl5uHGHcP",
            preprocessing="squashed to 1024 px",
            input_size_px=1024,
            description="SAM 2 small with a memory of confident medical examples.",
        ),
        _other(
            "biomedparse",
            "BiomedParse",
            "biomedparse",
            (),
            source="https://github.com/microsoft/BiomedParse",
            checkpoint="https://huggingface.co/microsoft/BiomedParse",
            preprocessing="squashed to 1024 px",
            input_size_px=1024,
            description="Answers text, which the protocol does not ask.",
        ),
        _other(
            "medical-sam3",
            "Medical-SAM3",
            "sam3",
            ("box",),
            source="https://huggingface.co/Chongcong/Medical-SAM3",
            checkpoint="https://huggingface.co/Chongcong/Medical-SAM3",
            preprocessing="squashed to 1008 px",
            input_size_px=1008,
            base_model="sam3",
            description="SAM 3 fine-tuned on medical images for text and boxes.",
        ),
        _other(
            "ritm-hrnet32",
            "RITM HRNet-32",
            "ritm",
            ("point", "points-5", "points-5-5"),
            source="https://github.com/SamsungLabs/ritm_interactive_segmentation",
            checkpoint=f"{_RITM}/coco_lvis_h32_itermask.pth",
            preprocessing="long side limited; ImageNet mean and deviation",
            licence="MIT",
            clicks=True,
            training_data=(),
            how="clicks:FILE.onnx",
            description="Clicks with the mask before as input; trained on natural images.",
        ),
        _other(
            "simpleclick-vit-b",
            "SimpleClick ViT-B",
            "simpleclick",
            ("point", "points-5", "points-5-5"),
            source="https://github.com/uncbiag/SimpleClick",
            checkpoint=None,
            preprocessing="squashed to 448 px",
            input_size_px=448,
            licence="MIT",
            clicks=True,
            training_data=(),
            how="clicks:FILE.onnx",
            description="A plain ViT for clicks; trained on natural images.",
        ),
        _other(
            "focalclick",
            "FocalClick",
            "focalclick",
            ("point", "points-5", "points-5-5"),
            source="https://github.com/XavierCHEN34/ClickSEG",
            checkpoint=None,
            preprocessing="squashed to 256 px, then refined around the click",
            input_size_px=256,
            licence="Apache-2.0",
            clicks=True,
            training_data=(),
            how="clicks:FILE.onnx",
            description="Clicks, refined locally; trained on natural images.",
        ),
    )
}
"""Every known model by name, those that we load first."""
