"""Sets of datasets on which models that were adapted to medical images compete.

A model that was trained on a dataset is not ranked where that dataset counts. So that adapted
models meet somewhere, each version of the protocol names datasets that nobody who wants a rank
there trains on, tunes on or chooses a checkpoint by.

How they were chosen, among the study's 53: no known model was trained on them, as far as the
catalog says; each can be had for research without a payment; at most two are of one modality, so
that none outweighs the others. X-ray, ultrasound and dermoscopy have none: a known model was
trained on every dataset of theirs. A set changes only with the version of the protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

HELD_OUT: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "cosmos-1": {
            "pictures": (
                "autolaparo",
                "chase-db1",
                "idrid-2018",
                "kvasir-instrument",
                "warwick-qu",
            ),
            "volumes": ("han-seg", "iseg-2019", "livscar", "mrspineseg"),
        }
    }
)
"""By version of the protocol and name of the set: names of datasets in the catalog, sorted."""
