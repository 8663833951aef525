"""SMTP submission (RFC 6409): hand one message to the upstream and say exactly what became of it."""

from hsp.protocols.smtp.endpoint import SmtpEndpoint
from hsp.protocols.smtp.result import (
    Refused,
    SendResult,
    SmtpConnectError,
    SmtpError,
    SmtpLoginRejected,
    SmtpPermanentError,
    SmtpTemporaryError,
    SmtpUnknownOutcome,
)
from hsp.protocols.smtp.send import check, send

__all__ = [
    "Refused",
    "SendResult",
    "SmtpConnectError",
    "SmtpEndpoint",
    "SmtpError",
    "SmtpLoginRejected",
    "SmtpPermanentError",
    "SmtpTemporaryError",
    "SmtpUnknownOutcome",
    "check",
    "send",
]
