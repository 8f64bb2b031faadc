"""A simple CT scanner: blur by slice and kernel, noise with the kernel's texture, slice sampling, shading.

Numbers: anatomy-and-norms §5.3-5.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from spondyl.geometry.arrays import Float32Array, Float64Array

_PAD = 4  # voxels of edge padding, so that the periodic filter does not wrap into the picture
_SHARP_PER_MM = 0.3  # a sharp kernel lifts what varies faster than this
_TWO_PI2 = np.float32(2.0 * np.pi**2)
LOWEST_HU = np.float32(-1024.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One scanner setting. Lengths in mm, noise in HU (standard deviation at the rendered voxel).

    sharpness: 0 for a soft kernel; how much a sharp one lifts edges. noise_variation: 0 for the same noise
    everywhere; with v it varies by about a factor exp(v) either way over the picture.
    """

    slice_thickness_mm: float
    slice_spacing_mm: float
    psf_sigma_mm: float
    sharpness: float
    noise_hu: float
    noise_length_mm: float
    noise_variation: float
    hu_scale: float
    hu_offset: float
    shading_hu: float
    streak_hu: float


CLEAN = Protocol(
    slice_thickness_mm=0.6,
    slice_spacing_mm=0.6,
    psf_sigma_mm=0.35,
    sharpness=0.0,
    noise_hu=8.0,
    noise_length_mm=1.0,
    noise_variation=0.0,
    hu_scale=1.0,
    hu_offset=0.0,
    shading_hu=0.0,
    streak_hu=0.0,
)


def draw_protocol(rng: np.random.Generator) -> Protocol:
    """Draw a setting: slices 0.6-5 mm, soft to lung kernels, low to high dose."""
    thickness = float(
        rng.choice(
            [rng.uniform(0.6, 1.3), rng.uniform(1.3, 2.6), rng.uniform(2.5, 3.4), rng.uniform(3.5, 5.2)],
            p=[0.38, 0.27, 0.23, 0.12],
        )
    )
    spacing = thickness * float(rng.choice([1.0, 0.8, 0.5], p=[0.6, 0.2, 0.2]))
    sharp = rng.random() < 0.35
    noise = float(np.exp(rng.uniform(np.log(4), np.log(34)))) * np.sqrt(2.5 / max(thickness, 1.0))
    return Protocol(
        slice_thickness_mm=thickness,
        slice_spacing_mm=spacing,
        psf_sigma_mm=float(rng.uniform(0.2, 0.75) if rng.random() < 0.8 else rng.uniform(0.7, 1.5)),
        sharpness=float(rng.uniform(0.3, 2.0)) if sharp else 0.0,
        noise_hu=float(noise) * (1.8 if sharp else 1.0),
        noise_length_mm=float(rng.uniform(0.4, 0.8) if sharp else rng.uniform(0.6, 1.8)),
        noise_variation=float(rng.uniform(0.0, 0.7)) if rng.random() < 0.5 else 0.0,
        hu_scale=float(rng.uniform(0.88, 1.12)),
        hu_offset=float(rng.normal(0, 8)),
        shading_hu=float(rng.uniform(0, 25)) if rng.random() < 0.3 else 0.0,
        streak_hu=float(rng.uniform(5, 50)) if rng.random() < 0.2 else 0.0,
    )


def acquire(
    hu: Float32Array,
    voxel_mm: float,
    protocol: Protocol,
    rng: np.random.Generator,
    normal: Float64Array | None = None,
) -> Float32Array:
    """Picture of a rendered volume as the scanner would give it, resampled back to the same grid.

    hu: (k, j, i) true values. normal: (3,) unit vector across the slices in (k, j, i) axes;
    None means exactly along k.
    """
    axis = np.array([1.0, 0.0, 0.0]) if normal is None else normal / np.linalg.norm(normal)
    padded = np.pad(hu, _PAD, mode="edge")
    blurred = _filter(padded, voxel_mm, protocol, axis, rng)
    core = slice(_PAD, -_PAD)
    if protocol.slice_spacing_mm > 1.2 * voxel_mm:
        blurred = _sample_slices(blurred, voxel_mm, protocol.slice_spacing_mm, axis, rng)
    return spoilt(blurred[core, core, core], protocol, rng)


