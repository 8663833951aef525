"""The first steps towards any server: its name, a TCP connection, TLS and the certificate."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import re
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from cryptography import x509

from hsp.commands.checking.findings import Finding, timed
from hsp.config import Upstream

SOON_DAYS = 21
_VERIFY_WORDS = {
    9: "the certificate is not valid yet (is the clock of this machine right?)",
    10: "the certificate has expired",
    18: "the certificate is signed by itself; name it in caFile if you trust it",
    19: "the certificate's authority is not known here; name it in caFile if you trust it",
    20: "the certificate's authority is not known here; name it in caFile if you trust it",
    21: "the certificate's authority is not known here, or the server does not send its whole chain",
}
_NAME_MISMATCH = (62, 64)


def tls_context(upstream: Upstream) -> ssl.SSLContext:
    """How TLS to an upstream is verified. Raises OSError for a caFile that cannot be used."""
    context = ssl.create_default_context(cafile=str(upstream.ca_file) if upstream.ca_file else None)
    if not upstream.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def resolve(subject: str, upstream: Upstream) -> Finding:
    """Whether the name leads to addresses."""
    finding = Finding(subject, "name")
    with timed(finding):
        try:
            async with asyncio.timeout(upstream.connect_timeout):
                found = await asyncio.get_running_loop().getaddrinfo(
                    upstream.host, upstream.port, type=socket.SOCK_STREAM
                )
        except (OSError, UnicodeError):
            return finding.fail(f"the name {upstream.host} cannot be resolved; is it spelt right, does DNS work?")
    addresses = sorted({str(entry[4][0]) for entry in found})
    finding.details["addresses"] = addresses
    finding.message = f"{upstream.host} is {', '.join(addresses)}"
    return finding


async def reach(subject: str, upstream: Upstream) -> Finding:
    """Whether something accepts TCP connections there."""
    finding = Finding(subject, "connection")
    with timed(finding):
        try:
            async with asyncio.timeout(upstream.connect_timeout):
                _, writer = await asyncio.open_connection(upstream.host, upstream.port)
        except OSError as error:
            return finding.fail(_connection_words(error, upstream))
    writer.close()
    finding.message = f"port {upstream.port} accepts connections"
    return finding


def _connection_words(error: OSError, upstream: Upstream) -> str:
    where = f"{upstream.host} port {upstream.port}"
    if isinstance(error, TimeoutError):
        return f"{where} did not answer within {upstream.connect_timeout:g} seconds; does a firewall stand between?"
    if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return f"there is no route to {where}"
    return f"{where} refuses connections; does the server run, is the port right?"


async def secure(subject: str, upstream: Upstream) -> Finding:
    """Whether TLS works, and how long the certificate will."""
    finding = Finding(subject, "tls")
    if upstream.security == "none":
        return _no_tls(finding, upstream)
    with timed(finding):
        try:
            context = tls_context(upstream)
        except OSError as error:
            return finding.fail(f"the file {upstream.ca_file} holds no certificate authority: {error.strerror}")
        try:
            async with asyncio.timeout(upstream.connect_timeout), _handshake(upstream, context) as channel:
                return _certificate(finding, channel, upstream)
        except ssl.SSLCertVerificationError as error:
            return finding.fail(_verify_words(error, upstream))
        except (ssl.SSLError, EOFError, ConnectionError, TimeoutError, _NoStartTlsError) as error:
            return finding.fail(_handshake_words(error, upstream))


def _no_tls(finding: Finding, upstream: Upstream) -> Finding:
    if upstream.allow_plaintext_password:
        return finding.warn(f"nothing is encrypted: passwords travel to {upstream.host} readable by anyone between")
    finding.message = "not used; the server is on this machine"
    return finding


class _NoStartTlsError(Exception):
    """The server does not offer or grant STARTTLS."""


@contextlib.asynccontextmanager
async def _handshake(upstream: Upstream, context: ssl.SSLContext) -> AsyncIterator[ssl.SSLObject]:
    direct = upstream.security == "tls"
    name = upstream.host if direct else None
    reader, writer = await asyncio.open_connection(
        upstream.host, upstream.port, ssl=context if direct else None, server_hostname=name
    )
    try:
        if not direct:
            await _ask_for_tls(reader, writer, upstream.kind)
            await writer.start_tls(context, server_hostname=upstream.host)
        yield writer.get_extra_info("ssl_object")
    finally:
        writer.transport.abort()


async def _ask_for_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: str) -> None:
    """The shortest talk that leads to TLS (RFC 9051 section 6.2.1, RFC 3207)."""
    if kind == "imap":
        await reader.readuntil(b"\n")
        writer.write(b"a STARTTLS\r\n")
        granted = re.compile(rb"a OK", re.IGNORECASE)
        answer = await _until(reader, re.compile(rb"a "))
    else:
        await _until(reader, re.compile(rb"\d{3} "))
        writer.write(b"EHLO [127.0.0.1]\r\n")
        await _until(reader, re.compile(rb"\d{3} "))
        writer.write(b"STARTTLS\r\n")
        granted = re.compile(rb"220")
        answer = await _until(reader, re.compile(rb"\d{3} "))
    if not granted.match(answer):
        raise _NoStartTlsError


async def _until(reader: asyncio.StreamReader, wanted: re.Pattern[bytes]) -> bytes:
    for _ in range(100):
        line = await reader.readuntil(b"\n")
        if wanted.match(line):
            return line
    raise _NoStartTlsError


def _certificate(finding: Finding, channel: ssl.SSLObject, upstream: Upstream) -> Finding:
    raw = channel.getpeercert(binary_form=True)
    finding.details["version"] = channel.version()
    finding.message = f"{channel.version()}"
    if raw:
        certificate = x509.load_der_x509_certificate(raw)
        days = (certificate.not_valid_after_utc - datetime.now(UTC)).days
        finding.details["expires"] = certificate.not_valid_after_utc.isoformat()
        finding.message += f", certificate valid for {days} more days"
        if days < SOON_DAYS:
            finding.warn(f"the certificate expires in {days} days")
    if not upstream.verify:
        finding.warn("the certificate is not verified (verify = false): anyone between can read along")
    return finding


def _verify_words(error: ssl.SSLCertVerificationError, upstream: Upstream) -> str:
    if error.verify_code in _NAME_MISMATCH:
        return f"the certificate is not for {upstream.host}; use the name it was made for"
    return _VERIFY_WORDS.get(error.verify_code, f"the certificate cannot be trusted: {error.verify_message}")


def _handshake_words(error: Exception, upstream: Upstream) -> str:
    if isinstance(error, _NoStartTlsError):
        return "the server does not offer STARTTLS on this port"
    if isinstance(error, TimeoutError):
        return f"no TLS handshake within {upstream.connect_timeout:g} seconds"
    if upstream.security == "tls":
        return f"port {upstream.port} does not speak TLS from the first byte; perhaps security should be starttls"
    return "the connection ended before TLS was established; perhaps security should be tls"
