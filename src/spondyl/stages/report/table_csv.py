"""vertebrae.csv: one row per vertebra, for spreadsheets and statistics."""

from __future__ import annotations

import csv
import io

from spondyl.domain.finding import HeightTriple, StudyFinding, VertebraFinding

Cell = str | int | float | None
_PLACES = ("anterior", "middle", "posterior")


def to_csv(finding: StudyFinding) -> bytes:
    """The table as UTF-8 bytes: header, one row per vertebra from head to foot, empty where unknown."""
    rows = [_row(finding, vertebra) for vertebra in finding.vertebrae]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=_columns(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _columns() -> list[str]:
    heights = [
        column.format(place)
        for column in ("{}_height_mm", "{}_height_sd_mm", "{}_window_height_mm", "expected_{}_height_mm")
        for place in _PLACES
    ]
    return [
        *("series_id", "label", "level", "level_probability", "level_uncertain", "in_view"),
        *("centre_x_lps_mm", "centre_y_lps_mm", "centre_z_lps_mm"),
        *heights,
        *("depth_mm", "loss_fraction", "loss_sd", "genant_grade", "shape"),
        *("probability_grade_2_or_more", "attenuation_hu", "not_measured", "confounders", "notice"),
    ]


def _row(finding: StudyFinding, vertebra: VertebraFinding) -> dict[str, Cell]:
    x, y, z = vertebra.centre_lps_mm
    return {
        "series_id": vertebra.series_id,
        "label": vertebra.label,
        "level": vertebra.level,
        "level_probability": _number(vertebra.level_probability, 4),
        "level_uncertain": str(vertebra.level_uncertain).lower(),
        "in_view": vertebra.in_view,
        "centre_x_lps_mm": _number(x, 2),
        "centre_y_lps_mm": _number(y, 2),
        "centre_z_lps_mm": _number(z, 2),
        **_three("{}_height_mm", vertebra.heights_mm),
        **_three("{}_height_sd_mm", vertebra.height_sd_mm),
        **_three("{}_window_height_mm", vertebra.window_heights_mm),
        **_three("expected_{}_height_mm", vertebra.expected_heights_mm),
        "depth_mm": _number(vertebra.depth_mm, 2),
        "loss_fraction": _number(vertebra.loss_fraction, 4),
        "loss_sd": _number(vertebra.loss_sd, 4),
        "genant_grade": vertebra.genant_grade,
        "shape": vertebra.shape,
        "probability_grade_2_or_more": _number(vertebra.probability_grade_2_or_more, 4),
        "attenuation_hu": _number(vertebra.attenuation_hu, 1),
        "not_measured": vertebra.not_measured,
        "confounders": " ".join(confounder.kind for confounder in vertebra.confounders),
        "notice": finding.notice,
    }


def _three(column: str, triple: HeightTriple | None) -> dict[str, Cell]:
    if triple is None:
        return {column.format(place): None for place in _PLACES}
    return {column.format(place): _number(getattr(triple, place), 2) for place in _PLACES}


def _number(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals) + 0.0
