"""One attempt to send one row, and what its end means for the row."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from hsp.mail.outbox_rows import Outcome, Row
from hsp.protocols.credentials import Credential
from hsp.protocols.smtp import (
    SendResult,
    SmtpConnectError,
    SmtpEndpoint,
    SmtpError,
    SmtpLoginRejected,
    SmtpPermanentError,
    SmtpTemporaryError,
    SmtpUnknownOutcome,
)

__all__ = ["RETRY_DELAYS", "Attempt", "LeaseLost", "SendMail", "attempt"]

RETRY_DELAYS = (30.0, 60.0, 120.0, 300.0, 600.0, 1200.0)
"""Seconds until the next try after the first, second ... temporary failure; after the last the user decides."""

_FINAL_CONNECT_REASONS = frozenset({"tls", "plaintext"})


class SendMail(Protocol):
    """The shape of `hsp.protocols.smtp.send`."""

    async def __call__(
        self,
        endpoint: SmtpEndpoint,
        credential: Credential | None,
        envelope_from: str,
        recipients: tuple[str, ...],
        data: bytes,
        *,
        before_content: Callable[[], Awaitable[None]],
    ) -> SendResult: ...


class LeaseLost(Exception):
    """Another process holds the row; nothing may be sent here."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The state the row goes to, a key for the page, and the server's words."""

    state: Literal["sent", "queued", "failed", "unknown", "waiting"]
    reason: str
    outcome: Outcome


async def attempt(
    send: SendMail,
    endpoint: SmtpEndpoint,
    credential: Credential | None,
    row: Row,
    message: bytes,
    *,
    mark_content: Callable[[], Awaitable[None]],
    handshake: float,
    content: float,
) -> Attempt:
    """Try once, with so many seconds for either half. Raises LeaseLost from `mark_content`, else it is an Attempt."""
    begun = False
    loop = asyncio.get_running_loop()

    async def before_content() -> None:
        nonlocal begun
        await mark_content()
        begun = True
        deadline.reschedule(loop.time() + content)

    details = row.details
    try:
        async with asyncio.timeout(handshake) as deadline:
            result = await send(
                endpoint, credential, details.sender, details.recipients, message, before_content=before_content
            )
    except SmtpError as error:
        return _judge(error)
    except TimeoutError:
        # Without an answer in time: before the content it was not sent, after it nobody here can know.
        state: Literal["unknown", "queued"] = "unknown" if begun else "queued"
        return Attempt(state, "no_answer" if begun else "smtp_away", Outcome())
    return Attempt("sent", "recipients_refused" if result.refused else "", Outcome(result.answer, result.refused))


def _judge(error: SmtpError) -> Attempt:
    outcome = Outcome(f"{error.code} {error.text}" if error.code else error.text, error.refused)
    match error:
        case SmtpUnknownOutcome():
            return Attempt("unknown", "no_answer", outcome)
        case SmtpLoginRejected():
            return Attempt("failed", "smtp_login_rejected", outcome)
        case SmtpConnectError():
            final = error.reason in _FINAL_CONNECT_REASONS
            return Attempt("failed" if final else "queued", f"smtp_{error.reason}" if final else "smtp_away", outcome)
        case SmtpPermanentError():
            return Attempt("failed", "recipients_refused" if error.refused else "smtp_refused", outcome)
        case SmtpTemporaryError():
            return Attempt("queued", "smtp_temporary", outcome)
        case _:
            # Fails towards "unknown": an error nobody sorted must not lead to a second sending by itself.
            return Attempt("unknown", "no_answer", outcome)