def acquire_slices(
    slices: Float32Array, pixel_mm: float, protocol: Protocol, rng: np.random.Generator
) -> Float32Array:
    """Picture of whole slices, whose thickness has been averaged already: kernel, noise, shading.

    slices: (k, j, i) true values. The noise of each slice is its own.
    """
    padding = ((_PAD, _PAD), (_PAD, _PAD))
    rows, columns = slices.shape[1] + 2 * _PAD, slices.shape[2] + 2 * _PAD
    _, across = _frequencies((1, rows, columns), pixel_mm, np.array([1.0, 0.0, 0.0]))
    kernel, texture = _kernel(across[0], protocol), _noise_texture(across[0], protocol)
    # standard deviation of white noise of unit variance behind this filter (Parseval, both half planes)
    columns_twice = np.full(texture.shape[1], 2.0)
    columns_twice[0] = 1.0
    if columns % 2 == 0:
        columns_twice[-1] = 1.0
    texture *= np.float32(protocol.noise_hu / np.sqrt(np.sum(texture**2 * columns_twice) / (rows * columns)))
    out = np.empty_like(slices)
    core = slice(_PAD, -_PAD)
    for number, true_hu in enumerate(slices):
        white = rng.standard_normal((rows, columns), dtype=np.float32)
        spectrum = fft.rfft2(np.pad(true_hu, padding, mode="edge"), workers=1) * kernel
        spectrum += fft.rfft2(white, workers=1) * texture
        out[number] = fft.irfft2(spectrum, (rows, columns), workers=1)[core, core]
    return spoilt(out, protocol, rng)


def spoilt(hu: Float32Array, protocol: Protocol, rng: np.random.Generator) -> Float32Array:
    """The picture with the scanner's wrong scale, shading and streaks; nothing lies below LOWEST_HU."""
    out = hu * np.float32(protocol.hu_scale) + np.float32(protocol.hu_offset)
    if protocol.shading_hu:
        out += _slow_waves(out.shape, rng) * np.float32(protocol.shading_hu)
    if protocol.streak_hu:
        out += _streaks(out.shape, rng) * np.float32(protocol.streak_hu)
    return np.asarray(np.maximum(out, LOWEST_HU), np.float32)


def _frequencies(
    shape: tuple[int, ...], voxel_mm: float, axis: Float64Array
) -> tuple[Float32Array, Float32Array]:
    """Squared frequency along and across the slice normal, 1/mm^2, on the half grid of rfftn."""
    k = fft.fftfreq(shape[0], voxel_mm).astype(np.float32)[:, None, None]
    j = fft.fftfreq(shape[1], voxel_mm).astype(np.float32)[None, :, None]
    i = fft.rfftfreq(shape[2], voxel_mm).astype(np.float32)[None, None, :]
    a = axis.astype(np.float32)
    along = (a[0] * k + a[1] * j + a[2] * i) ** 2
    across = np.maximum(k * k + j * j + i * i - along, 0.0)
    return along, across


def _kernel(across: Float32Array, protocol: Protocol) -> Float32Array:
    """In-plane transfer function; 1 at frequency zero, so that mean HU stays."""
    kernel = np.exp(-_TWO_PI2 * np.float32(protocol.psf_sigma_mm**2) * across)
    if protocol.sharpness:
        lift = 1.0 - np.exp(-across / np.float32(_SHARP_PER_MM**2))
        kernel *= 1.0 + np.float32(protocol.sharpness) * lift
    return np.asarray(kernel, np.float32)


def _noise_texture(across: Float32Array, protocol: Protocol) -> Float32Array:
    """In-plane noise amplitude: a ramp, as back projection leaves it, cut by the noise's length."""
    cut = np.float32((0.45 * protocol.noise_length_mm) ** 2)
    return np.asarray(np.sqrt(across + np.float32(1e-4)) * np.exp(-_TWO_PI2 * cut * across), np.float32)


