"""A person's lists, and the pages on which a case is read, adjudicated, or judged for treatment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from spondyl.adapters.station import readings, studies
from spondyl.adapters.station.accounts import Visitor
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.readings import Kind, LockedError, Task
from spondyl.adapters.station.tables import Reading, Study
from spondyl.domain.finding import StudyFinding
from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.study.records import (
    Age,
    Decision,
    InterventionalReview,
    Marks,
    Nature,
    ReadingRecord,
    RejectionReason,
    current,
)
from spondyl.study.tables import ColumnError
from spondyl.web.access import StationNow, needs
from spondyl.web.answer_form import answer_from
from spondyl.web.forms import Fields, FormFields
from spondyl.web.pages_login import local
from spondyl.web.pictures import CT_NAME, MASKS_NAME, PICTURE_NAME, SpineView, picture_file, spine_view
from spondyl.web.rendering import page
from spondyl.web.review_form import groups_of, review_cells
from spondyl.worklist.answering import MOST_SHIFT_LEVELS, AnswerError, Problem
from spondyl.worklist.proposing import Proposal, propose
from spondyl.worklist.roles import Permission

router = APIRouter(include_in_schema=False)
Reader = Annotated[Visitor, Depends(needs(Permission.READ))]
Adjudicator = Annotated[Visitor, Depends(needs(Permission.ADJUDICATE))]
Interventional = Annotated[Visitor, Depends(needs(Permission.INTERVENE))]
Worker = Annotated[Visitor, Depends(needs(Permission.READ, Permission.ADJUDICATE, Permission.INTERVENE))]

PERMISSION_OF = {
    Kind.READING: Permission.READ,
    Kind.ADJUDICATION: Permission.ADJUDICATE,
    Kind.REVIEW: Permission.INTERVENE,
    Kind.REVIEW_ADJUDICATION: Permission.INTERVENE,
}
_LIST_OF = {
    Kind.READING: "/reading",
    Kind.ADJUDICATION: "/adjudication",
    Kind.REVIEW: "/review",
    Kind.REVIEW_ADJUDICATION: "/review",
}
# the false positives of the published study first, then those of clinical-methods 2
REASONS = tuple(RejectionReason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a list: a task with its study."""

    reading: Reading
    study: Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier CT of the same patient, as it stands beside the one that is read."""

    date: str
    view: SpineView


@router.get("/reading")
def reading_list(request: Request, station: StationNow, visitor: Reader) -> Response:
    """The cases that this reader has to read, in his own order."""
    return _list(request, station, visitor, (Kind.READING,), "reading")


@router.get("/adjudication")
def adjudication_list(request: Request, station: StationNow, visitor: Adjudicator) -> Response:
    """The cases on which the readers differ."""
    return _list(request, station, visitor, (Kind.ADJUDICATION,), "adjudication")


@router.get("/review")
def review_list(request: Request, station: StationNow, visitor: Interventional) -> Response:
    """The fractures to be judged for treatment."""
    return _list(request, station, visitor, (Kind.REVIEW, Kind.REVIEW_ADJUDICATION), "review")


def _list(
    request: Request, station: Station, visitor: Visitor, kinds: tuple[Kind, ...], name: str
) -> Response:
    with station.database.reading() as session:
        waiting = readings.list_of(session, station, visitor, kinds)
        done = readings.done_by(session, visitor, kinds)
        known = {
            study_id: session.get(Study, study_id)
            for study_id in {reading.study_id for reading in (*waiting, *done)}
        }
    context = {
        "kind": name,
        "waiting": _rows(waiting, known),
        "done": _rows(done, known),
        "shows_marks": station.marks is Marks.AT_ONCE or name != "reading",
        "now": station.clock(),
    }
    return page(request, "tasks.html", visitor, context)


def _rows(given: Sequence[Reading], known: dict[str, Study | None]) -> list[Row]:
    return [
        Row(reading=reading, study=study)
        for reading in given
        if (study := known[reading.study_id]) is not None
    ]


@router.get("/tasks/{reading_id}")
def task_page(request: Request, station: StationNow, visitor: Worker, reading_id: str) -> Response:
    """The page of one task."""
    with station.database.writing() as session:
        task = own_task(session, station, visitor, reading_id)
        readings.open_task(session, station, visitor, task, len(studies.earlier(session, task.study)))
        return _page(request, station, session, visitor, task, (), None)


@router.post("/tasks/{reading_id}")
def answer_task(
    request: Request, station: StationNow, visitor: Worker, reading_id: str, form: FormFields
) -> Response:
    """Lock an answer; where something is missing, the page again with what it is."""
    with station.database.writing() as session:
        task = own_task(session, station, visitor, reading_id)
        problems = _locked(session, station, visitor, task, form)
        if problems:
            return _page(request, station, session, visitor, task, problems, form)
        is_done = task.reading.is_done
    if not is_done:
        return local(request, f"/tasks/{reading_id}")
    return local(request, _next(station, visitor, Kind(task.reading.kind)))


@router.get("/tasks/{reading_id}/pictures/{name}")
def task_picture(station: StationNow, visitor: Worker, reading_id: str, name: str) -> FileResponse:
    """One plain picture of one's own task."""
    with station.database.reading() as session:
        study_id = own_task(session, station, visitor, reading_id).study.study_id
    return picture_file(station, study_id, name, PICTURE_NAME)


