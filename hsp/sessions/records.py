"""What a session is, and the two sealed records Redis holds of it.

Promises:
- The record with the credential is sealed under HKDF(ring, twin): the store and the ring together open nothing.
- Its associated data are the session's uuid, the record's name, the surface and the virtual host, so that a
  ciphertext moved to another session, surface or host is refused.
- Records are JSON. The version byte and the ring key's id stand in front and are authenticated before decoding.
"""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from hsp.foundation.sealing import KeyRing, SealError, pack
from hsp.protocols.credentials import Credential
from hsp.sessions.keys import Pair

_RECORD = "session record"
_CARD = "session card"
_decode = json.JSONDecoder().decode


@dataclass(frozen=True, slots=True)
class Session:
    """A live session. Times are epoch seconds; `authenticated` is the last proof of identity, `expires` the end.

    `uuid` is public (lists, logs, kill); `pair` holds both secret halves and stays inside the gateway.
    """

    uuid: str
    surface: str
    virtual_host: str
    account: str
    credential: Credential
    created: float
    authenticated: float
    device: str
    address: str
    cookieless: bool
    expires: float | None
    pair: Pair = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Issued:
    """What the client gets: the value of `_h` and the cookie's value ("" for a cookieless session)."""

    session_key: str = field(repr=False)
    cookie: str = field(repr=False)
    session: Session


@dataclass(frozen=True, slots=True)
class Card:
    """What the session list shows without the twin: no secret in it."""

    account: str
    surface: str
    virtual_host: str
    device: str
    address: str
    created: float
    idle: int


def seal_session(ring: KeyRing, session: Session) -> bytes:
    """The record of the session, sealed by its twin."""
    credential = session.credential
    fields = [
        session.account,
        credential.mechanism,
        credential.username,
        credential.secret,
        session.created,
        session.authenticated,
        session.expires,
        session.device,
        session.address,
        session.cookieless,
    ]
    pair = session.pair
    aad = _where(pair, session.surface, session.virtual_host)
    return ring.seal_with(pair.ring_key, _RECORD, _dump(fields), aad=aad, secret=pair.secret)


def unseal_session(ring: KeyRing, blob: bytes, pair: Pair, *, surface: str, virtual_host: str) -> Session:
    """The session of a record that was read under `pair`. Raises SealError."""
    plain = ring.unseal(_RECORD, blob, aad=_where(pair, surface, virtual_host), secret=pair.secret)
    try:
        fields = _decode(plain.decode("utf-8", "surrogatepass"))
        account, mechanism, username, secret, created, authenticated, expires, device, address, cookieless = fields
    except (ValueError, TypeError):
        raise SealError("not a session record") from None
    credential = Credential(mechanism, username, secret)
    return Session(
        pair.uuid,
        surface,
        virtual_host,
        account,
        credential,
        created,
        authenticated,
        device,
        address,
        cookieless,
        expires,
        pair,
    )


def seal_card(ring: KeyRing, session: Session, idle: int) -> bytes:
    """What the list shows of the session, sealed by the ring alone and bound to its uuid."""
    fields = [
        session.account,
        session.surface,
        session.virtual_host,
        session.device,
        session.address,
        session.created,
        idle,
    ]
    return ring.seal_with(session.pair.ring_key, _CARD, _dump(fields), aad=pack(session.uuid))


def unseal_card(ring: KeyRing, blob: bytes, uuid: str) -> Card:
    """The card of the session `uuid`. Raises SealError."""
    try:
        return Card(*cast("list[Any]", json.loads(ring.unseal(_CARD, blob, aad=pack(uuid)))))
    except (ValueError, TypeError):
        raise SealError("not a session card") from None


def _where(pair: Pair, surface: str, virtual_host: str) -> bytes:
    return _packed(pair.uuid, pair.name, surface, virtual_host)


@lru_cache(maxsize=4096)
def _packed(uuid: str, name: str, surface: str, virtual_host: str) -> bytes:
    return pack(uuid, name, surface, virtual_host)


def _dump(fields: list[Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
