"""Cards of the segmenters that come with us or can be fetched, readable without torch."""

from __future__ import annotations

from cosmos_board.core.cards import ModelCard

POINTS_AND_BOXES = ("point", "points-5", "points-5-5", "box", "box-point")
ALL_PROMPTS = ("everything", *POINTS_AND_BOXES)

_MEDSAM_DATA = (
    "abdomenct-1k",
    "amos-2022",
    "brats20",
    "camus",
    "crossmoda",
    "feta",
    "i2cvb",
    "isic-2018",
    "kipa22",
    "kits19",
    "kits21",
    "mnms",
    "montgomery-cxr",
    "msd",
    "nci-isbi-2013",
    "promise12",
    "siim-acr",
    "tn-scui-2020",
    "totalsegmentator",
)

_SAM_SOURCE = "https://github.com/facebookresearch/segment-anything"


def _sam(name: str, label: str, parameters: int, encoder: str) -> ModelCard:
    return ModelCard(
        name=name,
        label=label,
        family="sam",
        kind="promptable",
        prompts=ALL_PROMPTS,
        clicks=True,
        mask_input=True,
        parameters=parameters,
        input_size_px=1024,
        licence="Apache-2.0",
        source=_SAM_SOURCE,
        training_data=(),
        description=f"Segment Anything with a {encoder} image encoder, trained on the natural "
        "images of SA-1B; no medical dataset is among them.",
    )


CARDS: dict[str, ModelCard] = {
    card.name: card
    for card in (
        ModelCard(
            name="box-prior",
            label="Box prior",
            family="box-prior",
            kind="baseline",
            prompts=POINTS_AND_BOXES,
            clicks=True,
            licence="Apache-2.0",
            training_data=(),
            description="Draws the ellipse of the box, or a disc around the first point, and never "
            "looks at the image. A model that scores less is worse than none.",
        ),
        ModelCard(
            name="grabcut",
            label="GrabCut",
            family="grabcut",
            kind="classical",
            prompts=POINTS_AND_BOXES,
            clicks=True,
            licence="Apache-2.0",
            source="https://doi.org/10.1145/1015706.1015720",
            training_data=(),
            description="Two colour mixtures and a minimal cut, five iterations, through OpenCV. "
            "A box is probable foreground; without one, a disc around the first point is.",
        ),
        ModelCard(
            name="random-walker",
            label="Random walker",
            family="random-walker",
            kind="classical",
            prompts=POINTS_AND_BOXES,
            clicks=True,
            licence="Apache-2.0",
            source="https://doi.org/10.1109/TPAMI.2006.233",
            training_data=(),
            description="Gives each pixel to the seed that a random walker reaches first; beta "
            "130. Points are seeds, the outside of a box or the image border is background.",
        ),
        ModelCard(
            name="cosmos-tiny",
            label="COSMOS tiny",
            family="cosmos-tiny",
            kind="promptable",
            prompts=ALL_PROMPTS,
            clicks=True,
            mask_input=True,
            parameters=1_956_521,
            input_size_px=256,
            licence="Apache-2.0",
            training_data=(),
            description="A SAM of 2.0 million weights for the CPU: a small convolutional encoder "
            "under SAM's prompt encoder and mask decoder, trained on procedural phantoms and "
            "regions of eight free pictures; no medical dataset is among them.",
        ),
        _sam("sam-vit-b", "SAM ViT-B", 93_735_472, "ViT-B"),
        _sam("sam-vit-l", "SAM ViT-L", 312_342_832, "ViT-L"),
        _sam("sam-vit-h", "SAM ViT-H", 641_090_608, "ViT-H"),
        ModelCard(
            name="sam-med2d",
            label="SAM-Med2D",
            family="sam-med2d",
            kind="promptable",
            prompts=ALL_PROMPTS,
            clicks=True,
            mask_input=True,
            parameters=271_000_000,
            input_size_px=256,
            licence="Apache-2.0",
            source="https://github.com/OpenGVLab/SAM-Med2D",
            training_data=None,
            description="SAM ViT-B with adapters, at a sixteenth of SAM's pixels; publishes no "
            "list of the datasets it saw.",
            base_model="sam-vit-b",
        ),
        ModelCard(
            name="medsam",
            label="MedSAM",
            family="sam",
            kind="promptable",
            prompts=("box",),
            parameters=93_735_472,
            input_size_px=1024,
            licence="Apache-2.0",
            source="https://github.com/bowang-lab/MedSAM",
            training_data=_MEDSAM_DATA,
            description="SAM ViT-B fine-tuned on 1.57 million medical image-mask pairs with boxes; "
            "answers a box with one mask. Training data as its paper's supplement lists them.",
            base_model="sam-vit-b",
        ),
    )
}
"""Every built-in card by name."""
