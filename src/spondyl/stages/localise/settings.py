"""Thresholds of the localise stage. All are our choices, set on synthetic CT."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the coarse network's output becomes a chain of bodies.

    overlap_fraction: overlap of neighbouring windows.
    bone_hu, bone_voxels: a window with fewer voxels above this value is not run: it holds no vertebra.
    trunk_hu, usual_depth_mm: the trunk is above this value; a spine's bodies usually lie
        this far before its back.
    window_margin_mm, margin_share: a window holds the column where less than this share of the bodies' voxels
        lies nearer than this to one of its sides.
    row_volume_ml: less body than this in a window is none.
    core_coordinate: |superior coordinate| below this is the core of a body.
    core_probability: probability of "body" in a core.
    core_volume_ml: smallest core kept.
    chain_spacing_mm: smallest and largest distance of neighbours in the chain.
    chain_bend_deg: largest angle between a step of the chain and the body's own axis.
    column_probability, column_step_mm, column_points: where no body stands out, a column of at least so many
        such steps above this probability is a spine all the same.
    level_sd: spread of the network's running number of one body.
    """

    overlap_fraction: float = 0.4
    bone_hu: float = 140.0
    bone_voxels: int = 60
    trunk_hu: float = -300.0
    usual_depth_mm: float = 65.0
    window_margin_mm: float = 14.0
    margin_share: float = 0.05
    row_volume_ml: float = 4.0
    core_coordinate: float = 0.5
    core_probability: float = 0.45
    core_volume_ml: float = 0.4
    chain_spacing_mm: tuple[float, float] = (8.0, 62.0)
    chain_bend_deg: float = 55.0
    column_probability: float = 0.5
    column_step_mm: float = 5.0
    column_points: int = 10
    level_sd: float = 1.3
