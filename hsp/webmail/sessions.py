"""One's own sessions: `/sessions.hsp` lists them, ends one, or ends all others."""

from dataclasses import dataclass

from starlette.responses import Response

from hsp.webmail.devices import device
from hsp.webmail.format import Dates
from hsp.webmail.services import Webmail
from hsp.webmail.shell import shell_of
from hsp.zones import BadInput, PageRequest, Pages, Permission, Zone

pages: Pages[Webmail] = Pages()

_JUST_NOW = 90


@dataclass(frozen=True, slots=True)
class SessionView:
    """One session in words."""

    uuid: str
    device: str
    icon: str
    address: str
    current: bool
    seen: str
    seen_iso: str
    created: str
    created_iso: str


@pages.page("sessions", zone=Zone.PRIVATE, methods=("GET", "POST"), permission=Permission.WRITE)
async def sessions(request: PageRequest, webmail: Webmail) -> Response:
    """Show the sessions of the account, or end some. A foreign or unknown id is answered like an ended one (SC-37)."""
    if request.method == "POST":
        return await _end(request, webmail)
    dates, now = webmail.dates(request), webmail.clock.time()
    known = await webmail.sessions.list(request.session.account)
    views = [
        _view(info.uuid, info.device, info.address, info.created, info.last_seen, dates, now, request.session.uuid)
        for info in known
    ]
    views.sort(key=lambda view: not view.current)
    shell = await shell_of(request, webmail, "sessions")
    return request.render({"sessions": views, "others": len(views) > 1, "shell": shell})


def _view(
    uuid: str, agent: str, address: str, created: float, seen: float, dates: Dates, now: float, own: str
) -> SessionView:
    name, icon = device(agent)
    return SessionView(
        uuid=uuid,
        device=name,
        icon=icon,
        address=address or "unknown address",
        current=uuid == own,
        seen="just now" if uuid == own or now - seen < _JUST_NOW else dates.inside(seen),
        seen_iso=dates.iso(seen),
        created=dates.inside(created),
        created_iso=dates.iso(created),
    )


async def _end(request: PageRequest, webmail: Webmail) -> Response:
    account, own = request.session.account, request.session.uuid
    verb = request.form.get("do", "")
    if verb == "others":
        await webmail.sessions.end_all(account, keep=own)
        return request.redirect("sessions", notice="others_ended")
    if verb != "end":
        raise BadInput("unknown_action")
    ended = await webmail.sessions.end_by_uuid(account, request.form.get("uuid", ""))
    return request.redirect("sessions", notice="ended" if ended else "session_gone")
