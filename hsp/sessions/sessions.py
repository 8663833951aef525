"""Sessions: started at login, opened by both halves of their key, rotated, listed, ended.

Promises:
- A session opens only to the session key and the twin it was issued with, on the surface and the virtual host that
  issued it. Every other credential gets the same answer: None.
- Whether a session lives is asked of the store each time. When the store is away, StoreUnavailable is raised and
  nothing is opened.
- Ended means ended: on every node at once, whoever ends it, also against a rotation that runs at the same moment.
"""

import re
import secrets
from dataclasses import replace

from hsp.foundation.clock import Clock
from hsp.foundation.networks import network_of
from hsp.foundation.sealing import KeyRing, SealError
from hsp.protocols.credentials import Credential
from hsp.sessions.grants import Grant, Grants, Redeemed
from hsp.sessions.interrupted import InterruptedPost, InterruptedPosts
from hsp.sessions.keys import Pair, SessionKeys
from hsp.sessions.notices import Gap, Notices, OnEnded
from hsp.sessions.policy import Policy
from hsp.sessions.records import Issued, Session, seal_card, seal_session, unseal_session
from hsp.sessions.registry import Registry, SessionInfo
from hsp.sessions.store import Ending, SessionStore

_SURFACE = re.compile(r"[a-z]{1,16}\Z")
_TEXT_LENGTH = 160
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class TooManySessions(Exception):  # reads as what happened
    """The account already has as many sessions on this surface as it may have."""