def _filter(
    hu: Float32Array, voxel_mm: float, protocol: Protocol, axis: Float64Array, rng: np.random.Generator
) -> Float32Array:
    """Slice profile, in-plane kernel and noise with the kernel's spectrum, in one pass."""
    along, across = _frequencies(hu.shape, voxel_mm, axis)
    # a box of the slice thickness has the variance T^2/12; the voxel's own box is already rendered
    variance = max(protocol.slice_thickness_mm**2 - voxel_mm**2, 0.0) / 12.0
    slice_profile = np.exp(-_TWO_PI2 * np.float32(variance) * along)
    spectrum = fft.rfftn(hu, workers=1)
    spectrum *= slice_profile * _kernel(across, protocol)
    white = fft.rfftn(rng.standard_normal(hu.shape, dtype=np.float32), workers=1)
    white *= _noise_texture(across, protocol) * np.sqrt(slice_profile)
    noise = fft.irfftn(white, hu.shape, workers=1)
    if protocol.noise_variation:
        noise *= np.exp(np.float32(protocol.noise_variation) * _slow_waves(hu.shape, rng))
    noise *= np.float32(protocol.noise_hu) / max(float(noise.std()), 1e-6)
    return np.asarray(fft.irfftn(spectrum, hu.shape, workers=1) + noise, np.float32)


def _sample_slices(
    hu: Float32Array, voxel_mm: float, spacing_mm: float, axis: Float64Array, rng: np.random.Generator
) -> Float32Array:
    """Keep only the values on slices ``spacing_mm`` apart and interpolate linearly between them."""
    step = spacing_mm / voxel_mm
    start = rng.uniform(0.0, step)
    if axis[0] > 0.9999:
        return _sample_along_k(hu, step, start)
    grids = np.meshgrid(*[np.arange(n, dtype=np.float32) for n in hu.shape], indexing="ij")
    k, j, i = (np.float32(a) * g for a, g in zip(axis, grids, strict=True))
    place = k + j + i - np.float32(start)
    below = np.asarray(place - np.floor(place / np.float32(step)) * np.float32(step), np.float32)
    weight = below / np.float32(step)
    lower = _moved(hu, grids, axis, -below)
    upper = _moved(hu, grids, axis, np.asarray(np.float32(step) - below, np.float32))
    return np.asarray(lower * (1 - weight) + upper * weight, np.float32)


def _moved(
    hu: Float32Array, grids: tuple[Float32Array, ...], axis: Float64Array, by: Float32Array
) -> Float32Array:
    """Values of ``hu`` at each voxel moved ``by`` voxels along the axis."""
    places = [g + np.float32(a) * by for a, g in zip(axis, grids, strict=True)]
    return np.asarray(ndimage.map_coordinates(hu, places, order=1, mode="nearest"), np.float32)


def _sample_along_k(hu: Float32Array, step: float, start: float) -> Float32Array:
    n = hu.shape[0]
    positions = np.arange(start - step, n + step, step)
    slices = _interpolate_k(hu, np.clip(positions, 0, n - 1))
    return _interpolate_k(slices, (np.arange(n) - positions[0]) / step)


def _interpolate_k(hu: Float32Array, position: Float64Array) -> Float32Array:
    low = np.clip(np.floor(position).astype(int), 0, hu.shape[0] - 2)
    weight = np.clip(position - low, 0, 1).astype(np.float32)[:, None, None]
    return np.asarray(hu[low] * (1 - weight) + hu[low + 1] * weight, np.float32)


def _slow_waves(shape: tuple[int, ...], rng: np.random.Generator) -> Float32Array:
    """A slow bump across the picture, -1 to 1 (cupping, beam hardening, noisier shoulders)."""
    axes = [
        np.cos(np.linspace(0, rng.uniform(1, 4), n) + rng.uniform(0, 6)).astype(np.float32) for n in shape
    ]
    return np.asarray(axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :], np.float32)


def _streaks(shape: tuple[int, ...], rng: np.random.Generator) -> Float32Array:
    """Straight in-plane streaks (photon starvation through the shoulders or hips), varying by slice."""
    angle = rng.normal(0, 0.25)
    j = np.arange(shape[1], dtype=np.float32)[:, None] * np.float32(np.cos(angle))
    across = j + np.arange(shape[2], dtype=np.float32)[None, :] * np.float32(np.sin(angle))
    line = rng.standard_normal((shape[0], int(across.max() - across.min()) + 3)).astype(np.float32)
    line = (line + np.roll(line, 1, 1)) * np.float32(0.7)
    index = (across - across.min()).astype(int)
    return np.asarray(line[:, index], np.float32)
