"""Promise 4: logout, log-out-everywhere and a kill take effect on every node at once, upstream connections included.

Two gateways share one Redis, one ring and one database. That a dead pair opens nothing is asserted with the very next
request; that connections are closed, on both nodes and at the mail server, as the event that must follow.
"""

import re
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
from redis.asyncio import Redis

from hsp.foundation.sealing import KeyRing
from tests.support.dovecot import DovecotServer
from tests.support.gateway import Browser, Reply, World
from tests.support.mail_world import contents
from tests.support.nodes import eventually, node
from tests.support.redis_server import RedisServer
from tests.support.smtp_sink import SmtpSink

pytestmark = pytest.mark.anyio


@dataclass
class Cluster:
    """Two nodes, and the mail server behind both."""

    first: World
    second: World
    dovecot: DovecotServer

    @property
    def nodes(self) -> tuple[World, World]:
        return self.first, self.second

    async def log_in(self, account: str) -> Browser:
        """A browser whose session has mail connections on both nodes."""
        browser = await self.first.browser().log_in(account)
        for world in self.nodes:
            assert (await on(world, browser)).status == 200
        return browser

    def upstream(self, account: str) -> int:
        """Connections of the account, as the mail server counts them."""
        call = ["doveadm", "-c", str(self.dovecot.root / "dovecot.conf"), "who", "-1"]
        said = subprocess.run(call, capture_output=True, text=True, timeout=20, check=True).stdout
        return sum(line.split()[:2] == [account, "imap"] for line in said.splitlines())

    async def all_closed(self, account: str) -> None:
        await eventually(lambda: self.upstream(account) == 0, f"{account} has no connection left at the mail server")


async def on(world: World, browser: Browser, target: str = "/mail.hsp") -> Reply:
    """The same browser, its request answered by another node."""
    elsewhere = world.browser(pair=browser.pair)
    elsewhere.agent = browser.agent
    return await elsewhere.get(target)


@pytest.fixture
async def cluster(
    own_redis_server: RedisServer, dovecot: DovecotServer, smtp_sink: SmtpSink, tmp_path: Path
) -> AsyncIterator[Cluster]:
    ring = KeyRing.generate()
    async with node(own_redis_server, dovecot, smtp_sink, tmp_path, ring=ring) as first:
        async with node(own_redis_server, dovecot, smtp_sink, tmp_path, ring=ring, clock=first.clock) as second:
            await listening(own_redis_server, 2)
            yield Cluster(first, second, dovecot)


async def listening(server: RedisServer, number: int) -> None:
    """Wait until so many nodes hear of endings."""
    async with Redis.from_url(server.url) as redis:

        async def all_hear() -> bool:
            return sum(count for _, count in await redis.pubsub_numsub("zones:ended")) >= number

        await eventually(all_hear, "the nodes listen")


async def by_logout(cluster: Cluster, browser: Browser, account: str) -> None:
    assert (await browser.post("/", {"action": "logout"})).status == 303


async def by_the_page_of_another_session(cluster: Cluster, browser: Browser, account: str) -> None:
    other = await cluster.second.browser().log_in(account)
    assert (await other.post("/sessions.hsp", {"do": "others"})).status == 303
    assert (await other.post("/", {"action": "logout"})).status == 303


async def by_one_row_of_the_page(cluster: Cluster, browser: Browser, account: str) -> None:
    other = await cluster.second.browser().log_in(account)
    (uuid,) = re.findall(r'name="uuid" value="([^"]+)"', (await other.get("/sessions.hsp")).text)
    assert (await other.post("/sessions.hsp", {"do": "end", "uuid": uuid})).status == 303
    assert (await other.post("/", {"action": "logout"})).status == 303


async def by_an_admins_kill(cluster: Cluster, browser: Browser, account: str) -> None:
    assert await cluster.second.gateway.sessions.end_all(account) == 1


Ending = Callable[[Cluster, Browser, str], Awaitable[None]]


