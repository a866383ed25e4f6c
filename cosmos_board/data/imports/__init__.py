"""Import files, which say what raw images and masks hold, and how they are carried out."""

from cosmos_board.data.imports.planning.plan import ImportPlan, iter_source_images, plan_import
from cosmos_board.data.imports.spec.load import load_spec, make_pack_info, parse_spec, read_spec
from cosmos_board.data.imports.spec.models import ImageSpec, ImportSpec, MaskSpec

__all__ = [
    "ImageSpec",
    "ImportPlan",
    "ImportSpec",
    "MaskSpec",
    "iter_source_images",
    "load_spec",
    "make_pack_info",
    "parse_spec",
    "plan_import",
    "read_spec",
]
