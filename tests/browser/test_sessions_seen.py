"""A session as its owner sees it: elsewhere, ended, logged out, resumed, interrupted, and with servers away."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.support.reader import Reader, ReaderFactory
from tests.support.reading_ways import PHONE, SCRIPT_OR_NOT, WIDE
from tests.support.webmail import Webmail, in_thread, letter

pytestmark = pytest.mark.anyio

SECRET = "The vault opens at noon"
ABSOLUTE = 216_000


async def at_compose(reader: Reader) -> None:
    await reader.new_mail()
    await reader.write(to="bob@demo.test", subject="Long thoughts", text="An hour of typing.\n\n\"<i>'")


@SCRIPT_OR_NOT
async def test_another_session_is_seen_and_ended(
    way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail
) -> None:
    account = await in_thread(webmail.new_account, [letter(SECRET)])
    here = await (await reader_of(account, way)).at_list()
    there = await (await reader_of(account, PHONE | {"user_agent": "Mozilla/5.0 (iPhone) Safari/604.1"})).at_list()
    await here.to_sessions()
    await expect(here.page.locator("[data-session]")).to_have_count(2)
    await expect(here.page.locator("[data-session]").first).to_contain_text("This session")

    await there.page.reload()
    await expect(there.row(SECRET)).to_be_visible()
    await here.page.locator("[data-session]").nth(1).get_by_role("button", name="End").click()
    await here.notice("Session ended")
    await expect(here.page.locator("[data-session]")).to_have_count(1)
    await there.row(SECRET).locator(".row-link").click()
    await expect(there.page.get_by_role("button", name="Log in")).to_be_visible()
    assert SECRET not in await there.page.content()


@SCRIPT_OR_NOT
async def test_after_logging_out_going_back_shows_nothing(
    way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail
) -> None:
    account = await in_thread(webmail.new_account, [letter(SECRET)])
    alice = await (await reader_of(account, way)).at_list()
    await alice.open(SECRET)
    await alice.page.locator("summary.account").click()
    await alice.page.get_by_role("button", name="Log out").click()
    await expect(alice.page.get_by_role("status")).to_be_visible()
    await expect(alice.page.get_by_role("button", name="Log in")).to_be_visible()
    for _ in range(2):
        await alice.page.go_back()
        assert SECRET not in await alice.page.content()
        await expect(alice.page.get_by_role("button", name="Log in")).to_be_visible()


@SCRIPT_OR_NOT
async def test_a_cookie_alone_leads_to_the_resume_page(
    way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail
) -> None:
    account = await in_thread(webmail.new_account, [letter(SECRET)])
    alice = await (await reader_of(account, way)).at_list()
    await alice.page.goto(f"{webmail.origin}/compose.hsp?to=bob@demo.test")
    await expect(alice.page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert "_h=" not in await alice.page.content()
    await alice.page.get_by_role("button", name="Continue").click()
    await expect(alice.page.get_by_label("To", exact=True)).to_have_value("bob@demo.test")


@SCRIPT_OR_NOT
async def test_an_interrupted_mail_is_offered_again(
    way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail
) -> None:
    account, bob = webmail.new_account(), webmail.new_account()
    alice = await (await reader_of(account, way)).at_list()
    await at_compose(alice)
    await alice.write(to=bob)
    await webmail.later(ABSOLUTE + 1)
    await alice.send()
    await alice.log_in(fresh=False)
    await expect(alice.page.get_by_role("heading", name="Continue where you were?")).to_be_visible()
    await expect(alice.page.locator("main")).to_contain_text("An hour of typing.\n\n\"<i>'")
    assert await in_thread(webmail.stored, bob) == []
    await alice.page.get_by_role("button", name="Continue").click()
    await webmail.later(11)
    ((_, raw),) = await in_thread(webmail.stored, bob)
    assert b"An hour of typing." in raw


@SCRIPT_OR_NOT
async def test_with_redis_away_the_text_comes_back(
    way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail
) -> None:
    alice = await (await reader_of(webmail.new_account(), way)).at_list()
    await at_compose(alice)
    webmail.redis.pause()
    try:
        async with alice.page.expect_response(lambda answer: answer.request.method == "POST") as answered:
            await alice.send()
        answer = await answered.value
        assert (answer.status, answer.headers["retry-after"].isdigit()) == (503, True)
        assert await alice.page.locator("textarea[name=text]").input_value() == "An hour of typing.\n\n\"<i>'"
    finally:
        webmail.redis.resume()
    await alice.page.get_by_role("button", name="Try again").click()
    # The error page carries no key: the browser's own page gets it back by way of the resume page.
    await expect(alice.page.get_by_role("heading", name="Welcome back")).to_be_visible()
    await alice.page.get_by_role("button", name="Continue").click()
    await expect(alice.page.locator("main")).to_contain_text("An hour of typing.")
    await alice.page.get_by_role("button", name="Continue").click()
    await alice.notice("Your mail is on its way.")


async def test_with_the_mail_server_away_there_are_words(reader_of: ReaderFactory, webmail: Webmail) -> None:
    account = await in_thread(webmail.new_account, [letter("Here")])
    alice = await (await reader_of(account, WIDE)).at_list()
    stranger = await reader_of(account, WIDE)
    await at_compose(alice)
    await in_thread(webmail.dovecot.stop)
    try:
        answer = await alice.go("mail")
        assert answer is not None
        assert (answer.status, answer.headers["retry-after"]) == (503, "10")
        await expect(alice.page.get_by_role("heading")).to_have_text("We couldn't reach your mail server")
        await stranger.open_site()
        async with stranger.page.expect_response(lambda answer: answer.request.method == "POST") as answered:
            await stranger.log_in(fresh=False)
        assert (await answered.value).status == 503
        await expect(stranger.page.get_by_role("alert")).to_be_visible()
        await expect(stranger.page.get_by_label("Email address")).to_have_value(account)
    finally:
        await in_thread(webmail.dovecot.start)
    await alice.page.reload()
    await expect(alice.row("Here")).to_be_visible()
