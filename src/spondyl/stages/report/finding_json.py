"""finding.json: fixed key order, rounded numbers, validated, equal bytes for equal findings."""

from __future__ import annotations

import hashlib
import json

from spondyl.domain.finding import StudyFinding
from spondyl.stages.report.schema import validate

# Decimals by the unit that ends the name of a field. Finer than any uncertainty of ours, coarse enough
# that the last bits of an inference engine do not reach the file. Ours.
_DECIMALS_BY_SUFFIX = (
    ("pixel_spacing_mm", 6),  # as stored in DICOM: rounding would change the geometry
    ("slice_spacing_mm", 6),
    ("_mm", 3),
    ("_hu", 1),
    ("timings_s", 3),
)
_DECIMALS_OTHERWISE = 4  # probabilities, fractions, scores


def to_json(finding: StudyFinding) -> bytes:
    """finding.json as UTF-8 bytes.

    Raises:
        ValueError: the document does not agree with the published schema.
    """
    document = _rounded(finding.model_dump(mode="json"), _DECIMALS_OTHERWISE)
    validate(document)
    return format_document(document)


def format_document(document: object) -> bytes:
    """The parsed document as the bytes of the file, whatever fields its version has."""
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def pack_document(document: bytes) -> tuple[str, str]:
    """finding.json without its white space, and the SHA-256 of the file itself.

    ASCII only, so that no character set on the way can change it.
    """
    packed = json.dumps(json.loads(document), ensure_ascii=True, separators=(",", ":"))
    return packed, hashlib.sha256(document).hexdigest()


def _rounded(value: object, decimals: int) -> object:
    if isinstance(value, dict):
        return {key: _rounded(item, _decimals_of(key, decimals)) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item, decimals) for item in value]
    if isinstance(value, float):
        return round(value, decimals) + 0.0  # + 0.0 turns -0.0 into 0.0
    return value


def _decimals_of(key: str, inherited: int) -> int:
    """Decimals for a field; a field without a unit in its name takes those of the field that holds it."""
    return next((decimals for suffix, decimals in _DECIMALS_BY_SUFFIX if key.endswith(suffix)), inherited)
