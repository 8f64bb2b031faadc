"""The flow diagram, from the case table to the interventional review."""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.study.report.layout import Count, Picture
from spondyl.study.report.results import Results
from spondyl.study.report.svg import GREY, LINE, PAPER, SKY, arrow, box, box_height, drawing

_WIDTH, _LEFT, _RIGHT = 800.0, 24.0, 520.0  # of the drawing; left edges of the two columns
_MAIN, _SIDE = 300.0, 256.0  # widths of the boxes
_GAP = 26.0
_TINT = "#eaf4fb"


def flow_picture(results: Results) -> Picture:
    """Boxes on the left lead on; boxes on the right tell who leaves, and why."""
    pen = _Pen()
    for main, side in _steps(results):
        pen.step(main, side)
    return Picture(
        name="flow",
        title="Flow of cases",
        svg=drawing(
            _WIDTH, pen.y - _GAP + 10, pen.parts, alternative="Flow of cases; the numbers stand in flow.csv"
        ),
        caption="Cases from the table to the interventional review. Each share is of the box it comes from.",
    )


def flow_rows(results: Results) -> list[tuple[str, Count]]:
    """The numbers of the diagram: step, and how many of how many."""
    flow = results.flow
    analysed, flagged = len(flow.analysed), len(results.flagged)
    confirmed, compared, missed = len(results.confirmed), len(results.reported), len(results.not_reported)
    decided = [x.suitable for x in results.presented if x.suitable is not None]
    unflagged, shown = analysed - flagged, len(results.presented)
    return [
        ("CT in the case table", Count(part=flow.in_table, whole=flow.in_table)),
        *((f"left out: {why}", Count(part=n, whole=flow.in_table)) for why, n in flow.excluded.items()),
        ("without an answer", Count(part=len(flow.not_evaluable), whole=flow.in_table)),
        ("analysed", Count(part=analysed, whole=flow.in_table)),
        ("flagged", Count(part=flagged, whole=analysed)),
        ("not flagged", Count(part=unflagged, whole=analysed)),
        ("not flagged, read", Count(part=results.negatives.read, whole=unflagged)),
        ("not flagged, read, fractured", Count(part=results.negatives.found, whole=results.negatives.read)),
        ("flagged, no verdict", Count(part=len(results.open), whole=flagged)),
        ("not confirmed", Count(part=len(results.false_positive), whole=flagged)),
        ("confirmed", Count(part=confirmed, whole=flagged)),
        ("confirmed, no report at hand", Count(part=len(results.without_report), whole=confirmed)),
        ("reported", Count(part=compared - missed, whole=compared)),
        ("not reported", Count(part=missed, whole=compared)),
        ("fractures presented for intervention", Count(part=shown, whole=shown)),
        ("suitable, of fractures decided", Count(part=sum(decided), whole=len(decided))),
    ]


def _steps(results: Results) -> list[tuple[list[str], list[str]]]:
    rows, flow = dict(flow_rows(results)), results.flow
    plan = results.data.protocol.intervention
    left_out = [
        f"{words.removeprefix('left out: ')}: {count.part}"
        for words, count in rows.items()
        if words.startswith("left out: ") and count.part
    ]
    without = rows["without an answer"]
    read, found = rows["not flagged, read"], rows["not flagged, read, fractured"]
    side_of_flag = ["Not flagged", rows["not flagged"].text]
    side_of_flag += (
        [f"read {read.part}, with a fracture {found.text}"] if read.part else ["none of them read"]
    )
    side_of_confirmed = ["Not confirmed", rows["not confirmed"].text]
    if rows["flagged, no verdict"].part:
        side_of_confirmed.append(f"no verdict: {rows['flagged, no verdict'].text}")
    side_of_report = ["Reported", rows["reported"].text]
    if rows["confirmed, no report at hand"].part:
        side_of_report.append(f"no report at hand: {rows['confirmed, no report at hand'].text}")
    shown = len(results.presented)
    suitable = rows["suitable, of fractures decided"]
    kind = "not reported, " if plan.only_not_reported.value else ""
    return [
        (["CT in the case table", str(flow.in_table)], ["Left out", *(left_out or ["none"])]),
        (["Eligible", str(flow.in_table - sum(flow.excluded.values()))],
         ["Without an answer", without.text]),
        (["Analysed", str(rows["analysed"].part)], side_of_flag),
        (["Flagged by the software", rows["flagged"].text], side_of_confirmed),
        (["Confirmed by the readers", rows["confirmed"].text], side_of_report),
        (["Not in the report", rows["not reported"].text, f"definition: {results.definition.value}"], []),
        ([f"Fractures of grade {plan.minimum_grade.value} or more", f"{kind}presented: {shown}"],
         ["Not suitable or open", Count(part=shown - suitable.part, whole=shown).text]),
        (["Suitable for augmentation", suitable.text], []),
    ]  # fmt: skip


class _Pen:
    """Draws one step under the other."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.y = 10.0
        self._above: float | None = None  # lower edge of the box before

    def step(self, main: Sequence[str], side: Sequence[str]) -> None:
        """A box on the left, an arrow from the one before, and beside it who leaves."""
        height = box_height(main)
        centre = _LEFT + _MAIN / 2
        if self._above is not None:
            self.parts.append(arrow([(centre, self._above), (centre, self.y)]))
        drawn, _ = box(_LEFT, self.y, _MAIN, main, fill=_TINT, stroke=SKY)
        self.parts.append(drawn)
        self._above = self.y + height
        bottom = self._above
        if side:
            middle = self.y + height / 2
            drawn, side_height = box(
                _RIGHT, middle - box_height(side) / 2, _SIDE, side, fill=PAPER, stroke=LINE
            )
            self.parts += [arrow([(_LEFT + _MAIN, middle), (_RIGHT, middle)], colour=GREY), drawn]
            bottom = max(bottom, middle + side_height / 2)
        self.y = bottom + _GAP
