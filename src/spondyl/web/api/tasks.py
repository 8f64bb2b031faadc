"""One's own tasks: readings, adjudications, interventional reviews."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from spondyl.adapters.station import readings, studies
from spondyl.adapters.station.readings import Kind, LockedError
from spondyl.adapters.station.tables import Reading
from spondyl.study.tables import ColumnError, to_cells
from spondyl.web.access import StationNow
from spondyl.web.api.common import PREFIX, REFUSED, TAGS, TaskId, Worker
from spondyl.web.pages_tasks import PERMISSION_OF, known_finding, own_task
from spondyl.web.review_form import ASKED
from spondyl.worklist.answering import AnswerError, CaseAnswer

router = APIRouter(prefix=PREFIX, tags=TAGS)


class TaskOut(BaseModel):
    """A task of one's own."""

    task_id: str
    study_id: str
    kind: str
    level: str
    time: int
    looks: int
    is_done: bool


class EarlierOut(BaseModel):
    """An earlier study of the same patient; its pictures lie below the task's."""

    study_id: str
    study_date: str | None


class TaskPage(TaskOut):
    """What may be seen of a task: vertebrae by place; what the software found only where it may be seen."""

    look: str
    sees_marks: bool
    vertebrae: list[dict[str, Any]]
    earlier: list[EarlierOut]
    others: list[list[dict[str, Any]]]


class AnswerIn(BaseModel):
    """An answer and the seconds it took."""

    answer: CaseAnswer
    seconds: float | None = Field(default=None, ge=0, le=1_000_000)

    model_config = ConfigDict(extra="forbid")


class ReviewIn(BaseModel):
    """An interventional review: its columns by name (docs/reference/study-tables.md)."""

    fields: dict[str, str | int | float | bool | None] = Field(max_length=100)
    seconds: float | None = Field(default=None, ge=0, le=1_000_000)

    model_config = ConfigDict(extra="forbid")


@router.get("/tasks", responses=REFUSED)
def tasks(station: StationNow, visitor: Worker, done: bool = False) -> list[TaskOut]:
    """One's own open tasks, in the order in which they are to be done; or those done, the last one first."""
    kinds = [kind for kind, permission in PERMISSION_OF.items() if permission in visitor.permissions]
    with station.database.reading() as session:
        if done:
            return [_task(reading) for reading in readings.done_by(session, visitor, kinds)]
        return [_task(reading) for reading in readings.list_of(session, station, visitor, kinds)]


@router.get("/tasks/{task_id}", responses=REFUSED)
def one_task(station: StationNow, visitor: Worker, task_id: TaskId) -> TaskPage:
    """A task with what may be seen; time counts from here."""
    with station.database.writing() as session:
        task = own_task(session, station, visitor, task_id)
        earlier = studies.earlier(session, task.study)
        readings.open_task(session, station, visitor, task, len(earlier))
        finding = known_finding(station, task.study.study_id)
        seen = task.sight.marks
        return TaskPage(
            **_task(task.reading).model_dump(),
            look=task.look.value,
            sees_marks=seen,
            vertebrae=[
                vertebra.model_dump(mode="json")
                if seen
                else {"level": vertebra.level, "centre_lps_mm": list(vertebra.centre_lps_mm)}
                for vertebra in finding.vertebrae
            ],
            earlier=[EarlierOut(study_id=one.study_id, study_date=one.study_date) for one in earlier],
            others=[[to_cells(record) for record in records] for records in task.others],
        )


@router.post("/tasks/{task_id}/answer", responses=REFUSED)
def answer(station: StationNow, visitor: Worker, task_id: TaskId, given: AnswerIn) -> TaskOut:
    """Lock an answer to a reading or an adjudication."""
    try:
        with station.database.writing() as session:
            task = own_task(session, station, visitor, task_id)
            if task.reading.kind not in (Kind.READING, Kind.ADJUDICATION):
                raise HTTPException(409, "this task is a review; send it to /review")
            finding = known_finding(station, task.study.study_id)
            readings.lock_answer(
                session, station, visitor, task, given.answer, finding.vertebrae, given.seconds
            )
            return _task(task.reading)
    except AnswerError as error:
        raise HTTPException(422, str(error)) from error
    except LockedError as error:
        raise HTTPException(409, str(error)) from error


@router.post("/tasks/{task_id}/review", responses=REFUSED)
def review(station: StationNow, visitor: Worker, task_id: TaskId, given: ReviewIn) -> TaskOut:
    """Lock an interventional review."""
    strange = sorted(set(given.fields) - {*ASKED, "change_reason"})
    if strange:
        raise HTTPException(422, f"{strange[0]} is no field of the review")
    try:
        with station.database.writing() as session:
            task = own_task(session, station, visitor, task_id)
            if task.reading.kind not in (Kind.REVIEW, Kind.REVIEW_ADJUDICATION):
                raise HTTPException(409, "this task is a reading; send it to /answer")
            readings.lock_review(session, station, visitor, task, given.fields, given.seconds)
            return _task(task.reading)
    except ColumnError as error:
        raise HTTPException(422, str(error)) from error
    except LockedError as error:
        raise HTTPException(409, str(error)) from error


def _task(reading: Reading) -> TaskOut:
    return TaskOut(
        task_id=reading.reading_id,
        study_id=reading.study_id,
        kind=reading.kind,
        level=reading.level,
        time=reading.time,
        looks=reading.looks,
        is_done=reading.is_done,
    )
