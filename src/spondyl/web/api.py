"""The API under /api/v1: everything that the pages do, for programs. Described at /api/v1/openapi.json."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, UploadFile
from fastapi import Path as PathParameter
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from starlette.background import BackgroundTask

from spondyl.adapters.report_texts import ReportTextError
from spondyl.adapters.station import accounts, audit, export, incoming, progress, readings, studies
from spondyl.adapters.station.accounts import AccountError, Visitor
from spondyl.adapters.station.readings import Kind, LockedError
from spondyl.adapters.station.studies import Filter
from spondyl.adapters.station.tables import Account, Study
from spondyl.adapters.station.upload import UploadError
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS, StudyFinding
from spondyl.study.tables import ColumnError, to_cells
from spondyl.web.access import StationNow, needs
from spondyl.web.pages_studies import known_study
from spondyl.web.pages_tasks import PERMISSION_OF, known_finding, own_task
from spondyl.web.review_form import ASKED
from spondyl.worklist.answering import AnswerError, CaseAnswer
from spondyl.worklist.audit import first_fault
from spondyl.worklist.roles import Permission, Role
from spondyl.worklist.states import StudyState

router = APIRouter(prefix="/api/v1", tags=["station"])
Anybody = Annotated[Visitor, Depends(needs())]
Seer = Annotated[Visitor, Depends(needs(Permission.SEE_STUDIES))]
Uploader = Annotated[Visitor, Depends(needs(Permission.UPLOAD))]
Reporter = Annotated[Visitor, Depends(needs(Permission.REPORT_TEXT))]
Coordinator = Annotated[Visitor, Depends(needs(Permission.COORDINATE))]
Exporter = Annotated[Visitor, Depends(needs(Permission.EXPORT))]
Admin = Annotated[Visitor, Depends(needs(Permission.ADMINISTER))]
Worker = Annotated[Visitor, Depends(needs(Permission.READ, Permission.ADJUDICATE, Permission.INTERVENE))]
_ID = r"^[0-9a-f]{8,32}$"
StudyId = Annotated[str, PathParameter(pattern=_ID)]
TaskId = Annotated[str, PathParameter(pattern=_ID)]

_REFUSED: dict[int | str, dict[str, Any]] = {
    401: {"description": "no key, or one that is not known"},
    403: {"description": "the key or account may not do this"},
    404: {"description": "not there, or not yours"},
    409: {"description": "may no longer be changed"},
    413: {"description": "too large"},
    422: {"description": "not as it must be; `detail` says what"},
}


class StudyOut(BaseModel):
    """A study as the worklist shows it."""

    study_id: str
    state: StudyState
    reading_state: str
    finding_state: str | None
    score_probability: float | None
    worst_grade: int | None
    levels: list[str]
    report_category: str | None
    received_at: datetime
    study_date: str | None
    error: str | None
    notice: str = NOT_FOR_DIAGNOSIS


class StudiesOut(BaseModel):
    """One page of the worklist."""

    total: int
    page: int
    pages: int
    studies: list[StudyOut]


class Taken(BaseModel):
    """A study that was taken in."""

    study_id: str


class ReportIn(BaseModel):
    """A radiology report's text."""

    text: str = Field(min_length=1, max_length=100_000)

    model_config = ConfigDict(extra="forbid")


class ReportOut(BaseModel):
    """What a report says of vertebral fractures."""

    category: str
    levels: dict[str, str]


class TaskOut(BaseModel):
    """A task of one's own."""

    task_id: str
    study_id: str
    kind: str
    level: str
    time: int
    looks: int
    is_done: bool


class TaskPage(TaskOut):
    """What may be seen of a task: vertebrae by place; what the software found only where it may be seen."""

    look: str
    sees_marks: bool
    vertebrae: list[dict[str, Any]]
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


class AccountIn(BaseModel):
    """A new account."""

    name: str = Field(min_length=1, max_length=64)
    roles: list[Role] = Field(min_length=1, max_length=6)
    password: str | None = Field(default=None, max_length=200)

    model_config = ConfigDict(extra="forbid")


class AccountOut(BaseModel):
    """An account."""

    account_id: int
    name: str
    pseudonym: str
    roles: list[str]
    is_active: bool


class KeyIn(BaseModel):
    """A key that is wanted."""

    scopes: list[Permission] = Field(min_length=1, max_length=20)
    days: int = Field(ge=1, le=366)

    model_config = ConfigDict(extra="forbid")


class KeyOut(BaseModel):
    """A key, shown this once."""

    key: str


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, _visitor: Anybody) -> JSONResponse:
    """The description of this API."""
    app = request.app
    routes = [route for route in router.routes if getattr(route, "include_in_schema", False)]
    described = get_openapi(title=app.title, version=app.version, description=app.description, routes=routes)
    schemes = described.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["key"] = {"type": "http", "scheme": "bearer"}
    described["security"] = [{"key": []}]
    return JSONResponse(described)


