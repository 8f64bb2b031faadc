"""A NIfTI file to one accepted series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from spondyl.domain.refusal import Refusal, RefusalCode
from spondyl.domain.series import AcceptedSeries, Ingested, IngestRefused, StackSummary
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.ingest.choose import Candidate, score_candidate
from spondyl.stages.ingest.files import hash_file, hash_input
from spondyl.stages.ingest.nifti import NiftiVolume, read_nifti
from spondyl.stages.ingest.plausible import check_values
from spondyl.stages.ingest.refused import make_refusal, refuse
from spondyl.stages.ingest.settings import Settings
from spondyl.stages.ingest.shear import straighten

_COARSER_BY = 1.05  # ours: a NIfTI file does not say which axis counts the slices


def ingest_nifti(path: Path, settings: Settings) -> Ingested | IngestRefused:
    """Read one NIfTI file as a study of one series.

    Raises:
        RefusedError: where the file cannot be read.
    """
    volume = read_nifti(path, settings)
    file_hash = hash_file(path)
    _check_sizes(volume, settings)
    volume = _make_orthogonal(volume, settings)
    summary = _summarise(volume, file_hash[:12], settings)
    refusal = _check_spacing(summary, settings) or check_values(volume.decoded, settings)
    if refusal is not None:
        refused = replace(summary, chosen=False, reason=str(refusal.code), text=refusal.text, score=None)
        return IngestRefused(refusal=refusal, stacks=(refused,))
    series = AcceptedSeries(
        summary=summary,
        stored=volume.decoded.stored,
        slope=volume.decoded.slope,
        intercept=volume.decoded.intercept,
        padding=None,
        affine=volume.affine,
    )
    return Ingested(accepted=(series,), stacks=(summary,), input_sha256=hash_input([file_hash]))


def _check_sizes(volume: NiftiVolume, settings: Settings) -> None:
    sizes = np.linalg.norm(volume.affine[:3, :3], axis=0)
    if np.any(sizes < settings.min_pixel_mm) or abs(np.linalg.det(volume.affine[:3, :3] / sizes)) < 0.5:
        refuse(
            RefusalCode.IMPLAUSIBLE_GEOMETRY,
            f"Voxels of {', '.join(f'{size:.3g}' for size in sizes)} mm, or axes that nearly coincide.",
            f"at least {settings.min_pixel_mm} mm along each axis, and axes at right angles.",
        )


def _make_orthogonal(volume: NiftiVolume, settings: Settings) -> NiftiVolume:
    """Repair the shear that converters leave in the affine of a CT with gantry tilt."""
    directions = volume.affine[:3, :3] / np.linalg.norm(volume.affine[:3, :3], axis=0)
    sines = np.abs(directions.T @ directions - np.eye(3))
    if np.max(sines) <= settings.unsheared_sine:
        return volume
    # The slices' axis is the one that the two others are perpendicular to each other without.
    others = [(sines[1, 2], 0), (sines[0, 2], 1), (sines[0, 1], 2)]
    least, axis = min(others)
    normal = np.cross(*(directions[:, other] for other in range(3) if other != axis))
    tilt_deg = float(
        np.degrees(np.arccos(min(abs(normal @ directions[:, axis]) / np.linalg.norm(normal), 1.0)))
    )
    if least > settings.unsheared_sine:
        refuse(
            RefusalCode.IMPLAUSIBLE_GEOMETRY,
            "The axes of the affine are skewed in more than one plane.",
            "axes at right angles, or slices shifted within their plane (gantry tilt).",
        )
    if tilt_deg > settings.max_tilt_deg:
        refuse(
            RefusalCode.GANTRY_TILT,
            f"The volume is sheared by {tilt_deg:.1f} degrees (gantry tilt).",
            f"at most {settings.max_tilt_deg:g} degrees.",
        )
    order = [axis, *(other for other in range(3) if other != axis)]
    turned = replace(volume.decoded, stored=np.ascontiguousarray(volume.decoded.stored.transpose(order)))
    n_slices = turned.stored.shape[0]
    turned = replace(
        turned, slope=np.full(n_slices, turned.slope[0]), intercept=np.full(n_slices, turned.intercept[0])
    )
    decoded, affine = straighten(turned, volume.affine[:, [*order, 3]])
    note = f"gantry tilt of {tilt_deg:.2f} degrees resampled to a straight grid"
    return NiftiVolume(decoded=decoded, affine=affine, repairs=(*volume.repairs, note))


def _summarise(volume: NiftiVolume, series_id: str, settings: Settings) -> StackSummary:
    sizes = np.linalg.norm(volume.affine[:3, :3], axis=0)
    axis = _slice_axis(volume.affine, sizes)
    in_plane = [float(sizes[other]) for other in range(3) if other != axis]
    z_range_mm = _z_range_mm(volume.affine, volume.decoded.stored.shape)
    candidate = Candidate(
        series_id=series_id,
        spacing_mm=float(sizes[axis]),
        z_range_mm=z_range_mm,
        kernel=None,
        is_original=True,
    )
    return StackSummary(
        series_id=series_id,
        modality="CT",
        description="NIfTI",
        n_slices=volume.decoded.stored.shape[axis],
        slice_spacing_mm=round(float(sizes[axis]), 4),
        pixel_spacing_mm=(in_plane[0], in_plane[1]),
        kernel=None,
        z_range_mm=z_range_mm,
        chosen=True,
        reason="CHOSEN",
        text="Read: the only volume.",
        score=score_candidate(candidate, settings),
        repairs=volume.repairs,
    )


def _slice_axis(affine: Float64Array, sizes: Float64Array) -> int:
    """Axis the slices were stacked along: the coarsest, or from foot to head where none stands out."""
    upright = int(np.argmax(np.abs(affine[2, :3]) / sizes))
    coarsest = int(np.argmax(sizes))
    return coarsest if sizes[coarsest] > _COARSER_BY * sizes[upright] else upright


def _z_range_mm(affine: Float64Array, shape: tuple[int, ...]) -> tuple[float, float]:
    """Lowest and highest z of the volume's edges along its steepest axis, through its centre."""
    z = affine[2, :3]
    axis = int(np.argmax(np.abs(z)))
    centre = float(z @ (np.array(shape) - 1.0) / 2.0 + affine[2, 3])
    half = abs(float(z[axis])) * shape[axis] / 2.0
    return centre - half, centre + half


def _check_spacing(summary: StackSummary, settings: Settings) -> Refusal | None:
    assert summary.slice_spacing_mm is not None
    assert summary.z_range_mm is not None
    if summary.slice_spacing_mm > settings.max_spacing_mm + settings.position_jitter_mm:
        return make_refusal(
            RefusalCode.SPACING_TOO_LARGE,
            f"Slices lie {summary.slice_spacing_mm:.2f} mm apart.",
            f"at most {settings.max_spacing_mm:g} mm; ask for a thinner reconstruction.",
        )
    low, high = summary.z_range_mm
    if summary.n_slices < settings.min_slices or high - low < settings.min_extent_mm:
        return make_refusal(
            RefusalCode.TOO_FEW_SLICES,
            f"The volume has {summary.n_slices} slice(s) and covers {high - low:.0f} mm from foot to head.",
            f"at least {settings.min_slices} slices that cover at least {settings.min_extent_mm:g} mm.",
        )
    return None
