"""Capabilities: what an image inside a message body can carry in place of a cookie.

Promises:
- A capability opens one part of one message, for ten minutes, while the session that granted it lives.
- The record behind it is sealed under HKDF(ring, secret), and the secret is in the token only: Redis alone opens none.
- The token is signed; a forged, changed or old one is refused without touching Redis.
"""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256

from hsp.foundation.clock import Clock
from hsp.foundation.sealing import KeyRing, SealError, pack
from hsp.protocols.credentials import Credential
from hsp.sessions.policy import Policy
from hsp.sessions.records import Session
from hsp.sessions.store import SessionStore

_PURPOSE = "capability"
_LONGEST_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to read the parts of one message, from which tokens for single parts are made."""

    session_uuid: str
    message: str
    issued: float
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a token opened."""

    account: str
    credential: Credential
    session_uuid: str
    message: str
    part: str
    surface: str = ""
    virtual_host: str = ""


class Grants:
    """Grants capabilities and redeems their tokens."""

    def __init__(self, store: SessionStore, ring: KeyRing, clock: Clock, policy: Policy) -> None:
        self._store = store
        self._ring = ring
        self._clock = clock
        self._life = policy.grant

    async def grant(self, session: Session, message: str) -> Grant | None:
        """A grant over one message, or None when the session ended meanwhile."""
        now = self._clock.time()
        grant = Grant(session.uuid, message, now, secrets.token_urlsafe(32))
        credential = session.credential
        plain = json.dumps(
            [
                session.account,
                credential.mechanism,
                credential.username,
                credential.secret,
                session.expires,
                session.surface,
                session.virtual_host,
            ]
        )
        sealed = self._ring.seal(_PURPOSE, plain.encode(), aad=_where(grant), secret=grant.secret.encode())
        kept = await self._store.grant(
            session.uuid, session.pair.name, self._name(grant), sealed, life=self._life, now=now
        )
        return grant if kept else None

    def token(self, grant: Grant, part: str) -> str:
        """The URL-safe token for one part."""
        plain = json.dumps([grant.session_uuid, grant.message, grant.issued, grant.secret, part], separators=(",", ":"))
        return self._ring.sign(_PURPOSE, base64.urlsafe_b64encode(plain.encode()).rstrip(b"=").decode())

    async def redeem(self, token: str) -> Redeemed | None:
        """What the token opens, or None."""
        read = self._read(token)
        if read is None:
            return None
        grant, part = read
        now = self._clock.time()
        if not grant.issued <= now + 1 or now >= grant.issued + self._life:
            return None
        sealed = await self._store.redeem(grant.session_uuid, self._name(grant))
        if sealed is None:
            return None
        try:
            plain = self._ring.unseal(_PURPOSE, sealed, aad=_where(grant), secret=grant.secret.encode())
        except SealError:
            # Fails closed: not the record of this grant.
            return None
        account, mechanism, username, secret, expires, surface, host = json.loads(plain)
        if expires is not None and now >= expires:
            return None
        credential = Credential(mechanism, username, secret)
        return Redeemed(account, credential, grant.session_uuid, grant.message, part, surface, host)

    def _read(self, token: str) -> tuple[Grant, str] | None:
        if len(token) > _LONGEST_TOKEN:
            return None
        try:
            signed = self._ring.unsign(_PURPOSE, token)
            fields = json.loads(base64.urlsafe_b64decode(signed + "=" * (-len(signed) % 4)))
        except (SealError, binascii.Error, ValueError):
            return None
        match fields:
            case [str(uuid), str(message), int() | float() as issued, str(secret), str(part)]:
                return Grant(uuid, message, issued, secret), part
        return None

    def _name(self, grant: Grant) -> str:
        # Named under no ring key: a grant made before a rotation of the ring is still found after it.
        return _digest(pack("grant", grant.session_uuid, grant.secret))


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(sha256(data).digest()).decode()[:22]


def _where(grant: Grant) -> bytes:
    return pack(grant.session_uuid, grant.message, repr(grant.issued))
