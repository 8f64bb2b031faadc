"""NIfTI volumes. The only place in the stages that knows RAS: it is turned into LPS here."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError, ImageDataError

from spondyl.domain.refusal import RefusalCode
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.ingest.files import refuse_os_error
from spondyl.stages.ingest.pixels import Decoded, StoredArray
from spondyl.stages.ingest.refused import PARSE_ERRORS, refuse
from spondyl.stages.ingest.settings import Settings

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_GZIP = b"\x1f\x8b"
_HEADER_BYTES = 540
_SIZES = {348: nibabel.Nifti1Image, 540: nibabel.Nifti2Image}
_SPACING_TOLERANCE = 0.01  # ours: pixdim and affine may differ by 1 %
_NIFTI_ERRORS: tuple[type[Exception], ...] = (
    *PARSE_ERRORS,
    HeaderDataError,
    ImageDataError,
    ImageFileError,
)
_MILLIMETRE_UNITS = {"mm", "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NiftiVolume:
    """A NIfTI volume: values (k, j, i) = third, second, first NIfTI axis; affine to LPS mm."""

    decoded: Decoded
    affine: Float64Array
    repairs: tuple[str, ...] = ()


def is_nifti(path: Path) -> bool:
    """Whether a file begins as a single-file NIfTI does, packed or not; its name does not matter."""
    start = _start_unpacked(path)
    sizes = {int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")}
    return bool(sizes & _SIZES.keys()) and (start[344:347] == b"n+1" or start[4:7] == b"n+2")


def is_gzip(path: Path) -> bool:
    """Whether a file begins as gzip does."""
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP


def _start_unpacked(path: Path) -> bytes:
    try:
        with _open(path) as stream:
            return stream.read(_HEADER_BYTES)
    except (gzip.BadGzipFile, EOFError):
        return b""
    except PARSE_ERRORS as error:
        if isinstance(error, OSError):
            refuse_os_error(error)
        return b""


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb") if is_gzip(path) else path.open("rb"))


def read_nifti(path: Path, settings: Settings) -> NiftiVolume:
    """Read one NIfTI volume.

    Raises:
        RefusedError: UNREADABLE, WRONG_DIMENSIONS, NOT_CT (colour), TOO_LARGE, MISSING_ATTRIBUTE (no
            affine), IMPLAUSIBLE_GEOMETRY, IMPLAUSIBLE_VALUES (NaN, rescale).
    """
    with _open(path) as stream:
        image = _parse(stream)
        shape = _check_shape(image, settings)
        affine = _check_affine(image)
        slope, intercept = _rescale(image)
        stored = _attempt(lambda: np.asanyarray(image.dataobj.get_unscaled()).reshape(shape))
    array = _to_slices(stored)
    n_slices = array.shape[0]
    decoded = Decoded(
        stored=array, slope=np.full(n_slices, slope), intercept=np.full(n_slices, intercept), padding=None
    )
    repairs = ("fourth dimension of length 1 dropped",) if len(image.shape) > 3 else ()
    return NiftiVolume(decoded=decoded, affine=affine, repairs=repairs)


def _attempt(action: Callable[[], Any]) -> Any:  # noqa: ANN401 - nibabel is untyped
    try:
        return action()
    except _NIFTI_ERRORS as error:
        refuse(
            RefusalCode.UNREADABLE,
            f"The NIfTI file is damaged or truncated ({type(error).__name__}).",
            "an intact .nii or .nii.gz file.",
        )


def _parse(stream: IO[bytes]) -> Any:  # noqa: ANN401 - nibabel is untyped
    start = stream.read(4)
    stream.seek(0)
    sizes = {int.from_bytes(start, "little"), int.from_bytes(start, "big")}
    image_class = _SIZES[(sizes & _SIZES.keys()).pop()]
    return _attempt(lambda: image_class.from_stream(cast("io.IOBase", stream)))


def _check_shape(image: Any, settings: Settings) -> tuple[int, int, int]:  # noqa: ANN401 - nibabel is untyped
    shape = tuple(int(size) for size in image.shape)
    if image.get_data_dtype().kind not in "iuf":
        refuse(RefusalCode.NOT_CT, "A NIfTI file of colours or complex numbers.", "one number per voxel.")
    if len(shape) < 3 or any(size != 1 for size in shape[3:]):
        refuse(
            RefusalCode.WRONG_DIMENSIONS,
            f"A NIfTI file of {len(shape)} dimensions {shape}.",
            "three dimensions; cut one time point or channel out.",
        )
    if min(shape) < 1:
        refuse(RefusalCode.UNREADABLE, f"A NIfTI file of the shape {shape}.", "positive sizes.")
    if max(shape[:3]) > settings.max_matrix or np.prod([float(size) for size in shape]) > settings.max_voxels:
        refuse(
            RefusalCode.TOO_LARGE,
            f"A NIfTI file that declares the shape {shape}.",
            f"at most {settings.max_matrix} voxels along an axis and {settings.max_voxels} in all.",
        )
    return shape[0], shape[1], shape[2]


def _check_affine(image: Any) -> Float64Array:  # noqa: ANN401 - nibabel is untyped
    """Affine from (k, j, i) to LPS mm, checked against the header's own voxel sizes."""
    header = image.header
    if int(header["qform_code"]) <= 0 and int(header["sform_code"]) <= 0:
        refuse(
            RefusalCode.MISSING_ATTRIBUTE,
            "The NIfTI header holds no affine (qform and sform codes are 0).",
            "a file that says how its voxels lie in the patient.",
        )
    units = str(_attempt(header.get_xyzt_units)[0])
    affine = _RAS_TO_LPS @ np.asarray(_attempt(lambda: image.affine), dtype=np.float64)
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    declared = np.asarray(header.get_zooms()[:3], dtype=np.float64)
    if units not in _MILLIMETRE_UNITS:
        refuse(RefusalCode.IMPLAUSIBLE_GEOMETRY, f"Lengths in the unit {units}.", "lengths in millimetres.")
    if not np.all(np.isfinite(affine)) or np.any(np.abs(sizes - declared) > _SPACING_TOLERANCE * sizes):
        refuse(
            RefusalCode.IMPLAUSIBLE_GEOMETRY,
            "The voxel sizes of the NIfTI header and of its affine contradict each other.",
            "equal sizes within 1 %, and finite numbers.",
        )
    return affine[:, [2, 1, 0, 3]]


def _rescale(image: Any) -> tuple[float, float]:  # noqa: ANN401 - nibabel is untyped
    slope, intercept = (float(value) for value in (image.dataobj.slope, image.dataobj.inter))
    if not (np.isfinite(slope) and np.isfinite(intercept) and slope > 0):
        refuse(
            RefusalCode.IMPLAUSIBLE_VALUES,
            f"Rescale slope {slope}, intercept {intercept}.",
            "a positive slope and finite numbers.",
        )
    return slope, intercept


def _to_slices(values: StoredArray) -> StoredArray:
    """Native (k, j, i) array; refuses NaN and infinity."""
    native = np.ascontiguousarray(values.T, dtype=values.dtype.newbyteorder("="))
    if native.dtype.kind == "f" and not all(np.all(np.isfinite(part)) for part in native):
        refuse(
            RefusalCode.IMPLAUSIBLE_VALUES,
            "The NIfTI file holds NaN or infinite values.",
            "finite Hounsfield units; set voxels outside the scan to -1024.",
        )
    return native
