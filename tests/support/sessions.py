"""Sessions for tests: one account logged in from one browser, unless a test says otherwise."""

from collections.abc import AsyncGenerator, Collection
from typing import Any, NoReturn

from hsp.foundation.sealing import KeyRing
from hsp.protocols.credentials import Credential
from hsp.sessions import Ending, Issued, Policy, RedisSessionStore, Session, Sessions
from hsp.sessions.store import KeptPost, Listed, Notice
from tests.support.clock import ManualClock

HOST = "mail.example.com"
ALICE = "alice@demo.test"
BOB = "bob@demo.test"
PASSWORD = "correct horse battery staple"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def make_sessions(
    redis: Any, *, ring: KeyRing | None = None, clock: ManualClock | None = None, policy: Policy | None = None
) -> Sessions:
    """Sessions as one node has them. Nodes share `ring` and `redis`."""
    return Sessions(RedisSessionStore(redis), ring or KeyRing.generate(), clock or ManualClock(), policy)


async def log_in(sessions: Sessions, account: str = ALICE, **different: Any) -> Issued:
    """What a successful login does."""
    usual = {
        "surface": "webmail",
        "virtual_host": HOST,
        "account": account,
        "credential": Credential("password", account, PASSWORD),
        "device": FIREFOX,
        "address": "192.0.2.7",
    }
    return await sessions.start(**(usual | different))


async def enter(
    sessions: Sessions, issued: Issued, *, surface: str = "webmail", virtual_host: str = HOST, **more: Any
) -> Session | None:
    """A request with the pair as it was issued."""
    return await sessions.open(issued.session_key, issued.cookie, surface=surface, virtual_host=virtual_host, **more)


class UntouchedStore:
    """A store that must not be asked: the test fails when it is."""

    def _touched(self) -> NoReturn:
        raise AssertionError("the store was asked")

    async def enlist(
        self, index: str, member: str, *, now: float, limit: int, keep: int, dead: Collection[str] = ()
    ) -> bool:
        self._touched()

    async def delist(self, index: str, *members: str) -> None:
        self._touched()

    async def members(self, index: str) -> list[tuple[str, float]]:
        self._touched()

    async def create(self, uuid: str, name: str, record: bytes, card: bytes, *, idle: int, keep: int) -> bool:
        self._touched()

    async def read(self, uuid: str, name: str, *, renew: int) -> bytes | None:
        self._touched()

    async def replace(self, uuid: str, old: str, new: str, record: bytes, *, idle: int) -> bool:
        self._touched()

    async def expire(self, uuid: str, name: str) -> None:
        self._touched()

    async def end(self, uuid: str, ending: Ending, *, keep: int, origin: str) -> bytes | None:
        self._touched()

    async def look(self, uuid: str) -> Listed | None:
        self._touched()

    async def forget(self, uuid: str, *, keep: int) -> bool:
        self._touched()

    async def grant(self, uuid: str, name: str, grant: str, sealed: bytes, *, life: int, now: float) -> bool:
        self._touched()

    async def redeem(self, uuid: str, grant: str) -> bytes | None:
        self._touched()

    async def keep_post(self, uuid: str, name: str, sealed: bytes, *, life: int) -> bool:
        self._touched()

    async def put_post(self, uuid: str, name: str, sealed: bytes, *, life: int) -> bool:
        self._touched()

    async def post(self, uuid: str, *, take: bool) -> KeptPost | None:
        self._touched()

    def notices(self) -> AsyncGenerator[Notice | None, None]:
        self._touched()
