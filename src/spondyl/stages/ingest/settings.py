"""Every limit of the ingest stage, once, with its source ("ours" = this project's choice)."""

from __future__ import annotations

from dataclasses import dataclass

_GIBIBYTE = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ingest accepts.

    Size limits (ours: they keep a hostile or mistaken input from filling the machine):
        max_files, max_input_bytes: files looked at, and their bytes in all.
        max_archive_ratio: unpacked to packed bytes of a zip or a deflated file, checked above
            ``archive_ratio_from_bytes``.
        max_matrix: rows or columns of one image. max_voxels: voxels of one stack.

    Geometry:
        best_spacing_mm: at and below it slice spacing costs no score (clinical-methods §10, input).
        max_spacing_mm: above it a stack is refused (clinical-methods §10); equal is accepted.
        position_jitter_mm: deviation of a slice from the regular grid that is accepted (ours, issue A).
        same_position_mm: slices closer than this lie at the same place (ours).
        orthonormal_tolerance: of the two orientation vectors (ours).
        orientation_tolerance: largest difference of direction cosines within a stack (ours: 0.1 mm
            at 200 mm from the centre).
        unsheared_sine: sine of the angle between stacking direction and normal up to which a stack
            counts as straight (ours: half of what CtVolume tolerates).
        max_tilt_deg: largest gantry tilt that is repaired (gantries tilt up to 30 degrees).
        max_axial_angle_deg: largest angle between the slices' normal and the body axis (ours).
        min_pixel_mm, max_pixel_mm, min_spacing_mm: plausible sizes (ours).
        min_slices, min_extent_mm: least stack to be read (ours: one vertebra with its neighbours' ends).
        min_run_slices: least length of the shorter run where a stack changes its spacing once (ours).
        pass_share: share of slices that must fall into regular stacks for a split by acquisition (ours).
        allow_one_missing: interpolate one missing slice, in the middle of its neighbours.

    Choice:
        worst_spacing_quality: quality factor at ``max_spacing_mm``; 1 at ``best_spacing_mm`` (ours).
        sharp_kernel_quality, unknown_kernel_quality: factors against 1 for a soft kernel (ours).
        derived_quality: factor for images not marked ORIGINAL PRIMARY (ours).
        added_coverage_mm: new z range a further stack must add to be read as well (ours: two vertebrae).

    Values (ours; a CT of a patient passes them all, label maps, 8-bit windows and 0..1 floats do not):
        air_or_fat_hu: some voxel must lie at or below. bone_hu: some voxel must lie at or above.
        soft_tissue_hu: half width of the window round water that must hold ``soft_tissue_fraction``.
        dense_hu: at most ``dense_fraction`` of the voxels may lie above.
        tissue_range_hu: a padding value within this range is taken for tissue and not honoured.
    """

    max_files: int = 20_000
    max_input_bytes: int = 16 * _GIBIBYTE
    max_archive_ratio: float = 100.0
    archive_ratio_from_bytes: int = _GIBIBYTE // 4
    max_matrix: int = 4096
    max_voxels: int = 1_500_000_000

    best_spacing_mm: float = 1.5
    max_spacing_mm: float = 5.0
    position_jitter_mm: float = 0.1
    same_position_mm: float = 0.01
    orthonormal_tolerance: float = 1e-3
    orientation_tolerance: float = 5e-4
    unsheared_sine: float = 5e-4
    max_tilt_deg: float = 30.0
    max_axial_angle_deg: float = 45.0
    min_pixel_mm: float = 0.1
    max_pixel_mm: float = 5.0
    min_spacing_mm: float = 0.1
    min_slices: int = 10
    min_extent_mm: float = 40.0
    min_run_slices: int = 4
    pass_share: float = 0.8
    allow_one_missing: bool = False

    worst_spacing_quality: float = 0.3
    sharp_kernel_quality: float = 0.9
    unknown_kernel_quality: float = 0.97
    derived_quality: float = 0.95
    added_coverage_mm: float = 60.0

    air_or_fat_hu: float = -100.0
    bone_hu: float = 100.0
    soft_tissue_hu: float = 300.0
    soft_tissue_fraction: float = 0.01
    dense_hu: float = 1500.0
    dense_fraction: float = 0.5
    tissue_range_hu: tuple[float, float] = (-950.0, 3071.0)
