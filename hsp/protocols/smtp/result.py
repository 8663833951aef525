"""What became of a message: accepted, or one of the errors below.

SmtpError
 +-- SmtpConnectError      nothing was said yet: `reason` dns | refused | timeout | tls | plaintext
 +-- SmtpLoginRejected     the upstream does not accept the credential
 +-- SmtpTemporaryError    4yz, or the connection broke before the content was sent: the same may work later
 +-- SmtpPermanentError    5yz: the same will not work (RFC 5321 section 4.2.1)
 +-- SmtpUnknownOutcome    the content was sent and no answer came: accepted or not, nobody here can know
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "Refused",
    "SendResult",
    "SmtpConnectError",
    "SmtpError",
    "SmtpLoginRejected",
    "SmtpPermanentError",
    "SmtpTemporaryError",
    "SmtpUnknownOutcome",
]

_MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Refused:
    """One recipient the upstream would not take. `text` is the server's, cleaned of control characters."""

    recipient: str
    code: int
    text: str

    @property
    def permanent(self) -> bool:
        return self.code >= 500


@dataclass(frozen=True, slots=True)
class SendResult:
    """The message was accepted for every recipient that is not in `refused`. `answer` is the server's last line."""

    answer: str
    refused: tuple[Refused, ...] = ()


class SmtpError(Exception):
    """Base. `code` is the server's reply code, 0 when there was none; `refused` what it said of single recipients."""

    def __init__(self, text: str = "", *, code: int = 0, refused: Sequence[Refused] = ()) -> None:
        self.text = clean(text)
        self.code = code
        self.refused = tuple(refused)
        super().__init__(f"{code} {self.text}" if code else self.text)


class SmtpConnectError(SmtpError):
    """No usable connection. `reason` is dns, refused, timeout, tls or plaintext."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


class SmtpLoginRejected(SmtpError):
    """The server does not accept the credential."""


class SmtpTemporaryError(SmtpError):
    """Refused for now (4xx): another try makes sense."""


class SmtpPermanentError(SmtpError):
    """Refused for good (5xx)."""


class SmtpUnknownOutcome(SmtpError):
    """The content was handed over and the answer never came: it may or may not have been accepted."""


def clean(text: str) -> str:
    """A server's text made fit for logs and pages: one line, no control characters, bounded."""
    printable = "".join(c if c.isprintable() else " " for c in text.encode("utf-8", "replace").decode())
    return " ".join(printable.split())[:_MAX_TEXT]


def by_code(code: int, text: str, refused: Sequence[Refused] = ()) -> SmtpError:
    """The error for a negative reply; a reply that is no SMTP at all counts as temporary."""
    kind = SmtpPermanentError if code >= 500 else SmtpTemporaryError
    return kind(text, code=max(code, 0), refused=refused)
