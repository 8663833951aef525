"""What a mail is made of, as answers: its body for the frame, its files, its source, the images inside it.

Promises: a body is shown only with the fence of `BODY_HEADERS` around it; a file is data and runs nothing (SC-05); a
capability opens the one image it was made for, of the one message it was granted over, and nothing that is no image.
"""

from collections.abc import AsyncIterator, Callable

from starlette.responses import Response, StreamingResponse

from hsp.mail import Mailbox, MessageGone, OpenedMail, Principal
from hsp.mail.content import BODY_HEADERS, Attachment, Plan, TooComplex, attachment_headers, read_structure, walk
from hsp.mail.content.attachments import attachment_of
from hsp.mail.remote import ImageRefusedError, fetch_image
from hsp.sessions import Grant
from hsp.webmail.letter import frame_of, read_header, read_letter
from hsp.webmail.services import Webmail
from hsp.webmail.words import ERRORS
from hsp.zones import CredentialKind, PageRequest, Pages, Zone

pages: Pages[Webmail] = Pages()

_INLINE, _OUTSIDE = "part:", "url:"
_LONGEST_ADDRESS = 2000
_FIRST = 64
# The frame is of our own site but of no origin: the headers every page gets would hide its document and its images.
_FRAMED = {"X-Frame-Options": "SAMEORIGIN"}
_ANY_ORIGIN = {"Cross-Origin-Resource-Policy": "cross-origin"}


@pages.page("body", zone=Zone.PRIVATE)
async def body(request: PageRequest, webmail: Webmail) -> Response:
    """The HTML of a mail as a document for the frame. Raises MailError, TooComplex."""
    mailbox = webmail.mailbox(request)
    mail = await mailbox.open(request.query.get("id", ""))
    letter = await read_letter(mailbox, mail)
    outside = request.query.get("images") == "1" and webmail.settings.webmail.remote_images
    inline, remote = await _resolvers(request, webmail, mail.id, letter.plan, outside=outside)
    safe = await frame_of(letter.html or letter.markup, inline=inline, remote=remote)
    return Response(safe.html, headers={**BODY_HEADERS, **_FRAMED})


Resolver = Callable[[str], str | None]


async def _resolvers(
    request: PageRequest, webmail: Webmail, mail_id: str, plan: Plan, *, outside: bool
) -> tuple[Resolver, Resolver | None]:
    """What turns a Content-ID or an outside address into an address of ours. None where nothing is to be shown."""
    if not plan.inline and not outside:
        return (lambda _: None), None
    grant = await webmail.sessions.grant(request.session, message=mail_id)
    if grant is None:
        return (lambda _: None), None

    def inline(content_id: str) -> str | None:
        file = plan.inline.get(content_id)
        return _url(request, webmail, grant, f"{_INLINE}{file.section}") if file else None

    def remote(address: str) -> str | None:
        usable = len(address) <= _LONGEST_ADDRESS
        return _url(request, webmail, grant, f"{_OUTSIDE}{address}") if usable else None

    return inline, remote if outside else None


def _url(request: PageRequest, webmail: Webmail, grant: Grant, part: str) -> str:
    return request.route_url("capability", webmail.sessions.capability(grant, part=part))


@pages.route("/capability/{token}", credential=CredentialKind.CAPABILITY)
async def capability(request: PageRequest, webmail: Webmail) -> Response:
    """One image of one message: a part of it, or one from outside through the fence. 404 for all else."""
    granted = request.capability
    if granted is None:
        return request.problem(403, "capability_refused")
    if granted.part.startswith(_OUTSIDE):
        return await _outside_image(request, webmail, granted.part.removeprefix(_OUTSIDE))
    mailbox = webmail.mail.mailbox(Principal(granted.account, granted.credential, granted.session_uuid))
    mail = await mailbox.open(granted.message)
    file = _file(mail, granted.part.removeprefix(_INLINE))
    data = await mailbox.part(mail.id, file.section)
    headers = attachment_headers(file.name, file.type, first_bytes=data[:_FIRST])
    if not headers["Content-Type"].startswith("image/"):
        return _no_image(request)
    return Response(data, headers={**headers, **_ANY_ORIGIN})


async def _outside_image(request: PageRequest, webmail: Webmail, address: str) -> Response:
    if not webmail.settings.webmail.remote_images:
        return _no_image(request)
    try:
        image = await fetch_image(address, transport=webmail.outside)
    except ImageRefusedError:
        # Fails closed: no image. The page it belongs to is readable without.
        return _no_image(request)
    return Response(image.data, headers={**image.headers(), **_ANY_ORIGIN})


def _no_image(request: PageRequest) -> Response:
    title, text = ERRORS["no_image"]
    return request.problem(404, "no_image", title=title, text=text)


@pages.page("part", zone=Zone.PRIVATE)
async def part(request: PageRequest, webmail: Webmail) -> Response:
    """One file of a mail, its source (`part=source`) or the whole of it to save (`part=message`). Raises MailError."""
    mailbox, mail_id = webmail.mailbox(request), request.query.get("id", "")
    section = request.query.get("part", "")
    mail = await mailbox.open(mail_id)
    if section in {"source", "message"}:
        return await _whole(mailbox, mail, shown=section == "source")
    file = _file(mail, section)
    pieces = mailbox.stream_part(mail.id, file.section)
    first = await _first(pieces)
    headers = attachment_headers(file.name, file.type, first_bytes=first[:_FIRST])
    return StreamingResponse(_all(first, pieces), headers=headers)


async def _whole(mailbox: Mailbox, mail: OpenedMail, *, shown: bool) -> Response:
    name = read_header(mail.header).get("subject")[:80] or "message"
    pieces = mailbox.stream_source(mail.id)
    first = await _first(pieces)
    headers = attachment_headers(f"{name}.txt" if shown else f"{name}.eml", "text/plain" if shown else "message/rfc822")
    return StreamingResponse(_all(first, pieces), headers=headers)


def _file(mail: OpenedMail, section: str) -> Attachment:
    """The part of that section. Raises MessageGone; a section that only holds others is none."""
    try:
        plan = read_structure(mail.structure)
        known = {one.section: one for one in (*plan.attachments, *plan.inline.values())}
        if section in known:
            return known[section]
        for one in walk(mail.structure):
            if one.section == section and (not one.parts or one.type == "message"):
                return attachment_of(one)
    except TooComplex:
        # Fails closed: of a mail that is too deep to read only the whole can be had.
        raise MessageGone("too complex to take apart") from None
    raise MessageGone("no such part")


async def _first(pieces: AsyncIterator[bytes]) -> bytes:
    """The first piece, so that what goes wrong at the start is still an error page and not half a file."""
    return await anext(pieces, b"")


async def _all(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for piece in pieces:
        yield piece
