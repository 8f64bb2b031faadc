"""Split the slices of an input into stacks, each on one regular grid or with the reason why it is not."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spondyl.domain.refusal import Refusal, RefusalCode
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.ingest.headers import PASS_KEYWORDS, SliceHeader
from spondyl.stages.ingest.leave_out import LeftOut, missing_attributes, reason_to_leave_out
from spondyl.stages.ingest.positions import Line, fit_line, mean_orientation, split_in_two
from spondyl.stages.ingest.refused import RefusedError, make_refusal
from spondyl.stages.ingest.settings import Settings

HaveSamePixels = Callable[[SliceHeader, SliceHeader], bool]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """Slices that belong together.

    slices: along the normal where ``line`` stands, else in input order. axes: (3, 3) rows row
    direction, column direction, normal. Exactly one of ``line``, ``left_out`` and ``refusal`` stands.
    """

    series_id: str
    slices: tuple[SliceHeader, ...]
    axes: Float64Array | None = None
    line: Line | None = None
    left_out: LeftOut | None = None
    refusal: Refusal | None = None
    repairs: tuple[str, ...] = ()

    @property
    def pixel_spacing_mm(self) -> tuple[float, float] | None:
        """(row spacing, column spacing), or None where not known."""
        spacing = self.slices[0].pixel_spacing_mm
        return None if spacing is None else (spacing[0], spacing[1])

    @property
    def z_range_mm(self) -> tuple[float, float] | None:
        """Lowest and highest LPS z of the slices' centres, half a slice spacing added at each end."""
        layout, spacing = self.slices[0].layout, self.pixel_spacing_mm
        if self.line is None or self.axes is None or layout is None or spacing is None:
            return None
        middle = (
            self.axes[0] * spacing[1] * (layout.columns - 1) / 2.0
            + self.axes[1] * spacing[0] * (layout.rows - 1) / 2.0
        )
        n_slices = len(self.slices) + (self.line.missing_after is not None)
        ends = [(self.line.first_mm + middle + self.line.step_mm * k)[2] for k in (-0.5, n_slices - 0.5)]
        return float(min(ends)), float(max(ends))


def build_stacks(
    headers: Sequence[SliceHeader], have_same_pixels: HaveSamePixels, settings: Settings
) -> list[Stack]:
    """All stacks of the input, in order of first appearance."""
    stacks: list[Stack] = []
    for (reason, _), slices in _group(headers, settings).items():
        stacks += _judge(reason, slices, have_same_pixels, settings)
    numbers: Counter[str] = Counter()
    named = []
    for stack in stacks:
        series_uid = stack.slices[0].series_uid
        numbers[series_uid] += 1
        key = hashlib.sha256(series_uid.encode()).hexdigest()[:12]
        named.append(replace(stack, series_id=f"{key}-{numbers[series_uid]}"))
    return _mark_mixed_orientation(named, settings)


def _group(
    headers: Sequence[SliceHeader], settings: Settings
) -> dict[tuple[LeftOut | RefusalCode | None, Hashable], list[SliceHeader]]:
    groups: dict[tuple[LeftOut | RefusalCode | None, Hashable], list[SliceHeader]] = defaultdict(list)
    orientations: dict[Hashable, list[Float64Array]] = defaultdict(list)
    for header in headers:
        reason = reason_to_leave_out(header, settings)
        if reason is not None:
            groups[reason, (header.series_uid, header.modality)].append(header)
            continue
        layout, spacing = header.layout, header.pixel_spacing_mm
        assert layout is not None
        assert spacing is not None
        key = (
            header.series_uid,
            header.frame_of_reference,
            (layout.rows, layout.columns, layout.photometric),
            tuple(round(value, 4) for value in spacing),
            header.image_type,
            header.kernel,
        )
        orientation = np.array(header.orientation, dtype=np.float64)
        groups[None, (key, _number_of(orientation, orientations[key], settings))].append(header)
    return groups


def _number_of(orientation: Float64Array, known: list[Float64Array], settings: Settings) -> int:
    for number, other in enumerate(known):
        if np.max(np.abs(orientation - other)) <= settings.orientation_tolerance:
            return number
    known.append(orientation)
    return len(known) - 1


