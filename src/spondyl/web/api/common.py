"""What every part of the API shares: ids in paths, who may ask, and the ways to be refused."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

from fastapi import Depends
from fastapi import Path as PathParameter

from spondyl.adapters.station.accounts import Visitor
from spondyl.web.access import needs
from spondyl.worklist.roles import Permission

Anybody = Annotated[Visitor, Depends(needs())]
Seer = Annotated[Visitor, Depends(needs(Permission.SEE_STUDIES))]
Uploader = Annotated[Visitor, Depends(needs(Permission.UPLOAD))]
Reporter = Annotated[Visitor, Depends(needs(Permission.REPORT_TEXT))]
Coordinator = Annotated[Visitor, Depends(needs(Permission.COORDINATE))]
Exporter = Annotated[Visitor, Depends(needs(Permission.EXPORT))]
Admin = Annotated[Visitor, Depends(needs(Permission.ADMINISTER))]
Worker = Annotated[Visitor, Depends(needs(Permission.READ, Permission.ADJUDICATE, Permission.INTERVENE))]
CandidateReader = Annotated[Visitor, Depends(needs(Permission.COORDINATE, Permission.INTERVENE))]

PREFIX = "/api/v1"
TAGS: list[str | Enum] = ["station"]
_ID = r"^[0-9a-f]{8,32}$"
StudyId = Annotated[str, PathParameter(pattern=_ID)]
TaskId = Annotated[str, PathParameter(pattern=_ID)]
FileName = Annotated[str, PathParameter(min_length=1, max_length=60)]

REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"description": "a body that cannot be read"},
    401: {"description": "no key, or one that is not known"},
    403: {"description": "the key or account may not do this"},
    404: {"description": "not there, or not yours"},
    409: {"description": "may no longer be changed"},
    410: {"description": "the files are no longer kept"},
    413: {"description": "too large"},
    422: {"description": "not as it must be; `detail` says what"},
    503: {"description": "the database or the disk does not answer now; try again"},
}
