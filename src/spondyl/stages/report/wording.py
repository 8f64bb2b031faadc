"""The short words and colours that stand for grades and codes, the same in pictures and tables."""

from __future__ import annotations

from dataclasses import dataclass

from spondyl.domain.finding import VertebraFinding
from spondyl.domain.refusal import NotMeasuredCode
from spondyl.stages.report.colours import GRADES, NO_GRADE, Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeStyle:
    """How a grade is shown. Line width and words tell it without colour."""

    word: str
    colour: Colour
    line_px: float


GRADE_STYLES = {
    0: GradeStyle(word="G0", colour=GRADES[0], line_px=2.0),
    1: GradeStyle(word="G1", colour=GRADES[1], line_px=3.0),
    2: GradeStyle(word="G2", colour=GRADES[2], line_px=4.5),
    3: GradeStyle(word="G3", colour=GRADES[3], line_px=6.0),
}
NO_GRADE_STYLE = GradeStyle(word="-", colour=NO_GRADE, line_px=2.0)

_SHORT_BY_CODE: dict[str, str] = {
    NotMeasuredCode.CUT_BY_BORDER: "cut",
    NotMeasuredCode.OUTSIDE_GRADED_LEVELS: "not graded here",
    NotMeasuredCode.SLICES_TOO_THICK: "slices too thick",
    NotMeasuredCode.METAL: "metal",
    NotMeasuredCode.DOUBTFUL_OUTLINE: "doubtful outline",
    NotMeasuredCode.NO_REFERENCE: "no reference",
}


def style_of(vertebra: VertebraFinding) -> GradeStyle:
    """Colour, line and word of a vertebra's grade."""
    if vertebra.genant_grade is None:
        return NO_GRADE_STYLE
    return GRADE_STYLES[vertebra.genant_grade]


def level_words(vertebra: VertebraFinding) -> str:
    """The level, with a question mark where its number is uncertain."""
    return f"{vertebra.level}?" if vertebra.level_uncertain else vertebra.level


def grade_words(vertebra: VertebraFinding) -> str:
    """``G2 · 31 %``, or in a word why there is no grade."""
    if vertebra.genant_grade is not None:
        loss = "" if vertebra.loss_fraction is None else f" · {100 * vertebra.loss_fraction:.0f} %"
        return f"{GRADE_STYLES[vertebra.genant_grade].word}{loss}"
    return short_reason(vertebra)


def short_reason(vertebra: VertebraFinding) -> str:
    """Why a vertebra has no grade, in one or two words."""
    code = vertebra.not_measured
    if code is None:
        return "no grade"
    return _SHORT_BY_CODE.get(code, code.lower().replace("_", " "))