class Sessions:
    """All that the gateway does with sessions. One object per process; any number may share a store and a ring."""

    def __init__(self, store: SessionStore, ring: KeyRing, clock: Clock, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self._store = store
        self._ring = ring
        self._clock = clock
        self._keys = SessionKeys(ring)
        self._notices = Notices(store, ring, origin=secrets.token_hex(8))
        self._registry = Registry(store, ring, clock, self.policy, self._notices)
        self._grants = Grants(store, ring, clock, self.policy)
        self._posts = InterruptedPosts(store, ring, self.policy)

    async def start(
        self,
        *,
        surface: str,
        virtual_host: str,
        account: str,
        credential: Credential,
        device: str,
        address: str,
        cookieless: bool = False,
        replaces: str | None = None,
    ) -> Issued:
        """A new session with a new id and a new twin. Raises TooManySessions and StoreUnavailable.

        `replaces` is the session cookie the browser sent with its login, if any: that session ends, and a POST that
        it could not finish (see `keep_interrupted_post`) moves to the new one when the account is the same.
        """
        if not _SURFACE.match(surface):
            raise ValueError("a surface is named by 1 to 16 small letters")
        former = self._keys.read_cookie(replaces)
        if former is not None:
            await self._end_former(former, surface, virtual_host)
        now = self._clock.time()
        limits = self.policy.limits(surface, cookieless=cookieless)
        pair = self._keys.new_pair()
        session = Session(
            pair.uuid,
            surface,
            virtual_host,
            account,
            credential,
            now,
            now,
            _shown(device),
            _shown(address),
            cookieless,
            now + limits.absolute if limits.absolute else None,
            pair,
        )
        if not await self._registry.enlist(session, limits):
            raise TooManySessions
        keep = limits.absolute + limits.idle + self.policy.tombstone if limits.absolute else 0
        card = seal_card(self._ring, session, limits.idle)
        life = limits.idle or limits.absolute
        await self._store.create(pair.uuid, pair.name, seal_session(self._ring, session), card, idle=life, keep=keep)
        if former is not None:
            await self._posts.carry(former, session)
        return self._issue(session)

    async def open(
        self,
        session_key: str | None,
        cookie: str | None,
        *,
        surface: str,
        virtual_host: str,
        background: bool = False,
        device: str = "",
        address: str = "",
    ) -> Session | None:
        """The session of this pair, renewed unless `background`; None for every pair that opens none.

        One command to the store, and none at all when the session key is not ours. `device` and `address` are
        compared for cookieless sessions only.
        """
        pair = self._keys.read_both(session_key, cookie)
        if pair is None or session_key is None:
            return None
        bare = session_key.count(".") > 1
        session = await self._read(pair, surface, virtual_host, cookieless=bare, background=background)
        if session is None or session.cookieless != bare:
            return None
        if bare and not (session.device == _shown(device) and _network(session.address) == _network(address)):
            return None
        return session

    async def peek_cookie(self, cookie: str | None, *, surface: str, virtual_host: str) -> Session | None:
        """The session a cookie alone belongs to, not renewed: enough for a page that offers to resume, no more."""
        pair = self._keys.read_cookie(cookie)
        if pair is None:
            return None
        session = await self._read(pair, surface, virtual_host, cookieless=False, background=True)
        return None if session is None or session.cookieless else session

    async def resume(self, cookie: str | None, *, surface: str, virtual_host: str) -> Issued | None:
        """The session key for a cookie. Only for a same-origin POST: no GET may ever yield a session key."""
        session = await self.peek_cookie(cookie, surface=surface, virtual_host=virtual_host)
        return self._issue(session) if session else None

    async def rotate(
        self, session: Session, *, authenticated: bool = True, credential: Credential | None = None
    ) -> Issued | None:
        """The same session under a new twin: same id, same session key; the old pair is dead.

        After a second factor, a re-authentication, a change of password (then with the new `credential`).
        None when the session ended meanwhile: an ending always wins over a rotation.
        """
        pair = self._keys.new_twin(session.pair.id)
        rotated = replace(
            session,
            pair=pair,
            credential=credential or session.credential,
            authenticated=self._clock.time() if authenticated else session.authenticated,
        )
        limits = self.policy.limits(session.surface, cookieless=session.cookieless)
        record = seal_session(self._ring, rotated)
        life = limits.idle or self._remaining(session)
        if not await self._store.replace(session.uuid, session.pair.name, pair.name, record, idle=life):
            return None
        await self._posts.reseal(session, rotated)
        return self._issue(rotated)

    async def end(self, session: Session) -> bool:
        """Logout. False when it had ended already."""
        return await self._registry.end(session.account, session.uuid, Ending.LOGOUT)

    async def end_by_uuid(self, account: str, uuid: str) -> bool:
        """Kills one session of the account; False when the account has no such live session."""
        return await self._registry.end_listed(account, uuid)

    async def end_all(self, account: str, *, keep: str | None = None) -> int:
        """Kills all sessions of the account but the one with the uuid `keep`; how many lived."""
        return await self._registry.end_all(account, keep)

    async def note_error(self, session: Session, *, limit: int) -> bool:
        """Counts one wrong request of the session; True when that was one too many and the session was ended."""
        if await self._store.count_error(session.uuid, life=self.policy.tombstone) <= limit:
            return False
        return await self._registry.end(session.account, session.uuid, Ending.KILL)

    async def list(self, account: str) -> list[SessionInfo]:
        """The live sessions of the account, the latest started first."""
        return await self._registry.live(account)

    async def grant(self, session: Session, *, message: str) -> Grant | None:
        """A capability over one message for ten minutes, or None when the session ended meanwhile."""
        return await self._grants.grant(session, message)

    def capability(self, grant: Grant, *, part: str) -> str:
        """The URL token of a grant for one part (a section, `cid:` or a remote address) of its message."""
        return self._grants.token(grant, part)

    async def redeem(self, token: str) -> Redeemed | None:
        """What a token opens, while it is fresh and its session lives; None for every other token."""
        return await self._grants.redeem(token)

    async def keep_interrupted_post(
        self, session_key: str | None, cookie: str | None, *, page: str, content_type: str, body: bytes
    ) -> bool:
        """Keeps the POST that met a session ended by time. False when it may not be kept: ended otherwise, too big."""
        pair = self._keys.read_both(session_key, cookie)
        if pair is None or cookie is None:
            return False
        return await self._posts.keep(pair, InterruptedPost(page, content_type, body))

    async def hold_post(self, session: Session, *, page: str, content_type: str, body: bytes) -> bool:
        """Keeps a POST that came without its session key (from an error page), for the live session's confirmation."""
        return await self._posts.hold(session, InterruptedPost(page, content_type, body))

    async def offer_interrupted_post(self, session: Session) -> InterruptedPost | None:
        """The POST that waits for the user's confirmation in this session."""
        return await self._posts.offer(session, take=False)

    async def take_interrupted_post(self, session: Session) -> InterruptedPost | None:
        """The same, once: it is gone afterwards, confirmed or discarded."""
        return await self._posts.offer(session, take=True)

    def on_ended(self, callback: OnEnded) -> None:
        """Has `callback` awaited for every session that is ended, here or on another node (see `run`)."""
        self._notices.on_ended(callback)

    def on_gap(self, callback: Gap) -> None:
        """Has `callback` awaited when notices may have been missed: whoever holds a stream asks its session again."""
        self._notices.on_gap(callback)

    async def run(self) -> None:
        """Listens for endings on other nodes until cancelled, and comes back whenever the store does."""
        await self._notices.run()

    async def _read(
        self, pair: Pair, surface: str, virtual_host: str, *, cookieless: bool, background: bool
    ) -> Session | None:
        renew = 0 if background else self.policy.limits(surface, cookieless=cookieless).idle
        blob = await self._store.read(pair.uuid, pair.name, renew=renew)
        if blob is None:
            return None
        try:
            session = unseal_session(self._ring, blob, pair, surface=surface, virtual_host=virtual_host)
        except SealError:
            # Fails closed: a record of another surface or host, or one that was tampered with.
            return None
        if session.expires is not None and self._clock.time() >= session.expires:
            await self._store.expire(pair.uuid, pair.name)
            return None
        return session

    async def _end_former(self, former: Pair, surface: str, virtual_host: str) -> None:
        """Ends the session that the browser had, if its twin is right; a dead one is left as it is."""
        blob = await self._store.read(former.uuid, former.name, renew=0)
        if blob is None:
            return
        try:
            session = unseal_session(self._ring, blob, former, surface=surface, virtual_host=virtual_host)
        except SealError:
            # Fails closed: one of another surface or host ends all the same.
            await self._registry.end_known(former.uuid, Ending.LOGOUT)
        else:
            await self.end(session)

    def _remaining(self, session: Session) -> int:
        return max(1, int(session.expires - self._clock.time()) + 1) if session.expires is not None else 0

    def _issue(self, session: Session) -> Issued:
        key = self._keys.session_key(session.pair, cookieless=session.cookieless)
        return Issued(key, "" if session.cookieless else session.pair.cookie, session)


def _shown(text: str) -> str:
    return _CONTROL.sub(" ", text)[:_TEXT_LENGTH]


def _network(address: str) -> str:
    return network_of(address, ipv4=24, ipv6=48)
