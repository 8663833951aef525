"""What is done to chosen mails: `POST /act.hsp`, from the list and from an open message. Always answers 303."""

from starlette.responses import Response

from hsp.mail import Mailbox
from hsp.webmail.listing import where
from hsp.webmail.services import Webmail
from hsp.zones import BadInput, PageRequest, Pages, Permission, Zone

pages: Pages[Webmail] = Pages()

MOST_AT_ONCE = 500
# Verbs after which an open message is shown again; the others lead back to the list.
_STAYS = frozenset({"seen", "flag", "unflag"})


@pages.page("act", zone=Zone.PRIVATE, methods=("POST",), permission=Permission.WRITE)
async def act(request: PageRequest, webmail: Webmail) -> Response:
    """Mark, flag, move or delete. Raises MailError; BadInput for a verb that is none."""
    verb, ids, target = _wish(request)
    at = where(request, posted=True)
    back = at.params(at.folder or "") if at.folder else {"q": at.query or None}
    if not ids:
        return request.redirect("mail", **back, notice="nothing_chosen")
    done = await _do(webmail.mailbox(request), verb, ids, target)
    if request.form.get("from") == "message" and verb in _STAYS:
        return request.redirect("message", id=ids[0], **{**back, "folder": None})
    return request.redirect("mail", **back, notice=done, n=len(ids) if len(ids) > 1 else None)


def _wish(request: PageRequest) -> tuple[str, list[str], str]:
    """The verb, the mails and the folder to move to. A button of one row says both in one value."""
    form = request.form
    one = form.get("one", "")
    if one:
        verb, _, mail_id = one.partition(":")
        return verb, [mail_id] if mail_id else [], ""
    ids = list(dict.fromkeys(form.getlist("id")))
    if len(ids) > MOST_AT_ONCE:
        raise BadInput("too_many_fields")
    target = form.get("move", "")
    return ("move" if target else form.get("do", "")), ids, target


async def _do(mailbox: Mailbox, verb: str, ids: list[str], target: str) -> str:
    if verb == "move":
        await mailbox.move(ids, target)
        return "moved"
    if verb == "delete":
        deleted = await mailbox.delete(ids)
        return "deleted" if deleted.moved_to_trash else "gone"
    if verb in {"seen", "unseen"}:
        await mailbox.mark(ids, seen=verb == "seen")
    elif verb in {"flag", "unflag"}:
        await mailbox.mark(ids, flagged=verb == "flag")
    else:
        raise BadInput("unknown_action")
    return verb
