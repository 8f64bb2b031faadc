"""Every threshold of this room, with its source: a section of clinical-methods.md, or "ours"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is looked for on a body.

    Endplates (clinical-methods §1.6)
        depression_mm, depression_share: depth under the plane of the rims that counts, in mm and of the
            posterior height, whichever is more. depression_extent: share of the depth over which.
        depression_window: part of the depth that is looked at: the rims round off (ours).
        rim: inner and outer radius of what counts as rim, of the outline (ours).
        slab_half_mm: half width of the mid-sagittal slab (§1.1).
    Cortex
        step_deg, step_mm: bend of the anterior wall within so many mm (§1.6).
        bone_hu: cortex and pedicle (§2). bone_share: or that share of the body's own wall, if it is less
            (ours: a thin cortex on thick slices does not reach 200 HU).
    Gas and compaction (§1.6)
        gas_hu, smallest_gas_ml. band_mm: depth under the endplate. band_sd, least_band_hu: over the core,
            in its standard deviations and in HU (the second ours).
    Canal and wall
        canal_reach_mm, canal_half_mm, lamina_hu: where the lamina is looked for (ours).
        wall_half_mm: half width of the part of the posterior wall that may reach backwards (ours).
    Pedicles (§2; places ours, anatomy-and-norms §4.7)
        pedicle_across: from the midline, of the body's width. pedicle_behind_mm: behind the wall.
        pedicle_up: in half heights. pedicle_hu: bone, hollow parts filled.
    plana_loss: a body that lost more is a plate (§4.4). adjacent_grade: neighbours that count as broken.
    """

    depression_mm: float = 2.0
    depression_share: float = 0.10
    depression_extent: float = 0.30
    depression_window: tuple[float, float] = (0.1, 0.9)
    rim: tuple[float, float] = (0.75, 0.97)
    slab_half_mm: float = 5.0

    step_deg: float = 25.0
    step_mm: float = 3.0
    bone_hu: float = 200.0
    bone_share: float = 0.55

    gas_hu: float = -200.0
    smallest_gas_ml: float = 0.05
    band_mm: tuple[float, float] = (2.0, 8.0)
    band_sd: float = 2.0
    least_band_hu: float = 40.0

    canal_reach_mm: float = 32.0
    canal_half_mm: float = 4.0
    lamina_hu: float = 180.0
    wall_half_mm: float = 7.0

    pedicle_across: tuple[float, float] = (0.17, 0.60)
    pedicle_behind_mm: tuple[float, float] = (2.0, 5.0)
    pedicle_up: tuple[float, float] = (-0.2, 1.1)
    pedicle_hu: float = 150.0

    plana_loss: float = 0.75
    adjacent_grade: int = 1
