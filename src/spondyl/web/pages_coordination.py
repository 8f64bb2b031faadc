"""The coordinator's pages: progress, agreement, drawing of negatives, candidates, and the export."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, Response
from starlette.background import BackgroundTask

from spondyl.adapters.station import audit, export, progress
from spondyl.adapters.station.accounts import Visitor
from spondyl.web.access import StationNow, needs
from spondyl.web.pages_login import local
from spondyl.web.rendering import page
from spondyl.worklist.roles import Permission

router = APIRouter(include_in_schema=False)
Coordinator = Annotated[Visitor, Depends(needs(Permission.COORDINATE))]
Exporter = Annotated[Visitor, Depends(needs(Permission.EXPORT))]
CandidateReader = Annotated[Visitor, Depends(needs(Permission.COORDINATE, Permission.INTERVENE))]


@router.get("/progress")
def progress_page(request: Request, station: StationNow, visitor: Coordinator) -> Response:
    """How far the reading is, how well the readers agree, and how long they need."""
    with station.database.reading() as session:
        context = {
            "readers": progress.by_reader(session),
            "agreement": progress.agreement(session),
            "states": progress.reading_states(session),
            "unflagged": progress.unread_negatives(session),
            "protocol": station.protocol,
            "marks": station.marks,
        }
    return page(request, "progress.html", visitor, context)


@router.post("/progress/negatives")
def draw_negatives(request: Request, station: StationNow, visitor: Coordinator) -> Response:
    """Draw the protocol's sample of studies that were not flagged, and mix it into the readers' lists."""
    with station.database.writing() as session:
        drawn = progress.draw_negatives(session, station)
        audit.record(
            session, station.clock(), visitor.name, "negatives.drawn", "",
            studies=drawn, seed=station.protocol.negatives.seed.value,
        )  # fmt: skip
    return local(request, "/progress")


@router.post("/progress/give-out")
def give_out(request: Request, station: StationNow, visitor: Coordinator) -> Response:
    """Give every flagged study that has too few readers to more of them, such as after a reader came."""
    with station.database.writing() as session:
        given = progress.give_out_all(session, station)
        audit.record(session, station.clock(), visitor.name, "readings.given_out", "", readings=given)
    return local(request, "/progress")


@router.get("/candidates")
def candidates(request: Request, station: StationNow, visitor: CandidateReader) -> Response:
    """The fractures that the interventional readers judged, with what they found."""
    with station.database.reading() as session:
        found = progress.candidates(session, station)
    return page(request, "candidates.html", visitor, {"candidates": found})


@router.get("/export")
def send_export(station: StationNow, visitor: Exporter) -> FileResponse:
    """The study records as a folder in a zip: `spondyl study report` reads it unpacked."""
    with station.database.writing() as session:
        path = export.export_zip(session, station)
        audit.record(session, station.clock(), visitor.name, "study.exported")
    return FileResponse(
        path,
        filename="spondyl-study.zip",
        media_type="application/zip",
        background=BackgroundTask(path.unlink, missing_ok=True),
    )
