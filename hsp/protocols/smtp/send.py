"""One message over one connection, by aiosmtplib's commands.

Promise: the caller learns whether the message can have left. Every error before the content is written means it has
not; an answer after it says which; no answer after it is `SmtpUnknownOutcome`, never a plain failure. Nothing a message
or an address contains becomes a command (RFC 5321 section 4.5.2; "SMTP smuggling").
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import aiosmtplib

from hsp.protocols.credentials import Credential
from hsp.protocols.smtp.endpoint import SmtpEndpoint
from hsp.protocols.smtp.result import (
    Refused,
    SendResult,
    SmtpConnectError,
    SmtpLoginRejected,
    SmtpPermanentError,
    SmtpTemporaryError,
    SmtpUnknownOutcome,
    by_code,
    clean,
)

__all__ = ["check", "send", "wire_format"]

_BARE_ENDINGS = re.compile(rb"\r\n|\r|\n")
_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f-\x9f<>]")
_LEADING_DOT = re.compile(rb"(?m)^\.")
_AUTH_TEMPORARY = range(400, 500)
_QUIT_TIMEOUT = 2.0


async def _nothing() -> None:
    return None


async def send(
    endpoint: SmtpEndpoint,
    credential: Credential | None,
    envelope_from: str,
    recipients: Sequence[str],
    data: bytes,
    *,
    before_content: Callable[[], Awaitable[None]] = _nothing,
) -> SendResult:
    """Submit `data` for `recipients`; without a credential, as a relay that knows us by other means.

    `before_content` is awaited after the server said 354 and before the first byte of content is written: the last
    moment at which "not sent" is certain. Raises the SmtpError tree.
    """
    for address in (envelope_from, *recipients):
        _check_address(address)
    content = wire_format(data)
    utf8 = not all(address.isascii() for address in (envelope_from, *recipients))
    async with _connection(endpoint) as client:
        with _sorted_errors():
            if credential is not None:
                await _authenticate(client, endpoint, credential)
            options = _mail_options(client, content, utf8=utf8)
            encoding = "utf-8" if utf8 else "ascii"
            await client.mail(envelope_from, options=options, encoding=encoding)
            refused = await _recipients(client, recipients, encoding)
            start = await client.execute_command(b"DATA")
        if start.code != aiosmtplib.SMTPStatus.start_input:
            raise by_code(start.code, start.message, refused)
        await before_content()
        answer = await _content(client, content, endpoint.data_timeout, refused)
    return SendResult(answer, refused)


async def check(endpoint: SmtpEndpoint, credential: Credential | None = None) -> frozenset[str]:
    """Connect, and log in when given a credential; the ESMTP extensions offered. Raises the SmtpError tree."""
    async with _connection(endpoint) as client:
        with _sorted_errors():
            if credential is not None:
                await _authenticate(client, endpoint, credential)
        return frozenset(name.upper() for name in client.esmtp_extensions)


def _check_address(address: str) -> None:
    # Refused, not repaired: aiosmtplib would send to whatever it makes of it.
    if _NO_ADDRESS.search(address) or "@" not in address:
        raise SmtpPermanentError(f"not an address: {address!r}")


def wire_format(data: bytes) -> bytes:
    """`data` as it goes after DATA: CRLF only, dots doubled, closed by the one line with a dot."""
    content = _BARE_ENDINGS.sub(b"\r\n", data)
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    return _LEADING_DOT.sub(b"..", content) + b".\r\n"


@asynccontextmanager
async def _connection(endpoint: SmtpEndpoint) -> AsyncIterator[aiosmtplib.SMTP]:
    client = aiosmtplib.SMTP(
        hostname=endpoint.host,
        port=endpoint.port,
        timeout=endpoint.command_timeout,
        use_tls=endpoint.security == "tls",
        start_tls=False,
        tls_context=endpoint.ssl_context,
        local_hostname=endpoint.helo,
    )
    try:
        await _open(client, endpoint)
        yield client
        # The outcome is settled here; a server that does not answer QUIT changes nothing about it.
        await _quit(client)
    finally:
        client.close()


async def _open(client: aiosmtplib.SMTP, endpoint: SmtpEndpoint) -> None:
    try:
        await client.connect(timeout=endpoint.connect_timeout)
        with _sorted_errors():
            await client.ehlo()
            if endpoint.security == "starttls":
                await _start_tls(client)
    except aiosmtplib.SMTPConnectResponseError as error:
        raise by_code(error.code, error.message) from error
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
        raise SmtpConnectError(f"{endpoint.host}:{endpoint.port}: {error}", _reason(error)) from error


async def _start_tls(client: aiosmtplib.SMTP) -> None:
    # Fails closed: a server (or somebody before it) that no longer offers STARTTLS is not spoken to in the clear.
    if not client.supports_extension("starttls"):
        raise SmtpConnectError("STARTTLS is configured but not offered", "tls")
    await client.starttls()
    await client.ehlo()


def _reason(error: BaseException) -> str:
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(isinstance(one, ssl.SSLError) for one in chain):
        return "tls"
    if any(isinstance(one, socket.gaierror) for one in chain):
        return "dns"
    if any(isinstance(one, TimeoutError) for one in chain):
        return "timeout"
    return "refused"


async def _authenticate(client: aiosmtplib.SMTP, endpoint: SmtpEndpoint, credential: Credential) -> None:
    if not endpoint.may_carry_secrets:
        raise SmtpConnectError("no password over an unencrypted connection", "plaintext")
    offered = {method.lower() for method in client.supported_auth_methods}
    try:
        if credential.mechanism == "password":
            await _password(client, offered, credential)
        else:
            await client.auth_xoauth2(credential.username, credential.secret)
    except aiosmtplib.SMTPAuthenticationError as error:
        if error.code in _AUTH_TEMPORARY:
            raise SmtpTemporaryError(error.message, code=error.code) from error
        raise SmtpLoginRejected(error.message, code=error.code) from error


async def _password(client: aiosmtplib.SMTP, offered: set[str], credential: Credential) -> None:
    if "plain" in offered:
        await client.auth_plain(credential.username, credential.secret)
    elif "login" in offered:
        await client.auth_login(credential.username, credential.secret)
    else:
        raise SmtpPermanentError("the server offers neither AUTH PLAIN nor AUTH LOGIN")


def _mail_options(client: aiosmtplib.SMTP, content: bytes, *, utf8: bool) -> list[str]:
    options: list[str] = []
    if client.supports_extension("size"):
        _check_size(client.esmtp_extensions.get("size", ""), len(content))
        options.append(f"SIZE={len(content)}")
    if not content.isascii():
        # RFC 6152: without 8BITMIME such content may arrive damaged; our composer writes 7-bit, so this is rare.
        if not client.supports_extension("8bitmime"):
            raise SmtpPermanentError("the server does not take 8-bit content")
        options.append("BODY=8BITMIME")
    if utf8:
        if not client.supports_extension("smtputf8"):
            raise SmtpPermanentError("the server does not take addresses outside ASCII")
        options.append("SMTPUTF8")
    return options


def _check_size(limit: str, size: int) -> None:
    """RFC 1870: refuse here what the server says it will refuse, before megabytes travel."""
    text = limit.strip()
    if text.isascii() and text.isdigit() and 0 < int(text) < size:
        raise SmtpPermanentError(f"message of {size} bytes, the server takes {int(text)}", code=552)


async def _recipients(client: aiosmtplib.SMTP, recipients: Sequence[str], encoding: str) -> tuple[Refused, ...]:
    refused: list[Refused] = []
    for recipient in recipients:
        try:
            await client.rcpt(recipient, encoding=encoding)
        except aiosmtplib.SMTPRecipientRefused as error:
            refused.append(Refused(recipient, error.code, clean(error.message)))
    if len(refused) == len(recipients):
        worst = max((one.code for one in refused if one.code < 500), default=max(one.code for one in refused))
        raise by_code(worst, refused[0].text, refused)
    return tuple(refused)


async def _content(client: aiosmtplib.SMTP, content: bytes, timeout: float, refused: tuple[Refused, ...]) -> str:
    protocol = client.protocol
    try:
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        protocol.write(content)
        response = await protocol.read_response(timeout=timeout)
    except (aiosmtplib.SMTPException, OSError) as error:
        # Fails towards "unknown": claiming either outcome could double the mail or lose it silently.
        raise SmtpUnknownOutcome(str(error), refused=refused) from error
    if 200 <= response.code < 300:
        return clean(f"{response.code} {response.message}")
    if response.code < 400:
        raise SmtpUnknownOutcome(response.message, code=max(response.code, 0), refused=refused)
    raise by_code(response.code, response.message, refused)


async def _quit(client: aiosmtplib.SMTP) -> None:
    try:
        async with asyncio.timeout(_QUIT_TIMEOUT):
            await client.quit()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        return


@contextmanager
def _sorted_errors() -> Iterator[None]:
    """Turns aiosmtplib's errors before the content into ours: all of them mean that nothing was sent."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as error:
        raise by_code(error.code, error.message) from error
    except ssl.SSLError as error:
        raise SmtpConnectError(str(error), "tls") from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise SmtpTemporaryError(str(error)) from error
    except ValueError as error:
        raise SmtpPermanentError(f"not an address: {error}") from error
