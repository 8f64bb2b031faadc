"""Stored pixel values of the slices of one stack, decoded straight into one array."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.encaps import parse_basic_offsets
from pydicom.pixels.utils import iter_pixels

from spondyl.domain.refusal import RefusalCode
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.ingest.files import InputFile
from spondyl.stages.ingest.headers import SliceHeader, read_dataset
from spondyl.stages.ingest.refused import PARSE_ERRORS, RefusedError, refuse
from spondyl.stages.ingest.settings import Settings
from spondyl.stages.ingest.syntaxes import DECODERS

StoredArray = npt.NDArray[Any]  # signed or unsigned, 8 to 32 bits, as the scanner stored it

_NATIVE_THREADS = 2  # native pixels wait for the disk; the codecs hold the interpreter's lock (measured)
_ITEM = b"\xfe\xff\x00\xe0"
_END = b"\xfe\xff\xdd\xe0"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """Stored values of a stack with what turns them into Hounsfield units.

    stored: (k, j, i). slope, intercept: (k,). padding: one stored value for all slices, or None.
    """

    stored: StoredArray
    slope: Float64Array
    intercept: Float64Array
    padding: int | None
    repairs: tuple[str, ...] = ()


def decode(slices: Sequence[SliceHeader], files: Sequence[InputFile], settings: Settings) -> Decoded:
    """Decode all slices, in their order.

    Raises:
        RefusedError: UNREADABLE where pixels are damaged, truncated or of another shape than declared.
    """
    layout = slices[0].layout
    assert layout is not None
    stored = np.empty((len(slices), layout.rows, layout.columns), dtype=_common_dtype(slices))
    slope = np.array([header.slope for header in slices], dtype=np.float64)
    intercept = np.array([header.intercept for header in slices], dtype=np.float64)
    paddings, repairs = _paddings(slices, settings)
    common = next((padding for padding in paddings if padding), None)
    by_file: dict[int, list[int]] = defaultdict(list)
    for k, header in enumerate(slices):
        by_file[header.file].append(k)

    def fill(file: int) -> None:
        numbers = by_file[file]
        headers = [slices[k] for k in numbers]
        for k, pixels in zip(numbers, _decode_file(files[file].read(), headers, settings), strict=True):
            stored[k] = pixels
            _unify_padding(stored[k], paddings[k], common)

    if all(not DECODERS[_syntax(header)] for header in slices):
        with ThreadPoolExecutor(_NATIVE_THREADS) as pool:
            for _ in pool.map(fill, by_file):
                pass
    else:
        for file in by_file:
            fill(file)
    return Decoded(
        stored=stored,
        slope=slope,
        intercept=intercept,
        padding=common[0] if common else None,
        repairs=repairs,
    )


def have_same_pixels(
    first: SliceHeader, second: SliceHeader, files: Sequence[InputFile], settings: Settings
) -> bool:
    """Whether two slices show the same values: stored pixels and rescale are equal.

    Raises:
        RefusedError: UNREADABLE.
    """
    if (first.slope, first.intercept) != (second.slope, second.intercept):
        return False
    if (first.file, first.frame) == (second.file, second.frame):
        return True
    arrays = [next(_decode_file(files[header.file].read(), [header], settings)) for header in (first, second)]
    return bool(np.array_equal(arrays[0], arrays[1]))


def _syntax(header: SliceHeader) -> str:
    assert header.layout is not None
    return header.layout.syntax


def _common_dtype(slices: Sequence[SliceHeader]) -> np.dtype[Any]:
    kinds = {(header.layout.bits_allocated, header.layout.is_signed) for header in slices if header.layout}
    if len(kinds) > 1:
        return np.dtype(np.int32)
    bits, is_signed = kinds.pop()
    return np.dtype(f"{'i' if is_signed else 'u'}{bits // 8}")


def _decode_file(content: bytes, headers: Sequence[SliceHeader], settings: Settings) -> Iterator[StoredArray]:
    """Frames of one file, each (row, column), in the order of ``headers``."""
    try:
        dataset = read_dataset(content, settings, with_pixels=True)
        plugin = DECODERS[dataset.file_meta.TransferSyntaxUID]
        if plugin:
            _check_fragments(dataset)
        for header, pixels in zip(headers, _frames(dataset, headers, plugin), strict=True):
            layout = header.layout
            if layout is None or pixels.shape != (layout.rows, layout.columns):
                raise ValueError(f"decoded pixels have the shape {pixels.shape}")
            yield pixels
    except RefusedError:
        raise
    except PARSE_ERRORS as error:
        refuse(
            RefusalCode.UNREADABLE,
            f"The pixels of a slice are damaged or truncated ({type(error).__name__}).",
            "intact files; send the series again from the archive.",
        )


def _frames(dataset: Dataset, headers: Sequence[SliceHeader], plugin: str) -> Iterator[StoredArray]:
    options: dict[str, Any] = {"raw": True, "decoding_plugin": plugin}
    if "NumberOfFrames" in dataset:
        options["indices"] = [header.frame for header in headers]
    yield from iter_pixels(dataset, **options)


def _check_fragments(dataset: Dataset) -> None:
    """Check that every fragment of encapsulated pixels is whole: some decoders fill up with zeros.

    Source: PS3.5 §A.4.
    """
    content: bytes = dataset["PixelData"].value
    offset = 0
    while offset < len(content) and content[offset : offset + 4] != _END:
        if content[offset : offset + 4] != _ITEM or len(content) < offset + 8:
            raise ValueError("the encapsulated pixels are damaged")
        offset += 8 + int.from_bytes(content[offset + 4 : offset + 8], "little")
    if offset > len(content):
        raise EOFError("the encapsulated pixels are truncated")
    parse_basic_offsets(content)


def _paddings(
    slices: Sequence[SliceHeader], settings: Settings
) -> tuple[list[tuple[int, int] | None], tuple[str, ...]]:
    """Range of stored values that are padding, per slice; padding in the range of tissue is not honoured.

    A value that the scanner declares as padding but that means tissue (0 is the usual case) would
    punch holes into the patient.
    """
    paddings = [_padding_range(header) for header in slices]
    low, high = settings.tissue_range_hu
    honoured: list[tuple[int, int] | None] = []
    for header, padding in zip(slices, paddings, strict=True):
        assert header.slope is not None
        assert header.intercept is not None
        ends = [value * header.slope + header.intercept for value in padding or ()]
        honoured.append(None if any(low < end < high for end in ends) else padding)
    if honoured == paddings:
        return honoured, ()
    return honoured, ("padding value within the range of tissue not honoured",)


def _padding_range(header: SliceHeader) -> tuple[int, int] | None:
    layout = header.layout
    if header.padding is None or layout is None:
        return None
    ends = [header.padding, header.padding if header.padding_limit is None else header.padding_limit]
    # Files exist whose padding value is written with the sign of the other pixel representation.
    half, whole = 1 << (layout.bits_allocated - 1), 1 << layout.bits_allocated
    if layout.is_signed:
        ends = [end - whole if end >= half else end for end in ends]
    else:
        ends = [end + whole if end < 0 else end for end in ends]
    return min(ends), max(ends)


def _unify_padding(
    pixels: StoredArray, padding: tuple[int, int] | None, common: tuple[int, int] | None
) -> None:
    if padding is None or common is None or padding == (common[0], common[0]):
        return
    pixels[(pixels >= padding[0]) & (pixels <= padding[1])] = common[0]


def invert(decoded: Decoded, slices: Sequence[SliceHeader]) -> Decoded:
    """Turn inverted stored values round within the range of the bits stored."""
    layout = slices[0].layout
    assert layout is not None
    total = -1 if layout.is_signed else (1 << layout.bits_stored) - 1
    stored = total - decoded.stored  # ones' complement: cannot leave the type's range
    padding = None if decoded.padding is None else total - decoded.padding
    return replace(
        decoded,
        stored=stored,
        padding=padding,
        repairs=(*decoded.repairs, "inverted grey values (MONOCHROME1) turned round"),
    )
