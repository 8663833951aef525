"""What vanished, what is full, and servers that answer nonsense or nothing: seen from pages, counted at the servers."""

import asyncio
import imaplib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from hsp.foundation.sealing import KeyRing
from tests.support.dovecot import DovecotServer
from tests.support.gateway import Browser, World
from tests.support.imap_script import ScriptedServer, scripted
from tests.support.letters import letter
from tests.support.log_lines import DEFECT, LogLines, assert_clear, log_lines
from tests.support.mail_world import command, contents
from tests.support.nodes import Upstream, deliver, eventually, folder_id, mail_ids, node
from tests.support.redis_server import RedisServer
from tests.support.smtp_sink import SmtpSink

pytestmark = pytest.mark.anyio

__all__ = ["log_lines"]

LETTER = {"do": "send", "to": "x@example.org", "subject": "A letter", "text": "Its text.\n", "key": "k1"}
NO_MAIL, NO_FOLDER = "There is no such mail", "There is no such folder"


@pytest.fixture
async def account(dovecot: DovecotServer) -> str:
    return dovecot.new_user()


@pytest.fixture
async def browser(world: World, dovecot: DovecotServer, account: str) -> Browser:
    world.sink.messages.clear()
    deliver(dovecot, account, *[letter(f"Number {number}") for number in (1, 2, 3)])
    return await world.browser().log_in(account)


def elsewhere(dovecot: DovecotServer, account: str, *words: str, folder: str = "INBOX") -> None:
    """A command of another mail program of the same user."""
    command(dovecot.imap_port, account, folder, *words)


def erase(dovecot: DovecotServer, account: str, uid: int, folder: str = "INBOX") -> None:
    elsewhere(dovecot, account, "STORE", str(uid), "+FLAGS", "(\\Deleted)", folder=folder)
    elsewhere(dovecot, account, "EXPUNGE", str(uid), folder=folder)


def folders(dovecot: DovecotServer, account: str, verb: str, *names: str) -> None:
    client = imaplib.IMAP4(dovecot.host, dovecot.imap_port)
    client.login(account, dovecot.password)
    try:
        assert getattr(client, verb)(*names)[0] == "OK"
    finally:
        client.logout()


# What vanished between the list and the click


async def test_a_mail_deleted_elsewhere_is_404_in_words(
    browser: Browser, dovecot: DovecotServer, account: str, log_lines: LogLines
) -> None:
    newest, *rest = mail_ids((await browser.get("/mail.hsp")).text)
    erase(dovecot, account, 3)
    for page in ("message", "body", "part"):
        assert_clear(await browser.get(f"/{page}.hsp", id=newest, part="1"), log_lines, 404, NO_MAIL)
    for field in ("reply", "forward", "draft"):
        assert_clear(await browser.get("/compose.hsp", **{field: newest}), log_lines, 404, NO_MAIL)
    assert mail_ids((await browser.get("/mail.hsp")).text) == rest


@pytest.mark.parametrize("verb", ["seen", "flag", "delete", "move"])
async def test_an_act_on_mails_of_which_one_vanished_is_done_to_the_others(
    browser: Browser, dovecot: DovecotServer, account: str, log_lines: LogLines, verb: str
) -> None:
    page = (await browser.get("/mail.hsp")).text
    gone, first, second = mail_ids(page)
    erase(dovecot, account, 3)
    form: dict[str, Any] = {"do": verb, "id": [gone, first]}
    if verb == "move":
        form["move"] = folder_id(page, "Archive")
    reply = await browser.post("/act.hsp", form)
    assert reply.status == 303
    assert log_lines.about(reply["x-request-id"])
    left = mail_ids((await browser.get("/mail.hsp")).text)
    assert left == ([second] if verb in {"delete", "move"} else [first, second])
    inbox = contents(dovecot.imap_port, account, "INBOX")
    marks = {"seen": b"\\Seen", "flag": b"\\Flagged"}
    assert sum(marks.get(verb, b"UID") in line for line, _ in inbox) == (1 if verb in marks else 0)


async def test_an_act_on_a_mail_that_vanished_alone_breaks_nothing(
    browser: Browser, dovecot: DovecotServer, account: str, log_lines: LogLines
) -> None:
    gone, *rest = mail_ids((await browser.get("/mail.hsp")).text)
    erase(dovecot, account, 3)
    for verb in ("seen", "flag", "delete"):
        reply = await browser.post("/act.hsp", {"do": verb, "id": gone})
        assert reply.status in {303, 404}
        assert DEFECT not in reply.text
        assert log_lines.about(reply["x-request-id"])
    assert mail_ids((await browser.get("/mail.hsp")).text) == rest


