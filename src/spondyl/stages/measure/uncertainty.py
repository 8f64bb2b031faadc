"""How far a point on an endplate may be off: scatter, blur and slice spacing (clinical-methods §1.8)."""

from __future__ import annotations

import numpy as np

from spondyl.geometry.arrays import Float64Array
from spondyl.stages.measure.landmarks import SixPoints
from spondyl.stages.measure.settings import Settings


def points_sd_mm(
    points: SixPoints, softness_mm: float, slice_spacing_mm: float, settings: Settings
) -> Float64Array:
    """(6,) one standard deviation of each point along the axis, mm.

    A voxel step is uniform within the spacing (sd = spacing/√12); sub-voxel averaging over the slab
    leaves ``slice_factor`` of it. A soft outline adds ``softness_factor`` of its 25-75 % width.
    """
    slices = settings.slice_factor * slice_spacing_mm / np.sqrt(12.0)
    blur = settings.softness_factor * softness_mm
    return np.asarray(np.sqrt(settings.floor_mm**2 + points.sd_mm**2 + slices**2 + blur**2))
