"""From an outline to a Vertebra: is it cut by the scan's border, is there metal, how sharp is it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from spondyl.domain import channels
from spondyl.domain.vertebra import BodyPatch, Vertebra
from spondyl.domain.volume import CtVolume
from spondyl.geometry.arrays import BoolArray
from spondyl.stages.segment.outline import Outline
from spondyl.stages.segment.settings import Settings

_CUT_VOXELS = 12  # mm^3 of body at the border that are more than noise
_BORDER_VOXELS = 2  # between a surface and the border there may lie a part of a voxel at either end


def to_vertebra(outline: Outline, volume: CtVolume, settings: Settings) -> Vertebra:
    """Judge one outline. A body within a slice of the border counts as cut: its end cannot be seen."""
    body = outline.target > 0.5
    spacing = volume.spacing_mm[volume.slice_axis]
    reach = max(settings.border_mm, spacing + _BORDER_VOXELS * channels.REFINER_SPACING_MM)
    border = _within(~outline.in_scan, reach / channels.REFINER_SPACING_MM)
    metal = outline.hu > settings.metal_hu
    near = ndimage.binary_dilation(body, iterations=round(settings.metal_reach_mm))
    patch = BodyPatch(
        occupancy=outline.target,
        posterior=outline.posterior,
        hu=outline.hu,
        in_scan=outline.in_scan,
        affine=outline.affine,
        slice_spacing_mm=spacing,
    )
    return Vertebra(
        candidate=replace(outline.candidate, centre_lps_mm=outline.centre_lps_mm, frame=outline.frame),
        patch=patch,
        cut_by_border=bool(np.count_nonzero(body & border) > _CUT_VOXELS),
        metal_fraction=float(np.mean(metal[near])) if near.any() else 0.0,
        outline_quality=float(np.clip(outline.certainty, 0.0, 1.0)),
    )


def _within(place: BoolArray, reach_voxels: float) -> BoolArray:
    """Voxels that lie nearer than this to a place, in any direction."""
    if not place.any():
        return place
    return np.asarray(ndimage.distance_transform_edt(~place) <= reach_voxels)