def _judge(
    reason: LeftOut | RefusalCode | None,
    slices: list[SliceHeader],
    have_same_pixels: HaveSamePixels,
    settings: Settings,
) -> list[Stack]:
    if isinstance(reason, LeftOut):
        return [Stack(series_id="", slices=tuple(slices), left_out=reason)]
    if reason is not None:
        return [Stack(series_id="", slices=tuple(slices), refusal=_explain(reason, slices[0], settings))]
    axes = mean_orientation(np.array([header.orientation for header in slices], dtype=np.float64))
    if abs(axes[2, 2]) < np.cos(np.radians(settings.max_axial_angle_deg)):
        return [Stack(series_id="", slices=tuple(slices), axes=axes, left_out=LeftOut.NOT_AXIAL)]
    whole = _arrange(slices, axes, have_same_pixels, settings)
    if whole.refusal is None or whole.refusal.code == RefusalCode.TOO_FEW_SLICES:
        return [whole]
    return (
        _split_by_pass(slices, axes, have_same_pixels, settings)
        or _split_by_spacing(whole, axes, have_same_pixels, settings)
        or [whole]
    )


def _arrange(
    slices: Sequence[SliceHeader], axes: Float64Array, have_same_pixels: HaveSamePixels, settings: Settings
) -> Stack:
    """Sort along the normal, drop exact duplicates, fit the grid."""
    ordered = _sort(slices, axes)
    try:
        kept, n_dropped = _drop_duplicates(ordered, axes, have_same_pixels, settings)
    except RefusedError as error:
        return Stack(series_id="", slices=tuple(ordered), axes=axes, refusal=error.refusal)
    repairs = (f"{n_dropped} exact duplicate slice(s) dropped",) if n_dropped else ()
    stack = Stack(series_id="", slices=tuple(kept), axes=axes, repairs=repairs)
    if len(kept) < settings.min_slices:
        return replace(stack, refusal=_refuse_few(len(kept), settings))
    outcome = fit_line(_positions(kept), axes, settings)
    return (
        replace(stack, refusal=outcome)
        if isinstance(outcome, Refusal)
        else _check_extent(stack, outcome, settings)
    )


def _sort(slices: Sequence[SliceHeader], axes: Float64Array) -> list[SliceHeader]:
    heights = _positions(slices) @ axes[2]
    # ties by SOP Instance UID: the result must not depend on names or order of files
    return [slices[n] for n in sorted(range(len(slices)), key=lambda n: (heights[n], slices[n].sop_uid))]


def _positions(slices: Sequence[SliceHeader]) -> Float64Array:
    return np.array([header.position_mm for header in slices], dtype=np.float64)


def _drop_duplicates(
    ordered: list[SliceHeader], axes: Float64Array, have_same_pixels: HaveSamePixels, settings: Settings
) -> tuple[list[SliceHeader], int]:
    positions = _positions(ordered)
    kept = [0]
    for n in range(1, len(ordered)):
        if (positions[n] - positions[kept[-1]]) @ axes[2] > settings.same_position_mm:
            kept.append(n)
        elif not have_same_pixels(ordered[kept[-1]], ordered[n]):
            raise RefusedError(
                make_refusal(
                    RefusalCode.CONFLICTING_SLICES,
                    f"Several different slices lie at {positions[n] @ axes[2]:.1f} mm along the stack.",
                    "one slice per position; give one phase or one reconstruction.",
                )
            )
    return [ordered[n] for n in kept], len(ordered) - len(kept)


def _check_extent(stack: Stack, line: Line, settings: Settings) -> Stack:
    extent_mm = line.spacing_mm * len(stack.slices)
    layout = stack.slices[0].layout
    assert layout is not None
    refusal: Refusal | None = None
    if line.spacing_mm > settings.max_spacing_mm + settings.position_jitter_mm:
        refusal = make_refusal(
            RefusalCode.SPACING_TOO_LARGE,
            f"Slices lie {line.spacing_mm:.2f} mm apart.",
            f"at most {settings.max_spacing_mm:g} mm; ask for a thinner reconstruction.",
        )
    elif line.tilt_deg > settings.max_tilt_deg:
        refusal = make_refusal(
            RefusalCode.GANTRY_TILT,
            f"The stack is sheared by {line.tilt_deg:.1f} degrees (gantry tilt).",
            f"at most {settings.max_tilt_deg:g} degrees.",
        )
    elif extent_mm < settings.min_extent_mm:
        refusal = _refuse_few(len(stack.slices), settings)
    elif len(stack.slices) * layout.rows * layout.columns > settings.max_voxels:
        refusal = make_refusal(
            RefusalCode.TOO_LARGE,
            f"The stack has {len(stack.slices)} slices of {layout.rows} x {layout.columns} pixels.",
            f"at most {settings.max_voxels} voxels.",
        )
    return replace(stack, line=None, refusal=refusal) if refusal else replace(stack, line=line)


