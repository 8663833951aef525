"""Logging in and out, resuming, keeping alive: the special requests, on a real Dovecot and a real Redis."""

import asyncio
import json
import logging
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from hsp.zones.messages import Message
from tests.support.dovecot import DovecotServer
from tests.support.gateway import ALICE, BOB, HOST, ORIGIN, OTHER_HOST, PASSWORD, SAME_ORIGIN, Browser, World, running
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.anyio

AJAX = {"accept": "application/json"}


@pytest.fixture(autouse=True)
async def nobody_has_tried_yet(world: World) -> None:
    await world.gateway.redis.flushall()


async def logged_in(browser: Browser) -> bool:
    return (await browser.get("/mail.hsp")).status == 200


async def test_a_login_answers_303_with_the_key_and_a_cookie(world: World) -> None:
    browser = world.browser()
    reply = await browser.try_login()
    assert reply.status == 303
    assert re.fullmatch(r"/\?_h=[A-Za-z0-9_.-]+", reply["location"])
    (cookie,) = [line for line in reply.all("set-cookie") if line.startswith("_hmail=")]
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {"httponly", "samesite=lax", "path=/"}
    assert "max-age" not in cookie.lower()
    assert reply["cache-control"].startswith("no-cache, no-store")
    assert await logged_in(browser)


async def test_behind_tls_the_cookie_is_secure(world: World) -> None:
    browser = world.browser()
    token = await browser.login_token()
    form = f"action=login&username={ALICE}&password={PASSWORD}&login_token={token}"
    headers = {"host": HOST, "cookie": f"_hlogin={browser.cookies['_hlogin']}", **SAME_ORIGIN}
    kind = {"content-type": "application/x-www-form-urlencoded"}
    reply = await world.raw("POST", b"/", {**headers, **kind}, form.encode(), scheme="https")
    assert all("secure" in line.lower() for line in reply.all("set-cookie"))
    assert reply.key


async def test_a_login_works_on_any_address_of_the_service(world: World) -> None:
    for target in ("/", "/mail.hsp", "/nothing.hsp", "/capability/x"):
        browser = world.browser()
        form = {"action": "login", "login_token": await browser.login_token(), "username": ALICE, "password": PASSWORD}
        assert (await browser.send("POST", target, form=form, headers=SAME_ORIGIN)).key, target


async def test_json_logins_get_valid_json(world: World) -> None:
    for more in (AJAX, {"x-requested-with": "XMLHttpRequest"}):
        form = {"action": "login", "username": ALICE, "password": PASSWORD}
        browser = world.browser()
        reply = await browser.send("POST", "/", form=form, headers=more)
        answer = json.loads(reply.body)
        assert (reply.status, answer["success"], set(answer)) == (200, True, {"success", "sessionKey"})
        browser.key = answer["sessionKey"]
        assert await logged_in(browser)
    custom = await world.browser().send(
        "POST", "/?custom=ajax", form={"action": "login", "username": ALICE, "password": PASSWORD}
    )
    assert json.loads(custom.body)["success"] is True
    wrong = await world.browser().send(
        "POST", "/", form={"action": "login", "username": ALICE, "password": "x"}, headers=AJAX
    )
    assert wrong.status == 401
    assert json.loads(wrong.body) | {"message": ""} == {"success": False, "error": "bad_credentials", "message": ""}


# Wrong credentials


@pytest.mark.parametrize(
    "username",
    [
        ALICE,
        "nobody@demo.test",
        "alice@unknown.test",
        "alice",
        "",
        "a\0b",
        "x" * 5000,
        "@",
        "a@b@c",
        "\u202ealice@demo.test",
    ],
)
async def test_unknown_user_and_wrong_password_get_the_same_answer(world: World, username: str) -> None:
    answers = []
    for name in (username, "other@demo.test"):
        browser = world.browser()
        form = {"action": "login", "username": name, "password": "wrong"}
        reply = await browser.send("POST", "/", form=form, headers=AJAX)
        answers.append(reply.without_id)
    if "\0" in username:
        assert answers[0][0] == 400
    else:
        assert answers[0] == answers[1]
        assert answers[0][0] == 401


