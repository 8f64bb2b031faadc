"""Every threshold of this room, with its source: a section of clinical-methods.md, or "ours"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """When something counts as a confounder. Section numbers are those of clinical-methods.md.

    Core of a body (§2: mask eroded 3 mm)
        core_depth_mm, core_depth_spacings: nearer to the surface is cortex or its blur; the second in slice
            spacings (ours). smooth_mm: width of the mean that steadies HU against noise (§2: 2 mm).
        neighbours: how many nearest bodies say what is normal here (§2: 2 to 4).
    Sclerotic, mixed, island (§2; S36, S37, S39)
        sclerotic_hu: floor. sclerotic_sd: above the neighbours' core, in MAD standard deviations.
        sclerotic_ml: smallest focal lesion. sclerotic_fraction, sclerotic_mean_hu: diffuse.
        island_mean_hu, island_max_hu: enostosis is favoured. mixed_ml: lytic part that makes it mixed (ours).
        band_height_mm, band_flatness: a flat layer under a broken endplate is compaction, no lesion (ours).
        dense_hu: all bodies above it (ours: the floor of a lesion).
    Lytic (§2; both needed)
        lytic_sd: below the neighbours' core. lytic_hu: range. lytic_ml. cortex_gap_mm2: breach.
        vein_half_mm: round the vein's foramen nothing is looked for (ours).
    Haemangioma (§2) fat_hu, fat_fraction: of the core. stripe_ratio: scatter across over scatter along the
        axis, noise taken off (ours).
    Cement and metal (§2: calibrate) cement_hu, metal_hu, foreign_ml. metal_length_mm: rods and screws (ours).
        streak_hu, streak_ml: dark beside metal (ours).
    Gas (§1.6) gas_hu, gas_ml.
    Outline beside the bone (ours)
        edge_hu: bone beyond an endplate's outline. edge_over_disc_hu: and above the disc by as much.
        edge_reach_mm: how far it is followed. edge_least_mm: less is blur. edge_spacings: of slice spacing
            taken for blur. edge_extent: share of the columns of a window.
    Schmorl's node (§2)
        schmorl_depth_mm, schmorl_extent: of the endplate's depth at most. schmorl_rim_loss: the anterior and
            posterior losses stay below. schmorl_outside: what counts as beside it (ours).
        schmorl_spacings: on thick slices it must be as deep as that many of them; schmorl_most_mm: deeper
            is a fault of the outline (both ours).
    Scheuermann (§2) scheuermann_deg, scheuermann_levels, scheuermann_kyphosis_deg,
        scheuermann_irregular_mm: scatter of an endplate about a smooth surface (ours).
    Limbus (§2: memory; sizes ours) limbus_hu, limbus_ml, limbus_reach_mm. limbus_missing_mm:
        how far the body's own corner lies under its endplate.
    Wedges and height (§2, §1.6)
        wedge_loss: range of the anterior loss. osteophyte_mm: bone before the front wall. osteophyte_hu.
        narrow_disc: of the neighbours' discs (ours). alike_loss: neighbours wedged alike (ours).
        wedge_signs: how many of the four signs are needed. short_loss: loss of a short vertebra;
        short_neighbour_loss: its neighbours lost this as well (ours).
    Bridging (§2; S51) bridge_hu, bridge_discs. bridge_angles_deg, bridge_out_mm: round the front, and
        so far before the rims: nearer, thick slices blur both rims into one (ours).
    Scoliosis (§2; S42, S43) scoliosis_deg, scoliosis_moderate_deg, lateral_difference: left against right, of
        the mean. hemivertebra_ratio, hemivertebra_deg (§2: memory).
    Numbering (§2; S44-S46) pitch_range: distance of centres over that of the neighbours.
        merged_ratio: height over the expected; split_ratio: distance of centres that one body cannot have.
        rib_seen, rib_absent, sacrum_seen: evidence that is sure (ours).
    Disc (§2) disc_hu, disc_hard_hu, disc_hard_fraction: share above it (ours).
        discitis_height: of the neighbours' discs; discitis_rough_mm: both endplates (ours).
    Scan (§1.8, §2) thick_mm, not_graded_mm. noise_hu. motion_mm: jump between slices; motion_likeness:
        of the two slices, or they show different things (ours).
    """

    core_depth_mm: float = 3.0
    core_depth_spacings: float = 1.2
    smooth_mm: float = 3.0
    neighbours: int = 4

    sclerotic_hu: float = 300.0
    sclerotic_sd: float = 4.0
    sclerotic_ml: float = 0.3
    sclerotic_fraction: float = 0.15
    sclerotic_mean_hu: float = 300.0
    island_mean_hu: float = 885.0
    island_max_hu: float = 1060.0
    mixed_ml: float = 0.5
    band_height_mm: float = 8.0
    band_flatness: float = 2.2
    dense_hu: float = 300.0

    lytic_sd: float = 3.0
    lytic_hu: tuple[float, float] = (-20.0, 90.0)
    lytic_ml: float = 0.5
    cortex_gap_mm2: float = 25.0
    vein_half_mm: float = 6.0

    fat_hu: float = -20.0
    fat_fraction: float = 0.10
    stripe_ratio: float = 1.5

    cement_hu: float = 1500.0
    metal_hu: float = 2500.0
    foreign_ml: float = 0.2
    metal_length_mm: float = 15.0
    streak_hu: float = -150.0
    streak_ml: float = 0.3

    gas_hu: float = -200.0
    gas_ml: float = 0.05

    edge_hu: float = 200.0
    edge_over_disc_hu: float = 100.0
    edge_reach_mm: float = 8.0
    edge_least_mm: float = 1.0
    edge_spacings: float = 0.5
    edge_extent: float = 0.5
    askew_deg: float = 35.0

    schmorl_depth_mm: float = 2.0
    schmorl_extent: float = 0.34
    schmorl_rim_loss: float = 0.10
    schmorl_outside: float = 0.5
    schmorl_spacings: float = 0.6
    schmorl_most_mm: float = 9.0

    scheuermann_deg: float = 5.0
    scheuermann_levels: int = 3
    scheuermann_kyphosis_deg: float = 40.0
    scheuermann_irregular_mm: float = 1.0

    limbus_hu: float = 250.0
    limbus_ml: float = 0.06
    limbus_reach_mm: float = 7.0
    limbus_missing_mm: float = 1.0

    wedge_loss: tuple[float, float] = (0.10, 0.25)
    osteophyte_mm: float = 3.0
    osteophyte_hu: float = 200.0
    narrow_disc: float = 0.7
    alike_loss: float = 0.10
    wedge_signs: int = 2
    short_loss: tuple[float, float] = (0.20, 0.25)
    short_neighbour_loss: float = 0.10

    bridge_hu: float = 200.0
    bridge_discs: int = 3
    bridge_angles_deg: tuple[float, ...] = (-60.0, -45.0, -30.0, -15.0, 0.0, 15.0, 30.0, 45.0, 60.0)
    bridge_out_mm: tuple[float, ...] = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)

    scoliosis_deg: float = 10.0
    scoliosis_moderate_deg: float = 20.0
    lateral_difference: float = 0.10
    hemivertebra_ratio: float = 0.70
    hemivertebra_deg: float = 15.0

    pitch_range: tuple[float, float] = (0.7, 1.4)
    merged_ratio: float = 1.5
    split_ratio: float = 0.6
    rib_seen: float = 0.8
    rib_absent: float = 0.2
    sacrum_seen: float = 0.8

    disc_hu: float = 150.0
    disc_hard_hu: float = 200.0
    disc_hard_fraction: float = 0.15
    discitis_height: float = 0.5
    discitis_rough_mm: float = 0.9

    thick_mm: float = 1.5
    not_graded_mm: float = 3.0
    noise_hu: float = 35.0
    motion_mm: float = 2.0
    motion_likeness: float = 0.9
