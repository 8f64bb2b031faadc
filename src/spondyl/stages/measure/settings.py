"""Every threshold of this room, with its source: a section of clinical-methods.md, or "ours"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How vertebrae are measured. Fractions are of the body's own depth, width or height.

    What may be measured
        largest_metal_fraction: above it the vertebra is METAL (ours: a screw covers about 3 %).
        smallest_outline_quality: below it DOUBTFUL_OUTLINE (ours).
        smallest_main_part: share of the outline that must hang together (ours).
        height_range_mm, depth_range_mm: absurd outside (ours: 0.5 of T1 to 1.5 of L4 of the norm tables;
            a severe fracture may leave 4 mm).
        largest_reverse_wedge, largest_reverse_wedge_l5: anterior over posterior height; no fracture makes
            a body that much taller in front, a slipped outline does (ours; normal L4 reaches 1.15, L5 1.4).
        largest_endplate_angle_deg: between the two endplate planes (ours: a severe wedge reaches 35).
        smallest_covered_fraction: share of the mid-sagittal contour that must be seen (ours).
    Frame (ours)
        rim_excluded_fraction: columns beyond this share of the half-axes are rim, not endplate.
        largest_yaw_deg: how far the mid-sagittal plane is searched from the patch's own.
    Windows (clinical-methods §1.1)
        slab_half_mm, or slab_half_fraction of the width where that is more (ours: steadier on thick
        slices); anterior_window, middle_window, posterior_window (of depth at mid-height);
        parasagittal_fraction of width.
        lowest_window of depth, lowest_half_fraction of width: where the least local height is sought (ours).
    Corners (ours, fitted on the annotations; docs/explanation/heights-and-grades.md)
        wall_half_mm: walls are followed this near the midline.
        wall_window: of the local height, counted from the far endplate to the near one.
        plate_window, whole_plate_window: of the depth, counted from the wall.
        own_slope_share: of the window's own slope in the extrapolation; the rest is the whole endplate's.
        sharp_softness_mm, blur_factor: a softer outline moves plate_window inwards by factor × excess.
        middle_half_window: least and greatest half length of the piece of contour that gives the middle
            point, of the depth; it grows by middle_growth per mm of slice spacing above middle_thin_mm.
    Edges (the readers' protocol: at most 2 mm, to half-way between the plate's peak and the disc's minimum)
        edge_share: how far the anterior, middle and posterior points go from the outline to the seen edge
            (ours: small errors against readers and against synthetic truth).
        edge_reach_mm: farther edges are another structure's.
        edge_peak_window_mm: where the plate's peak is looked for, outwards from the point (ours).
        edge_disc_reach_mm: how far beyond the peak the disc is looked for (ours: half a thoracic disc).
        edge_least_contrast_hu: of peak and disc; less is a bridged or chalky disc (ours).
    Uncertainty (ours, calibrated on synthetic masks; form: clinical-methods §1.8)
        floor_mm: of one endplate point, at any spacing.
        slice_factor: of spacing/√12 per endplate that sub-voxel averaging leaves.
        softness_factor: of the outline's 25-75 % width.
    Attenuation
        core_depth_mm: voxels nearer to the surface are cortex or its blur (ours).
        smallest_core_mm3: fewer give no median (ours).
    """

    largest_metal_fraction: float = 0.03
    smallest_outline_quality: float = 0.3
    smallest_main_part: float = 0.85
    height_range_mm: tuple[float, float] = (2.5, 50.0)
    depth_range_mm: tuple[float, float] = (9.0, 60.0)
    largest_reverse_wedge: float = 1.35
    largest_reverse_wedge_l5: float = 1.6
    largest_endplate_angle_deg: float = 45.0
    smallest_covered_fraction: float = 0.7

    rim_excluded_fraction: float = 0.75
    largest_yaw_deg: float = 25.0

    slab_half_mm: float = 5.0
    slab_half_fraction: float = 0.16
    anterior_window: tuple[float, float] = (0.08, 0.20)
    middle_window: tuple[float, float] = (0.45, 0.55)
    posterior_window: tuple[float, float] = (0.80, 0.92)
    parasagittal_fraction: float = 0.25
    lowest_window: tuple[float, float] = (0.25, 0.75)
    lowest_half_fraction: float = 0.25
    wide_half_fraction: float = 0.32

    wall_half_mm: float = 2.5
    wall_window: tuple[float, float] = (0.35, 0.85)
    plate_window: tuple[float, float] = (0.04, 0.20)
    whole_plate_window: tuple[float, float] = (0.10, 0.90)
    own_slope_share: float = 0.4
    sharp_softness_mm: float = 0.8
    blur_factor: float = 0.5
    middle_half_window: tuple[float, float] = (0.08, 0.30)
    middle_thin_mm: float = 1.5
    middle_growth: float = 5.0

    edge_share: tuple[float, float, float] = (0.0, 0.15, 0.5)
    edge_reach_mm: float = 2.0
    edge_peak_window_mm: tuple[float, float] = (-2.5, 1.5)
    edge_disc_reach_mm: float = 3.5
    edge_least_contrast_hu: float = 25.0

    floor_mm: float = 0.25
    slice_factor: float = 0.7
    softness_factor: float = 0.25

    core_depth_mm: float = 4.0
    smallest_core_mm3: float = 500.0
