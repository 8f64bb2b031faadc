"""segmentation.nii.gz: the vertebral bodies on the CT's own grid, numbered by the VerSe scheme.

The one place of this stage that knows NIfTI, and so RAS: (k, j, i) in C order is (i, j, k) in Fortran
order, which is how NIfTI stores it, so the voxels are written as they lie.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import nibabel
import numpy as np
from scipy import ndimage

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.domain.report import AnalysedSeries
from spondyl.domain.vertebra import BodyPatch
from spondyl.geometry.affine import to_index, to_points
from spondyl.geometry.arrays import Float32Array, Float64Array, Int16Array, UInt8Array

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_GZIP_WINDOW_BITS = 31  # zlib's code for a gzip stream, whose header then holds no time and no name
_COMPRESSION_LEVEL = 1  # nearly all voxels are 0: higher levels cost time and save little. Ours, measured
_SURFACE = np.float32(0.5)  # the body's surface is the 0.5 level of the occupancy (see BodyPatch)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Piece:
    """One body on a box of the CT's grid: its first index (k, j, i), and its occupancy there."""

    first: tuple[int, int, int]
    occupancy: Float32Array
    label: int

    @property
    def end(self) -> tuple[int, int, int]:
        k, j, i = (int(a + b) for a, b in zip(self.first, self.occupancy.shape, strict=True))
        return k, j, i


def compose_labels(series: AnalysedSeries) -> UInt8Array:
    """(k, j, i) label numbers on the grid of the series' volume, 0 where there is no vertebral body.

    Where two bodies claim a voxel, the one with the larger occupancy has it.
    """
    shape = series.volume.hu.shape
    labels = np.zeros(shape, dtype=np.uint8)
    pieces = [
        piece
        for vertebra, name in zip(series.spine.masks.vertebrae, series.spine.names, strict=True)
        if (piece := _piece(vertebra.patch, series.volume.affine, shape, name.level.verse_label))
    ]
    if not pieces:
        return labels
    first = np.min([piece.first for piece in pieces], axis=0)
    end = np.max([piece.end for piece in pieces], axis=0)
    strongest = np.zeros(tuple(end - first), dtype=np.float32)
    for piece in pieces:
        box = tuple(slice(a, b) for a, b in zip(piece.first, piece.end, strict=True))
        inner = tuple(slice(s.start - a, s.stop - a) for s, a in zip(box, first, strict=True))
        wins = (piece.occupancy >= _SURFACE) & (piece.occupancy > strongest[inner])
        strongest[inner][wins] = piece.occupancy[wins]
        labels[box][wins] = piece.label
    return labels


def _piece(patch: BodyPatch, ct_affine: Float64Array, shape: tuple[int, ...], label: int) -> _Piece | None:
    inside = ndimage.find_objects((patch.occupancy >= _SURFACE).astype(np.int8))
    if not inside:
        return None
    low = np.array([s.start for s in inside[0]], dtype=np.float64) - 1.0
    high = np.array([s.stop for s in inside[0]], dtype=np.float64)
    corners = np.stack(np.meshgrid(*zip(low, high, strict=True), indexing="ij"), axis=-1).reshape(-1, 3)
    index = to_index(ct_affine, to_points(patch.affine, corners))
    first = np.maximum(np.floor(index.min(axis=0)), 0).astype(int)
    end = np.minimum(np.ceil(index.max(axis=0)) + 1, shape).astype(int)
    if np.any(end <= first):
        return None
    ct_to_patch = np.linalg.inv(patch.affine) @ ct_affine
    occupancy = ndimage.affine_transform(
        patch.occupancy,
        ct_to_patch[:3, :3],
        offset=ct_to_patch[:3, :3] @ first + ct_to_patch[:3, 3],
        output_shape=tuple(end - first),
        order=1,
        output=np.float32,
    )
    k, j, i = (int(x) for x in first)
    return _Piece(first=(k, j, i), occupancy=occupancy, label=label)


def to_nifti(values: UInt8Array | Int16Array, affine: Float64Array) -> bytes:
    """A gzipped NIfTI-1 file of (k, j, i) labels or Hounsfield units; ``affine`` maps (k, j, i) to LPS mm."""
    ras = _LPS_TO_RAS @ affine[:, [2, 1, 0, 3]]
    header: Any = nibabel.Nifti1Header()  # type: ignore[no-untyped-call]  # nibabel is not annotated
    header.set_data_dtype(values.dtype)
    header.set_data_shape(values.shape[::-1])
    header.set_xyzt_units("mm")
    header.set_qform(ras, code="scanner")
    header.set_sform(ras, code="scanner")
    header["descrip"] = f"spondyl: {NOT_FOR_DIAGNOSIS}"[:79].encode()
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    compressor = zlib.compressobj(_COMPRESSION_LEVEL, zlib.DEFLATED, _GZIP_WINDOW_BITS)
    head = compressor.compress(header.binaryblock + bytes(4))  # 4 bytes: no header extensions
    return head + compressor.compress(np.ascontiguousarray(values).data) + compressor.flush()