async def test_a_failed_login_goes_back_to_the_form_and_keeps_name_and_target(world: World) -> None:
    browser = world.browser()
    reply = await browser.try_login('al"ice<b>@demo.test', "wrong", **{"return": "/mail.hsp?page=2"})
    assert reply.status == 303
    assert reply["location"].startswith("/?login=al%22ice%3Cb%3E@demo.test&m=1&return=%2Fmail.hsp%3Fpage%3D2")
    assert "_hmail" not in browser.cookies
    page = await browser.get(reply["location"])
    assert "&lt;b&gt;@demo.test" in page.text
    assert "<b>@demo.test" not in page.text
    assert 'name="return" value="/mail.hsp?page=2"' in page.text
    assert "wrong" not in page.text.replace("That address and password don", "")


@pytest.mark.parametrize(
    "password",
    ["", "demo\r\nA1 LOGOUT", "demo\n", "dem\u00f6", "demo ", "x" * 100_00, '"', "\\", "{4}\r\ndemo", "a\x01b"],
)
async def test_sc13_an_odd_password_is_only_a_wrong_password(world: World, password: str) -> None:
    reply = await world.browser().try_login(ALICE, password)
    assert reply.status == 303
    assert "m=1" in reply["location"]


async def test_sc35_the_account_name_is_normalised_once_for_all(world: World) -> None:
    for name in ("Alice@Demo.Test", " alice@demo.test ", "alice"):
        browser = await world.browser().log_in(name)
        assert ALICE in (await browser.get("/sessions.hsp")).text


async def test_guessing_is_slowed_down_with_429_and_retry_after(world: World, dovecot: DovecotServer) -> None:
    victim, browser = dovecot.new_user(), world.browser()
    statuses = [(await browser.try_login(victim, f"guess{n}")).status for n in range(8)]
    assert statuses[0] == 303
    assert statuses[-1] == 429
    last = await browser.try_login(victim, "demo")
    assert last.status == 429, "the right password does not get through either"
    assert int(last["retry-after"]) > 0
    assert 'name="login_token"' in last.text
    program = await world.browser().send(
        "POST", "/", form={"action": "login", "username": victim, "password": "x"}, headers=AJAX
    )
    assert (program.status, json.loads(program.body)["error"]) == (429, "too_many_attempts")
    assert int(program["retry-after"]) > 0


async def test_a_known_device_is_not_locked_out_by_strangers(world: World, dovecot: DovecotServer) -> None:
    owner, account = world.browser(), dovecot.new_user()
    await owner.log_in(account)
    for n in range(8):
        await world.browser().try_login(account, f"guess{n}")
    assert (await world.browser().try_login(account)).status == 429
    owner.key = ""
    assert (await owner.try_login(account)).key


async def test_max_auth_errors_count_over_all_accounts_of_one_login_cookie(world: World) -> None:
    browser = world.browser()
    statuses = [(await browser.try_login(f"user-{n}@demo.test", "x")).status for n in range(7)]
    assert statuses[:5] == [303] * 5
    assert statuses[-1] == 429


async def test_a_failure_is_one_line_with_its_address(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    browser = world.browser()
    await browser.try_login("eve\n@demo.test", "canary-password")
    out, err = capsys.readouterr()
    lines = [line for line in (out + err + caplog.text).splitlines() if "login_failed" in line]
    assert lines
    assert all(browser.address in line for line in lines)
    assert "canary-password" not in out + err + caplog.text


# Login CSRF and fixation


async def test_sc26_a_login_token_is_good_once_and_in_its_browser_only(world: World) -> None:
    browser, stranger = world.browser(), world.browser()
    token = await browser.login_token()
    form = {"action": "login", "login_token": token, "username": ALICE, "password": PASSWORD}
    await stranger.login_token()
    elsewhere = await stranger.send("POST", "/", form=form, headers=SAME_ORIGIN)
    assert "m=9" in elsewhere["location"]
    cookie = browser.cookies["_hlogin"]
    assert (await browser.send("POST", "/", form=form, headers=SAME_ORIGIN)).key
    browser.cookies["_hlogin"] = cookie
    browser.key = ""
    again = await browser.send("POST", "/", form=form, headers=SAME_ORIGIN)
    assert (again.key, "m=9" in again["location"]) == ("", True)


async def test_sc35_of_many_posts_of_one_login_form_one_succeeds(world: World) -> None:
    browser = world.browser()
    form = {"action": "login", "login_token": await browser.login_token(), "username": ALICE, "password": PASSWORD}
    cookie = {"cookie": f"_hlogin={browser.cookies['_hlogin']}"}
    posts = [world.browser().send("POST", "/", form=form, headers={**SAME_ORIGIN, **cookie}) for _ in range(20)]
    replies = await asyncio.gather(*posts)
    assert sorted(bool(reply.key) for reply in replies) == [False] * 19 + [True]


@pytest.mark.parametrize("token", ["", "x", "0" * 64])
async def test_sc26_a_browser_cannot_log_in_without_a_token(world: World, token: str) -> None:
    form = {"action": "login", "login_token": token, "username": ALICE, "password": PASSWORD}
    for headers in (
        SAME_ORIGIN,
        {"origin": ORIGIN},
        {"origin": "null"},
        {},
        {**AJAX, "origin": "null"},
        {**AJAX, **SAME_ORIGIN},
    ):
        reply = await world.browser().send("POST", "/", form=form, headers=headers)
        assert reply.key == ""
        assert b"sessionKey" not in reply.body
        assert not any(line.startswith("_hmail") for line in reply.all("set-cookie"))


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://evil.test"}]
)
async def test_sc26_login_from_another_site_is_refused_before_the_password_is_looked_at(
    world: World, headers: dict[str, str]
) -> None:
    form = {"action": "login", "username": ALICE, "password": PASSWORD}
    for more in ({}, AJAX):
        assert (await world.browser().send("POST", "/", form=form, headers={**headers, **more})).status == 403