async def test_a_folder_deleted_elsewhere_is_404_and_nothing_is_moved_there(
    browser: Browser, dovecot: DovecotServer, account: str, log_lines: LogLines, world: World
) -> None:
    folders(dovecot, account, "create", "Plans")
    world.clock.advance(60)
    page = (await browser.get("/mail.hsp")).text
    plans, before = folder_id(page, "Plans"), mail_ids(page)
    folders(dovecot, account, "delete", "Plans")
    assert_clear(await browser.get("/mail.hsp", folder=plans), log_lines, 404, NO_FOLDER)
    reply = await browser.post("/act.hsp", {"move": plans, "id": before[:2]})
    assert_clear(reply, log_lines, 404, NO_FOLDER)
    after = await browser.get("/mail.hsp")
    assert mail_ids(after.text) == before
    assert "Plans" not in after.text


async def test_a_folder_made_anew_under_the_same_name_is_another_folder(
    browser: Browser, dovecot: DovecotServer, account: str, log_lines: LogLines, world: World
) -> None:
    folders(dovecot, account, "create", "Plans")
    world.clock.advance(60)
    page = (await browser.get("/mail.hsp")).text
    await browser.post("/act.hsp", {"move": folder_id(page, "Plans"), "id": mail_ids(page)[0]})
    (planned,) = mail_ids((await browser.get("/mail.hsp", folder=folder_id(page, "Plans"))).text)
    folders(dovecot, account, "delete", "Plans")
    folders(dovecot, account, "create", "Plans")
    # A kept connection may still stand in the old folder; when the server owns up to that, it is not used again.
    assert (await browser.get("/message.hsp", id=planned)).status in {404, 502}
    assert (await browser.get("/message.hsp", id=planned)).status == 404
    assert_clear(await browser.get("/mail.hsp", folder=folder_id(page, "Plans")), log_lines, 404, NO_FOLDER)


async def test_a_reply_whose_mail_vanished_is_sent_all_the_same(
    browser: Browser, dovecot: DovecotServer, account: str, world: World
) -> None:
    (newest, *_) = mail_ids((await browser.get("/mail.hsp")).text)
    assert (await browser.get("/compose.hsp", reply=newest)).status == 200
    erase(dovecot, account, 3)
    reply = await browser.post("/compose.hsp", {**LETTER, "mode": "reply", "answers": newest})
    assert "sent=" in reply["location"], reply.text
    await eventually(lambda: len(world.sink.messages) == 1, "the reply is sent")


@pytest.mark.parametrize("verb", ["save", "send"])
async def test_a_draft_deleted_elsewhere_does_not_take_the_text_with_it(
    browser: Browser, dovecot: DovecotServer, account: str, world: World, verb: str
) -> None:
    saved = await browser.post("/compose.hsp", {**LETTER, "do": "save"})
    draft = saved["location"].partition("draft=")[2].partition("&")[0]
    erase(dovecot, account, 1, folder="Drafts")
    reply = await browser.post("/compose.hsp", {**LETTER, "do": verb, "draft": draft, "source": draft})
    assert reply.status == 303, reply.text
    if verb == "save":
        assert len(contents(dovecot.imap_port, account, "Drafts")) == 1
    else:
        await eventually(lambda: len(world.sink.messages) == 1, "the mail is sent")


async def test_a_kept_file_that_vanished_with_its_draft_is_named_and_the_text_comes_back(
    browser: Browser, dovecot: DovecotServer, account: str, world: World, log_lines: LogLines
) -> None:
    saved = await browser.post("/compose.hsp", {**LETTER, "do": "save"})
    draft = saved["location"].partition("draft=")[2].partition("&")[0]
    erase(dovecot, account, 1, folder="Drafts")
    form = {**LETTER, "draft": draft, "source": draft, "keep": "2"}
    reply = await browser.post("/compose.hsp", form)
    assert_clear(reply, log_lines, 422, "A file you kept is no longer there")
    assert 'value="A letter"' in reply.text
    again = await browser.post("/compose.hsp", {**LETTER, **hidden_fields(reply.text)})
    assert again.status == 303, "the form that came back can be sent"
    await eventually(lambda: len(world.sink.messages) == 1, "the mail is sent without the file")


def hidden_fields(page: str) -> dict[str, str]:
    """What the form that came back would carry along."""
    names = ("draft", "source", "answers", "mode", "key")
    return {name: found[1] for name in names if (found := re.search(rf'name="{name}" value="([^"]*)"', page))}