@router.get("/me", responses=_REFUSED)
def me(visitor: Anybody) -> dict[str, Any]:
    """Who this key belongs to, and what it allows."""
    return {
        "name": visitor.name,
        "pseudonym": visitor.pseudonym,
        "permissions": sorted(visitor.permissions),
        "notice": NOT_FOR_DIAGNOSIS,
    }


@router.get("/studies", responses=_REFUSED)
def list_studies(
    station: StationNow,
    _visitor: Seer,
    finding: str = "",
    state: str = "",
    reading: str = "",
    search: str = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> StudiesOut:
    """The worklist, most suspicious first."""
    wanted = Filter(finding=finding, state=state, reading=reading, search=search[:40], page=page)
    with station.database.reading() as session:
        found = studies.worklist(session, wanted)
    return StudiesOut(
        total=found.total, page=found.page, pages=found.pages, studies=[_study(x) for x in found.studies]
    )


@router.post("/studies", status_code=202, responses=_REFUSED)
def send_study(request: Request, station: StationNow, visitor: Uploader, file: UploadFile) -> Taken:
    """Take a study in: zip of one CT study, one DICOM file, or NIfTI."""
    try:
        study_id = incoming.take_study(station, file.file, "api", visitor.name)
    except UploadError as error:
        raise HTTPException(422, f"{error.code}: {error}") from error
    request.app.state.submit(study_id)
    return Taken(study_id=study_id)


@router.get("/studies/{study_id}", responses=_REFUSED)
def one_study(station: StationNow, _visitor: Seer, study_id: StudyId) -> StudyOut:
    """One study."""
    with station.database.reading() as session:
        return _study(known_study(session, study_id))


@router.get("/studies/{study_id}/finding", responses=_REFUSED)
def one_finding(station: StationNow, visitor: Seer, study_id: StudyId) -> Response:
    """finding.json of a study, as it was written."""
    with station.database.writing() as session:
        known_study(session, study_id)
        audit.record(session, station.clock(), visitor.name, "study.viewed", study_id, by="api")
    finding: StudyFinding | None = studies.load_finding(station, study_id)
    if finding is None:
        raise HTTPException(404, "there is no finding of this study")
    return Response(finding.model_dump_json(), media_type="application/json")


@router.post("/studies/{study_id}/report", responses=_REFUSED)
def send_report(station: StationNow, visitor: Reporter, study_id: StudyId, report: ReportIn) -> ReportOut:
    """The radiology report's text of one study."""
    try:
        with station.database.writing() as session:
            study = known_study(session, study_id)
            kept = incoming.keep_report(session, station, study, report.text, visitor.name)
    except ReportTextError as error:
        raise HTTPException(422, str(error)) from error
    return ReportOut(category=kept.category, levels=dict(kept.levels))


@router.post("/reports", responses=_REFUSED)
def send_reports(station: StationNow, visitor: Reporter, file: UploadFile) -> dict[str, int]:
    """Reports in a file: HL7 ORU, FHIR, CSV or JSON lines. Each finds its study by accession number."""
    try:
        kept, unknown = incoming.take_reports(
            station, file.file, file.filename or "reports.hl7", visitor.name
        )
    except ReportTextError as error:
        raise HTTPException(422, str(error)) from error
    return {"kept": kept, "without_study": unknown}


@router.post("/studies/{study_id}/again", status_code=202, responses=_REFUSED)
def again(request: Request, station: StationNow, visitor: Coordinator, study_id: StudyId) -> Taken:
    """Analyse a study once more."""
    with station.database.writing() as session:
        study = known_study(session, study_id)
        if not study.has_images:
            raise HTTPException(409, "the images of this study were removed by the rule of retention")
        if study.state in (StudyState.NOTIFIED, StudyState.FAILED):
            studies.move(session, station, study, StudyState.COMPLETE, visitor.name, "asked for again")
    request.app.state.submit(study_id)
    return Taken(study_id=study_id)


@router.get("/tasks", responses=_REFUSED)
def tasks(station: StationNow, visitor: Worker) -> list[TaskOut]:
    """One's own open tasks, in the order in which they are to be done."""
    kinds = [kind for kind, permission in PERMISSION_OF.items() if permission in visitor.permissions]
    with station.database.reading() as session:
        return [_task(reading) for reading in readings.list_of(session, station, visitor, kinds)]


@router.get("/tasks/{task_id}", responses=_REFUSED)
def one_task(station: StationNow, visitor: Worker, task_id: TaskId) -> TaskPage:
    """A task with what may be seen; time counts from here."""
    with station.database.writing() as session:
        task = own_task(session, station, visitor, task_id)
        readings.open_task(session, station, visitor, task)
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
            others=[[to_cells(record) for record in records] for records in task.others],
        )


@router.post("/tasks/{task_id}/answer", responses=_REFUSED)
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


@router.post("/tasks/{task_id}/review", responses=_REFUSED)
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


