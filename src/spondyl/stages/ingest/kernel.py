"""Whether a reconstruction kernel is sharp, by the naming of the makers."""

from __future__ import annotations

import re
from enum import StrEnum


class KernelKind(StrEnum):
    """Noise and edge behaviour of a reconstruction kernel."""

    SOFT = "soft"
    SHARP = "sharp"
    UNKNOWN = "unknown"


_SHARP_WORDS = ("BONE", "LUNG", "EDGE", "SHARP", "DETAIL", "CHEST", "ULTRA")
_SOFT_WORDS = ("SOFT", "STANDARD", "STD", "SMOOTH", "BODY", "ABDOMEN", "BRAIN")
_SHARP_LETTERS = frozenset({"D", "E", "L", "YC", "YD", "YE"})
_SOFT_LETTERS = frozenset({"A", "B", "C", "YA", "YB"})
_SIEMENS = re.compile(r"^[ABCHITUQ][A-Z]?(\d{2})")
_SIEMENS_SHARP_FROM = 50
_CANON = re.compile(r"^FC(\d{2})")
_CANON_SHARP = (range(30, 40), range(50, 60), range(80, 90))


def classify_kernel(name: str | None) -> KernelKind:
    """Classify a ConvolutionKernel.

    GE and others use words, Siemens a letter or two and a number (the larger, the sharper), Canon
    FC and a number, Philips single letters. Source: the makers' naming as seen in public archives; ours.
    """
    key = (name or "").strip().upper()
    if any(word in key for word in _SHARP_WORDS) or key in _SHARP_LETTERS:
        return KernelKind.SHARP
    if any(word in key for word in _SOFT_WORDS) or key in _SOFT_LETTERS:
        return KernelKind.SOFT
    if match := _CANON.match(key):
        number = int(match.group(1))
        return KernelKind.SHARP if any(number in sharp for sharp in _CANON_SHARP) else KernelKind.SOFT
    if match := _SIEMENS.match(key):
        return KernelKind.SHARP if int(match.group(1)) >= _SIEMENS_SHARP_FROM else KernelKind.SOFT
    return KernelKind.UNKNOWN