async def test_sc19_a_planted_pair_is_dead_after_the_login(world: World) -> None:
    attacker = await world.browser().log_in(BOB)
    planted = attacker.pair
    victim = world.browser(pair=planted)
    await victim.log_in(ALICE)
    assert victim.pair.key != planted.key
    assert victim.pair.cookie != planted.cookie
    assert not set(planted.cookie.split(".")) & set(victim.pair.cookie.split("."))
    assert not await logged_in(attacker)
    for mixed in ((planted.key, victim.pair.cookie), (victim.pair.key, planted.cookie)):
        browser = world.browser()
        browser.key, browser.cookies["_hmail"] = mixed
        assert not await logged_in(browser)


async def test_sc19_a_made_up_pair_is_never_adopted(world: World) -> None:
    victim = world.browser()
    victim.key, victim.cookies["_hmail"] = "0" * 32, "1" * 32
    await victim.log_in(ALICE)
    assert victim.key != "0" * 32
    assert victim.cookies["_hmail"] != "1" * 32


async def test_sc31_a_login_leads_to_pages_of_ours_only(world: World) -> None:
    for target in (
        "//evil.test",
        "/\\evil.test",
        "https://evil.test",
        "/\t/evil.test",
        "/mail.hsp\r\nX: y",
        "///evil.test",
    ):
        reply = await world.browser().try_login(**{"return": target})
        assert re.fullmatch(r"/\?_h=[\w.-]+", reply["location"])
    right = await world.browser().try_login(**{"return": "/mail.hsp?page=2&_h=planted&action=logout"})
    assert re.fullmatch(r"/mail\.hsp\?page=2&_h=[\w.-]+", right["location"])
    assert "planted" not in right["location"]


# GET login, sessions without cookies, unknown actions


async def test_login_by_get_is_refused_unless_the_admin_allows_it(world: World) -> None:
    reply = await world.browser().send("GET", f"/?action=login&username={ALICE}&password={PASSWORD}")
    assert (reply.status, reply["allow"], reply.key) == (405, "POST", "")
    assert not reply.all("set-cookie")
    assert PASSWORD not in reply.text


async def test_the_admins_switches_open_get_login_and_sessions_without_cookie(
    redis_server: RedisServer, dovecot: DovecotServer, tmp_path: Path
) -> None:

    async with running(redis_server, dovecot, tmp_path, allow_get_login=True, allow_disable_cookie=True) as world:
        by_get = await world.browser().send("GET", f"/?action=login&username={ALICE}&password={PASSWORD}")
        assert (by_get.status, bool(by_get.key)) == (303, True)
        foreign = {"sec-fetch-site": "cross-site"}
        crossed = await world.browser().send(
            "GET", f"/?action=login&username={ALICE}&password={PASSWORD}", headers=foreign
        )
        assert crossed.key == ""
        browser = await world.browser().log_in(disableCookie="1")
        assert "_hmail" not in browser.cookies
        assert await logged_in(browser)
        elsewhere = world.browser(pair=browser.pair)
        assert not await logged_in(elsewhere), "bound to the address"
        elsewhere.address, elsewhere.agent = browser.address, "curl/8"
        assert not await logged_in(elsewhere), "bound to the user agent"
        for off in ("", "0", "no", "false", "No", " FALSE "):
            assert "_hmail" in (await world.browser().log_in(disableCookie=off)).cookies


