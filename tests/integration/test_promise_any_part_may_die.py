"""Promise 6: a node, a Redis or a mail server may die at any moment.

No draft is lost, no mail is sent twice by itself, no user sees another's data. Each test takes one part away in the
middle of a user's work, brings it back, and counts at the far end: what the sink got, what the mailbox holds.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from random import Random

import pytest

from hsp.foundation.sealing import KeyRing
from tests.support.dovecot import DovecotServer, make_dovecot
from tests.support.gateway import Browser, Reply, World
from tests.support.letters import letter
from tests.support.mail_world import contents
from tests.support.nodes import deliver, eventually, node
from tests.support.redis_server import RedisServer
from tests.support.smtp_sink import SmtpSink

pytestmark = pytest.mark.anyio

LETTER = {"do": "send", "to": "x@example.org", "subject": "Once and only once", "text": "Sent once.\n", "key": "form-1"}
DRAFT = {**LETTER, "do": "save", "subject": "Never lost"}


class Estate:
    """What survives a gateway: its folder, its ring, and the servers around it."""

    def __init__(self, redis: RedisServer, dovecot: DovecotServer, sink: SmtpSink, folder: Path) -> None:
        self.redis, self.dovecot, self.sink, self.folder = redis, dovecot, sink, folder
        self.ring = KeyRing.generate()

    def node(self, **webmail: int) -> AbstractAsyncContextManager[World]:
        """One more gateway of this estate."""
        return node(self.redis, self.dovecot, self.sink, self.folder, ring=self.ring, **webmail)

    def mails(self, account: str, folder: str) -> list[bytes]:
        return [message for _, message in contents(self.dovecot.imap_port, account, folder)]


@pytest.fixture
def estate(own_redis_server: RedisServer, own_dovecot: DovecotServer, smtp_sink: SmtpSink, tmp_path: Path) -> Estate:
    return Estate(own_redis_server, own_dovecot, smtp_sink, tmp_path)


@pytest.fixture(scope="module")
def mortal_dovecot() -> Iterator[DovecotServer]:
    yield from make_dovecot()


@pytest.fixture
def own_dovecot(mortal_dovecot: DovecotServer) -> Iterator[DovecotServer]:
    """A mail server that tests may kill; it is up again for the next one."""
    yield mortal_dovecot
    mortal_dovecot.restart()


@pytest.fixture
async def world(estate: Estate) -> AsyncIterator[World]:
    async with estate.node() as world:
        yield world


def clear(reply: Reply) -> bool:
    """An answer that is a page of ours: what was asked for, or a sentence about what is away."""
    if reply.status in {200, 303}:
        return True
    return reply.status in {502, 503} and int(reply["retry-after"] or 1) > 0 and "The mistake is ours" not in reply.text


# A gateway dies


async def test_a_gateway_that_dies_between_accepting_and_sending_loses_nothing_and_sends_once(estate: Estate) -> None:
    account = estate.dovecot.new_user()
    async with AsyncExitStack() as first:
        world = await first.enter_async_context(estate.node(send_mail_delay=10))
        browser = await world.browser().log_in(account)
        assert "sent=" in (await browser.post("/compose.hsp", LETTER))["location"]
        pair = browser.pair
        await killed(world)
    assert estate.sink.messages == []
    async with estate.node() as second:
        second.clock.advance(120)
        back = second.browser(pair=pair)
        page = await back.get("/outbox.hsp")
        assert page.status == 200, "the session outlived the gateway"
        assert LETTER["subject"] in page.text
        await eventually(lambda: len(estate.sink.messages) == 1, "the mail is sent when its writer is back")
        for _ in range(3):
            await back.get("/mail.hsp")
            await back.get("/outbox.hsp")
        await second.gateway.outbox.settled()
        assert len(estate.sink.messages) == 1
        await eventually(lambda: len(estate.mails(account, "Sent")) == 1, "a copy is in Sent")


async def killed(world: World) -> None:
    """What a KILL leaves: nothing is finished, written or handed back; only the operating system cleans up."""
    sender = world.gateway.outbox._sender

    async def nothing(_grace: float) -> None:
        return None

    for loop in [task for task in asyncio.all_tasks() if task.get_name() == "hsp outbox"]:
        loop.cancel()
    for sending in list(sender._tasks.values()):
        sending.cancel()
    await asyncio.gather(*sender._tasks.values(), return_exceptions=True)
    sender.close = nothing  # type: ignore[method-assign]  # a killed process gives no lease back


async def test_a_gateway_that_dies_while_the_server_has_the_mail_never_sends_it_again(estate: Estate) -> None:
    account = estate.dovecot.new_user()
    estate.sink.hang = "content"
    async with AsyncExitStack() as first:
        world = await first.enter_async_context(estate.node())
        browser = await world.browser().log_in(account)
        await browser.post("/compose.hsp", LETTER)
        await eventually(lambda: len(estate.sink.messages) == 1, "the server has the mail, and says nothing")
        pair = browser.pair
        await killed(world)
    estate.sink.hang = ""
    async with estate.node() as second:
        second.clock.advance(86_400)
        back = second.browser(pair=pair)
        if (await back.get("/outbox.hsp")).status != 200:
            await back.log_in(account)

        async def told() -> bool:
            return "It may have arrived" in (await back.get("/outbox.hsp")).text

        await eventually(told, "the outbox says that the outcome is not known")
        await second.gateway.outbox.settled()
    assert len(estate.sink.messages) == 1


async def test_a_double_click_across_two_nodes_makes_one_mail(estate: Estate) -> None:
    account = estate.dovecot.new_user()
    async with estate.node() as first:
        async with estate.node() as second:
            browser = await first.browser().log_in(account)
            other = second.browser(pair=browser.pair)
            replies = await asyncio.gather(
                *[one.post("/compose.hsp", LETTER) for one in (browser, other, browser, other)]
            )
            assert {reply.status for reply in replies} == {303}
            await eventually(lambda: len(estate.sink.messages) >= 1, "the mail is sent")
            await first.gateway.outbox.settled()
            await second.gateway.outbox.settled()
    assert len(estate.sink.messages) == 1


# Redis dies


async def test_redis_killed_in_the_middle_of_requests_leaves_every_form_with_its_writer(
    estate: Estate, world: World
) -> None:
    account = estate.dovecot.new_user()
    browser = await world.browser().log_in(account)
    requests = [
        asyncio.create_task(browser.world.browser(pair=browser.pair).post("/compose.hsp", {**DRAFT, "key": str(n)}))
        for n in range(12)
    ]
    await asyncio.sleep(0)
    estate.redis.kill()
    replies = await asyncio.gather(*requests)
    saved = sum(reply.status == 303 for reply in replies)
    for reply in replies:
        assert clear(reply), (reply.status, reply.text[:500])
        assert reply.status == 303 or f'value="{DRAFT["subject"]}"' in reply.text
    assert len(estate.mails(account, "Drafts")) == saved, "what was said to be saved is there, and nothing else"
    estate.redis.start()
    again = await world.browser().log_in(account)
    assert (await again.post("/compose.hsp", DRAFT)).status == 303
    assert len(estate.mails(account, "Drafts")) == saved + 1


async def test_redis_that_is_silent_costs_a_503_and_no_session(estate: Estate, world: World) -> None:
    browser = await world.browser().log_in(estate.dovecot.new_user())
    estate.redis.pause()
    reply = await browser.post("/compose.hsp", DRAFT)
    assert (reply.status, int(reply["retry-after"]) > 0) == (503, True)
    assert f'value="{DRAFT["subject"]}"' in reply.text
    estate.redis.resume()

    async def back() -> bool:
        return (await browser.get("/mail.hsp")).status == 200

    await eventually(back, "the same session goes on")
    assert (await browser.post("/compose.hsp", DRAFT)).status == 303


async def test_mail_that_waits_is_sent_while_redis_is_dead(estate: Estate, world: World) -> None:
    browser = await world.browser().log_in(estate.dovecot.new_user())
    await browser.post("/compose.hsp", {**LETTER})
    estate.redis.kill()
    await eventually(lambda: len(estate.sink.messages) == 1, "the outbox does not need Redis")


# The mail server dies


async def test_a_mail_server_killed_in_the_middle_of_requests_loses_no_draft(estate: Estate, world: World) -> None:
    account = estate.dovecot.new_user()
    browser = await world.browser().log_in(account)
    requests = [
        asyncio.create_task(browser.world.browser(pair=browser.pair).post("/compose.hsp", {**DRAFT, "key": str(n)}))
        for n in range(12)
    ]
    for _ in range(20):
        await asyncio.sleep(0)
    await asyncio.to_thread(estate.dovecot.kill)
    replies = await asyncio.gather(*requests)
    said = sum(reply.status == 303 for reply in replies)
    for reply in replies:
        assert clear(reply), (reply.status, reply.text[:500])
        assert reply.status == 303 or f'value="{DRAFT["subject"]}"' in reply.text, "the form comes back filled in"
    shown = await browser.get("/compose.hsp")
    assert shown.status == 200, "one can go on writing without a mail server"
    estate.dovecot.start()
    assert (await browser.get("/mail.hsp")).status == 200, "the session goes on"
    assert len(estate.mails(account, "Drafts")) >= said, "what was said to be saved is there"
    assert (await browser.post("/compose.hsp", DRAFT)).status == 303


async def test_a_mail_is_sent_once_though_the_mailbox_server_is_dead_and_its_copy_follows(
    estate: Estate, world: World
) -> None:
    account = estate.dovecot.new_user()
    browser = await world.browser().log_in(account)
    estate.dovecot.kill()
    reply = await browser.post("/compose.hsp", LETTER)
    assert reply.status == 303, reply.text
    await eventually(lambda: len(estate.sink.messages) == 1, "SMTP is another server")
    estate.dovecot.start()

    async def copied() -> bool:
        world.clock.advance(61)
        await browser.get("/mail.hsp")
        return len(estate.mails(account, "Sent")) == 1

    await eventually(copied, "the copy is saved when the server is back")
    assert len(estate.sink.messages) == 1


# Whatever dies, nobody sees another's mail


class Crowd:
    """Users who each read one mail of their own, and whom nobody may see."""

    def __init__(self, world: World, users: dict[str, str]) -> None:
        self.world, self.users = world, users
        self.browsers: dict[str, Browser] = {}
        self.random = Random(6)
        self.own_mail_seen = 0

    async def look(self, account: str) -> None:
        browser = self.world.browser(pair=self.browsers[account].pair)
        reply = await browser.get(self.random.choice(["/mail.hsp", "/", "/sessions.hsp"]))
        for other, secret in self.users.items():
            assert other == account or (secret not in reply.text and other not in reply.text)
        self.own_mail_seen += self.users[account] in reply.text

    async def all_look(self) -> None:
        """Everybody three times at once; half of the requests are broken off somewhere on their way."""
        tasks = [asyncio.create_task(self.look(account)) for account in self.users for _ in range(3)]
        for task in self.random.sample(tasks, len(tasks) // 2):
            for _ in range(self.random.randrange(8)):
                await asyncio.sleep(0)
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [answer for answer in answers if isinstance(answer, Exception)] == []


async def test_sc20_while_everything_dies_nobody_sees_anothers_mail(estate: Estate, world: World) -> None:
    """Twelve users read their own mail while the servers go and come."""
    crowd = Crowd(world, {estate.dovecot.new_user(): f"secret-of-{number}-only" for number in range(12)})
    for account, secret in crowd.users.items():
        deliver(estate.dovecot, account, letter(secret, text=f"{secret}\n"))
        crowd.browsers[account] = await world.browser().log_in(account)
    await crowd.all_look()
    looking = asyncio.create_task(crowd.all_look())
    await asyncio.to_thread(estate.dovecot.restart)
    await looking
    estate.redis.pause()
    await crowd.all_look()
    estate.redis.resume()
    await crowd.all_look()
    assert crowd.own_mail_seen > 0
    for account, browser in crowd.browsers.items():

        async def reads(account: str = account, browser: Browser = browser) -> bool:
            reply = await browser.get("/mail.hsp")
            return reply.status == 200 and crowd.users[account] in reply.text

        await eventually(reads, f"{account} reads its own mail again")
