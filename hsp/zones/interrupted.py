"""The POST that met an ended session: kept, shown after the next login, done only when its owner says so.

Promise: only a page that declared itself replayable is kept; only a session that ended by time leaves a POST behind,
not one that was killed or logged out; only the same account gets it back, once; nothing is repeated without a click.
"""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import Response

from hsp.zones.declarations import Pages, Permission, Zone
from hsp.zones.forms import Fields, pack, unpack
from hsp.zones.origin import Provenance
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
    record = {"query": visit.query.pairs, **pack(visit.form, skip=("_h",))}
    body = json.dumps(record).encode()
    page, kind = declared.declaration.name, "application/json"
    if visit.session_key:
        return await service.sessions.keep_interrupted_post(
            visit.session_key, visit.cookie, page=page, content_type=kind, body=body
        )
    session = await service.sessions.peek_cookie(
        visit.cookie, surface=service.config.surface, virtual_host=visit.virtual_host
    )
    if session is None or visit.provenance is not Provenance.OWN:
        return False
    # An error page gives a form back without its key; the browser's own page then goes by way of "resume".
    return await service.sessions.hold_post(session, page=page, content_type=kind, body=body)


def add_interrupted_page(pages: Pages[Any]) -> None:
    """Declare `/interrupted.hsp`: it shows what was kept, and continues or discards it."""
    pages.page("interrupted", zone=Zone.PRIVATE, methods=("GET", "POST"), permission=Permission.WRITE)(_interrupted)


async def _interrupted(request: PageRequest, _context: object) -> Response:
    sessions, posting = request.service.sessions, request.method == "POST"
    offer = sessions.take_interrupted_post if posting else sessions.offer_interrupted_post
    post = await offer(request.session)
    declared = request.service.find_private(post.page) if post else None
    if post is None or declared is None:
        return request.redirect("index")
    record = json.loads(post.body)
    if not posting:
        shown = [(name, value) for name, value in record["fields"] if name not in NEVER_ECHOED and value]
        files = [name for _, name, _, _ in record["files"]]
        return request.render({"interrupted_page": post.page, "fields": shown, "files": files})
    if request.form.get("do") != "continue":
        return request.redirect("index", notice="discarded")
    again = replace(
        request,
        declaration=declared.declaration,
        query=Fields([(str(name), str(value)) for name, value in record["query"] if name != "_h"]),
        form=unpack(record),
    )
    try:
        return await request.service.call(again, declared)
    finally:
        again.form.close()