async def test_a_session_without_cookie_is_refused_unless_allowed(world: World) -> None:
    browser = world.browser()
    reply = await browser.try_login(disableCookie="1")
    assert (reply.key, "m=13" in reply["location"]) == ("", True)


@pytest.mark.parametrize(
    "action",
    ["", "Login", "login ", "licenseKey", "upload", "delete", "login\0", "<script>", "constructor", "__class__"],
)
async def test_an_unknown_action_is_400_and_echoes_nothing(world: World, action: str) -> None:

    browser = await world.browser().log_in()
    for page in ("/", "/mail.hsp"):
        reply = await browser.send("GET", f"{page}?action={quote(action)}")
        assert reply.status == 400
        assert not action.strip() or action not in reply.text or action in {"login ", "delete", "upload", "Login"}
        assert browser.key not in reply.text
    assert (await browser.post("/", {"action": action})).status == 400
    assert await logged_in(browser)


# Logout, keepalive, resume


async def test_logout_by_get_asks_first(world: World) -> None:
    browser = await world.browser().log_in()
    asked = await browser.get("/mail.hsp?action=logout")
    assert asked.status == 200
    assert 'name="action" value="logout"' in asked.text
    assert await logged_in(browser)
    done = await browser.post("/", {"action": "logout"})
    assert done.status == 303
    assert done["location"].startswith("/?login=&m=3")
    assert "_hmail" not in browser.cookies


async def test_sc29_after_logout_the_old_pair_is_dead_and_a_second_logout_is_no_error(world: World) -> None:
    browser = await world.browser().log_in()
    old = browser.pair
    await browser.post("/", {"action": "logout"})
    assert not await logged_in(world.browser(pair=old))
    again = world.browser(pair=old)
    reply = await again.post("/", {"action": "logout"})
    assert (reply.status, reply["location"].startswith("/?login=")) == (303, True)
    assert (await world.browser().post("/", {"action": "logout"})).status == 303
    ajax = await world.browser().send("POST", "/", form={"action": "logout"}, headers=AJAX)
    assert json.loads(ajax.body) == {"success": True}


async def test_sc26_a_stranger_cannot_log_a_browser_out(world: World) -> None:
    browser = await world.browser().log_in()
    key, browser.key = browser.key, ""
    await browser.post("/", {"action": "logout"})
    await browser.send("POST", "/", form={"action": "logout", "_h": key}, headers={"sec-fetch-site": "cross-site"})
    await browser.get("/?action=logout")
    browser.key = key
    browser.cookies.setdefault("_hmail", "")
    assert await logged_in(browser)


async def test_keepalive_is_204_with_a_pair_and_as_ended_without(world: World) -> None:
    browser = await world.browser().log_in()
    alive = await browser.get("/?action=keepalive")
    assert (alive.status, alive.body) == (204, b"")
    assert (await browser.post("/mail.hsp", {"action": "keepalive"})).status == 204
    stranger = await world.browser().get("/?action=keepalive")
    assert (stranger.status, stranger["location"].startswith("/?m=2")) == (303, True)
    program = await world.browser().send("GET", "/?action=keepalive", headers=AJAX)
    assert program.status == 401


async def test_a_cookie_alone_shows_the_resume_page_and_its_post_gives_the_key_back(world: World) -> None:
    browser = await world.browser().log_in()
    key, browser.key = browser.key, ""
    refused = await browser.get("/mail.hsp?page=3")
    assert refused["location"] == "/?m=2&return=%2Fmail.hsp%3Fpage%3D3"
    page = await browser.get(refused["location"])
    assert 'name="action" value="resume"' in page.text
    assert 'name="return" value="/mail.hsp?page=3"' in page.text
    assert key not in page.text
    by_get = await browser.get("/?action=resume")
    assert (by_get.status, by_get.key) == (405, "")
    for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "null"}, {}):
        assert (await browser.send("POST", "/", form={"action": "resume"}, headers=headers)).status == 403
    back = await browser.post("/", {"action": "resume", "return": "/mail.hsp?page=3"})
    assert (back.status, back.key) == (303, key)
    assert back["location"].startswith("/mail.hsp?page=3&_h=")
    assert await logged_in(browser)


