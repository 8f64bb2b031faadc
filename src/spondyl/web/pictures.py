"""From the reading pictures on disk to what a template draws: an image, and marks over it where allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import HTTPException
from fastapi.responses import FileResponse

from spondyl.adapters.station.opened import Station
from spondyl.domain.finding import StudyFinding, VertebraFinding
from spondyl.domain.reading_pictures import (
    GreyWindow,
    Pixel,
    PlacedMarks,
    PlainPicture,
    ReadingPictures,
    SeriesPictures,
)
from spondyl.worklist.answering import counted

PICTURE_NAME = re.compile(r"^s\d{1,2}(_v\d{1,2})?_(sagittal|coronal)_\d{1,2}_[a-z]{1,10}\.png$")
CT_NAME = re.compile(r"^s\d{1,2}_ct\.nii\.gz$")
MASKS_NAME = re.compile(r"^s\d{1,2}_masks\.nii\.gz$")
_LABEL_MARGIN_PX = 34  # left of the sagittal picture, for the names of the levels


@dataclass(frozen=True, slots=True, kw_only=True)
class VertebraView:
    """One vertebra on the page. What the software found is None or empty where it may not be seen.

    facts: names and values for the list beside the tile.
    """

    place: int
    level: str
    is_uncertain: bool
    is_marked: bool
    grade: int | None
    loss: str
    facts: tuple[tuple[str, str], ...]
    marks: PlacedMarks
    superior: str
    inferior: str
    tile_superior: str
    tile_inferior: str
    tile_expected: str
    tile_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpineView:
    """The pictures of one series, with what lies on them.

    base: path below which the pictures are served.
    """

    base: str
    series: SeriesPictures
    windows: tuple[GreyWindow, ...]
    vertebrae: tuple[VertebraView, ...]
    shows_marks: bool
    margin_px: int = _LABEL_MARGIN_PX

    def source(self, picture: PlainPicture, number: int | None = None) -> str:
        """Path of a picture at first sight: the middle one, in the first window."""
        middle = len(picture.offsets_mm) // 2 if number is None else number
        return f"{self.base}/{picture.file_name(middle, self.windows[0])}"


def spine_view(
    station: Station,
    study_id: str,
    finding: StudyFinding,
    base: str,
    *,
    shows_marks: bool,
    number: int = 0,
) -> SpineView | None:
    """The view of one series of a study, None where there are no pictures (refused, or removed)."""
    pictures = pictures_of(station, study_id)
    if pictures is None or not pictures.series:
        return None
    series = pictures.series[min(number, len(pictures.series) - 1)]
    minimum_grade = station.protocol.positive.minimum_grade.value
    return SpineView(
        base=base,
        series=series,
        windows=pictures.windows,
        vertebrae=tuple(
            _vertebra(marks, finding.vertebrae[marks.vertebra], minimum_grade, shows_marks=shows_marks)
            for marks in series.vertebrae
        ),
        shows_marks=shows_marks,
    )


def pictures_of(station: Station, study_id: str) -> ReadingPictures | None:
    """What pictures there are of a study, None where there are none (refused, or removed)."""
    path = station.results(study_id) / "reading" / "reading.json"
    if not path.is_file():
        return None
    return ReadingPictures.model_validate_json(path.read_text(encoding="utf-8"))


def picture_file(station: Station, study_id: str, name: str, allowed: re.Pattern[str]) -> FileResponse:
    """One file of the reading pictures, whose name has the allowed form; else an answer 404."""
    path = station.results(study_id) / "reading" / Path(name).name
    if not allowed.match(name) or not path.is_file():
        raise HTTPException(404, "there is no such picture")
    kind = "image/png" if name.endswith(".png") else "application/gzip"
    return FileResponse(path, media_type=kind, headers={"Cache-Control": "private, max-age=3600"})


def _vertebra(
    marks: PlacedMarks, found: VertebraFinding, minimum_grade: int, *, shows_marks: bool
) -> VertebraView:
    grade = found.genant_grade if shows_marks else None
    return VertebraView(
        place=marks.vertebra,
        level=marks.level,
        is_uncertain=found.level_uncertain,
        is_marked=shows_marks and counted(found) >= minimum_grade,
        grade=grade,
        loss=f"{found.loss_fraction:.0%}" if shows_marks and found.loss_fraction is not None else "",
        facts=_facts(found) if shows_marks else (),
        marks=marks,
        superior=_points(marks.superior_px) if shows_marks else "",
        inferior=_points(marks.inferior_px) if shows_marks else "",
        tile_superior=_points(marks.tile_superior_px) if shows_marks else "",
        tile_inferior=_points(marks.tile_inferior_px) if shows_marks else "",
        tile_expected=_points(marks.tile_expected_px) if shows_marks else "",
        tile_columns=_columns(marks) if shows_marks else (),
    )


def _points(pixels: tuple[Pixel, ...]) -> str:
    """Points of an SVG polyline."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)


def _columns(marks: PlacedMarks) -> tuple[str, ...]:
    """The three measured heights on the tile, each as a line."""
    return tuple(
        _points((upper, lower))
        for upper, lower in zip(marks.tile_superior_px, marks.tile_inferior_px, strict=True)
    )


def _facts(found: VertebraFinding) -> tuple[tuple[str, str], ...]:
    if found.heights_mm is None:
        return (("Not measured", found.not_measured_text or found.not_measured or "no reason given"),)
    heights, expected = found.heights_mm, found.expected_heights_mm
    rows = [
        (
            name.capitalize(),
            f"{getattr(heights, name):.1f}"
            + ("" if expected is None else f" of {getattr(expected, name):.1f}")
            + " mm",
        )
        for name in ("anterior", "middle", "posterior")
    ]
    if found.loss_fraction is not None:
        sd = "" if found.loss_sd is None else f" ± {100 * found.loss_sd:.0f}"
        rows.append(("Loss", f"{100 * found.loss_fraction:.0f}{sd} %"))
    if found.probability_grade_2_or_more is not None:
        rows.append(("P(grade 2 or more)", f"{found.probability_grade_2_or_more:.2f}"))
    if found.attenuation_hu is not None:
        rows.append(("Attenuation", f"{found.attenuation_hu:.0f} HU"))
    rows.extend(("Remark", confounder.text) for confounder in found.confounders)
    return tuple(rows)
