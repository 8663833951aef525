"""Proving who asks: LOGIN and SASL PLAIN, XOAUTH2 and OAUTHBEARER (RFC 9051 section 6.2, RFC 4616, RFC 7628).

Promise: a secret crosses a network only encrypted, unless the endpoint allows otherwise; the check happens before a
byte of it is written. No error ever carries the secret.
"""

from base64 import b64encode

from hsp.protocols.credentials import Credential
from hsp.protocols.imap.answers import StatusText
from hsp.protocols.imap.connection import Completion, Connection, Responder, is_busy
from hsp.protocols.imap.errors import AuthenticationRejected, ConnectError, ProtocolViolation, Rejected, ServerBusy
from hsp.protocols.imap.model import Endpoint
from hsp.protocols.imap.wire import Atom

_TEMPORARY = {"UNAVAILABLE", "SERVERBUG", "INUSE", "LIMIT"}
_WANTS = frozenset({"CAPABILITY"})


async def prove(
    connection: Connection, endpoint: Endpoint, credential: Credential, capabilities: frozenset[str], *, private: bool
) -> Completion:
    """Log in. Raises AuthenticationRejected, ServerBusy, ConnectError("plaintext"), ValueError (control characters)."""
    if not private and not endpoint.allow_plaintext:
        raise ConnectError("plaintext", "a secret would cross the network unencrypted")
    _check_characters(credential)
    try:
        if credential.mechanism == "password":
            return await _password(connection, endpoint, credential, capabilities)
        return await _token(connection, endpoint, credential, capabilities)
    except Rejected as error:
        if is_busy(StatusText(error.status, error.code, "", error.text)):
            raise ServerBusy(error.text) from error
        raise AuthenticationRejected(
            error.text, code=error.code, temporary=error.code in _TEMPORARY, command=error.command
        ) from error


def _check_characters(credential: Credential) -> None:
    for value in (credential.username, credential.secret):
        if any(character in "\0\r\n\x01" for character in value) or not value:
            raise ValueError("a user name or secret that no server can take")


async def _password(
    connection: Connection, endpoint: Endpoint, credential: Credential, capabilities: frozenset[str]
) -> Completion:
    plain = "AUTH=PLAIN" in capabilities and "SASL-IR" in capabilities
    ascii_only = credential.username.isascii() and credential.secret.isascii()
    if plain or "LOGINDISABLED" in capabilities or ("AUTH=PLAIN" in capabilities and not ascii_only):
        if "AUTH=PLAIN" not in capabilities:
            raise ConnectError("plaintext", "the server takes no password on this connection")
        message = f"\0{credential.username}\0{credential.secret}"
        return await _sasl(connection, "PLAIN", message.encode(), capabilities, b"")
    return await connection.run("LOGIN", credential.username, credential.secret, wants=_WANTS)


async def _token(
    connection: Connection, endpoint: Endpoint, credential: Credential, capabilities: frozenset[str]
) -> Completion:
    if credential.mechanism == "xoauth2":
        message = f"user={credential.username}\x01auth=Bearer {credential.secret}\x01\x01"
        return await _sasl(connection, "XOAUTH2", message.encode(), capabilities, b"")
    user = credential.username.replace("=", "=3D").replace(",", "=2C")
    message = f"n,a={user},\x01host={endpoint.host}\x01port={endpoint.port}\x01auth=Bearer {credential.secret}\x01\x01"
    # After a failure the server sends its reasons and waits for one dummy answer (RFC 7628 section 3.2.3).
    return await _sasl(connection, "OAUTHBEARER", message.encode(), capabilities, b"\x01")


async def _sasl(
    connection: Connection, mechanism: str, message: bytes, capabilities: frozenset[str], acknowledgement: bytes
) -> Completion:
    encoded = b64encode(message)
    initial = "SASL-IR" in capabilities
    arguments = [Atom(mechanism), *([Atom(encoded.decode("ascii"))] if initial else [])]
    return await connection.run(
        "AUTHENTICATE", *arguments, wants=_WANTS, responder=_responder(encoded, acknowledgement, sent=initial)
    )


def _responder(encoded: bytes, acknowledgement: bytes, *, sent: bool) -> Responder:
    replies = [b64encode(acknowledgement)] if sent else [b64encode(acknowledgement), encoded]

    async def reply(_challenge: bytes) -> bytes:
        if not replies:
            raise ProtocolViolation("a SASL exchange without an end")
        return replies.pop()

    return reply