@router.get("/progress", responses=_REFUSED)
def show_progress(station: StationNow, _visitor: Coordinator) -> dict[str, Any]:
    """How far the reading is."""
    with station.database.reading() as session:
        readers = progress.by_reader(session)
        agreed = progress.agreement(session)
        states = progress.reading_states(session)
    return {
        "reading_states": states,
        "readers": [
            {"reader": x.pseudonym, "kind": x.kind, "given": x.given, "done": x.done, "median_s": x.median_s}
            for x in readers
        ],
        "agreement": {"cases": agreed.cases, "agree": agreed.agree, "kappa": agreed.kappa},
    }


@router.post("/progress/negatives", responses=_REFUSED)
def negatives(station: StationNow, visitor: Coordinator) -> dict[str, int]:
    """Draw the protocol's sample of studies that were not flagged."""
    with station.database.writing() as session:
        drawn = progress.draw_negatives(session, station)
        audit.record(session, station.clock(), visitor.name, "negatives.drawn", "", studies=drawn)
    return {"drawn": drawn}


@router.get("/candidates", responses=_REFUSED)
def candidates(
    station: StationNow,
    _visitor: Annotated[Visitor, Depends(needs(Permission.COORDINATE, Permission.INTERVENE))],
) -> list[dict[str, Any]]:
    """The fractures that were judged for treatment; answers only where all are given."""
    with station.database.reading() as session:
        found = progress.candidates(session, station)
    return [
        {
            "study_id": one.study_id,
            "level": one.level.value,
            "answered": one.answered,
            "suitability": [review.suitability.value for review in one.reviews],
        }
        for one in found
    ]


@router.get("/export", responses=_REFUSED, response_class=FileResponse)
def send_export(station: StationNow, visitor: Exporter) -> FileResponse:
    """The study records as a folder in a zip."""
    with station.database.writing() as session:
        path = export.export_zip(session, station)
        audit.record(session, station.clock(), visitor.name, "study.exported", "", by="api")
    task = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, filename="spondyl-study.zip", media_type="application/zip", background=task)


@router.get("/accounts", responses=_REFUSED)
def list_accounts(station: StationNow, _visitor: Admin) -> list[AccountOut]:
    """Every account."""
    with station.database.reading() as session:
        return [_account(account) for account in session.scalars(select(Account).order_by(Account.name))]


@router.post("/accounts", status_code=201, responses=_REFUSED)
def add_account(station: StationNow, visitor: Admin, wanted: AccountIn) -> AccountOut:
    """Add an account; its password is to be changed at the first log-in."""
    try:
        with station.database.writing() as session:
            account = accounts.create_account(
                session,
                station.clock(),
                name=wanted.name,
                roles=wanted.roles,
                password=wanted.password,
                must_change_password=wanted.password is not None,
            )
            audit.record(session, station.clock(), visitor.name, "account.created", wanted.name)
            return _account(account)
    except AccountError as error:
        raise HTTPException(422, str(error)) from error


@router.post("/accounts/{account_id}/keys", status_code=201, responses=_REFUSED)
def add_key(
    station: StationNow,
    visitor: Admin,
    account_id: Annotated[int, PathParameter(ge=1, le=2**31 - 1)],
    wanted: KeyIn,
) -> KeyOut:
    """A key of an account, shown this once."""
    try:
        with station.database.writing() as session:
            account = session.get(Account, account_id)
            if account is None:
                raise HTTPException(404, "there is no such account")
            key = accounts.create_key(session, station.clock(), account, wanted.scopes, wanted.days)
            audit.record(session, station.clock(), visitor.name, "key.created", account.name)
            return KeyOut(key=key)
    except AccountError as error:
        raise HTTPException(422, str(error)) from error


@router.get("/audit/verify", responses=_REFUSED)
def verify_audit(station: StationNow, _visitor: Admin) -> dict[str, Any]:
    """Verify the whole audit chain."""
    with station.database.reading() as session:
        fault = first_fault(audit.chain(session))
        last = audit.latest(session, 1)
    return {
        "holds": fault is None,
        "fault": None if fault is None else f"entry {fault.number}: {fault.text}",
        "entries": last[0].number if last else 0,
        "last_hash": last[0].own_hash if last else None,
    }


def _study(study: Study) -> StudyOut:
    return StudyOut(
        study_id=study.study_id,
        state=StudyState(study.state),
        reading_state=study.reading_state,
        finding_state=study.finding_state,
        score_probability=study.score_probability,
        worst_grade=study.worst_grade,
        levels=study.levels.split(),
        report_category=study.report_category,
        received_at=study.received_at,
        study_date=study.study_date,
        error=study.error,
    )


def _task(reading: Any) -> TaskOut:  # noqa: ANN401 - a row
    return TaskOut(
        task_id=reading.reading_id,
        study_id=reading.study_id,
        kind=reading.kind,
        level=reading.level,
        time=reading.time,
        looks=reading.looks,
        is_done=reading.is_done,
    )


def _account(account: Account) -> AccountOut:
    return AccountOut(
        account_id=account.account_id,
        name=account.name,
        pseudonym=account.pseudonym,
        roles=account.roles.split(),
        is_active=account.is_active,
    )