def _split_by_pass(
    slices: list[SliceHeader], axes: Float64Array, have_same_pixels: HaveSamePixels, settings: Settings
) -> list[Stack]:
    """Several passes over the body in one series (phases, table stations): one stack each."""
    for keyword in PASS_KEYWORDS:
        passes: dict[str, list[SliceHeader]] = defaultdict(list)
        for header in slices:
            passes[header.passes.get(keyword, "")].append(header)
        if len(passes) < 2:
            continue
        stacks = [_arrange(part, axes, have_same_pixels, settings) for part in passes.values()]
        n_regular = sum(len(stack.slices) for stack in stacks if stack.line)
        if n_regular >= settings.pass_share * len(slices):
            return [
                replace(stack, repairs=(f"split from its series by {keyword}", *stack.repairs))
                for stack in stacks
            ]
    return []


def _split_by_spacing(
    whole: Stack, axes: Float64Array, have_same_pixels: HaveSamePixels, settings: Settings
) -> list[Stack]:
    codes = {RefusalCode.MIXED_SPACING, RefusalCode.MISSING_SLICES}
    if whole.refusal is None or whole.refusal.code not in codes:
        return []
    cut = split_in_two(_positions(whole.slices) @ axes[2], settings)
    if cut is None:
        return []
    stacks = [
        _arrange(part, axes, have_same_pixels, settings) for part in (whole.slices[:cut], whole.slices[cut:])
    ]
    note = "split from a stack whose slice spacing changes once"
    return [replace(stack, repairs=(*whole.repairs, note)) for stack in stacks]


def _mark_mixed_orientation(stacks: list[Stack], settings: Settings) -> list[Stack]:
    """Series that fall into many small stacks because each slice is turned: say so, not "too few slices"."""
    small: dict[str, list[Stack]] = defaultdict(list)
    for stack in stacks:
        if stack.refusal and stack.refusal.code == RefusalCode.TOO_FEW_SLICES and stack.axes is not None:
            small[stack.slices[0].series_uid].append(stack)
    turned = {
        series
        for series, parts in small.items()
        if len(parts) > 1
        and sum(len(part.slices) for part in parts) >= settings.min_slices
        and _are_turned(parts)
    }
    refusal = make_refusal(
        RefusalCode.MIXED_ORIENTATION,
        "The slices of one series are turned against each other.",
        "parallel slices.",
    )
    return [
        replace(stack, refusal=refusal)
        if stack in small.get(uid := stack.slices[0].series_uid, []) and uid in turned
        else stack
        for stack in stacks
    ]


def _are_turned(stacks: list[Stack]) -> bool:
    normals = np.array([stack.axes for stack in stacks])[:, 2]
    return bool(np.max(np.abs(normals - normals[0])) > 0)


def _refuse_few(n_slices: int, settings: Settings) -> Refusal:
    return make_refusal(
        RefusalCode.TOO_FEW_SLICES,
        f"The stack has {n_slices} slice(s).",
        f"at least {settings.min_slices} slices that cover at least {settings.min_extent_mm:g} mm; "
        "give the whole folder of the series.",
    )


def _explain(code: RefusalCode, header: SliceHeader, settings: Settings) -> Refusal:
    """Why a slice was refused by its header alone."""
    layout = header.layout
    got, needed = {
        RefusalCode.NOT_CT: (
            f"Images of modality {header.modality or 'unknown'} that are not grey CT slices.",
            "CT images (modality CT, CT or Enhanced CT Image Storage, one sample per pixel).",
        ),
        RefusalCode.MISSING_ATTRIBUTE: (
            f"Absent or not readable: {', '.join(missing_attributes(header))}.",
            "slices with position, orientation, pixel spacing and rescale.",
        ),
        RefusalCode.UNSUPPORTED_SYNTAX: (
            f"Pixels in transfer syntax {layout.syntax if layout else 'unknown'}, "
            f"{layout.bits_stored if layout else '?'} of {layout.bits_allocated if layout else '?'} bits.",
            "a transfer syntax of the reference page, 8 or 16 bits allocated, high bit = bits stored - 1.",
        ),
        RefusalCode.TOO_LARGE: (
            f"Images of {layout.rows if layout else 0} x {layout.columns if layout else 0} pixels.",
            f"at most {settings.max_matrix} x {settings.max_matrix}.",
        ),
        RefusalCode.IMPLAUSIBLE_GEOMETRY: (
            f"Pixel spacing {header.pixel_spacing_mm}, orientation {header.orientation}.",
            f"spacing of {settings.min_pixel_mm} to {settings.max_pixel_mm} mm, orthogonal unit vectors, "
            "finite numbers, at least one pixel.",
        ),
        RefusalCode.IMPLAUSIBLE_VALUES: (
            f"Rescale slope {header.slope}, intercept {header.intercept}.",
            "a positive slope and finite numbers.",
        ),
    }[code]
    return make_refusal(code, got, needed)
