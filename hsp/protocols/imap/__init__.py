"""An asynchronous, pipelining IMAP client that knows no account."""

from hsp.protocols.imap.client import ImapClient
from hsp.protocols.imap.errors import (
    AuthenticationRejected,
    CommandTimeout,
    ConnectError,
    ConnectionLost,
    ImapError,
    ProtocolViolation,
    Rejected,
    ServerBusy,
)
from hsp.protocols.imap.model import (
    Address,
    AppendUid,
    BodyPart,
    CopyUid,
    Endpoint,
    Envelope,
    Fetched,
    FolderInfo,
    Namespaces,
    Quota,
    Selected,
    Status,
    Untagged,
)
from hsp.protocols.imap.wire import Atom, Literal8

__all__ = [
    "Address",
    "AppendUid",
    "Atom",
    "AuthenticationRejected",
    "BodyPart",
    "CommandTimeout",
    "ConnectError",
    "ConnectionLost",
    "CopyUid",
    "Endpoint",
    "Envelope",
    "Fetched",
    "FolderInfo",
    "ImapClient",
    "ImapError",
    "Literal8",
    "Namespaces",
    "ProtocolViolation",
    "Quota",
    "Rejected",
    "Selected",
    "ServerBusy",
    "Status",
    "Untagged",
]
