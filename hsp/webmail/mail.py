"""The mail list: `/mail.hsp`, and `/` for whoever has a session."""

from starlette.responses import Response

from hsp.webmail.listing import list_view, where
from hsp.webmail.services import Webmail
from hsp.webmail.shell import shell_of
from hsp.zones import PageRequest, Pages, Zone

pages: Pages[Webmail] = Pages()


@pages.page("index", zone=Zone.PRIVATE)
@pages.page("mail", zone=Zone.PRIVATE)
async def mail(request: PageRequest, webmail: Webmail) -> Response:
    """One page of a folder, or of what a search found in it. Raises MailError."""
    mailbox, at, size = webmail.mailbox(request), where(request), webmail.settings.webmail.page_size
    page = await mailbox.page(at.folder, at.number, size, at.query)
    folders = await mailbox.folders()
    view = list_view(request, page, folders, at, webmail.dates(request), size)
    place = "inbox" if page.folder.role == "inbox" else "mail"
    shell = await shell_of(request, webmail, place, mailbox=mailbox, folders=folders, current=page.folder.id)
    return request.render({"list": view, "shell": shell})
