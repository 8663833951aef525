"""What can go wrong between us and an IMAP server, sorted by what a caller can do about it."""

from typing import Literal

ConnectReason = Literal["dns", "refused", "timeout", "tls", "plaintext"]


class ImapError(Exception):
    """Base of every error this package raises on account of the server or the network."""


class ConnectError(ImapError):
    """No usable connection came to be; `reason` says which step failed.

    "plaintext" means that we refused: a password would have crossed a network unencrypted.
    """

    def __init__(self, reason: ConnectReason, message: str) -> None:
        super().__init__(message)
        self.reason: ConnectReason = reason


class ConnectionLost(ImapError):
    """The connection ended, or was given up, before the command was answered."""


class CommandTimeout(ConnectionLost):
    """The server stopped answering; the connection was dropped."""


class ProtocolViolation(ImapError):
    """The server sent what no grammar allows, or more than our limits; the connection was dropped."""


class Rejected(ImapError):
    """The server answered NO or BAD; `code` is the response code (RFC 9051 section 7.1), such as "OVERQUOTA"."""

    def __init__(self, text: str, *, code: str = "", status: str = "NO", command: str = "") -> None:
        super().__init__(f"{command or 'command'}: {status} {f'[{code}] ' if code else ''}{text}")
        self.text = text
        self.code = code
        self.status = status
        self.command = command


class AuthenticationRejected(Rejected):
    """The credential was refused; `temporary` says that the server could not decide at all (RFC 5530)."""

    def __init__(self, text: str, *, code: str = "", temporary: bool = False, command: str = "") -> None:
        super().__init__(text, code=code, command=command)
        self.temporary = temporary


class ServerBusy(ImapError):
    """The server has too many connections, of this user or at all: waiting helps."""