async def test_resume_of_a_dead_cookie_leads_to_the_login(world: World) -> None:
    browser = await world.browser().log_in()
    cookie = browser.cookies["_hmail"]
    await browser.post("/", {"action": "logout"})
    browser.key, browser.cookies["_hmail"] = "", cookie
    reply = await browser.post("/", {"action": "resume"})
    assert (reply.key, reply["location"].startswith("/?m=2")) == ("", True)


# Surfaces, hosts, messages


async def test_sc41_a_pair_of_one_virtual_host_opens_nothing_on_another(world: World) -> None:
    here = await world.browser().log_in()
    branded = await world.browser(host=OTHER_HOST).log_in()
    assert await logged_in(here)
    assert await logged_in(branded)
    for pair, host in ((here.pair, OTHER_HOST), (branded.pair, HOST), (branded.pair, "unknown.test")):
        other = world.browser(pair=pair, host=host)
        assert not await logged_in(other)
        other.key = ""
        assert 'value="resume"' not in (await other.get("/")).text
        assert (await other.post("/", {"action": "resume"})).key == ""
    assert await logged_in(world.browser(pair=branded.pair, host=f"www.{OTHER_HOST}"))
    assert await logged_in(world.browser(pair=branded.pair, host=f"{OTHER_HOST.upper()}.:8080"))


@pytest.mark.parametrize("number", [int(message) for message in Message])
async def test_every_message_is_shown_by_its_number(world: World, number: int) -> None:
    page = (await world.browser().get(f"/?m={number}")).text
    assert page.count('<div class="alert') == 1


@pytest.mark.parametrize(
    "m", ["0", "14", "99", "-1", "1.0", "\u0661", "<script>alert(1)</script>", "1'\"", "", "00001", "1&m=2", "{{7*7}}"]
)
async def test_cve_2023_40355_what_is_no_number_of_the_table_shows_nothing(world: World, m: str) -> None:

    page = await world.browser().get(f"/index.hsp?m={quote(m)}")
    assert page.status in {200, 303}
    for target in (f"/?m={quote(m)}", f"/?passwordExpired=yes&username={quote(m)}&domainName={quote(m)}"):
        page = await world.browser().get(target)
        assert page.status == 200
        assert "<script>alert" not in page.text
        assert "49" not in re.sub(r"[0-9a-f]{16}", "", page.text) or "{{" not in m


async def test_sc41_a_capability_of_one_virtual_host_opens_nothing_on_another(world: World) -> None:
    browser = await world.browser().log_in()
    sessions = world.gateway.sessions
    session = await sessions.open(browser.key, browser.cookies["_hmail"], surface="webmail", virtual_host="")
    assert session is not None
    grant = await sessions.grant(session, message="MV8xXzE")
    assert grant is not None
    target = f"/capability/{sessions.capability(grant, part='part:1')}"
    # At home the token opens; that there is no such message is then the handler's answer.
    assert (await world.browser().get(target)).status == 404
    assert (await world.browser(host=OTHER_HOST).get(target)).status == 403


# maxErrors


async def test_a_session_that_keeps_asking_for_what_is_not_there_is_ended(
    redis_server: RedisServer, dovecot: DovecotServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(redis_server, dovecot, tmp_path, max_errors=3) as world:
        await world.gateway.redis.flushall()
        browser, other = await world.browser().log_in(), await world.browser().log_in()
        statuses = [(await browser.get("/nothing.hsp")).status for _ in range(5)]
        assert statuses == [404, 404, 404, 404, 303]
        assert await logged_in(other)
    assert any("event=too_many_errors" in record.getMessage() for record in caplog.records)


async def test_without_a_limit_errors_end_nothing(
    redis_server: RedisServer, dovecot: DovecotServer, tmp_path: Path
) -> None:
    async with running(redis_server, dovecot, tmp_path, max_errors=0) as world:
        await world.gateway.redis.flushall()
        browser = await world.browser().log_in()
        assert {(await browser.get("/nothing.hsp")).status for _ in range(30)} == {404}
        assert await logged_in(browser)
