"""Coded ways of saying "cannot": Refusal for a study, NotMeasuredCode for a level."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RefusalCode(StrEnum):
    """Why a study is not analysed. Each code stands in docs/reference/refusal-codes.md and in a test."""

    NOT_FOUND = "NOT_FOUND"  # the path does not exist
    NO_PERMISSION = "NO_PERMISSION"  # the path, or a file in it, may not be read
    EMPTY_INPUT = "EMPTY_INPUT"  # nothing in the folder or archive
    NO_IMAGES = "NO_IMAGES"  # files, but none is a DICOM image or NIfTI volume
    UNREADABLE = "UNREADABLE"  # damaged or truncated
    UNSAFE_ARCHIVE = "UNSAFE_ARCHIVE"  # zip bomb, path traversal, encrypted
    NOT_CT = "NOT_CT"  # other modality, colour image, secondary capture only
    NO_AXIAL_STACK = "NO_AXIAL_STACK"  # CT, but no stack of slices that can be read
    TOO_FEW_SLICES = "TOO_FEW_SLICES"
    MISSING_ATTRIBUTE = "MISSING_ATTRIBUTE"
    MISSING_SLICES = "MISSING_SLICES"
    MIXED_SPACING = "MIXED_SPACING"
    MIXED_ORIENTATION = "MIXED_ORIENTATION"  # a localizer within the stack
    CONFLICTING_SLICES = "CONFLICTING_SLICES"  # same position, other pixels
    GANTRY_TILT = "GANTRY_TILT"  # sheared beyond what is repaired
    SPACING_TOO_LARGE = "SPACING_TOO_LARGE"
    IMPLAUSIBLE_GEOMETRY = "IMPLAUSIBLE_GEOMETRY"  # zero, negative or absurd spacing; not invertible
    IMPLAUSIBLE_VALUES = "IMPLAUSIBLE_VALUES"  # NaN, not Hounsfield units
    WRONG_DIMENSIONS = "WRONG_DIMENSIONS"  # 2D or 4D NIfTI
    UNSUPPORTED_SYNTAX = "UNSUPPORTED_SYNTAX"
    TOO_LARGE = "TOO_LARGE"
    SEVERAL_STUDIES = "SEVERAL_STUDIES"  # more than one study or patient in the input
    NO_SPINE_FOUND = "NO_SPINE_FOUND"
    TOO_FEW_VERTEBRAE = "TOO_FEW_VERTEBRAE"


class NotMeasuredCode(StrEnum):
    """Why a vertebra carries no heights or no grade."""

    CUT_BY_BORDER = "CUT_BY_BORDER"  # the scan ends within the vertebra
    OUTSIDE_GRADED_LEVELS = "OUTSIDE_GRADED_LEVELS"  # cervical, sacral
    SLICES_TOO_THICK = "SLICES_TOO_THICK"
    METAL = "METAL"
    DOUBTFUL_OUTLINE = "DOUBTFUL_OUTLINE"  # fragmented, merged or self-contradicting segmentation
    NO_REFERENCE = "NO_REFERENCE"  # heights stand, but nothing to compare them with


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A study, or one stack of it, that is not analysed, with the reason and the way out.

    ``stage`` is the stage that refused; ``got`` and ``needed`` are short plain sentences that
    hold no patient identifiers.
    """

    stage: str
    code: RefusalCode
    got: str
    needed: str

    def __post_init__(self) -> None:
        for name in ("stage", "got", "needed"):
            if not getattr(self, name):
                raise ValueError(f"Refusal.{name} is empty; say what was got and what is needed")

    @property
    def text(self) -> str:
        """One sentence for people."""
        return f"{self.got} Needed: {self.needed}"
