"""What is left to do in the mailbox after a mail was sent: its copy in Sent, and a mark on the mail it answers."""

from __future__ import annotations

import contextlib

from hsp.mail.errors import FolderGone, MessageGone
from hsp.mail.mailbox import Mailbox
from hsp.mail.outbox_rows import Row

__all__ = ["save_copy"]


async def save_copy(mailbox: Mailbox, row: Row, message: bytes, *, search: bool) -> None:
    """Save the copy unless it is there; `search` looks first, for every try but the very first. Raises MailError."""
    details = row.details
    there = search and await mailbox.has_message("sent", details.message_id, since=row.created)
    if not there:
        await mailbox.append("sent", details.bcc.encode() + message, ["\\Seen"])
    marks = ((details.answers, "\\Answered"), (details.forwards, "$Forwarded"))
    for mail_id, keyword in marks:
        if mail_id:
            with contextlib.suppress(MessageGone, FolderGone):  # The original may be gone by now; so is its mark.
                await mailbox.add_keyword(mail_id, keyword)
