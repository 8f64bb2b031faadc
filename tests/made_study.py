"""A study of a few cases whose every count can be worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np

from spondyl.domain.finding import State
from spondyl.domain.level import Level
from spondyl.study.protocol import Protocol, parse_protocol, shipped_protocol_text
from spondyl.study.records import (
    Decision,
    InterventionalReview,
    Marks,
    ReadingRecord,
    RejectionReason,
    Role,
    Suitability,
)
from spondyl.study.report import NO_GRADE, StudyData, StudyFacts, VertebraColumns
from spondyl.study.tables import ReportRow, Sex, StudyRow, VertebraRow, View

TIME = datetime(2025, 1, 1, 8, tzinfo=UTC)
_keys = count(1)


def protocol(**changes: Any) -> Protocol:
    """The shipped protocol, a value changed per ``table__key``."""
    made = parse_protocol(shipped_protocol_text("mniai2025"), name="test")
    for name, value in changes.items():
        table, key = name.split("__")
        part = getattr(made, table)
        choice = getattr(part, key).model_copy(update={"value": value})
        made = made.model_copy(update={table: part.model_copy(update={key: choice})})
    return made


def study(case_id: str, state: State = State.FLAG, **changes: Any) -> StudyRow:
    plain: dict[str, Any] = {
        "patient_id": case_id,
        "age_years": 65.0,
        "sex": Sex.FEMALE,
        "slice_spacing_mm": 1.0,
    }
    return StudyRow(case_id=case_id, state=state, **{**plain, **changes})


def vertebra(case_id: str, level: Level, grade: int | None, **changes: Any) -> VertebraRow:
    plain: dict[str, Any] = {
        "series_id": "1",
        "label": level.verse_label,
        "level_probability": 0.99,
        "level_uncertain": False,
        "in_view": View.FULL,
        "centre_x_lps_mm": 0.0,
        "centre_y_lps_mm": 40.0,
        "centre_z_lps_mm": -30.0 * level.order,  # neighbours lie 30 mm apart
        "genant_grade": grade,
        "probability_grade_2_or_more": 0.9 if (grade or 0) >= 2 else 0.1,
    }
    return VertebraRow(case_id=case_id, level=level, **{**plain, **changes})


def record(
    case_id: str,
    reader: str,
    decision: Decision,
    level: Level | None = None,
    **changes: Any,
) -> ReadingRecord:
    number = next(_keys)
    plain: dict[str, Any] = {
        "record_id": f"r{number}",
        "role": Role.READER,
        "decided_at": TIME + timedelta(seconds=number),
        "marks": Marks.AT_ONCE,
        "saw_marks": True,
        "saw_other_reader": False,
        "saw_report": False,
        "marked_level": level,
    }
    return ReadingRecord(
        case_id=case_id, reader=reader, decision=decision, level=level, **{**plain, **changes}
    )


def confirms(case_id: str, reader: str, level: Level, grade: int, **changes: Any) -> ReadingRecord:
    return record(case_id, reader, Decision.CONFIRMED, level, grade=grade, **changes)


def rejects(
    case_id: str, reader: str, level: Level | None, reason: RejectionReason, **changes: Any
) -> ReadingRecord:
    return record(case_id, reader, Decision.REJECTED, level, reason=reason, **changes)


def both_confirm(case_id: str, level: Level, grade: int, **changes: Any) -> list[ReadingRecord]:
    return [confirms(case_id, reader, level, grade, **changes) for reader in ("a", "b")]


def both_reject(case_id: str, level: Level | None, reason: RejectionReason) -> list[ReadingRecord]:
    return [rejects(case_id, reader, level, reason) for reader in ("a", "b")]


def review(
    case_id: str, reader: str, level: Level, suitability: Suitability, **changes: Any
) -> InterventionalReview:
    number = next(_keys)
    plain: dict[str, Any] = {
        "record_id": f"i{number}",
        "role": Role.READER,
        "decided_at": TIME + timedelta(seconds=number),
        "saw_other_reader": False,
        "saw_report": False,
    }
    return InterventionalReview(
        case_id=case_id, reader=reader, level=level, suitability=suitability, **{**plain, **changes}
    )


def columns(rows: Sequence[VertebraRow], studies: Sequence[StudyRow]) -> VertebraColumns:
    places = {one.case_id: place for place, one in enumerate(studies)}
    grades = [x.genant_grade if x.counted_grade is None else x.counted_grade for x in rows]
    return VertebraColumns(
        case=np.array([places[x.case_id] for x in rows], dtype=np.int64),
        level=np.array([x.level.order for x in rows], dtype=np.int64),
        grade=np.array([NO_GRADE if x is None else x for x in grades], dtype=np.int64),
        grade_probability=np.array([x.probability_grade_2_or_more or 0.0 for x in rows]),
        centre_lps_mm=np.array(
            [(x.centre_x_lps_mm, x.centre_y_lps_mm, x.centre_z_lps_mm) for x in rows]
        ).reshape(-1, 3),
    )


def data(
    studies: Sequence[StudyRow],
    vertebrae: Sequence[VertebraRow],
    readings: Iterable[ReadingRecord] = (),
    interventions: Iterable[InterventionalReview] = (),
    reports: Iterable[ReportRow] = (),
    *,
    plan: Protocol | None = None,
    facts: StudyFacts | None = None,
) -> StudyData:
    return StudyData(
        protocol=plan or protocol(),
        studies=tuple(studies),
        vertebrae=columns(vertebrae, studies),
        readings=tuple(readings),
        interventions=tuple(interventions),
        reports={x.case_id: x for x in reports},
        facts=facts or StudyFacts(),
    )


def small_study() -> StudyData:
    """Ten cases: five flagged, four of them confirmed, three of these not in the report.

    c1 T12 grade 3, report silent, suitable; c2 L1 grade 2, report denies; c3 L2 grade 2, report names it with
    severity; c4 T8 grade 3, report silent, not suitable; c5 marked at L3, scoliosis. c6 to c9 not flagged: c6
    read and fractured (its report names it), c7 read and sound, c8 and c9 not read; c10 not evaluable.
    """
    flagged = [study(f"c{n}") for n in range(1, 6)]
    others = [study(f"c{n}", State.NO_FLAG, score_probability=n / 100) for n in range(6, 10)]
    refused = study("c10", State.NOT_EVALUABLE, refusal_code="TOO_THICK")
    marks = ((1, Level.T12, 3), (2, Level.L1, 2), (3, Level.L2, 2), (4, Level.T8, 3), (5, Level.L3, 2))
    vertebrae = [vertebra(f"c{n}", level, grade) for n, level, grade in marks]
    vertebrae += [vertebra(f"c{n}", Level.L1, 1) for n in range(6, 10)]
    readings = [x for n, level, grade in marks[:4] for x in both_confirm(f"c{n}", level, grade)]
    readings += both_reject("c5", Level.L3, RejectionReason.SCOLIOSIS)
    readings += both_confirm("c6", Level.T7, 2, marked_level=None)
    readings += both_reject("c7", None, RejectionReason.NOTHING_SEEN)
    texts = {
        "c1": "Findings: lungs clear.",
        "c2": "Findings: no vertebral fracture.",
        "c3": "Findings: severe compression fracture of L2.",
        "c4": "Résultats : poumons sans particularité.",
        "c6": "Findings: compression fracture of T7.",
    }
    languages = {"c4": "fr"}
    return data(
        [*flagged, *others, refused],
        vertebrae,
        readings,
        [
            review("c1", "x", Level.T12, Suitability.SUITABLE),
            review("c1", "y", Level.T12, Suitability.SUITABLE_AFTER_CHECK),
            review("c4", "x", Level.T8, Suitability.SUITABLE),
            review("c4", "y", Level.T8, Suitability.NOT_SUITABLE),
            review(
                "c4", "z", Level.T8, Suitability.NOT_SUITABLE, role=Role.ADJUDICATOR, saw_other_reader=True
            ),
        ],
        [ReportRow(case_id=case, text=text, lang=languages.get(case, "en")) for case, text in texts.items()],
        plan=protocol(negatives__sample=1),
    )


def without_readings_of(study_data: StudyData, case_id: str) -> StudyData:
    return replace(study_data, readings=tuple(x for x in study_data.readings if x.case_id != case_id))