@router.get("/tasks/{reading_id}/earlier/{study_id}/{name}")
def task_earlier(
    station: StationNow, visitor: Worker, reading_id: str, study_id: str, name: str
) -> FileResponse:
    """One plain picture of an earlier CT of the same patient."""
    with station.database.reading() as session:
        task = own_task(session, station, visitor, reading_id)
        if study_id not in {one.study_id for one in studies.earlier(session, task.study)}:
            raise HTTPException(404, "there is no such earlier study of this patient")
    return picture_file(station, study_id, name, PICTURE_NAME)


@router.get("/tasks/{reading_id}/volume/{name}")
def task_volume(station: StationNow, visitor: Worker, reading_id: str, name: str) -> FileResponse:
    """The CT around the spine for the viewer of three planes; its masks only where marks may be seen."""
    with station.database.reading() as session:
        task = own_task(session, station, visitor, reading_id)
    is_masks = MASKS_NAME.match(name) is not None
    if is_masks and not task.sight.marks:
        raise HTTPException(403, "the masks are shown with the software's marks, not before")
    return picture_file(station, task.study.study_id, name, MASKS_NAME if is_masks else CT_NAME)


@router.get("/tasks/{reading_id}/viewer")
def task_viewer(request: Request, station: StationNow, visitor: Worker, reading_id: str) -> Response:
    """Three planes, with WebGL."""
    with station.database.reading() as session:
        task = own_task(session, station, visitor, reading_id)
    finding = known_finding(station, task.study.study_id)
    base = f"/tasks/{reading_id}/pictures"
    view = spine_view(station, task.study.study_id, finding, base, shows_marks=task.sight.marks)
    if view is None:
        raise HTTPException(404, "there are no pictures of this study")
    return page(request, "viewer.html", visitor, {"task": task, "view": view})


def own_task(session: Session, station: Station, visitor: Visitor, reading_id: str) -> Task:
    """A task of this visitor, and of a kind that he may do; else an answer 404, which tells nothing."""
    task = readings.find_task(session, station, visitor, reading_id)
    if task is None or PERMISSION_OF[Kind(task.reading.kind)] not in visitor.permissions:
        raise HTTPException(404, "there is no such task in your list")
    return task


def known_finding(station: Station, study_id: str) -> StudyFinding:
    """The finding, or an answer 410 where its files were removed."""
    finding = studies.load_finding(station, study_id)
    if finding is None:
        raise HTTPException(410, "the results of this study are no longer kept")
    return finding


def proposal_for(session: Session, station: Station, task: Task, finding: StudyFinding) -> Proposal | None:
    """What the form is filled with at first; None where the vertebra is not among those found."""
    level = Level(task.reading.level)
    concluded = readings.concluded(session, station, task.study)
    found = next((v for v in finding.vertebrae if v.level == level.value), None)
    if found is None:
        return None
    return propose(level, concluded.get(level, found.genant_grade or 0), found, tuple(concluded))


def _next(station: Station, visitor: Visitor, kind: Kind) -> str:
    """The next task of the same list, so that a reader goes on without a detour; else the list."""
    with station.database.reading() as session:
        waiting = readings.list_of(session, station, visitor, (kind,))
    return f"/tasks/{waiting[0].reading_id}" if waiting else _LIST_OF[kind]


def _locked(
    session: Session, station: Station, visitor: Visitor, task: Task, form: Fields
) -> tuple[Problem, ...]:
    """Lock what was sent; gives what is wrong with it."""
    seconds = _seconds(form)
    try:
        if Kind(task.reading.kind) in (Kind.REVIEW, Kind.REVIEW_ADJUDICATION):
            readings.lock_review(session, station, visitor, task, review_cells(form), seconds)
        else:
            finding = known_finding(station, task.study.study_id)
            readings.lock_answer(
                session, station, visitor, task, answer_from(form), finding.vertebrae, seconds
            )
    except AnswerError as error:
        return error.problems
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return (Problem(vertebra=None, field=place, text=f"{place}: {first['msg']}"),)
    except ColumnError as error:
        text = f"{error.column} is {error.got}; needed is {error.allowed}"
        return (Problem(vertebra=None, field=error.column, text=text),)
    except LockedError as error:
        raise HTTPException(409, str(error)) from error
    return ()


def _seconds(form: Fields) -> float | None:
    try:
        return float(form.one("seconds")[:12])
    except ValueError:
        return None


