"""The POST that met an ended session: kept, shown after the next login, done only when its owner says so.

Promise: only a page that declared itself replayable is kept; only a session that ended by time leaves a POST behind, not
one that was killed or logged out; only the same account gets it back, once; nothing is repeated without a click.
"""

import json
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import Response

from hsp.zones.declarations import Pages, Permission, Zone
from hsp.zones.forms import Fields, pack, unpack
from hsp.zones.paths import PagePath, parse, strip_mount
from hsp.zones.request import NEVER_ECHOED, PageRequest

if TYPE_CHECKING:
    from hsp.zones.service import Service
    from hsp.zones.visit import Visit

Context = TypeVar("Context")


async def keep_interrupted(service: "Service[Any]", visit: "Visit") -> bool:
    """Keep the form of this visit for its owner. False when it is not to be kept."""
    target = parse(strip_mount(visit.scope["raw_path"], service.config.mount.encode()) or b"")
    declared = service.find_private(target.name) if isinstance(target, PagePath) else None
    if declared is None or not declared.declaration.replayable or not visit.proves_own():
        return False
    record = {"page": declared.declaration.name, "query": visit.query.pairs, **pack(visit.form, skip=("_h",))}
    return await service.sessions.keep_interrupted_post(
        visit.session_key,
        visit.cookie,
        surface=service.config.surface,
        virtual_host=visit.virtual_host,
        data=json.dumps(record).encode(),
    )


def add_interrupted_page(pages: Pages[Any]) -> None:
    """Declare `/interrupted.hsp`: it shows what was kept, and continues or discards it."""
    pages.page("interrupted", zone=Zone.PRIVATE, methods=("GET", "POST"), permission=Permission.WRITE)(_interrupted)


async def _interrupted(request: PageRequest, _context: object) -> Response:
    service = request.service
    data = await service.sessions.kept_post(request.session)
    record = json.loads(data) if data is not None else None
    declared = service.find_private(record["page"]) if record else None
    if record is None or declared is None:
        return request.redirect("index")
    if request.method != "POST":
        shown = [(name, value) for name, value in record["fields"] if name not in NEVER_ECHOED and value]
        files = [name for _, name, _, _ in record["files"]]
        return request.render({"interrupted_page": record["page"], "fields": shown, "files": files})
    await service.sessions.discard_post(request.session)
    if request.form.get("do") != "continue":
        return request.redirect("index", notice="discarded")
    again = _rebuilt(request, record)
    try:
        return await service.call(again, declared)
    finally:
        again.form.close()


def _rebuilt(request: PageRequest, record: dict[str, Any]) -> PageRequest:
    declared = request.service.find_private(record["page"])
    assert declared is not None
    return PageRequest(
        service=request.service,
        declaration=declared.declaration,
        scope=request.scope,
        headers=request.headers,
        query=Fields([(str(name), str(value)) for name, value in record["query"] if name != "_h"]),
        form=unpack(record),
        cookies=request.cookies,
        virtual_host=request.virtual_host,
        request_id=request.request_id,
        client_address=request.client_address,
        secure=request.secure,
        session_key=request.session_key,
        _session=request.session,
    )
