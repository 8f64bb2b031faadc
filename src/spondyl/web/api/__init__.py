"""The API under /api/v1: everything that the pages do, for programs. Described at /api/v1/openapi.json."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from spondyl.web.api import coordination, people, pictures, studies, tasks
from spondyl.web.api.common import PREFIX, Anybody

router = APIRouter(prefix=PREFIX)
PARTS = (studies.router, pictures.router, tasks.router, coordination.router, people.router)


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, _visitor: Anybody) -> JSONResponse:
    """The description of this API."""
    app = request.app
    routes = [route for part in PARTS for route in part.routes]
    described = get_openapi(title=app.title, version=app.version, description=app.description, routes=routes)
    schemes = described.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["key"] = {"type": "http", "scheme": "bearer"}
    described["security"] = [{"key": []}]
    return JSONResponse(described)
