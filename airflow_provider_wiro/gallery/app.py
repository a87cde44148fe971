"""The gallery's FastAPI app. It is built at its first request, in the API server alone.

Airflow protects no plugin's app: each endpoint that tells of a generation asks who asks, and what may be read.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.configuration import conf
from airflow.utils.session import create_session
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles

from airflow_provider_wiro.gallery import ranges, rows, values
from airflow_provider_wiro.gallery.answer import Answer
from airflow_provider_wiro.gallery.headers import guarded
from airflow_provider_wiro.gallery.lazy import App
from airflow_provider_wiro.gallery.listing import listed
from airflow_provider_wiro.gallery.outputs import outputs_of, streamed
from airflow_provider_wiro.gallery.roots import Stored, read_roots
from airflow_provider_wiro.gallery.stored import File, NotThere, opened, pieces

STATIC = Path(__file__).parent / "static"
ROOTS = "gallery_roots"
MOST_PAGES = 10_000
# What is streamed runs no script, whatever it is taken for.
SANDBOX = "default-src 'none'; sandbox"

log = logging.getLogger(__name__)

# PostgreSQL takes no NUL.
NO_NUL = r"^[^\x00]*$"
Word = Annotated[str | None, Query(max_length=300, pattern=NO_NUL)]
Id = Annotated[str, Query(min_length=1, max_length=300, pattern=NO_NUL)]
Moment = Annotated[datetime | None, Query()]
MapIndex = Annotated[int, Query(ge=-1, le=2**31 - 1)]


def build() -> App:
    """Return the app."""
    app = FastAPI(title="Wiro gallery", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.auth_manager = get_auth_manager()  # Airflow's dependencies look for it in the app that they are used in
    app.add_api_route("/", _page, include_in_schema=False)
    app.add_api_route("/generations", _generations)
    app.add_api_route("/media", _media, methods=["GET", "HEAD"])
    app.mount("/static", StaticFiles(directory=STATIC))
    for text in read_roots(conf.get("wiro", ROOTS, fallback=None))[1]:
        log.warning("[wiro] %s: %r is no prefix in an object storage, and is passed over", ROOTS, text)
    return guarded(app)


def _page() -> FileResponse:
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


def _roots() -> list[Stored]:
    return read_roots(conf.get("wiro", ROOTS, fallback=None))[0]


def _check_xcoms(request: Request, user: GetUserDep, dag_id: str | None) -> None:
    """See that the user may read XComs: of this DAG, or at all.

    :raises HTTPException: 403.
    """
    requires_access_dag("GET", DagAccessEntity.XCOM, dag_id)(request, user)


def _generations(
    request: Request,
    user: GetUserDep,
    dag_id: Word = None,
    run_id: Word = None,
    task_id: Word = None,
    map_index: Annotated[int | None, Query(ge=-1, le=2**31 - 1)] = None,
    model: Word = None,
    outcome: Word = None,
    since: Moment = None,
    until: Moment = None,
    page: Annotated[int, Query(ge=0, le=MOST_PAGES)] = 0,
) -> Answer:
    """Return a page of generations that the user may see."""
    _check_xcoms(request, user, dag_id)
    readable = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    where = rows.Where(dag_id, run_id, task_id, map_index, _in_utc("since", since), _in_utc("until", until))
    with create_session(scoped=False) as session:
        found = listed(session, readable, where, model=model, outcome=outcome, page=page, roots=_roots())
    return Answer(found, headers={"Cache-Control": "no-store"})


def _in_utc(name: str, moment: datetime | None) -> datetime | None:
    """Return a moment in UTC.

    :raises HTTPException: 422, where that is none.
    """
    if moment is None:
        return None
    with suppress(OverflowError):
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    allowed = "a moment with an offset, of the years 1 to 9999 in UTC, as 2026-11-27T00:00:00Z"
    raise HTTPException(422, f"{name}; allowed: {allowed}")


def _kept(key: rows.Key, output: int) -> tuple[Stored, str | None]:
    """Return where a saved output is, and the type that its task tells; the address is XCom's, never the request's."""
    with create_session(scoped=False) as session:
        kept = rows.result(session, key)
    result = values.told(kept, backend=values.asks_backend()) or {}
    outputs = outputs_of(result)
    stored = streamed(outputs[output], _roots()) if output < len(outputs) else None
    if stored is None:
        raise HTTPException(404, f"There is no such file below [wiro] {ROOTS}.")
    told = outputs[output].get("content_type")
    return stored, told if isinstance(told, str) else None


def _look(request: Request, user: GetUserDep, key: rows.Key, output: int) -> File:
    _check_xcoms(request, user, key.dag_id)
    stored, told = _kept(key, output)
    try:
        return opened(stored, told)
    except NotThere as error:
        raise HTTPException(404, f"This file cannot be played: {error}.") from None


async def _media(
    request: Request,
    user: GetUserDep,
    dag_id: Id,
    run_id: Id,
    task_id: Id,
    output: Annotated[int, Query(ge=0, le=1000)] = 0,
    map_index: MapIndex = -1,
) -> Response:
    """Stream a saved file, or the part of it that the browser asks for."""
    file = await asyncio.to_thread(_look, request, user, rows.Key(dag_id, run_id, task_id, map_index), output)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=300",
        "Content-Encoding": "identity",  # or Airflow 3.1 packs it, and loses its length
        "Content-Security-Policy": SANDBOX,
        "Content-Type": file.content_type,
    }
    try:
        part = ranges.wanted(request.headers.get("range"), file.size)
    except ranges.Unsatisfiable:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{file.size}"})
    start, end = part or (0, file.size)
    headers["Content-Length"] = str(end - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    status = 200 if part is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(pieces(file, start, end), status_code=status, headers=headers)