@pytest.mark.parametrize(
    "end",
    [by_logout, by_the_page_of_another_session, by_one_row_of_the_page, by_an_admins_kill],
    ids=lambda f: f.__name__,
)
async def test_an_ended_session_is_dead_on_every_node_with_its_connections(cluster: Cluster, end: Ending) -> None:
    account = cluster.dovecot.new_user()
    browser = await cluster.log_in(account)
    pair = browser.pair
    assert cluster.upstream(account) >= 2, "both nodes are connected"
    await end(cluster, browser, account)
    for world in cluster.nodes:
        reply = await world.browser(pair=pair).get("/mail.hsp")
        assert reply.status == 303
        assert reply["location"].startswith("/?m=2")
        offered = await world.browser(pair=pair).get("/")
        assert account not in offered.text, "nothing to resume either"
    await cluster.all_closed(account)
    for world in cluster.nodes:
        assert world.gateway.mail.pool.open_connections == 0


async def test_ending_the_others_leaves_the_own_session_and_other_accounts_alone(cluster: Cluster) -> None:
    account, stranger = cluster.dovecot.new_user(), cluster.dovecot.new_user()
    others = [await cluster.log_in(account) for _ in range(3)]
    own, foreign = await cluster.log_in(account), await cluster.log_in(stranger)
    assert (await own.post("/sessions.hsp", {"do": "others"})).status == 303
    for world in cluster.nodes:
        for browser in others:
            assert (await on(world, browser)).status == 303
        assert (await on(world, own)).status == 200
        assert (await on(world, foreign)).status == 200
    assert cluster.upstream(account) >= 1
    assert cluster.upstream(stranger) >= 2


async def test_a_kill_closes_the_picture_links_too(cluster: Cluster) -> None:
    account = cluster.dovecot.new_user()
    browser = await cluster.log_in(account)
    sessions = cluster.first.gateway.sessions
    session = await sessions.open(browser.key, browser.pair.cookie, surface="webmail", virtual_host="")
    assert session is not None
    grant = await sessions.grant(session, message="x")
    assert grant is not None
    token = sessions.capability(grant, part="1")
    assert await cluster.second.gateway.sessions.redeem(token) is not None
    await cluster.second.gateway.sessions.end_all(account)
    for world in cluster.nodes:
        assert (await world.raw("GET", f"/capability/{token}".encode(), {"host": "mail.test"})).status == 403


async def without_news(server: RedisServer, work: Awaitable[object]) -> None:
    """Do `work` at the moment in which no node listens."""
    async with Redis.from_url(server.url) as redis:
        await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await work
    await listening(server, 2)


async def test_a_node_that_missed_the_news_catches_up(cluster: Cluster, own_redis_server: RedisServer) -> None:
    """Pub/sub forgets: a node whose connection broke at the wrong moment must still let go of the mail server."""
    account, stranger = cluster.dovecot.new_user(), cluster.dovecot.new_user()
    browser, other = await cluster.log_in(account), await cluster.log_in(stranger)
    await without_news(own_redis_server, cluster.second.gateway.sessions.end_all(account))
    for world in cluster.nodes:
        assert (await world.browser(pair=browser.pair).get("/mail.hsp")).status == 303
    await cluster.all_closed(account)
    for world in cluster.nodes:
        assert (await on(world, other)).status == 200
    assert cluster.upstream(stranger) >= 2


async def test_catching_up_does_not_stop_a_mail_on_its_way(cluster: Cluster, own_redis_server: RedisServer) -> None:
    account = cluster.dovecot.new_user()
    browser = await cluster.log_in(account)
    answered = Event()
    cluster.first.sink.deliver = lambda _: answered.wait(30)  # type: ignore[method-assign,assignment]  # a slow server
    form = {"do": "send", "to": "x@example.org", "subject": "On its way", "text": "Go.", "key": "1"}
    assert (await browser.post("/compose.hsp", form)).status == 303
    await eventually(lambda: len(cluster.first.sink.messages) == 1, "the server has the mail")
    await without_news(own_redis_server, cluster.second.gateway.sessions.end_all(account))
    await cluster.all_closed(account)
    answered.set()
    await cluster.first.gateway.outbox.settled()
    saved = contents(cluster.dovecot.imap_port, account, "Sent")
    assert len(saved) == 1, "the copy is in Sent although its writer was logged out"
    await cluster.all_closed(account)
