"""A request whose session or store went away: nothing is lost, and nothing is done twice (promise 6)."""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest

from tests.support.dovecot import DovecotServer
from tests.support.gateway import Browser, World, running
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.anyio

LETTER = {
    "do": "save",
    "to": "carol@demo.test",
    "subject": "The long letter",
    "text": "Dear Carol,\nthis took hours.\n",
}
ABSOLUTE = 216_000


@pytest.fixture(scope="module")
async def fragile(
    dovecot: DovecotServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[World, RedisServer]]:
    """A gateway with a Redis of its own, to be taken away."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    try:
        async with running(server, dovecot, tmp_path_factory.mktemp("fragile")) as world:
            yield world, server
    finally:
        server.kill()


@pytest.fixture
async def account(dovecot: DovecotServer) -> str:
    return dovecot.new_user()


async def drafts(browser: Browser) -> int:
    page = await browser.get("/mail.hsp")
    links = re.findall(r'data-folder-id="([^"]+)"[^>]*>(?:(?!</a>).)*?Drafts', page.text, re.DOTALL)
    found = await browser.get("/mail.hsp", folder=links[0])
    return len(re.findall(r"data-mail-id=", found.text))


# A session that ended by time


async def test_an_interrupted_post_is_kept_and_done_once_after_the_next_login(world: World, account: str) -> None:
    browser = await world.browser().log_in(account)
    world.clock.advance(ABSOLUTE + 1)
    reply = await browser.post("/compose.hsp", LETTER)
    assert reply["location"].startswith("/?m=11")
    back = await browser.get(reply["location"])
    assert "is kept" in back.text
    await browser.log_in(account)
    offered = await browser.get("/interrupted.hsp")
    assert offered.status == 200
    assert LETTER["subject"] in offered.text
    assert "this took hours" in offered.text
    assert await drafts(browser) == 0, "nothing is repeated without a click"
    done = await browser.post("/interrupted.hsp", {"do": "continue"})
    assert done.status == 303
    assert await drafts(browser) == 1
    again = await browser.post("/interrupted.hsp", {"do": "continue"})
    assert again["location"].startswith("/?_h=")
    assert await drafts(browser) == 1
    assert (await browser.get("/interrupted.hsp")).status == 303


async def test_sc35_clicks_at_once_do_it_once(world: World, account: str) -> None:
    browser = await world.browser().log_in(account)
    world.clock.advance(ABSOLUTE + 1)
    await browser.post("/compose.hsp", LETTER)
    await browser.log_in(account)
    await asyncio.gather(*(browser.post("/interrupted.hsp", {"do": "continue"}) for _ in range(8)))
    assert await drafts(browser) == 1


async def test_the_login_leads_to_what_was_interrupted(world: World, account: str) -> None:
    browser = await world.browser().log_in(account)
    world.clock.advance(ABSOLUTE + 1)
    await browser.post("/compose.hsp", LETTER)
    assert (await browser.try_login(account))["location"].startswith("/interrupted.hsp?_h=")


async def test_what_was_interrupted_can_be_discarded(world: World, account: str) -> None:
    browser = await world.browser().log_in(account)
    world.clock.advance(ABSOLUTE + 1)
    await browser.post("/compose.hsp", LETTER)
    await browser.log_in(account)
    assert (await browser.post("/interrupted.hsp", {"do": "discard"})).status == 303
    assert (await browser.get("/interrupted.hsp")).status == 303
    assert await drafts(browser) == 0


async def test_another_account_never_sees_what_was_interrupted(
    world: World, account: str, dovecot: DovecotServer
) -> None:
    browser = await world.browser().log_in(account)
    world.clock.advance(ABSOLUTE + 1)
    await browser.post("/compose.hsp", LETTER)
    other = dovecot.new_user()
    reply = await browser.try_login(other)
    assert reply["location"].startswith("/?_h=")
    page = await browser.get("/interrupted.hsp")
    assert LETTER["subject"] not in page.text
    assert page.status == 303


@pytest.mark.parametrize("how", ["killed", "logged out"])
async def test_sc29_after_a_kill_or_a_logout_nothing_is_kept(world: World, account: str, how: str) -> None:
    browser, admin = await world.browser().log_in(account), world.gateway.sessions
    key, cookie = browser.key, browser.cookies["_hmail"]
    session = await admin.open(key, cookie, surface="webmail", virtual_host="")
    assert session is not None
    await (admin.end(session) if how == "logged out" else admin.end_by_uuid(account, session.uuid))
    reply = await browser.post("/compose.hsp", LETTER)
    assert reply["location"].startswith("/?m=2")
    assert (await browser.try_login(account))["location"].startswith("/?_h=")


async def test_a_page_that_is_not_replayable_is_not_repeated(world: World, account: str) -> None:
    browser = await world.browser().log_in(account)
    world.clock.advance(ABSOLUTE + 1)
    reply = await browser.post("/act.hsp", {"do": "delete", "id": "x"})
    assert reply["location"].startswith("/?m=2")
    assert (await browser.try_login(account))["location"].startswith(("/?_h=", "/act.hsp?_h="))


async def test_sc26_another_site_cannot_leave_a_post_behind(world: World, account: str) -> None:
    browser = await world.browser().log_in(account)
    key, browser.key = browser.key, ""
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "null"}, {"origin": "http://evil.test"}, {}):
        reply = await browser.send("POST", "/compose.hsp", form=LETTER, headers=headers)
        assert "m=11" not in reply["location"], headers
    browser.key = key
    assert (await browser.get("/interrupted.hsp")).status == 303


async def test_a_form_without_its_key_goes_on_after_one_more_click(world: World, account: str) -> None:
    """An error page gives a form back without its key; nothing of it is lost on the way."""
    browser = await world.browser().log_in(account)
    browser.key = ""
    reply = await browser.post("/compose.hsp", LETTER)
    assert reply["location"].startswith("/?m=11")
    page = await browser.get(reply["location"])
    assert 'value="resume"' in page.text
    back = re.search(r'name="return" value="([^"]*)"', page.text)
    assert back is not None
    resumed = await browser.post("/", {"action": "resume", "return": unescape(back[1])})
    assert resumed["location"].startswith("/interrupted.hsp?_h=")
    await browser.post("/interrupted.hsp", {"do": "continue"})
    assert await drafts(browser) == 1


async def test_too_large_a_post_is_refused_in_words_and_not_half_kept(world: World, account: str) -> None:
    browser = await world.browser().log_in(account)
    world.clock.advance(ABSOLUTE + 1)
    reply = await browser.post("/compose.hsp", {**LETTER, "text": "x" * (1 << 20)})
    assert reply.status in {303, 413}
    assert "m=11" not in reply["location"]


# A store that goes and comes


async def test_without_redis_nothing_private_is_served_and_the_form_comes_back(
    fragile: tuple[World, RedisServer], account: str
) -> None:
    world, redis = fragile
    browser = await world.browser().log_in(account)
    redis.kill()
    for target in ("/", "/mail.hsp", "/sessions.hsp", "/compose.hsp"):
        reply = await browser.get(target)
        assert (reply.status, bool(int(reply["retry-after"]))) == (503, True), target
        assert browser.key not in reply.text
    reply = await browser.post("/compose.hsp", {**LETTER, "text": 'one & "two" <b>\nthree'})
    assert (reply.status, int(reply["retry-after"]) > 0) == (503, True)
    assert "one &amp; &#34;two&#34; &lt;b&gt;\nthree" in reply.text
    assert f'value="{LETTER["subject"]}"' in reply.text
    assert 'action="/compose.hsp"' in reply.text
    assert browser.key not in reply.text
    program = await browser.send("GET", "/mail.hsp", headers={"accept": "application/json"})
    assert program.status == 503
    assert b"store_away" in program.body


async def test_without_redis_nobody_logs_in_and_the_password_is_not_given_back(
    fragile: tuple[World, RedisServer], account: str
) -> None:
    world, redis = fragile
    redis.restart()
    browser = world.browser()
    token = await browser.login_token()
    redis.kill()
    form = {"action": "login", "login_token": token, "username": account, "password": "canary-demo"}
    reply = await browser.post("/", form)
    assert (reply.status, int(reply["retry-after"]) > 0) == (503, True)
    assert "canary-demo" not in reply.text
    assert token not in reply.text
    assert (await browser.get("/", login="")).status == 200, "the login page itself needs no store"


async def test_when_redis_is_back_everything_goes_on(fragile: tuple[World, RedisServer], account: str) -> None:
    world, redis = fragile
    redis.restart()
    browser = await world.browser().log_in(account)
    assert (await browser.get("/mail.hsp")).status == 200
    redis.kill()
    assert (await browser.get("/mail.hsp")).status == 503
    redis.restart()
    fresh = await world.browser().log_in(account)
    assert (await fresh.get("/mail.hsp")).status == 200
    lost = await browser.get("/mail.hsp")
    assert lost["location"].startswith("/?m=2"), "an empty Redis knows no session"


# A mail server that goes


async def test_without_the_mail_server_login_is_503_and_says_so(
    redis_server: RedisServer, tmp_path: Path, dovecot: DovecotServer
) -> None:
    class Gone:
        host, imap_port = dovecot.host, 9

    async with running(redis_server, Gone(), tmp_path) as world:  # type: ignore[arg-type]  # only host and port are read
        reply = await world.browser().try_login("alice@demo.test")
        assert (reply.status, int(reply["retry-after"]) > 0) == (503, True)
        assert "reach your mail server" in reply.text
        assert 'value="alice@demo.test"' in reply.text
        unknown = await world.browser().try_login("nobody@elsewhere.test")
        assert unknown.status in {303, 503}
