"""Sessions in Redis or Valkey.

Promises:
- Every key of one session carries its uuid as hash tag, so each step is one script in one slot.
- Opening a session is exactly one command (GETEX, or GET when it must not be renewed).
- Fails closed: when Redis does not answer within the time allowed, callers get StoreUnavailable.
"""

import re
from collections.abc import AsyncGenerator, Collection
from typing import cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from hsp.foundation.redis import Answer, StoreUnavailable, within
from hsp.sessions import scripts
from hsp.sessions.joined_reads import JoinedReads
from hsp.sessions.store import Ending, KeptPost, Listed, Notice

_NAMESPACE = re.compile(r"[A-Za-z0-9_.:-]{0,64}\Z")
_ORIGIN_LENGTH = 16
_UUID_LENGTH = 32


class RedisSessionStore:
    """The session store over one client. `timeout` bounds each call in seconds, waiting for a connection included.

    `replicas` is how many replicas must have taken an ending before `end` returns (WAIT); 0 with a single server.
    A listener that heard nothing for `silence` seconds asks whether the server is still there.
    """

    def __init__(
        self, client: Redis, *, namespace: str = "hsp:", timeout: float = 2.0, replicas: int = 0, silence: float = 10.0
    ) -> None:
        if not _NAMESPACE.match(namespace):
            raise ValueError("a namespace is at most 64 letters, digits and _.:-")
        self._client = client
        self._namespace = namespace
        self._timeout = timeout
        self._replicas = replicas
        self._silence = silence
        self._channel = f"{namespace}ended"
        self._reads = JoinedReads(client, timeout)
        self._create = client.register_script(scripts.CREATE)
        self._replace = client.register_script(scripts.REPLACE)
        self._end = client.register_script(scripts.END)
        self._look = client.register_script(scripts.LOOK)
        self._grant = client.register_script(scripts.GRANT)
        self._redeem = client.register_script(scripts.REDEEM)
        self._keep_post = client.register_script(scripts.KEEP_POST)
        self._post = client.register_script(scripts.POST)
        self._forget = client.register_script(scripts.FORGET)
        self._enlist = client.register_script(scripts.ENLIST)

    async def enlist(
        self, index: str, member: str, *, now: float, limit: int, keep: int, dead: Collection[str] = ()
    ) -> bool:
        """Adds `member` to an account's index unless the limit is reached."""
        return bool(await self._run(self._enlist([self._index(index)], [member, now, limit, _ms(keep), *dead])))

    async def delist(self, index: str, *members: str) -> None:
        """Takes members out of an account's index."""
        if members:
            await self._run(self._client.zrem(self._index(index), *members))

    async def members(self, index: str) -> list[tuple[str, float]]:
        """The members of an account's index, the oldest first."""
        found = await self._run(self._client.zrange(self._index(index), 0, -1, withscores=True))
        return [(member.decode("ascii", "replace"), float(added)) for member, added in found]

    async def create(self, uuid: str, name: str, record: bytes, card: bytes, *, idle: int, keep: int) -> bool:
        """Writes a new session; False when its uuid was ended before it began."""
        head = b"l" + name.encode() + card
        keys = [self._key(uuid, "h"), self._record(uuid, name)]
        return bool(await self._run(self._create(keys, [record, head, _ms(idle), _ms(keep)])))

    async def read(self, uuid: str, name: str, *, renew: int) -> bytes | None:
        """The record of that name, in one command."""
        return await self._reads.read(self._record(uuid, name), renew=renew)

    async def replace(self, uuid: str, old: str, new: str, record: bytes, *, idle: int) -> bool:
        """Puts the record under a new name, unless the session ended or changed meanwhile."""
        keys = [self._key(uuid, "h"), self._record(uuid, old), self._record(uuid, new)]
        return bool(await self._run(self._replace(keys, [old, new, record, _ms(idle)])))

    async def expire(self, uuid: str, name: str) -> None:
        """Drops a record whose time is over."""
        await self._run(self._client.delete(self._record(uuid, name)))

    async def end(self, uuid: str, ending: Ending, *, keep: int, origin: str) -> bytes | None:
        """Ends the session on all nodes; its card, or None when it did not live."""
        keys = [self._key(uuid, "h"), self._key(uuid, "gs"), self._key(uuid, "p")]
        arguments = [self._key(uuid, ""), ending.value, _ms(keep), self._channel, origin + uuid]
        card = cast("bytes | None", await self._run(self._end(keys, arguments)))
        if self._replicas:
            await self._run(self._client.wait(self._replicas, int(self._timeout * 500)))
        return card

    async def look(self, uuid: str) -> Listed | None:
        """The session if it lives."""
        found = await self._run(self._look([self._key(uuid, "h")], [self._key(uuid, "")]))
        if not found:
            return None
        card, left = found
        return Listed(uuid, card, left / 1000 if left >= 0 else None)

    async def forget(self, uuid: str, *, keep: int) -> bool:
        """Whether nothing of the session is left to list."""
        return bool(await self._run(self._forget([self._key(uuid, "h")], [self._key(uuid, ""), _ms(keep)])))

    async def count_error(self, uuid: str, *, life: int) -> int:
        """Counts one wrong request, in a key of its own beside the session."""
        key = self._key(uuid, "e")
        pipe = self._client.pipeline(transaction=True)
        pipe.incr(key)
        pipe.pexpire(key, _ms(life), nx=True)
        return int((await self._run(pipe.execute()))[0])

    async def grant(self, uuid: str, name: str, grant: str, sealed: bytes, *, life: int, now: float) -> bool:
        """Keeps a capability's record while the session lives."""
        keys = [self._key(uuid, "h"), self._key(uuid, "gs"), self._key(uuid, f"g:{grant}")]
        arguments: list[str | bytes | int] = [self._key(uuid, ""), name, grant, sealed, _ms(life), _ms(now)]
        return bool(await self._run(self._grant(keys, arguments)))

    async def redeem(self, uuid: str, grant: str) -> bytes | None:
        """A capability's record, while its session lives."""
        keys = [self._key(uuid, "h"), self._key(uuid, f"g:{grant}")]
        return cast("bytes | None", await self._run(self._redeem(keys, [self._key(uuid, "")])))

    async def keep_post(self, uuid: str, name: str, sealed: bytes, *, life: int) -> bool:
        """Keeps one POST of a session that ended by time."""
        return await self._post_beside(uuid, name, sealed, life, records=0)

    async def put_post(self, uuid: str, name: str, sealed: bytes, *, life: int) -> bool:
        """Keeps one POST with a live session."""
        return await self._post_beside(uuid, name, sealed, life, records=1)

    async def post(self, uuid: str, *, take: bool) -> KeptPost | None:
        """The kept POST; with `take` it is gone afterwards."""
        found = await self._run(self._post([self._key(uuid, "h"), self._key(uuid, "p")], [int(take)]))
        return KeptPost(*found) if found else None

    async def notices(self) -> AsyncGenerator[Notice | None, None]:
        """Notices from all nodes, for as long as the connection lasts; None each time that it listens (again)."""
        pubsub = self._client.pubsub()
        try:
            await within(self._timeout, pubsub.subscribe(self._channel))
            while True:
                message = await self._next(pubsub)
                if message["type"] == "subscribe":
                    yield None
                elif message["type"] == "message":
                    yield _notice(message["data"])
        except (RedisError, OSError) as error:
            # Fails closed for the listener: it learns that notices may have been missed, and starts anew.
            raise StoreUnavailable(type(error).__name__) from error
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]  # untyped in redis-py

    async def _next(self, pubsub: PubSub) -> dict[str, Answer]:
        """The next message. A connection that is silent is asked for a sign of life: a dead one looks just the same."""
        message: dict[str, Answer] | None = await pubsub.get_message(timeout=self._silence)
        if message is None:
            await within(self._timeout, pubsub.ping())
            message = await pubsub.get_message(timeout=self._timeout)
        if message is None:
            raise StoreUnavailable("silence")
        return message

    async def _post_beside(self, uuid: str, name: str, sealed: bytes, life: int, *, records: int) -> bool:
        keys = [self._key(uuid, "h"), self._key(uuid, "p")]
        return bool(await self._run(self._keep_post(keys, [self._key(uuid, ""), name, sealed, _ms(life), records])))

    async def _run(self, answer: Answer) -> Answer:
        return await within(self._timeout, answer)

    def _key(self, uuid: str, rest: str) -> str:
        return f"{self._namespace}{{{uuid}}}:{rest}"

    def _record(self, uuid: str, name: str) -> str:
        return f"{self._namespace}{{{uuid}}}:s:{name}"

    def _index(self, index: str) -> str:
        return f"{self._namespace}{{a:{index}}}:i"


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _notice(data: bytes) -> Notice:
    end = _ORIGIN_LENGTH + _UUID_LENGTH
    front = data[:end].decode("ascii", "replace")
    return Notice(front[:_ORIGIN_LENGTH], front[_ORIGIN_LENGTH:], data[end:])
