"""The worklist, one study's page, and the ways in: upload of images and of report texts."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, UploadFile
from fastapi.responses import FileResponse, Response
from sqlalchemy.orm import Session

from spondyl.adapters.report_texts import ReportTextError
from spondyl.adapters.station import audit, incoming, studies
from spondyl.adapters.station.accounts import Visitor
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.studies import Filter
from spondyl.adapters.station.tables import Study
from spondyl.adapters.station.upload import UploadError
from spondyl.domain.finding import State
from spondyl.web.access import StationNow, needs
from spondyl.web.forms import FormFields
from spondyl.web.pages_login import local
from spondyl.web.pictures import PICTURE_NAME, picture_file, spine_view
from spondyl.web.rendering import page
from spondyl.worklist.roles import Permission
from spondyl.worklist.states import ReadingState, StudyState

router = APIRouter(include_in_schema=False)
Seer = Annotated[Visitor, Depends(needs(Permission.SEE_STUDIES))]


def _asked_for(
    finding: str = "",
    state: str = "",
    reading: str = "",
    mentioned: str = "",
    search: str = "",
    order: str = "priority",
) -> Filter:
    return Filter(
        finding=finding, state=state, reading=reading, mentioned=mentioned, search=search[:40], order=order
    )


AskedFor = Annotated[Filter, Depends(_asked_for)]
"""What the query asks of the worklist, its first page; the page is named otherwise by pages and API."""
Uploader = Annotated[Visitor, Depends(needs(Permission.UPLOAD))]
Coordinator = Annotated[Visitor, Depends(needs(Permission.COORDINATE))]
Reporter = Annotated[Visitor, Depends(needs(Permission.REPORT_TEXT))]


@router.get("/studies")
def worklist(
    request: Request,
    station: StationNow,
    visitor: Seer,
    asked: AskedFor,
    number: int = 1,
) -> Response:
    """The worklist, most suspicious first."""
    wanted = replace(asked, page=number)
    with station.database.reading() as session:
        found = studies.worklist(session, wanted)
        counted = studies.counters(session)
    context = {
        "found": found,
        "counted": counted,
        "wanted": wanted,
        "now": station.clock(),
        "findings": list(State),
        "states": list(StudyState),
        "readings": list(ReadingState),
    }
    return page(request, "studies.html", visitor, context)


@router.get("/studies/{study_id}")
def study_page(request: Request, station: StationNow, visitor: Seer, study_id: str) -> Response:
    """Everything known of one study: finding, pictures with marks, states, report, earlier studies."""
    with station.database.writing() as session:
        study = known_study(session, study_id)
        audit.record(session, station.clock(), visitor.name, "study.viewed", study_id)
        context = {
            "study": study,
            "events": studies.events(session, study_id),
            "report": studies.report_of(session, study_id),
            "priors": studies.priors(session, study),
            "now": station.clock(),
        }
    finding = studies.load_finding(station, study_id)
    base = f"/studies/{study_id}/pictures"
    view = None if finding is None else spine_view(station, study_id, finding, base, shows_marks=True)
    return page(request, "study.html", visitor, {**context, "finding": finding, "view": view})


@router.get("/studies/{study_id}/pictures/{name}")
def study_picture(station: StationNow, _visitor: Seer, study_id: str, name: str) -> FileResponse:
    """One plain picture of a study."""
    with station.database.reading() as session:
        known_study(session, study_id)
    return picture_file(station, study_id, name, PICTURE_NAME)


@router.get("/studies/{study_id}/report.html")
def study_report(station: StationNow, visitor: Seer, study_id: str) -> FileResponse:
    """The software's own report, to keep: it opens from a disk, not within the station."""
    return report_file(station, visitor, study_id)


def report_file(station: Station, visitor: Visitor, study_id: str) -> FileResponse:
    """The report, and an entry in the audit; an answer 404 where there is none."""
    with station.database.writing() as session:
        known_study(session, study_id)
        audit.record(session, station.clock(), visitor.name, "study.report_taken", study_id)
    path = station.results(study_id) / "report.html"
    if not path.is_file():
        raise HTTPException(404, "there is no report of this study")
    return FileResponse(path, filename=f"spondyl-{study_id[:8]}.html")


@router.post("/studies/{study_id}/again")
def analyse_again(request: Request, station: StationNow, visitor: Coordinator, study_id: str) -> Response:
    """Analyse a study once more, such as after a failure."""
    with station.database.writing() as session:
        study = known_study(session, study_id)
        if not study.has_images:
            raise HTTPException(409, "the images of this study were removed by the rule of retention")
        if study.state in (StudyState.NOTIFIED, StudyState.FAILED):
            studies.move(session, station, study, StudyState.COMPLETE, visitor.name, "asked for again")
    request.app.state.submit(study_id)
    return local(request, f"/studies/{study_id}")


@router.post("/studies/{study_id}/report")
def add_report(
    request: Request, station: StationNow, visitor: Reporter, study_id: str, form: FormFields
) -> Response:
    """The radiology report's text of one study."""
    try:
        with station.database.writing() as session:
            study = known_study(session, study_id)
            incoming.keep_report(session, station, study, form.one("text"), visitor.name)
    except ReportTextError as error:
        raise HTTPException(422, str(error)) from error
    return local(request, f"/studies/{study_id}")


@router.get("/upload")
def upload_form(request: Request, station: StationNow, visitor: Uploader) -> Response:
    """The form to bring a study."""
    return page(
        request, "upload.html", visitor, {"problem": "", "most_mib": station.settings.most_upload_mib}
    )


@router.post("/upload")
def upload(request: Request, station: StationNow, visitor: Uploader, file: UploadFile) -> Response:
    """Take a study in: checked, registered, and given to the workers."""
    try:
        study_id = incoming.take_study(station, file.file, "upload", visitor.name)
    except UploadError as error:
        context = {"problem": f"{error}.", "most_mib": station.settings.most_upload_mib}
        return page(request, "upload.html", visitor, context, 422)
    request.app.state.submit(study_id)
    return local(request, f"/studies/{study_id}")


def known_study(session: Session, study_id: str) -> Study:
    """The study, or an answer 404."""
    study = session.get(Study, study_id)
    if study is None:
        raise HTTPException(404, "there is no such study")
    return study
