"""For whoever watches the station: does it live, can it work, and how much of what is there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from spondyl import __version__
from spondyl.adapters.station import progress
from spondyl.adapters.station.accounts import Visitor
from spondyl.adapters.station.schema import is_current
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.web.access import Public, StationNow, needs
from spondyl.worklist.roles import Permission

router = APIRouter(tags=["watch"])


@router.get("/health", dependencies=[Depends(Public())])
def health() -> dict[str, str]:
    """The process lives."""
    return {"status": "alive", "version": __version__, "notice": NOT_FOR_DIAGNOSIS}


@router.get("/ready", dependencies=[Depends(Public())], responses={503: {"description": "not ready"}})
def ready(station: StationNow) -> Response:
    """The database answers with this version's tables, and the folder can be written."""
    checks = {
        "database": station.database.is_ready() and is_current(station.database),
        "folder": progress.folder_is_writable(station),
    }
    return JSONResponse({"ready": all(checks.values()), **checks}, 200 if all(checks.values()) else 503)


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(
    station: StationNow, _visitor: Annotated[Visitor, Depends(needs(Permission.SEE_STUDIES))]
) -> PlainTextResponse:
    """Counts for Prometheus, which asks with a key."""
    with station.database.reading() as session:
        text = progress.metrics_text(session, station)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")
