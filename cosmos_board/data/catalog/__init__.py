"""The datasets we know, in readable files, and the controlled list of objects."""

from cosmos_board.data.catalog.dataset import Dataset, Exclusion, Gate, KnownUse
from cosmos_board.data.catalog.load import Catalog, get_dataset, load_catalog
from cosmos_board.data.catalog.objects import ObjectName, get_object_label

__all__ = [
    "Catalog",
    "Dataset",
    "Exclusion",
    "Gate",
    "KnownUse",
    "ObjectName",
    "get_dataset",
    "get_object_label",
    "load_catalog",
]
