"""Pictures and volumes of studies and of one's own tasks."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse
from pydantic import BaseModel

from spondyl.adapters.station.opened import Station
from spondyl.domain.reading_pictures import GreyWindow, PlainPicture
from spondyl.web import pages_studies, pages_tasks
from spondyl.web.access import StationNow
from spondyl.web.api.common import PREFIX, REFUSED, TAGS, FileName, Seer, StudyId, TaskId, Worker
from spondyl.web.pictures import pictures_of

router = APIRouter(prefix=PREFIX, tags=TAGS)


class SeriesOut(BaseModel):
    """The pictures of one series; files are named ``{stem}_{number}_{window}.png``."""

    sagittal: PlainPicture
    coronal: PlainPicture
    levels: list[str]
    tiles: list[PlainPicture]
    ct: str


class PicturesOut(BaseModel):
    """Every plain picture there is, without a mark of the software."""

    windows: tuple[GreyWindow, ...]
    series: list[SeriesOut]


@router.get("/studies/{study_id}/pictures", responses=REFUSED)
def study_pictures(station: StationNow, _visitor: Seer, study_id: StudyId) -> PicturesOut:
    """Which pictures there are of a study."""
    with station.database.reading() as session:
        pages_studies.known_study(session, study_id)
    return _pictures(station, study_id)


@router.get("/studies/{study_id}/pictures/{name}", responses=REFUSED, response_class=FileResponse)
def study_picture(station: StationNow, visitor: Seer, study_id: StudyId, name: FileName) -> FileResponse:
    """One plain picture of a study (PNG)."""
    return pages_studies.study_picture(station, visitor, study_id, name)


@router.get("/tasks/{task_id}/pictures", responses=REFUSED)
def task_pictures(station: StationNow, visitor: Worker, task_id: TaskId) -> PicturesOut:
    """Which pictures there are of a task."""
    with station.database.reading() as session:
        study_id = pages_tasks.own_task(session, station, visitor, task_id).study.study_id
    return _pictures(station, study_id)


@router.get("/tasks/{task_id}/pictures/{name}", responses=REFUSED, response_class=FileResponse)
def task_picture(station: StationNow, visitor: Worker, task_id: TaskId, name: FileName) -> FileResponse:
    """One plain picture of a task (PNG)."""
    return pages_tasks.task_picture(station, visitor, task_id, name)


@router.get("/tasks/{task_id}/earlier/{study_id}/{name}", responses=REFUSED, response_class=FileResponse)
def earlier_picture(
    station: StationNow, visitor: Worker, task_id: TaskId, study_id: StudyId, name: FileName
) -> FileResponse:
    """One plain picture of an earlier study of the same patient (PNG)."""
    return pages_tasks.task_earlier(station, visitor, task_id, study_id, name)


@router.get("/tasks/{task_id}/volume/{name}", responses=REFUSED, response_class=FileResponse)
def task_volume(station: StationNow, visitor: Worker, task_id: TaskId, name: FileName) -> FileResponse:
    """The CT around the spine (NIfTI); its masks only where marks may be seen."""
    return pages_tasks.task_volume(station, visitor, task_id, name)


def _pictures(station: Station, study_id: str) -> PicturesOut:
    found = pictures_of(station, study_id)
    if found is None:
        raise HTTPException(404, "there are no pictures of this study")
    return PicturesOut(
        windows=found.windows,
        series=[
            SeriesOut(
                sagittal=series.sagittal,
                coronal=series.coronal,
                levels=[marks.level for marks in series.vertebrae],
                tiles=[marks.tile for marks in series.vertebrae],
                ct=series.ct,
            )
            for series in found.series
        ],
    )