def _page(
    request: Request,
    station: Station,
    session: Session,
    visitor: Visitor,
    task: Task,
    problems: tuple[Problem, ...],
    sent: Fields | None,
) -> Response:
    finding = known_finding(station, task.study.study_id)
    base = f"/tasks/{task.reading.reading_id}/pictures"
    view = spine_view(station, task.study.study_id, finding, base, shows_marks=task.sight.marks)
    context = {
        "task": task,
        "view": view,
        "problems": problems,
        "earlier": _earlier(station, session, task),
        "list_path": _LIST_OF[Kind(task.reading.kind)],
        "report": studies.report_of(session, task.study.study_id) if task.sight.report else None,
    }
    status_code = 422 if problems else 200
    if Kind(task.reading.kind) in (Kind.REVIEW, Kind.REVIEW_ADJUDICATION):
        more = _review_context(station, session, visitor, task, finding, sent)
        return page(request, "review.html", visitor, {**context, **more}, status_code)
    more = _reading_context(station, session, task, view, sent)
    return page(request, "read.html", visitor, {**context, **more}, status_code)


def _earlier(station: Station, session: Session, task: Task) -> tuple[Earlier, ...]:
    """The patient's earlier CTs that have pictures, the newest first.

    Their marks are shown only where nobody may still have to read them without.
    """
    reads_blind = task.reading.kind == Kind.READING.value and task.reading.marks != Marks.AT_ONCE.value
    found = []
    for study in studies.earlier(session, task.study):
        finding = studies.load_finding(station, study.study_id)
        if finding is None:
            continue
        base = f"/tasks/{task.reading.reading_id}/earlier/{study.study_id}"
        view = spine_view(
            station, study.study_id, finding, base, shows_marks=task.sight.marks and not reads_blind
        )
        if view is not None:
            found.append(Earlier(date=study.study_date or "unknown date", view=view))
    return tuple(found)


def _reading_context(
    station: Station, session: Session, task: Task, view: SpineView | None, sent: Fields | None
) -> dict[str, object]:
    entered = sent if sent is not None else _as_fields(task, view)
    is_adjudication = task.reading.kind == Kind.ADJUDICATION.value
    return {
        "entered": entered,
        "decisions": list(Decision),
        "reasons": REASONS,
        "shapes": [shape for shape in Shape if shape is not Shape.NORMAL],
        "natures": list(Nature),
        "ages": list(Age),
        "shifts": range(-MOST_SHIFT_LEVELS, MOST_SHIFT_LEVELS + 1),
        "is_adjudication": is_adjudication,
        "differences": readings.why_adjudicated(session, station, task.study) if is_adjudication else (),
        "others": _others(task),
    }


def _others(task: Task) -> tuple[tuple[ReadingRecord, ...], ...]:
    """What the others said, by reader: fractures and doubts first, the case last."""
    return tuple(
        tuple(sorted(records, key=lambda r: (r.level is None, r.level.order if r.level else 0)))
        for records in task.others
    )


def _as_fields(task: Task, view: SpineView | None) -> Fields:
    """What the reader answered last, as the fields of the form: for a second look, or a change."""
    values: dict[str, tuple[str, ...]] = {}
    if view is None:
        return Fields(values=values)
    last_look = task.own[-1].look if task.own else None
    for record in task.own:
        if record.look is not last_look:
            continue
        if record.level is None:
            values["case_decision"] = (record.decision.value,)
            values["comment"] = (record.comment,)
            values["confidence"] = (str(record.confidence or ""),)
            continue
        vertebra = next((one for one in view.vertebrae if _is_of(record, one.place)), None)
        if vertebra is None:
            continue
        place = vertebra.place
        for name in ("decision", "reason", "grade", "shape", "nature", "age", "comment"):
            value = getattr(record, name)
            values[f"v{place}_{name}"] = ("" if value is None else str(value),)
        values[f"v{place}_treated"] = ("yes",) if record.treated else ()
    return Fields(values=values)


def _is_of(record: ReadingRecord, place: int) -> bool:
    """Whether this record speaks of the vertebra at this place: its key ends in it."""
    return record.record_id.endswith(f"-{place:02d}")


def _review_context(
    station: Station,
    session: Session,
    visitor: Visitor,
    task: Task,
    finding: StudyFinding,
    sent: Fields | None,
) -> dict[str, object]:
    level = Level(task.reading.level)
    proposal = proposal_for(session, station, task, finding)
    reviews = current(readings.reviews_of(session, task.study.study_id, level))
    own = next((review for review in reviews if review.reader == visitor.pseudonym), None)
    shows_others = task.reading.kind == Kind.REVIEW_ADJUDICATION.value
    return {
        "level": level,
        "proposal": proposal,
        "groups": groups_of(own, proposal, sent),
        "other_reviews": [r for r in reviews if r.reader != visitor.pseudonym] if shows_others else [],
        "review_type": InterventionalReview,
        "sent": sent,
    }
