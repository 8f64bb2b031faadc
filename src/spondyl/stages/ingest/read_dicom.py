"""DICOM files to accepted series: headers, stacks, choice, pixels, checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from spondyl.domain.refusal import Refusal, RefusalCode
from spondyl.domain.series import AcceptedSeries, Ingested, IngestRefused, SourceImages, StackSummary
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.ingest.choose import Candidate, choose, score_candidate
from spondyl.stages.ingest.files import InputFile, hash_content, hash_input
from spondyl.stages.ingest.headers import (
    PREAMBLE_BYTES,
    SliceHeader,
    has_preamble,
    looks_like_dicom,
    read_dataset,
    read_headers,
)
from spondyl.stages.ingest.interpolate import insert_missing
from spondyl.stages.ingest.leave_out import LEFT_OUT_TEXT, LeftOut
from spondyl.stages.ingest.pixels import Decoded, decode, have_same_pixels, invert
from spondyl.stages.ingest.plausible import check_values
from spondyl.stages.ingest.refused import PARSE_ERRORS, RefusedError, make_refusal, refuse
from spondyl.stages.ingest.settings import Settings
from spondyl.stages.ingest.shear import straighten
from spondyl.stages.ingest.source import source_of
from spondyl.stages.ingest.stacks import Stack, build_stacks
from spondyl.stages.ingest.studies import check_one_study
from spondyl.stages.ingest.syntaxes import LOSSY


@dataclass(slots=True, kw_only=True)
class _Inventory:
    """What the header pass found."""

    headers: list[SliceHeader] = field(default_factory=list)
    hashes: dict[int, str] = field(default_factory=dict)
    n_damaged: int = 0


def ingest_dicom(files: Sequence[InputFile], settings: Settings) -> Ingested | IngestRefused:
    """Read the DICOM files of one study.

    Raises:
        RefusedError: where the input as a whole cannot be read.
    """
    inventory = _read_all_headers(files, settings)

    def are_same(first: SliceHeader, second: SliceHeader) -> bool:
        if (inventory.hashes[first.file], first.frame) == (inventory.hashes[second.file], second.frame):
            return True
        return have_same_pixels(first, second, files, settings)

    stacks = check_one_study(build_stacks(inventory.headers, are_same, settings))
    accepted, failed = _read_chosen(stacks, files, settings)
    summaries = _summarise_all(stacks, accepted, failed, settings)
    if inventory.n_damaged:
        summaries.append(_summarise_damaged(inventory.n_damaged))
    if not accepted:
        return IngestRefused(
            refusal=_why_nothing(stacks, failed, inventory.n_damaged),
            stacks=tuple(summaries),
            source=_representative(stacks, files, settings),
        )
    return Ingested(
        accepted=tuple(accepted),
        stacks=tuple(summaries),
        input_sha256=hash_input(list(inventory.hashes.values())),
    )


def _representative(
    stacks: Sequence[Stack], files: Sequence[InputFile], settings: Settings
) -> SourceImages | None:
    """One instance of a study that is refused, out of its largest CT stack; None where none has a UID."""
    named = [stack for stack in stacks if stack.slices[0].sop_uid and stack.slices[0].study_uid]
    if not named:
        return None
    chosen = max(named, key=lambda stack: (stack.slices[0].modality == "CT", len(stack.slices)))
    return source_of(chosen.slices[:1], chosen.series_id, files, settings)


def _read_all_headers(files: Sequence[InputFile], settings: Settings) -> _Inventory:
    inventory = _Inventory()
    for number, file in enumerate(files):
        if not looks_like_dicom(file.start(PREAMBLE_BYTES)):
            continue
        content = file.read()
        try:
            dataset = read_dataset(content, settings, with_pixels=False)
            headers = read_headers(dataset, number)
        except PARSE_ERRORS:
            inventory.n_damaged += has_preamble(content)
            continue
        if headers and not headers[0].sop_class:
            # cut before its first elements; without the preamble, data that begin like an old DICOM file
            inventory.n_damaged += has_preamble(content)
            continue
        inventory.headers += headers
        inventory.hashes[number] = hash_content(content)
    if not inventory.headers:
        _refuse_without_images(len(files), inventory.n_damaged)
    return inventory


def _refuse_without_images(n_files: int, n_damaged: int) -> None:
    if n_damaged:
        raise RefusedError(_refuse_damaged(n_damaged))
    refuse(
        RefusalCode.NO_IMAGES,
        f"{n_files} file(s), none of them a DICOM image.",
        "the DICOM files of one CT study; a NIfTI volume is given as a file, not in a folder or zip.",
    )


def _refuse_damaged(n_damaged: int) -> Refusal:
    return make_refusal(
        RefusalCode.UNREADABLE,
        f"{n_damaged} DICOM file(s) damaged or truncated.",
        "intact files; send the study again from the archive.",
    )


def _read_chosen(
    stacks: Sequence[Stack], files: Sequence[InputFile], settings: Settings
) -> tuple[list[AcceptedSeries], dict[str, Refusal]]:
    """Read the chosen stacks; where one proves unreadable, choose again without it."""
    by_id = {stack.series_id: stack for stack in stacks if stack.line}
    read: dict[str, AcceptedSeries] = {}
    failed: dict[str, Refusal] = {}
    while True:
        chosen = choose([_candidate(stack) for key, stack in by_id.items() if key not in failed], settings)
        unread = [candidate.series_id for candidate in chosen if candidate.series_id not in read]
        if not unread:
            return [read[candidate.series_id] for candidate in chosen], failed
        try:
            read[unread[0]] = _read_stack(by_id[unread[0]], files, settings)
        except RefusedError as error:
            failed[unread[0]] = error.refusal


def _candidate(stack: Stack) -> Candidate:
    header, line, z_range_mm = stack.slices[0], stack.line, stack.z_range_mm
    assert line is not None
    assert z_range_mm is not None
    return Candidate(
        series_id=stack.series_id,
        spacing_mm=line.spacing_mm,
        z_range_mm=z_range_mm,
        kernel=header.kernel,
        is_original=header.image_type[:2] == ("ORIGINAL", "PRIMARY"),
    )


def _read_stack(stack: Stack, files: Sequence[InputFile], settings: Settings) -> AcceptedSeries:
    """Decode, check and repair one stack.

    Raises:
        RefusedError: UNREADABLE, IMPLAUSIBLE_VALUES, MISSING_SLICES.
    """
    line = stack.line
    assert line is not None
    decoded = decode(stack.slices, files, settings)
    decoded = _check_plausible(decoded, stack, settings)
    source = source_of(stack.slices, stack.series_id, files, settings)
    if line.missing_after is not None:
        decoded = insert_missing(decoded, line.missing_after)
        source = _with_interpolated(source, line.missing_after + 1)
    affine = _affine(stack)
    repairs = [*stack.repairs, *decoded.repairs]
    if np.sin(np.radians(line.tilt_deg)) > settings.unsheared_sine:
        decoded, affine = straighten(decoded, affine)
        repairs.append(f"gantry tilt of {line.tilt_deg:.2f} degrees resampled to a straight grid")
    layout = stack.slices[0].layout
    if layout is not None and layout.syntax in LOSSY:
        repairs.append("read from a transfer syntax that may be lossy")
    first = stack.slices[0]
    return AcceptedSeries(
        summary=_summarise_chosen(stack, tuple(repairs), settings),
        stored=decoded.stored,
        slope=decoded.slope,
        intercept=decoded.intercept,
        padding=decoded.padding,
        affine=affine,
        sop_instance_uids=source.sop_instance_uids,
        study_instance_uid=first.study_uid,
        series_instance_uid=first.series_uid,
        frame_of_reference_uid=first.frame_of_reference,
        attributes=dict(first.attributes),
        source=source,
    )


def _with_interpolated(source: SourceImages, k: int) -> SourceImages:
    """The source of a stack into which slice k was interpolated: it has no instance of its own."""
    uids, frames = list(source.sop_instance_uids), list(source.frame_numbers)
    uids.insert(k, "")
    if frames:
        frames.insert(k, 0)
    return replace(source, sop_instance_uids=tuple(uids), frame_numbers=tuple(frames))


def _check_plausible(decoded: Decoded, stack: Stack, settings: Settings) -> Decoded:
    refusal = check_values(decoded, settings)
    layout = stack.slices[0].layout
    if refusal is not None and layout is not None and layout.photometric == "MONOCHROME1":
        # By the standard MONOCHROME1 changes the display only, so stored values are taken as they
        # stand; files exist whose values are inverted as well, and only those are turned round.
        decoded = invert(decoded, stack.slices)
        refusal = check_values(decoded, settings)
    if refusal is not None:
        raise RefusedError(refusal)
    return decoded


def _affine(stack: Stack) -> Float64Array:
    """(4, 4) index (k, j, i) to LPS mm (PS3.3 C.7.6.2.1.1); the k column is the step between slices."""
    axes, line, spacing = stack.axes, stack.line, stack.pixel_spacing_mm
    assert axes is not None
    assert line is not None
    assert spacing is not None
    affine = np.eye(4)
    affine[:3, 0] = line.step_mm
    affine[:3, 1] = axes[1] * spacing[0]
    affine[:3, 2] = axes[0] * spacing[1]
    affine[:3, 3] = line.first_mm
    return affine


def _summarise_all(
    stacks: Sequence[Stack],
    accepted: Sequence[AcceptedSeries],
    failed: dict[str, Refusal],
    settings: Settings,
) -> list[StackSummary]:
    chosen = {series.summary.series_id: series.summary for series in accepted}
    thinnest_mm = min((summary.slice_spacing_mm or np.inf for summary in chosen.values()), default=np.inf)
    summaries = []
    for stack in stacks:
        if stack.series_id in chosen:
            summaries.append(chosen[stack.series_id])
        elif (refusal := failed.get(stack.series_id) or stack.refusal) is not None:
            summaries.append(_summarise(stack, refusal.code, refusal.text))
        elif stack.left_out is not None:
            summaries.append(_summarise(stack, stack.left_out, LEFT_OUT_TEXT[stack.left_out]))
        else:
            summaries.append(_summarise_covered(stack, thinnest_mm, settings))
    return summaries


def _summarise_chosen(stack: Stack, repairs: tuple[str, ...], settings: Settings) -> StackSummary:
    summary = _summarise(stack, "CHOSEN", "Read: the best stack of this part of the body.")
    return replace(summary, chosen=True, repairs=repairs, score=score_candidate(_candidate(stack), settings))


def _summarise_covered(stack: Stack, thinnest_mm: float, settings: Settings) -> StackSummary:
    assert stack.line is not None
    is_thicker = stack.line.spacing_mm > thinnest_mm + settings.position_jitter_mm
    reason = "THICKER_THAN_CHOSEN" if is_thicker else "COVERED_BY_CHOSEN"
    summary = _summarise(stack, reason, "Not read: a better stack shows the same part of the body.")
    return replace(summary, score=score_candidate(_candidate(stack), settings))


def _summarise(stack: Stack, reason: str, text: str) -> StackSummary:
    first = stack.slices[0]
    return StackSummary(
        series_id=stack.series_id,
        modality=first.modality,
        description=first.description,
        n_slices=len(stack.slices),
        slice_spacing_mm=round(stack.line.spacing_mm, 4) if stack.line else None,
        pixel_spacing_mm=stack.pixel_spacing_mm,
        kernel=first.kernel,
        z_range_mm=stack.z_range_mm,
        chosen=False,
        reason=str(reason),
        text=text,
        score=None,
        repairs=stack.repairs,
    )


def _summarise_damaged(n_damaged: int) -> StackSummary:
    return StackSummary(
        series_id="damaged",
        modality="",
        description="",
        n_slices=n_damaged,
        slice_spacing_mm=None,
        pixel_spacing_mm=None,
        kernel=None,
        z_range_mm=None,
        chosen=False,
        reason=str(RefusalCode.UNREADABLE),
        text=_refuse_damaged(n_damaged).text,
        score=None,
    )


def _why_nothing(stacks: Sequence[Stack], failed: dict[str, Refusal], n_damaged: int) -> Refusal:
    """The refusal that helps most: of the largest CT stack that was refused, else of what there is."""
    refusals = [
        (refusal.code != RefusalCode.NOT_CT, len(stack.slices), -number, refusal)
        for number, stack in enumerate(stacks)
        if (refusal := failed.get(stack.series_id) or stack.refusal) is not None
    ]
    if n_damaged:
        refusals.append((True, n_damaged, -len(stacks), _refuse_damaged(n_damaged)))
    if refusals:
        return max(refusals, key=lambda item: item[:3])[3]
    reasons = {stack.left_out for stack in stacks}
    if reasons <= {LeftOut.NOT_AN_IMAGE}:
        return make_refusal(
            RefusalCode.NO_IMAGES, "DICOM objects, but none with pixels.", "the CT slices of the study."
        )
    if reasons <= {LeftOut.NOT_AN_IMAGE, LeftOut.SECONDARY_CAPTURE}:
        return make_refusal(
            RefusalCode.NOT_CT, "Secondary captures (screenshots) only.", "the CT slices themselves."
        )
    return make_refusal(
        RefusalCode.NO_AXIAL_STACK,
        f"Images of these kinds only: {', '.join(sorted(str(reason) for reason in reasons))}.",
        "a stack of axial CT slices as the scanner reconstructed them.",
    )
