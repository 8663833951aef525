"""The pool under cancellation, crowds and dying servers, on a real Dovecot."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hsp.foundation.clock import SystemClock
from hsp.mail import LoginRejected, MailError, PoolLimits, UpstreamAway, UpstreamBusy
from hsp.protocols.credentials import Credential
from hsp.protocols.imap import Atom, AuthenticationRejected, Endpoint, ImapClient, ServerBusy
from tests.support.clock import ManualClock
from tests.support.dovecot import DovecotServer, make_dovecot
from tests.support.mail_world import MailWorld, fill, fresh_user, mail_world, simple_mail

pytestmark = pytest.mark.anyio


class CountingConnect:
    """Connects for real and counts; `at_most` connections at once, as some providers have it."""

    def __init__(self, at_most: int = 1000) -> None:
        self.count = 0
        self.turned_away = 0
        self.opening = 0
        self.at_most = at_most
        self.refuse = ""
        self.clients: list[ImapClient] = []

    async def __call__(self, endpoint: Endpoint) -> ImapClient:
        self.count += 1
        if self.opening + sum(client.is_usable for client in self.clients) >= self.at_most:
            self.turned_away += 1
            raise ServerBusy("too many connections")
        self.opening += 1
        try:
            client = await ImapClient.connect(endpoint)
        finally:
            self.opening -= 1
        if self.refuse:
            client.authenticate = self._refuse  # type: ignore[method-assign]  # Dovecot itself delays who fails
        self.clients.append(client)
        return client

    async def _refuse(self, credential: Credential) -> None:
        raise AuthenticationRejected("no", temporary=self.refuse == "temporary")


@pytest.fixture
def connect() -> CountingConnect:
    return CountingConnect()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def world(
    tmp_path: Path, dovecot: DovecotServer, connect: CountingConnect, clock: ManualClock
) -> AsyncIterator[MailWorld]:
    async with mail_world(tmp_path, dovecot.imap_port, connect=connect, clock=clock, connections=4) as made:
        yield made


@pytest.fixture
def user(dovecot: DovecotServer) -> str:
    return fresh_user(dovecot)


async def test_pages_share_one_kept_connection(world: MailWorld, user: str, connect: CountingConnect) -> None:
    await world.service.verify_login(user, "demo")
    for _ in range(20):
        await world.mailbox(user).folders()
        await world.mailbox(user).page(None)
    assert connect.count == 1  # IM-02: no login per page, the one that proved the password serves them all.


async def test_im01_n_tabs_at_once_are_bounded_and_all_answered(
    world: MailWorld, user: str, connect: CountingConnect, dovecot: DovecotServer
) -> None:
    await asyncio.to_thread(fill, dovecot.imap_port, user, [simple_mail(n) for n in range(3)])
    pages = await asyncio.gather(*(world.mailbox(user).page(None) for _ in range(40)))
    assert {page.total for page in pages} == {3}
    assert connect.count <= 4
    assert world.pool.open_connections <= 4


async def test_a_slow_command_does_not_block_the_other_tabs(world: MailWorld, user: str) -> None:
    principal = world.principal(user)
    async with world.pool.lend(world.route, principal) as slow:
        assert slow.key.account == user
        page = await world.mailbox(user).page(None)
        assert page.total == 0


async def test_waiting_ends_in_busy_not_in_an_error_page_at_once(
    tmp_path: Path, dovecot: DovecotServer, user: str
) -> None:
    limits = PoolLimits(wait=0.2)
    async with mail_world(tmp_path, dovecot.imap_port, connections=1, limits=limits, clock=SystemClock()) as world:
        principal = world.principal(user)
        async with world.pool.lend(world.route, principal):
            with pytest.raises(UpstreamBusy):
                await world.mailbox(user).page(None)
        assert (await world.mailbox(user).page(None)).total == 0


async def test_the_first_in_line_is_served_first(tmp_path: Path, dovecot: DovecotServer, user: str) -> None:
    async with mail_world(tmp_path, dovecot.imap_port, connections=1) as world:
        principal, order = world.principal(user), []

        async def tab(number: int) -> None:
            async with world.pool.lend(world.route, principal):
                order.append(number)
                await asyncio.sleep(0)

        async with world.pool.lend(world.route, principal):
            tabs = []
            for number in range(6):
                tabs.append(asyncio.create_task(tab(number)))
                await asyncio.sleep(0)
        await asyncio.gather(*tabs)
        assert order == sorted(order)


async def test_the_total_is_shared_between_accounts(tmp_path: Path, dovecot: DovecotServer) -> None:
    users = [fresh_user(dovecot) for _ in range(6)]
    async with mail_world(tmp_path, dovecot.imap_port, limits=PoolLimits(total=2)) as world:
        for _ in range(2):
            pages = await asyncio.gather(*(world.mailbox(one).page(None) for one in users))
            assert len(pages) == 6
            assert world.pool.open_connections <= 2


async def test_sc20_cancelled_requests_never_cross_answers(tmp_path: Path, dovecot: DovecotServer) -> None:
    """Requests of several users are cancelled at random points; every answer carries its owner."""
    users = [fresh_user(dovecot) for _ in range(3)]
    for one in users:
        mails = [simple_mail(n, subject=f"{one} {n}") for n in range(12)]
        await asyncio.to_thread(fill, dovecot.imap_port, one, mails)
    chance = random.Random(20)
    seen = 0

    async def request(world: MailWorld, owner: str) -> None:
        nonlocal seen
        mailbox = world.mailbox(owner)
        page = await mailbox.page(None, chance.randint(1, 3), 4)
        assert page.rows
        assert all(row.subject.startswith(f"{owner} ") for row in page.rows)
        opened = await mailbox.open(page.rows[0].id)
        assert owner.encode() in opened.header
        assert page.rows[0].subject.encode() in await mailbox.source(opened.id)
        seen += 1

    async with mail_world(tmp_path, dovecot.imap_port, connections=1, limits=PoolLimits(total=2)) as world:
        for _ in range(40):
            tasks = [asyncio.create_task(request(world, chance.choice(users))) for _ in range(6)]
            for task in tasks:
                if chance.random() < 0.6:
                    asyncio.get_running_loop().call_later(chance.random() * 0.02, task.cancel)
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(one, asyncio.CancelledError) or one is None for one in results), results
        await asyncio.gather(*(request(world, one) for one in users))  # Nothing leaked: all slots are still there.
        assert world.pool.open_connections <= 2
    assert seen > 40


async def test_sc20_a_cancelled_use_closes_its_connection(world: MailWorld, user: str) -> None:
    principal = world.principal(user)
    lent: list[object] = []

    async def use() -> None:
        async with world.pool.lend(world.route, principal) as connection:
            lent.append(connection)
            await asyncio.Event().wait()

    task = asyncio.create_task(use())
    while not lent:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert world.pool.open_connections == 0
    async with world.pool.lend(world.route, principal) as connection:
        assert connection is not lent[0]


async def test_another_password_never_gets_a_warm_connection(world: MailWorld, user: str) -> None:
    await world.service.verify_login(user, "demo")
    await world.mailbox(user).page(None)
    wrong = world.principal(user, password="wrong")
    with pytest.raises(LoginRejected):
        await world.service.mailbox(wrong).page(None)


async def test_a_login_is_proved_by_a_login_not_by_a_kept_connection(
    world: MailWorld, user: str, connect: CountingConnect
) -> None:
    await world.service.verify_login(user, "demo")
    connect.refuse = "for good"  # The password was changed elsewhere a moment ago.
    with pytest.raises(LoginRejected):
        await world.service.verify_login(user, "demo")
    assert connect.count == 2


async def test_im03_a_refused_credential_rests_before_it_is_shown_again(
    world: MailWorld, user: str, connect: CountingConnect, clock: ManualClock
) -> None:
    connect.refuse = "for good"
    wrong = world.service.mailbox(world.principal(user, password="wrong"))
    for _ in range(5):
        with pytest.raises(LoginRejected):
            await wrong.page(None)
    assert connect.count == 1
    clock.advance(6)
    with pytest.raises(LoginRejected):
        await wrong.page(None)
    assert connect.count == 2


async def test_the_last_session_of_a_credential_takes_its_connections_along(world: MailWorld, user: str) -> None:
    await world.mailbox(user, "one").page(None)
    await world.mailbox(user, "two").page(None)
    await world.service.forget(user, "one")
    assert world.pool.open_connections == 1
    await world.service.forget(user, "two")
    assert world.pool.open_connections == 0
    with pytest.raises(LoginRejected):
        await world.mailbox(user, "two").page(None)  # A request that was under way does not open it again.


async def test_a_kill_ends_a_command_in_flight(world: MailWorld, user: str) -> None:
    principal = world.principal(user, "victim")
    entered = asyncio.Event()

    async def long_request() -> None:
        async with world.pool.lend(world.route, principal) as connection:
            await connection.client.select("INBOX")
            entered.set()
            async for _ in connection.client.idle():
                pass

    task = asyncio.create_task(long_request())
    await entered.wait()
    await world.service.forget(user, "victim")
    with pytest.raises(Exception, match=r"closed|broken|cut|BYE"):
        await task
    assert world.pool.open_connections == 0


async def test_idle_connections_are_closed_and_old_ones_checked(
    world: MailWorld, user: str, connect: CountingConnect, clock: ManualClock
) -> None:
    await world.mailbox(user).page(None)
    clock.advance(31)
    await connect.clients[0].close()
    await world.mailbox(user).page(None)  # The check finds it dead; the reader does not.
    assert connect.count == 2
    clock.advance(241)
    await world.pool.sweep()
    assert world.pool.open_connections == 0


async def test_im04_a_read_is_repeated_once_on_a_new_connection(
    world: MailWorld, user: str, connect: CountingConnect, dovecot: DovecotServer
) -> None:
    await asyncio.to_thread(fill, dovecot.imap_port, user, [simple_mail(1)])
    await world.mailbox(user).page(None)
    connect.clients[0]._connection.transport.abort()  # The server went away, and nobody has noticed yet.
    assert (await world.mailbox(user).page(None)).total == 1
    assert connect.count == 2


async def test_im04_a_change_is_never_repeated(
    world: MailWorld, user: str, connect: CountingConnect, dovecot: DovecotServer
) -> None:
    await asyncio.to_thread(fill, dovecot.imap_port, user, [simple_mail(1)])
    row = (await world.mailbox(user).page(None)).rows[0]
    client, appended = connect.clients[0], []

    async def append_then_break(*_: object, **__: object) -> None:
        appended.append(1)
        client._connection.transport.abort()
        await client.noop()

    client.append = append_then_break  # type: ignore[method-assign,assignment]
    with pytest.raises(UpstreamAway):
        await world.mailbox(user).append("drafts", simple_mail(2))
    assert appended == [1]
    await world.mailbox(user).mark([row.id], seen=True)


async def test_a_dead_server_is_away_and_comes_back(tmp_path: Path) -> None:
    for server in make_dovecot():
        async with mail_world(tmp_path, server.imap_port) as world:
            user = server.users[0]
            await world.mailbox(user).page(None)
            await asyncio.to_thread(server.stop)
            results = await asyncio.gather(*(world.mailbox(user).page(None) for _ in range(10)), return_exceptions=True)
            assert {type(one) for one in results} == {UpstreamAway}
            assert world.pool.open_connections == 0
            await asyncio.to_thread(server.start)
            assert (await world.mailbox(user).page(None)).total == 0


async def test_im03_the_servers_own_limit_queues_instead_of_failing(
    tmp_path: Path, dovecot: DovecotServer, user: str
) -> None:
    strict = CountingConnect(at_most=2)
    async with mail_world(tmp_path, dovecot.imap_port, connect=strict) as world:
        for _ in range(3):
            pages = await asyncio.gather(*(world.mailbox(user).page(None) for _ in range(12)))
            assert len(pages) == 12
        assert 0 < strict.turned_away < 20  # It was asked for more, and the answer was heeded.
        assert world.pool.open_connections <= 2


async def test_im03_a_throttled_login_backs_off_and_then_says_busy(
    tmp_path: Path, dovecot: DovecotServer, user: str, clock: ManualClock
) -> None:
    strict = CountingConnect()
    strict.refuse = "temporary"
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock.advance(seconds)

    async with mail_world(tmp_path, dovecot.imap_port, connect=strict, clock=clock, sleep=sleep) as world:
        with pytest.raises(UpstreamBusy) as caught:
            await world.mailbox(user).page(None)
        assert caught.value.retry_after > 0
        assert pauses == sorted(pauses)
        assert 3 < strict.count < 20


async def test_news_keeps_kept_connections_true(world: MailWorld, user: str, dovecot: DovecotServer) -> None:
    mailbox = world.mailbox(user)
    assert (await mailbox.page(None)).total == 0
    for number in range(1, 4):
        await asyncio.to_thread(fill, dovecot.imap_port, user, [simple_mail(number)])
        page = await mailbox.page(None)
        assert (page.total, page.rows[0].subject) == (number, f"Number {number}")
    async with world.pool.lend(world.route, world.principal(user, "other")) as other:
        await other.client.select("INBOX")
        await other.client.expunge(await other.client.search([Atom("SUBJECT"), "Number 2"]))
    assert [row.subject for row in (await mailbox.page(None)).rows] == ["Number 3", "Number 1"]


async def test_errors_have_stable_keys() -> None:
    kinds = [*MailError.__subclasses__(), MailError]
    assert len({kind.key for kind in kinds}) == len(kinds)
