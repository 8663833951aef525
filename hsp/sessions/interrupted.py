"""The POST that met a session ended by time: kept for its author, offered once more after the next login.

Promises:
- Sealed by the old twin, then, once the same account has logged in from the same browser, by the new one.
- Only a session that ran out of time keeps its POST; after a logout or a kill nothing is kept and nothing is offered.
- One POST per session, at most 1 MB, for 24 hours, taken once.
"""

import json
from dataclasses import dataclass, field

from hsp.foundation.sealing import KeyRing, SealError, pack, unpack
from hsp.sessions.keys import Pair
from hsp.sessions.policy import Policy
from hsp.sessions.records import Session, unseal_card
from hsp.sessions.store import SessionStore

_PURPOSE = "interrupted post"


@dataclass(frozen=True, slots=True)
class InterruptedPost:
    """A form as it came: the page it was for, its content type and its body."""

    page: str
    content_type: str
    body: bytes = field(repr=False)


class InterruptedPosts:
    """Keeps, moves and offers interrupted POSTs."""

    def __init__(self, store: SessionStore, ring: KeyRing, policy: Policy) -> None:
        self._store = store
        self._ring = ring
        self._policy = policy

    async def keep(self, pair: Pair, post: InterruptedPost) -> bool:
        """Keeps a POST with the session that ended by time; False for any other session, and for a POST too big."""
        if len(post.body) > self._policy.interrupted_post_size:
            return False
        sealed = self._seal(pair, post)
        return await self._store.keep_post(pair.uuid, pair.name, sealed, life=self._policy.interrupted_post)

    async def hold(self, session: Session, post: InterruptedPost) -> bool:
        """Keeps a POST with a session that lives; False when it does not, or the POST is too big."""
        return len(post.body) <= self._policy.interrupted_post_size and await self._put(session, post)

    async def carry(self, former: Pair, session: Session) -> bool:
        """Moves the POST kept under the former pair to a new session of the same account, surface and host."""
        kept = await self._store.post(former.uuid, take=False)
        if kept is None:
            return False
        post = self._unseal(former, kept.sealed)
        if post is None or not self._same_author(former, kept.card, session):
            return False
        if not await self._put(session, post):
            return False
        await self._store.post(former.uuid, take=True)
        return True

    async def offer(self, session: Session, *, take: bool) -> InterruptedPost | None:
        """The POST that waits in this session."""
        kept = await self._store.post(session.uuid, take=take)
        return self._unseal(session.pair, kept.sealed) if kept else None

    async def reseal(self, session: Session, rotated: Session) -> None:
        """Moves the waiting POST from the old twin to the new one."""
        kept = await self._store.post(session.uuid, take=False)
        post = self._unseal(session.pair, kept.sealed) if kept else None
        if post is not None:
            await self._put(rotated, post)

    async def _put(self, session: Session, post: InterruptedPost) -> bool:
        pair = session.pair
        sealed = self._seal(pair, post)
        return await self._store.put_post(pair.uuid, pair.name, sealed, life=self._policy.interrupted_post)

    def _same_author(self, former: Pair, card: bytes, session: Session) -> bool:
        try:
            author = unseal_card(self._ring, card, former.uuid)
        except SealError:
            # Fails closed: without a true card nobody is the author.
            return False
        told = (author.account, author.surface, author.virtual_host)
        return told == (session.account, session.surface, session.virtual_host)

    def _seal(self, pair: Pair, post: InterruptedPost) -> bytes:
        head = json.dumps([post.page, post.content_type]).encode()
        return self._ring.seal_with(
            pair.ring_key, _PURPOSE, pack(head, post.body), aad=pack(pair.uuid), secret=pair.secret
        )

    def _unseal(self, pair: Pair, sealed: bytes) -> InterruptedPost | None:
        try:
            plain = self._ring.unseal(_PURPOSE, sealed, aad=pack(pair.uuid), secret=pair.secret)
        except SealError:
            # Fails closed: sealed by another twin.
            return None
        head, body = unpack(plain)
        page, content_type = json.loads(head)
        return InterruptedPost(page, content_type, body)
