"""Synthetic torsos of known truth: drawn as shapes, rendered as CT, written as DICOM.

``make_ct`` makes a whole CT of a spine with the true heights, losses and grades of its vertebrae.
"""

from __future__ import annotations

from spondyl.synthetic.fracture import Deformity
from spondyl.synthetic.make_ct import SyntheticCt, make_ct
from spondyl.synthetic.truth import TrueVertebra, seen_in
from spondyl.synthetic.views import cropped, flipped, resampled

__all__ = [
    "Deformity",
    "SyntheticCt",
    "TrueVertebra",
    "cropped",
    "flipped",
    "make_ct",
    "resampled",
    "seen_in",
]
