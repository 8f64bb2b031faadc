"""The application: every router, the shield before them, and what is answered when something is refused."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TypeAlias
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException

from spondyl import __version__
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.settings import LOOPBACK, StationSettings
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.web import (
    api,
    health,
    oidc,
    pages_coordination,
    pages_login,
    pages_people,
    pages_studies,
    pages_tasks,
)
from spondyl.web.access import LogInNeededError, Needs, NewPasswordNeededError, Public
from spondyl.web.rendering import FOLDER, page
from spondyl.web.shield import BodyTooLargeError, Shield

Submit: TypeAlias = Callable[[str], None]
_ROUTERS = (
    pages_login.router,
    oidc.router,
    pages_studies.router,
    pages_tasks.router,
    pages_coordination.router,
    pages_people.router,
    api.router,
    *api.PARTS,
    health.router,
)
_MEBIBYTE = 2**20


class RuleMissingError(Exception):
    """A route that does not say who may ask it."""


def create_app(station: Station, submit: Submit) -> FastAPI:
    """The application of one station. ``submit`` gives a complete study to the workers.

    Raises:
        RuleMissingError: a route without a rule of access; none may be served.
    """
    app = FastAPI(
        title="Spondyl reading station",
        version=__version__,
        description=f"{NOT_FOR_DIAGNOSIS} Send a key: `Authorization: Bearer spondyl_…`.",
        root_path=station.settings.root_path,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # served by api.py, to those who may ask
    )
    app.state.station, app.state.submit = station, submit
    for router in _ROUTERS:
        app.include_router(router)
    nested = [
        type(one).__name__ for router in _ROUTERS for one in router.routes if not isinstance(one, APIRoute)
    ]
    without = nested + [route.path for route in routes() if rule_of(route) is None]
    if without:
        raise RuleMissingError(f"no rule of access on {', '.join(without)}: add needs(...) or Public()")
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    _add_refusals(app)
    app.add_middleware(
        Shield,
        hosts=_hosts(station.settings),
        most_upload_bytes=(station.settings.most_upload_mib + 1) * _MEBIBYTE,
        is_secure=station.settings.cookies_are_secure,
    )
    return app


def routes() -> Iterator[APIRoute]:
    """Every route that has code of ours behind it."""
    for router in _ROUTERS:
        yield from (route for route in router.routes if isinstance(route, APIRoute))


def rule_of(route: APIRoute) -> Needs | Public | None:
    """Who may ask a route; None where it does not say."""
    rules = [dependency.call for dependency in route.dependant.dependencies]
    return next((rule for rule in rules if isinstance(rule, Needs | Public)), None)


def _hosts(settings: StationSettings) -> frozenset[str]:
    """The host names that are answered. On this machine's own address only those of this machine."""
    if settings.allowed_hosts:
        return frozenset(name.lower() for name in settings.allowed_hosts)
    return LOOPBACK | {"testserver"} if settings.host in LOOPBACK else frozenset()


def _add_refusals(app: FastAPI) -> None:
    @app.exception_handler(LogInNeededError)
    def log_in(request: Request, _error: LogInNeededError) -> Response:
        root = request.scope.get("root_path", "")
        after = quote(request.url.path.removeprefix(root)) if request.method == "GET" else "/"
        if request.headers.get("hx-request") == "true":
            return Response(status_code=204, headers={"HX-Redirect": f"{root}/login"})
        return RedirectResponse(f"{root}/login?after={after}", status_code=303)

    @app.exception_handler(NewPasswordNeededError)
    def new_password(request: Request, _error: NewPasswordNeededError) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/password", status_code=303)

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        return _refusal(request, error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    def not_valid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return _refusal(request, 422, f"{place}: {first['msg']}")

    @app.exception_handler(DataError)
    @app.exception_handler(UnicodeEncodeError)
    def not_text(request: Request, _error: DataError | UnicodeEncodeError) -> Response:
        """What neither database can keep: NUL in a text, halves of a surrogate pair."""
        return _refusal(request, 422, "a text has characters that cannot be kept, such as NUL")

    @app.exception_handler(OperationalError)
    @app.exception_handler(OSError)
    def not_now(request: Request, error: OperationalError | OSError) -> Response:
        """The database or the disk is away or full: nothing was kept, and the same may be sent again."""
        logging.getLogger("spondyl.station.web").warning("%s", type(error).__name__)
        text = "the database or the disk does not answer now; nothing was kept: try again in a moment"
        return _refusal(request, 503, text)

    @app.exception_handler(BodyTooLargeError)
    def too_large(request: Request, _error: BodyTooLargeError) -> Response:
        return _refusal(request, 413, "more was sent than is taken here")


def _refusal(request: Request, status_code: int, text: str) -> Response:
    """For a program JSON, for a person a page."""
    path = request.url.path.removeprefix(str(request.scope.get("root_path", "")))
    if path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": text}, status_code)
    return page(request, "refused.html", None, {"status_code": status_code, "text": text}, status_code)
