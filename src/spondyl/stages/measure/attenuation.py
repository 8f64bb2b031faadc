"""Trabecular attenuation: the median in the core of the body."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spondyl.domain.vertebra import BodyPatch
from spondyl.stages.measure.outline import Outline
from spondyl.stages.measure.settings import Settings


def core_attenuation(patch: BodyPatch, outline: Outline, settings: Settings) -> float | None:
    """Median HU of the voxels deeper than ``core_depth_mm``; None where too few were scanned."""
    box = ndimage.find_objects(outline.mask.astype(np.int8))[0]
    inside = np.pad(outline.mask[box], 1)
    depth = ndimage.distance_transform_edt(inside, sampling=patch.spacing_mm)[1:-1, 1:-1, 1:-1]
    core = patch.hu[box][(depth > settings.core_depth_mm) & patch.in_scan[box]]
    if core.size * patch.spacing_mm**3 < settings.smallest_core_mm3:
        return None
    return float(np.median(core))
