"""The embedded submission server: takes mail from the two accounts and truly puts it into their mailboxes.

Run as `python -m hsp.demo.smtp_server PARENT SOCKET IMAP_PORT`. Nothing leaves the machine: another domain is refused.
Fails closed for a sender: a message is accepted only after the recipient's mailbox has taken it.
"""

from __future__ import annotations

import asyncio
import imaplib
import logging
import secrets
import socket
import sys
import time
import warnings
from email.utils import formatdate
from functools import partial

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from hsp.demo.accounts import ACCOUNTS, DOMAIN, PASSWORD
from hsp.demo.child import serve_until_orphaned

SIZE_LIMIT = 36 << 20
_ACCEPTED = "250 2.1.5 OK"


def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    """AUTH PLAIN and LOGIN with one of the two accounts."""
    if isinstance(data, LoginPassword):
        name = data.login.decode("utf-8", "replace").lower()
        if name in ACCOUNTS and data.password == PASSWORD.encode():
            return AuthResult(success=True, auth_data=name)
    return AuthResult(success=False, handled=False, message="535 5.7.8 Wrong user name or password")


class Delivery:
    """Decides about senders and recipients, and delivers by IMAP APPEND."""

    def __init__(self, imap_port: int) -> None:
        self._imap_port = imap_port

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.lower() != str(session.auth_data):
            return f"553 5.7.1 <{address}> is not the address you logged in with"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take recipients of this demonstration only; 550 for all others."""
        local, _, domain = address.lower().rpartition("@")
        if domain != DOMAIN:
            return f"550 5.7.1 <{address}>: this is a demonstration, mail goes to {DOMAIN} only"
        if f"{local}@{domain}" not in ACCOUNTS:
            return f"550 5.1.1 <{address}>: there is no such mailbox here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return _ACCEPTED

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Deliver to every recipient; 451 when a mailbox cannot be reached."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        number = secrets.token_hex(6)
        try:
            for recipient in sorted({address.lower() for address in envelope.rcpt_tos}):
                trace = _trace(envelope.mail_from or "", recipient, number)
                await asyncio.to_thread(self._append, recipient, trace + content)
        except (OSError, imaplib.IMAP4.error):
            return "451 4.3.0 The mailbox is not to be reached at the moment, please try again"
        return f"250 2.0.0 OK queued as {number}"

    def _append(self, recipient: str, message: bytes) -> None:
        with imaplib.IMAP4("127.0.0.1", self._imap_port, timeout=20) as mailbox:
            mailbox.login(recipient, PASSWORD)
            status, answer = mailbox.append("INBOX", "", imaplib.Time2Internaldate(time.time()), message)
            if status != "OK":
                raise imaplib.IMAP4.error(answer)


def _trace(sender: str, recipient: str, number: str) -> bytes:
    """The trace fields of final delivery (RFC 5321 section 4.4)."""
    lines = (
        f"Return-Path: <{sender}>",
        f"Delivered-To: {recipient}",
        f"Received: by {DOMAIN} with ESMTPA id {number}",
        f"\tfor <{recipient}>; {formatdate()}",
        "",
    )
    return "\r\n".join(lines).encode("utf-8")


async def start(listening: socket.socket, imap_port: int) -> asyncio.Server:
    """Serves submission on `listening`; plain text is right here, the socket being loopback only."""
    warnings.filterwarnings("ignore", module="aiosmtpd")
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # it warns of AUTH without TLS at every start
    handler = Delivery(imap_port)
    loop = asyncio.get_running_loop()
    factory = partial(
        SMTP,
        handler,
        hostname=DOMAIN,
        ident="HSP demonstration",
        data_size_limit=SIZE_LIMIT,
        enable_SMTPUTF8=True,
        auth_required=True,
        auth_require_tls=False,
        authenticator=authenticate,
        loop=loop,
    )
    return await loop.create_server(factory, sock=listening)


if __name__ == "__main__":
    *ties, port = sys.argv[1:]
    sys.exit(serve_until_orphaned(ties, partial(start, imap_port=int(port))))
