"""One missing slice, put in as the mean of its neighbours. Only where the settings allow it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spondyl.domain.refusal import RefusalCode
from spondyl.stages.ingest.pixels import Decoded
from spondyl.stages.ingest.refused import refuse


def insert_missing(decoded: Decoded, after: int) -> Decoded:
    """Insert the mean of slices ``after`` and ``after + 1`` between them.

    Padding wins over values: a voxel that is padding in one neighbour is padding in the new slice.

    Raises:
        RefusedError: MISSING_SLICES where the neighbours are scaled differently.
    """
    pair = slice(after, after + 2)
    if np.ptp(decoded.slope[pair]) or np.ptp(decoded.intercept[pair]):
        refuse(
            RefusalCode.MISSING_SLICES,
            "One slice is missing between two that are scaled differently.",
            "every slice of the series; send it again from the archive.",
        )
    lower, upper = decoded.stored[pair]
    mean = np.rint((lower.astype(np.float64) + upper) / 2.0).astype(decoded.stored.dtype)
    if decoded.padding is not None:
        mean[(lower == decoded.padding) | (upper == decoded.padding)] = decoded.padding
    position = after + 1
    return replace(
        decoded,
        stored=np.insert(decoded.stored, position, mean, axis=0),
        slope=np.insert(decoded.slope, position, decoded.slope[after]),
        intercept=np.insert(decoded.intercept, position, decoded.intercept[after]),
        repairs=(*decoded.repairs, f"slice {position} was missing: mean of its neighbours put in"),
    )
