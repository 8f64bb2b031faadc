"""Studies, their findings and their reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, UploadFile
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from spondyl.adapters.report_texts import ReportTextError
from spondyl.adapters.station import audit, incoming, studies
from spondyl.adapters.station.tables import Study
from spondyl.adapters.station.upload import UploadError
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS, StudyFinding
from spondyl.web.access import StationNow
from spondyl.web.api.common import PREFIX, REFUSED, TAGS, Coordinator, Reporter, Seer, StudyId, Uploader
from spondyl.web.pages_studies import AskedFor, known_study, report_file
from spondyl.worklist.states import StudyState

router = APIRouter(prefix=PREFIX, tags=TAGS)


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


class EventOut(BaseModel):
    """A move of a study from one state to the next."""

    at: datetime
    before: str
    after: str
    note: str


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


@router.get("/studies", responses=REFUSED)
def list_studies(
    station: StationNow,
    _visitor: Seer,
    asked: AskedFor,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> StudiesOut:
    """The worklist, most suspicious first."""
    with station.database.reading() as session:
        found = studies.worklist(session, replace(asked, page=page))
    return StudiesOut(
        total=found.total, page=found.page, pages=found.pages, studies=[_study(x) for x in found.studies]
    )


@router.post("/studies", status_code=202, responses=REFUSED)
def send_study(request: Request, station: StationNow, visitor: Uploader, file: UploadFile) -> Taken:
    """Take a study in: zip of one CT study, one DICOM file, or NIfTI."""
    try:
        study_id = incoming.take_study(station, file.file, "api", visitor.name)
    except UploadError as error:
        raise HTTPException(422, f"{error.code}: {error}") from error
    request.app.state.submit(study_id)
    return Taken(study_id=study_id)


@router.get("/studies/{study_id}", responses=REFUSED)
def one_study(station: StationNow, _visitor: Seer, study_id: StudyId) -> StudyOut:
    """One study."""
    with station.database.reading() as session:
        return _study(known_study(session, study_id))


@router.get("/studies/{study_id}/events", responses=REFUSED)
def study_events(station: StationNow, _visitor: Seer, study_id: StudyId) -> list[EventOut]:
    """The way of a study through the station, the first move first."""
    with station.database.reading() as session:
        known_study(session, study_id)
        return [
            EventOut(at=event.at, before=event.before, after=event.after, note=event.note)
            for event in studies.events(session, study_id)
        ]


@router.get("/studies/{study_id}/others", responses=REFUSED)
def other_studies(station: StationNow, _visitor: Seer, study_id: StudyId) -> list[StudyOut]:
    """Other studies of the same patient, the newest first."""
    with station.database.reading() as session:
        return [_study(one) for one in studies.priors(session, known_study(session, study_id))]


@router.get("/studies/{study_id}/report.html", responses=REFUSED, response_class=FileResponse)
def software_report(station: StationNow, visitor: Seer, study_id: StudyId) -> FileResponse:
    """The software's own report, to keep."""
    return report_file(station, visitor, study_id)


@router.get("/studies/{study_id}/finding", responses=REFUSED)
def one_finding(station: StationNow, visitor: Seer, study_id: StudyId) -> Response:
    """finding.json of a study, as it was written."""
    with station.database.writing() as session:
        known_study(session, study_id)
        audit.record(session, station.clock(), visitor.name, "study.viewed", study_id, by="api")
    finding: StudyFinding | None = studies.load_finding(station, study_id)
    if finding is None:
        raise HTTPException(404, "there is no finding of this study")
    return Response(finding.model_dump_json(), media_type="application/json")


@router.post("/studies/{study_id}/report", responses=REFUSED)
def send_report(station: StationNow, visitor: Reporter, study_id: StudyId, report: ReportIn) -> ReportOut:
    """The radiology report's text of one study."""
    try:
        with station.database.writing() as session:
            study = known_study(session, study_id)
            kept = incoming.keep_report(session, station, study, report.text, visitor.name)
    except ReportTextError as error:
        raise HTTPException(422, str(error)) from error
    return ReportOut(category=kept.category, levels=dict(kept.levels))


@router.post("/reports", responses=REFUSED)
def send_reports(station: StationNow, visitor: Reporter, file: UploadFile) -> dict[str, int]:
    """Reports in a file: HL7 ORU, FHIR, CSV or JSON lines. Each finds its study by accession number."""
    try:
        kept, unknown = incoming.take_reports(
            station, file.file, file.filename or "reports.hl7", visitor.name
        )
    except ReportTextError as error:
        raise HTTPException(422, str(error)) from error
    return {"kept": kept, "without_study": unknown}


@router.post("/studies/{study_id}/again", status_code=202, responses=REFUSED)
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