# A full mailbox


async def test_a_full_mailbox_says_so_and_the_form_comes_back(
    world: World, dovecot: DovecotServer, log_lines: LogLines
) -> None:
    account = dovecot.new_user(small=True)
    browser = await world.browser().log_in(account)
    long = {**LETTER, "do": "save", "text": "a long line of text\n" * 8000}
    reply = await browser.post("/compose.hsp", long)
    assert_clear(reply, log_lines, 507, "Your mailbox is full")
    assert 'value="A letter"' in reply.text
    assert reply.text.count("a long line of text") == 8000
    assert contents(dovecot.imap_port, account, "Drafts") == []


async def test_a_full_mailbox_does_not_keep_a_mail_from_being_sent_once(world: World, dovecot: DovecotServer) -> None:
    world.sink.messages.clear()
    browser = await world.browser().log_in(dovecot.new_user(small=True))
    reply = await browser.post("/compose.hsp", {**LETTER, "text": "a long line of text\n" * 8000})
    assert reply.status == 303
    await eventually(lambda: len(world.sink.messages) == 1, "the mail is sent")
    for _ in range(3):
        world.clock.advance(120)
        assert (await browser.get("/outbox.hsp")).status == 200
        await world.gateway.outbox.settled()
    assert len(world.sink.messages) == 1


# Servers that answer nonsense, or nothing

Gateway = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def gateway(redis_server: RedisServer, smtp_sink: SmtpSink, tmp_path: Path) -> Gateway:
    """A gateway before an IMAP server of the test's own making."""

    def make(server: ScriptedServer, **webmail: Any) -> AbstractAsyncContextManager[World]:
        patience = {"connect_timeout": 0.3, "command_timeout": 0.5}
        ring = KeyRing.generate()
        return node(redis_server, Upstream(server.port), smtp_sink, tmp_path, ring=ring, upstream=patience, **webmail)

    return make


async def nothing(_tag: str, _rest: str) -> bytes | None:
    return None


AWAY = "We couldn&#39;t reach your mail server"


@pytest.mark.parametrize(
    "greeting", [b"", b"220 smtp.example.org ESMTP\r\n", b"\xff\xfe\0\0\r\n", b"* OK" + b"x" * 9, None]
)
async def test_a_login_at_a_server_that_greets_with_nonsense_is_503_and_counts_as_nobodys_failure(
    gateway: Gateway, log_lines: LogLines, greeting: bytes | None
) -> None:
    async with scripted(greeting=greeting) as server, gateway(server) as world:
        for _ in range(6):
            browser = world.browser()
            browser.address = "203.0.113.50"
            reply = await browser.try_login()
            assert_clear(reply, log_lines, 503, AWAY)
            assert int(reply["retry-after"]) > 0
        assert "login_failed" not in log_lines.text


@pytest.mark.parametrize(
    ("handlers", "status", "sentence"),
    [
        pytest.param({"SELECT": b"* ( ) nonsense {\r\n"}, 502, "something we don&#39;t understand", id="nonsense"),
        pytest.param({"SELECT": b"\0\xff\xfe\r\n"}, 502, "something we don&#39;t understand", id="bytes"),
        pytest.param(
            {"SELECT": b"* 99999999999999999999 EXISTS\r\n{tag} OK done\r\n"}, 502, "understand", id="numbers"
        ),
        pytest.param({"SELECT": b"{tag} NO [SERVERBUG] oh\r\n"}, 502, "understand", id="its own bug"),
        pytest.param({"SELECT": b"* BYE maintenance\r\n"}, 503, AWAY, id="goodbye"),
        pytest.param({"SELECT": nothing}, 503, AWAY, id="silence"),
        pytest.param({"SELECT": b"{tag} NO [UNAVAILABLE] later\r\n"}, 503, "is busy", id="busy"),
        pytest.param({"SELECT": b"{tag} NO [NOPERM] <svg onload=x>\r\n"}, 404, NO_FOLDER, id="not allowed"),
    ],
)
async def test_a_page_of_a_server_that_answers_nonsense_or_nothing_says_so(
    gateway: Gateway, log_lines: LogLines, handlers: dict[str, Any], status: int, sentence: str
) -> None:
    every = {**handlers, "EXAMINE": handlers["SELECT"]}
    async with scripted(every) as server, gateway(server) as world:
        browser = await world.browser().log_in()
        reply = await browser.get("/mail.hsp")
        assert_clear(reply, log_lines, status, sentence)
        assert "<svg onload" not in reply.text
        assert (status == 503) == (reply.get("retry-after") is not None)
        assert (await browser.get("/outbox.hsp")).status == 200, "our own pages do without the mail server"
        assert (await browser.get("/sessions.hsp")).status == 200
        assert (await browser.get("/compose.hsp")).status == 200


