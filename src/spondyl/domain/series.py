"""Stacks of slices as ingest sees them: a summary of each, and the pixels of those that are read."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spondyl.domain.refusal import Refusal
from spondyl.geometry.arrays import Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSummary:
    """One stack of slices seen in the input, read or not, and why.

    series_id: stable key without patient identifiers: SHA-256 prefix of the Series Instance UID plus
        the stack's number within it (DICOM), or of the file's content (NIfTI).
    reason: code word, e.g. ``CHOSEN``, ``LOCALIZER``, ``THICKER_THAN_CHOSEN`` or a RefusalCode.
    score: higher is better; None where the stack could not be scored.
    """

    series_id: str
    modality: str
    description: str
    n_slices: int
    slice_spacing_mm: float | None
    pixel_spacing_mm: tuple[float, float] | None
    kernel: str | None
    z_range_mm: tuple[float, float] | None
    chosen: bool
    reason: str
    text: str
    score: float | None
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceImages:
    """Where the slices of one stack stand in their DICOM study: what results in that study refer to.

    series_id: see ``StackSummary.series_id``.
    header_json: patient, study and series of the first slice in the DICOM JSON model (PS3.18 F). It names
        the patient: never shown, logged or printed.
    sop_instance_uids: SOP Instance UID per slice, empty for a slice that was interpolated.
    frame_numbers: frame per slice, from 1; empty where each slice is an instance of its own.
    """

    series_id: str
    header_json: str = field(repr=False)
    sop_instance_uids: tuple[str, ...]
    frame_numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not any(self.sop_instance_uids):
            raise ValueError("a source without any instance: leave the source out instead")
        if self.frame_numbers and len(self.frame_numbers) != len(self.sop_instance_uids):
            raise ValueError("frame numbers are given per slice or not at all")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AcceptedSeries:
    """A stack whose geometry has been checked, with its pixels.

    stored: (k, j, i) stored values in slice order along the normal.
    slope, intercept: (k,) rescale per slice, to Hounsfield units.
    padding: stored value that marks padding, or None.
    affine: (4, 4) index (k, j, i) to LPS mm, from positions and orientations only.
    sop_instance_uids: per slice in the same order; empty for NIfTI.
    study_instance_uid, series_instance_uid, frame_of_reference_uid: empty for NIfTI.
    attributes: CT facts worth keeping (KVP, ConvolutionKernel, Manufacturer, PatientSex, PatientAge,
        ContrastBolusAgent, PatientPosition ...), by DICOM keyword; never names or identifiers.
    source: what DICOM results refer to; None for NIfTI.
    """

    summary: StackSummary
    stored: npt.NDArray[np.integer[npt.NBitBase]] | npt.NDArray[np.floating[npt.NBitBase]]
    slope: Float64Array
    intercept: Float64Array
    padding: int | None
    affine: Float64Array
    sop_instance_uids: tuple[str, ...] = ()
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    frame_of_reference_uid: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    source: SourceImages | None = None

    def __post_init__(self) -> None:
        if self.stored.ndim != 3:
            raise ValueError(f"stored values have {self.stored.ndim} dimensions; (k, j, i) is needed")
        n_slices = self.stored.shape[0]
        if self.slope.shape != (n_slices,) or self.intercept.shape != (n_slices,):
            raise ValueError("slope and intercept need one value per slice")
        if self.affine.shape != (4, 4) or not np.all(np.isfinite(self.affine)):
            raise ValueError("affine must be a finite (4, 4) matrix")
        for array in (self.stored, self.slope, self.intercept, self.affine):
            array.setflags(write=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ingested:
    """What ingest found: the series to analyse (at least one) and a summary of every stack seen."""

    accepted: tuple[AcceptedSeries, ...]
    stacks: tuple[StackSummary, ...]
    input_sha256: str

    def __post_init__(self) -> None:
        if not self.accepted:
            raise ValueError("nothing accepted: return an IngestRefused instead")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IngestRefused:
    """The input as a whole is refused; ``stacks`` still lists what was seen.

    source: an instance of the refused DICOM study, so that the refusal can be stored in it; None where the
        input is not DICOM or not one study.
    """

    refusal: Refusal
    stacks: tuple[StackSummary, ...] = ()
    source: SourceImages | None = None
