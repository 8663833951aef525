"""IMAP errors in the terms of mail: the one place where the sorting is decided."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hsp.mail.errors import (
    FolderGone,
    LoginRejected,
    MailError,
    NotAllowed,
    OverQuota,
    TooLarge,
    UpstreamAway,
    UpstreamBusy,
    UpstreamNonsense,
)
from hsp.protocols.imap import (
    AuthenticationRejected,
    ConnectError,
    ConnectionLost,
    ImapError,
    ProtocolViolation,
    Rejected,
    ServerBusy,
)

__all__ = ["mail_error", "translated"]

# RFC 5530 and RFC 9051 section 7.1; a code that is not listed is a plain refusal.
_BY_CODE: dict[str, type[MailError]] = {
    "OVERQUOTA": OverQuota,
    "NONEXISTENT": FolderGone,
    "TRYCREATE": FolderGone,
    "TOOBIG": TooLarge,
    "LIMIT": UpstreamBusy,
    "INUSE": UpstreamBusy,
    "UNAVAILABLE": UpstreamBusy,
    "SERVERBUG": UpstreamNonsense,
}


def mail_error(error: ImapError) -> MailError:
    """What an error of the IMAP client means to whoever reads mail."""
    text = str(error)
    if isinstance(error, AuthenticationRejected):
        return UpstreamBusy(text, retry_after=30) if error.temporary else LoginRejected(text)
    if isinstance(error, Rejected):
        return _BY_CODE.get(error.code.upper(), NotAllowed)(text)
    if isinstance(error, ServerBusy):
        return UpstreamBusy(text, retry_after=30)
    if isinstance(error, ProtocolViolation):
        return UpstreamNonsense(text)
    if isinstance(error, (ConnectError, ConnectionLost)):
        return UpstreamAway(text)
    return UpstreamNonsense(text)


@contextmanager
def translated() -> Iterator[None]:
    """Turns what the block raises as ImapError into the MailError that says it to the user."""
    try:
        yield
    except ImapError as error:
        raise mail_error(error) from error