async def test_a_mail_can_be_written_and_sent_before_a_server_that_answers_nothing(gateway: Gateway) -> None:
    silent = dict.fromkeys(("LIST", "STATUS", "SELECT", "APPEND", "NOOP", "GETQUOTAROOT"), nothing)
    async with scripted(silent) as server, gateway(server) as world:
        browser = await world.browser().log_in()
        saved = await browser.post("/compose.hsp", {**LETTER, "do": "save"})
        assert saved.status == 503
        assert 'value="A letter"' in saved.text, "a draft that cannot be saved stays in the form"
        sent = await browser.post("/compose.hsp", LETTER)
        assert sent.status == 303, sent.text
        await eventually(lambda: len(world.sink.messages) == 1, "the mail is sent")


# Submission servers that refuse, break or hang


@pytest.fixture
async def writer(
    redis_server: RedisServer, dovecot: DovecotServer, smtp_sink: SmtpSink, tmp_path: Path, account: str
) -> AsyncIterator[Browser]:
    async with node(redis_server, dovecot, smtp_sink, tmp_path, ring=KeyRing.generate()) as world:
        yield await world.browser().log_in(account)


Shown = Callable[[str], Awaitable[bool]]


@pytest.fixture
def shown(writer: Browser) -> Shown:
    async def look(text: str) -> bool:
        return text in (await writer.get("/outbox.hsp")).text

    return look


@pytest.mark.parametrize(
    ("stage", "answer", "told"),
    [
        ("mail", "550 5.7.1 not you", "It said: 5"),
        ("rcpt", "550 5.1.1 no such user <svg onload=x>", "It said: 5"),
        ("content", "554 5.6.0 looks like spam", "It said: 5"),
        ("mail", "451 4.3.0 later", "Sending in 30 s"),
        ("data", "452 4.3.1 full", "Sending in 30 s"),
        ("connect", "421 4.3.2 maintenance", "Sending in 30 s"),
        ("mail", "drop", "Sending in 30 s"),
        ("content", "drop", "It may have arrived"),
    ],
)
async def test_a_submission_server_that_refuses_is_told_in_the_outbox(
    writer: Browser, shown: Shown, smtp_sink: SmtpSink, stage: str, answer: str, told: str
) -> None:
    smtp_sink.faults[stage] = answer
    assert (await writer.post("/compose.hsp", LETTER)).status == 303
    await writer.world.gateway.outbox.settled()
    await eventually(lambda: shown(told), told)
    page = await writer.get("/outbox.hsp")
    assert "A letter" in page.text
    assert "<svg onload" not in page.text
    smtp_sink.faults.clear()
    got = len(smtp_sink.messages)
    writer.world.clock.advance(31)
    for _ in range(2):
        await writer.world.gateway.outbox.run_once()
        await writer.world.gateway.outbox.settled()
    again = 1 if told.startswith("Sending in") else 0
    assert len(smtp_sink.messages) == got + again, "tried again by itself only where it was surely not sent"


async def test_a_submission_server_that_is_not_there_costs_no_mail(
    writer: Browser, shown: Shown, smtp_sink: SmtpSink
) -> None:
    smtp_sink.refuse_connections()
    assert (await writer.post("/compose.hsp", LETTER)).status == 303
    await eventually(lambda: shown("Sending in 30 s"), "the outbox says that it waits")
    assert await shown("A letter")


async def test_a_submission_server_that_hangs_blocks_no_page(
    writer: Browser, shown: Shown, smtp_sink: SmtpSink
) -> None:
    answered = Event()
    smtp_sink.deliver = lambda _: answered.wait(30)  # type: ignore[method-assign,assignment]  # it has the mail and says nothing
    assert (await writer.post("/compose.hsp", LETTER)).status == 303
    await eventually(lambda: len(smtp_sink.messages) == 1, "it is being sent")
    replies = await asyncio.gather(*[writer.get(page) for page in ("/mail.hsp", "/outbox.hsp", "/compose.hsp")])
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert await shown("Sending")
    answered.set()
    await writer.world.gateway.outbox.settled()
    assert await shown("Accepted by your mail server")
