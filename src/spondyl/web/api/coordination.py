"""The coordinator's view: progress, negatives, candidates, export."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from spondyl.adapters.station import audit, export, progress
from spondyl.web.access import StationNow
from spondyl.web.api.common import PREFIX, REFUSED, TAGS, CandidateReader, Coordinator, Exporter

router = APIRouter(prefix=PREFIX, tags=TAGS)


@router.get("/progress", responses=REFUSED)
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


@router.post("/progress/negatives", responses=REFUSED)
def negatives(station: StationNow, visitor: Coordinator) -> dict[str, int]:
    """Draw the protocol's sample of studies that were not flagged."""
    with station.database.writing() as session:
        drawn = progress.draw_negatives(session, station)
        audit.record(session, station.clock(), visitor.name, "negatives.drawn", "", studies=drawn)
    return {"drawn": drawn}


@router.post("/progress/give-out", responses=REFUSED)
def give_out(station: StationNow, visitor: Coordinator) -> dict[str, int]:
    """Give every flagged study that has too few readers to more of them."""
    with station.database.writing() as session:
        given = progress.give_out_all(session, station)
        audit.record(session, station.clock(), visitor.name, "readings.given_out", "", readings=given)
    return {"given": given}


@router.get("/candidates", responses=REFUSED)
def candidates(
    station: StationNow,
    _visitor: CandidateReader,
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


@router.get("/export", responses=REFUSED, response_class=FileResponse)
def send_export(station: StationNow, visitor: Exporter) -> FileResponse:
    """The study records as a folder in a zip."""
    with station.database.writing() as session:
        path = export.export_zip(session, station)
        audit.record(session, station.clock(), visitor.name, "study.exported", "", by="api")
    task = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, filename="spondyl-study.zip", media_type="application/zip", background=task)
