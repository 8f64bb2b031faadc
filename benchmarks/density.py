"""Attenuation: error by noise and kernel on synthetic CT, and how far a real CT moves on 5 mm slices.

    python benchmarks/density.py [--patients 4] [--real FILE ...]

Synthetic: the same spine scanned without noise by a soft kernel is the truth; outlines are true. Real: the
outlines found on the CT as it is are kept, the CT is averaged to 5 mm slices, and the levels are read again.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from spondyl.adapters.label_maps import VERSE, LabelMap, labelled_spine
from spondyl.domain.body_view import see_bodies
from spondyl.domain.level import Level
from spondyl.domain.vertebra import LabelledSpine
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_points
from spondyl.geometry.resample import sample
from spondyl.pipeline import StageSettings
from spondyl.stages import grade, label, localise, measure, segment
from spondyl.stages.density import read_density
from spondyl.synthetic import make_ct
from spondyl.synthetic.acquisition import CLEAN

SETTINGS = StageSettings()
NOISES_HU = (10.0, 25.0, 40.0)
SHARPNESS = (0.0, 0.8, 1.6)
THICK_MM = 5.0


def levels_hu(ct: CtVolume, spine: LabelledSpine) -> dict[Level, float]:
    """HU per level of a CT with outlines that are given; nothing is left out but what cannot be read."""
    vertebrae = tuple(
        replace(
            vertebra,
            patch=replace(
                vertebra.patch,
                hu=_cut(ct, vertebra.patch.affine, vertebra.patch.hu.shape),
                slice_spacing_mm=ct.spacing_mm[ct.slice_axis],
            ),
        )
        for vertebra in spine.masks.vertebrae
    )
    again = replace(spine, masks=replace(spine.masks, vertebrae=vertebrae))
    measurements = measure.measure(again, SETTINGS.measure)
    grades = grade.grade(measurements, SETTINGS.grade)
    bone = read_density(ct, {}, see_bodies(again, measurements), grades, (), SETTINGS.density)
    return {one.level: one.attenuation_hu for one in bone.levels if one.attenuation_hu is not None}


def _cut(ct: CtVolume, affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    points = to_points(affine, np.indices(shape).reshape(3, -1).T.astype(np.float64))
    return sample(ct.hu, ct.affine, points, order=1, outside=-1024.0).reshape(shape).astype(np.float32)


def thick(ct: CtVolume) -> CtVolume:
    """The CT averaged to 5 mm slices."""
    axis, spacing = ct.slice_axis, ct.spacing_mm[ct.slice_axis]
    n = max(1, round(THICK_MM / spacing))
    averaged = ndimage.uniform_filter1d(ct.hu.astype(np.float32), n, axis=axis)
    kept = np.take(averaged, np.arange(n // 2, ct.hu.shape[axis], n), axis=axis)
    affine = ct.affine.copy()
    affine[:3, 3] += affine[:3, axis] * (n // 2)
    affine[:3, axis] *= n
    return CtVolume(hu=np.rint(kept).astype(np.int16), affine=affine, series_id=ct.series_id)


def synthetic(n_patients: int) -> None:
    """Error by noise and kernel."""
    errors: dict[tuple[float, float], list[float]] = {}
    for seed in range(n_patients):
        still = replace(CLEAN, noise_hu=0.5, slice_thickness_mm=1.0)
        made = make_ct(seed, 1.0, first=Level.T12, last=Level.L2, field_of_view_mm=140.0, protocol=still)
        spine = labelled_spine(
            LabelMap(labels=made.labels.astype(np.int16), affine=made.volume.affine),
            VERSE,
            series_id=made.volume.series_id,
            body=made.labels > 0,
            hu=made.volume.hu.astype(np.float32),
        )
        truth = levels_hu(made.volume, spine)
        for noise in NOISES_HU:
            for sharpness in SHARPNESS:
                protocol = replace(still, noise_hu=noise, sharpness=sharpness)
                noisy = make_ct(
                    seed, 1.0, first=Level.T12, last=Level.L2, field_of_view_mm=140.0, protocol=protocol
                )
                seen = levels_hu(noisy.volume, spine)
                errors.setdefault((noise, sharpness), []).extend(
                    seen[level] - truth[level] for level in truth if level in seen
                )
    print("noise HU  sharpness   n   bias HU   mean error HU   largest HU")
    for (noise, sharpness), values in errors.items():
        one = np.array(values)
        print(
            f"{noise:8.0f}  {sharpness:9.1f}  {len(one):2d}  {one.mean():8.2f}  {np.abs(one).mean():14.2f}"
            f"  {np.abs(one).max():11.2f}"
        )


def moved_hu(ct: CtVolume, spine: LabelledSpine) -> dict[Level, float]:
    """By how much each level moves when the CT is averaged to 5 mm slices."""
    before, after = levels_hu(ct, spine), levels_hu(thick(ct), spine)
    return {level: after[level] - before[level] for level in before if level in after}


def real(paths: list[Path]) -> None:
    """Real CTs, outlined by the shipped networks."""
    from spondyl.pipeline import Watch, open_study
    from spondyl.settings import load
    from spondyl.wiring import open_reader

    reader = open_reader(load())
    for path in paths:
        opened = open_study(path, SETTINGS, Watch(clock=lambda: 0.0, progress=lambda _step: None))
        for ct in getattr(opened, "volumes", ()):
            region = localise.localise(ct, reader.networks.finder, SETTINGS.localise)
            masks = segment.segment(ct, region, reader.networks.refiner, SETTINGS.segment)  # type: ignore[arg-type]
            moved = moved_hu(ct, label.label(masks, SETTINGS.label))  # type: ignore[arg-type]
            told = ", ".join(f"{level} {hu:+.1f}" for level, hu in moved.items())
            print(f"{path.name}: on {THICK_MM:g} mm slices {told} HU")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=4)
    parser.add_argument("--real", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    if arguments.patients:
        synthetic(arguments.patients)
    real(arguments.real)


if __name__ == "__main__":
    main()
