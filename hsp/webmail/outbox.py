"""The outbox: `/outbox.hsp` shows what became of each mail, and lets its writer undo, retry, edit or discard."""

import math
from dataclasses import dataclass

from starlette.responses import Response

from hsp.mail import OutboxItem
from hsp.webmail import words
from hsp.webmail.services import Webmail, principal
from hsp.webmail.shell import shell_of
from hsp.zones import BadInput, PageRequest, Pages, Permission, Zone

pages: Pages[Webmail] = Pages()

_NAMED = 3
# States whose reason the mail server gave in its own words.
_EXPLAINED = frozenset({"failed", "unknown", "queued"})


@dataclass(frozen=True, slots=True)
class ItemView:
    """One mail of the outbox in words."""

    id: str
    state: str
    icon: str
    word: str
    tone: str
    subject: str
    recipients: str
    text: str
    actions: tuple[tuple[str, str, bool], ...]


@pages.page("outbox", zone=Zone.PRIVATE, methods=("GET", "POST"), permission=Permission.WRITE)
async def outbox(request: PageRequest, webmail: Webmail) -> Response:
    """Show the outbox, or act on one of its mails. Raises MessageGone for an id that is not one's own (SC-37)."""
    if request.method == "POST":
        return await _act(request, webmail)
    now = webmail.clock.time()
    items = await webmail.outbox.items(request.session.account)
    views = [_view(item, now) for item in items if item.state in words.OUTBOX]
    return request.render({"items": views, "shell": await shell_of(request, webmail, "outbox")})


def _view(item: OutboxItem, now: float) -> ItemView:
    icon, word, tone, text, actions = words.OUTBOX[item.state]
    left = math.ceil(item.send_at - now)
    if item.state == "queued" and left > 0:
        word = f"Sending in {left} s" if left < 120 else "Waiting to be tried again"
    if item.text and item.state in _EXPLAINED:
        text = f"{text} It said: {item.text}"
    return ItemView(
        item.id, item.state, icon, word, tone, item.subject or "No subject", _people(item.recipients), text, actions
    )


def _people(recipients: tuple[str, ...]) -> str:
    more = len(recipients) - _NAMED
    named = ", ".join(recipients[:_NAMED])
    return f"{named} and {more} more" if more > 0 else named


async def _act(request: PageRequest, webmail: Webmail) -> Response:
    account, verb, item_id = request.session.account, request.form.get("do", ""), request.form.get("id", "")
    await webmail.outbox.item(account, item_id)
    webmail.attention.forget(account)
    if verb == "undo":
        if not await webmail.outbox.cancel(account, item_id):
            return request.redirect("outbox", notice="too_late")
        return await _edit(request, webmail, item_id)
    if verb == "edit":
        return await _edit(request, webmail, item_id)
    if verb == "retry":
        await webmail.outbox.retry(principal(request), item_id)
        return request.redirect("outbox")
    if verb != "discard":
        raise BadInput("unknown_action")
    await webmail.outbox.discard(account, item_id)
    return request.redirect("outbox", notice="discarded")


async def _edit(request: PageRequest, webmail: Webmail, item_id: str) -> Response:
    """Put the mail back among the drafts, and only then take it out of the outbox: it is never in neither."""
    content = await webmail.outbox.content(request.session.account, item_id)
    if not content:
        return request.redirect("outbox", notice="too_late")
    draft_id = await webmail.mailbox(request).append("drafts", content, ("\\Draft", "\\Seen"))
    await webmail.outbox.discard(request.session.account, item_id)
    if draft_id:
        return request.redirect("compose", draft=draft_id, notice="undone")
    return request.redirect("mail", notice="undone")
