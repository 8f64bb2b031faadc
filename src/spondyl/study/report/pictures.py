"""The other figures: headline with intervals, grades by level, report categories, false positives."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from spondyl.domain.level import Level
from spondyl.study.mentions import Category
from spondyl.study.report.agreeing import GRADES
from spondyl.study.report.headline import MEASURE_WORDS
from spondyl.study.report.layout import FigureRow, FigureTable, Picture
from spondyl.study.report.results import Results
from spondyl.study.report.svg import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    RED,
    SKY,
    drawing,
    line,
    rectangle,
    text,
)
from spondyl.study.report.vertebral import CATEGORY_WORDS

_WIDTH = 800.0
_GRADE_COLOURS = {1: SKY, 2: ORANGE, 3: RED}
_CATEGORY_COLOURS = {
    Category.R2: "#00714f", Category.R1: GREEN, Category.R0A: "#f3d36b", Category.R0B: ORANGE,
    Category.R0C: "#cc79a7", Category.X: "#7b8794", Category.N: GREY,
}  # fmt: skip
_ON_BAR = {Category.R2: PAPER, Category.R1: PAPER, Category.X: PAPER}  # words on the dark bars
_TICKS, _NARROWEST_NAMED = 5, 38.0


def headline_picture(table: FigureTable) -> Picture:
    """The shares of the headline with their intervals, on one axis from 0 to 100 %."""
    rows = [
        x
        for x in table.rows
        if x.scale != 1.0 and math.isfinite(x.answer.low) and math.isfinite(x.answer.high)
    ]
    return Picture(
        name="headline",
        title="Headline shares with intervals",
        svg=_forest(
            rows, [MEASURE_WORDS[x.labels[0]] for x in rows], "headline shares; numbers in headline.csv"
        ),
        caption=f"Point and interval of each share. {table.note}",
    )


def causes_picture(table: FigureTable) -> Picture:
    """Causes of false positive cases as bars."""
    return Picture(
        name="false_positive_causes",
        title="Causes of false positive cases",
        svg=_forest(
            table.rows, [x.labels[1] for x in table.rows], "causes of false positive cases", bars=True
        ),
        caption="Share of each cause among the false positive cases, with its interval.",
    )


def _forest(rows: Sequence[FigureRow], words: Sequence[str], alternative: str, *, bars: bool = False) -> str:
    left, right, step, top = 400.0, 640.0, 30.0, 14.0
    bottom = top + step * max(len(rows), 1)
    highest = max((x.answer.high for x in rows), default=1.0)
    reach = min(1.0, math.ceil(highest * 10) / 10) if bars else 1.0

    def at(share: float) -> float:
        return left + (right - left) * share / reach

    parts = [
        line(at(reach * x / _TICKS), top, at(reach * x / _TICKS), bottom, colour="#e4e7eb", width=1)
        for x in range(_TICKS + 1)
    ]
    parts += [
        text(
            at(reach * x / _TICKS),
            bottom + 16,
            f"{100 * reach * x / _TICKS:.0f} %",
            size=11,
            anchor="middle",
            colour=MUTED,
        )
        for x in range(_TICKS + 1)
    ]
    for place, (row, label) in enumerate(zip(rows, words, strict=True)):
        y = top + step * (place + 0.5)
        value = getattr(row.answer, "value", None)
        parts.append(text(left - 12, y + 4, label, size=12, anchor="end"))
        if value is not None and bars:
            parts.append(rectangle(left, y - 8, at(value) - left, 16, fill=SKY))
        parts.append(line(at(row.answer.low), y, at(min(row.answer.high, reach)), y, colour=INK, width=1.6))
        if value is not None and not bars:
            parts.append(rectangle(at(value) - 4, y - 4, 8, 8, fill=BLUE))
        parts.append(text(right + 14, y + 4, row.counts, size=12, colour=MUTED))
        parts.append(text(right + 84, y + 4, row.value, size=12, bold=True))
    return drawing(_WIDTH, bottom + 26, parts, alternative=alternative)


def levels_picture(results: Results) -> Picture:
    """Confirmed fractures by level as stacked bars of grade, T1 to L6."""
    counts = Counter((x.place.level, x.grade) for case in results.confirmed for x in case.reference.fractures)
    levels = [x for x in Level if x.is_graded and (x not in {Level.T13, Level.L6} or _total(counts, x))]
    left, height, base = 46.0, 190.0, 224.0
    highest = max((_total(counts, x) for x in levels), default=0) or 1
    unit = _round_unit(highest)
    reach = unit * math.ceil(highest / unit)
    width = (_WIDTH - left - 20) / len(levels)
    parts: list[str] = []
    for tick in range(0, reach + 1, unit):
        y = base - height * tick / reach
        parts += [
            line(left, y, _WIDTH - 20, y, colour="#e4e7eb", width=1),
            text(left - 8, y + 4, str(tick), size=11, anchor="end", colour=MUTED),
        ]
    for place, level in enumerate(levels):
        x, y = left + width * place, base
        for grade in range(1, GRADES):
            bar = height * counts[level, grade] / reach
            y -= bar
            parts.append(rectangle(x + width * 0.15, y, width * 0.7, bar, fill=_GRADE_COLOURS[grade]))
        total = _total(counts, level)
        parts.append(text(x + width / 2, base + 16, level.value, size=11, anchor="middle"))
        count = str(total) if total else ""
        parts.append(text(x + width / 2, y - 5, count, size=11, anchor="middle", colour=MUTED))
    parts.append(line(left, base, _WIDTH - 20, base))
    parts += _legend([(f"grade {x}", _GRADE_COLOURS[x]) for x in range(1, GRADES)], left, 14)
    return Picture(
        name="grades_by_level",
        title="Confirmed fractures by level and grade",
        svg=drawing(_WIDTH, base + 26, parts, alternative="fractures by level; see grades_by_level.csv"),
        caption=f"{counts.total()} fractures of {len(results.confirmed)} confirmed cases; level and grade by "
        "the readers.",
    )  # fmt: skip


def categories_picture(results: Results) -> Picture:
    """The report categories of cases and of fractures as two bars of 100 %."""
    rows = (
        ("cases", Counter(x.category for x in results.reported)),
        ("fractures", Counter(y.category for x in results.reported for y in x.fractures)),
    )
    left, right, top, step = 110.0, _WIDTH - 20.0, 12.0, 48.0
    parts: list[str] = []
    for place, (unit, counts) in enumerate(rows):
        total, x, y = counts.total(), left, top + step * place
        parts.append(text(left - 10, y + 20, f"{unit}, n {total}", size=12, anchor="end"))
        for category in Category:
            width = (right - left) * counts[category] / total if total else 0.0
            parts.append(rectangle(x, y, width, 32, fill=_CATEGORY_COLOURS[category]))
            if width > _NARROWEST_NAMED:
                middle, colour = x + width / 2, _ON_BAR.get(category, INK)
                name = f"{category.value} {counts[category]}"
                parts.append(text(middle, y + 20, name, size=11, anchor="middle", colour=colour))
            x += width
    base = top + step * len(rows)
    for place, category in enumerate(Category):
        column, row = divmod(place, 4)
        x, y = left + column * 340, base + 8 + row * 18
        words = f"{category.value}  {CATEGORY_WORDS[category]}: {rows[0][1][category]} cases"
        parts += [
            rectangle(x, y, 11, 11, fill=_CATEGORY_COLOURS[category]),
            text(x + 18, y + 10, words, size=11.5),
        ]
    return Picture(
        name="report_categories",
        title="What the reports say of confirmed fractures",
        svg=drawing(
            _WIDTH, base + 86, parts, alternative="report categories; numbers in report_categories.csv"
        ),
        caption="Not reported: strict and seed-like are N and X; broad is everything but R1 and R2.",
    )


def _legend(entries: Sequence[tuple[str, str]], x: float, y: float) -> list[str]:
    parts = []
    for place, (words, colour) in enumerate(entries):
        left = x + place * 90
        parts += [rectangle(left, y - 9, 11, 11, fill=colour), text(left + 16, y, words, size=11.5)]
    return parts


def _total(counts: Counter[tuple[Level, int]], level: Level) -> int:
    return sum(counts[level, grade] for grade in range(1, GRADES))


def _round_unit(highest: int) -> int:
    """A step of the axis: 1, 2 or 5 times a power of ten, some five steps to the highest bar."""
    rough = highest / _TICKS
    power = 10 ** max(0, math.floor(math.log10(rough))) if rough >= 1 else 1
    return next(x * power for x in (1, 2, 5, 10) if x * power >= rough)
