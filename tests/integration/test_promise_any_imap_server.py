"""Promise 9: any IMAP server. Extensions are used when offered and never required.

One walk through the whole gateway: on Dovecot as it is, on Dovecot with its extensions hidden but for one group, and on
pymap, which has few.
"""

import imaplib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hsp.foundation.sealing import KeyRing
from tests.support import pymap_server
from tests.support.dovecot import DovecotServer, make_dovecot
from tests.support.gateway import Browser, World
from tests.support.letters import letter
from tests.support.nodes import Upstream, deliver, eventually, folder_id, mail_ids, node
from tests.support.redis_server import RedisServer
from tests.support.smtp_sink import SmtpSink

pytestmark = pytest.mark.anyio

EVERYTHING = "everything"
BARE = "IMAP4rev1"
OFFERS = [
    EVERYTHING,
    BARE,
    "IMAP4rev1 LITERAL+ SASL-IR UIDPLUS",
    "IMAP4rev1 MOVE ESEARCH SORT",
    "IMAP4rev1 SPECIAL-USE LIST-EXTENDED LIST-STATUS ENABLE CONDSTORE QRESYNC",
]


@pytest.fixture(scope="module", params=OFFERS)
def offering(request: pytest.FixtureRequest) -> Iterator[DovecotServer]:
    """A Dovecot that says it can do this and no more."""
    for server in make_dovecot():
        if request.param != EVERYTHING:
            server.stop()
            with (server.root / "dovecot.conf").open("a") as configuration:
                configuration.write(f"\nimap_capability = {request.param}\n")
            server.start()
        yield server


@pytest.fixture
async def on_dovecot(
    redis_server: RedisServer, offering: DovecotServer, smtp_sink: SmtpSink, tmp_path: Path
) -> AsyncIterator[World]:
    async with node(redis_server, offering, smtp_sink, tmp_path, ring=KeyRing.generate()) as world:
        yield world


@pytest.fixture
async def on_pymap(
    redis_server: RedisServer, smtp_sink: SmtpSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    monkeypatch.setattr("tests.support.smtp_sink.PASSWORD", pymap_server.PASSWORD)
    with pymap_server.pymap_server() as port:
        writable_trash(port)
        async with node(
            redis_server, Upstream(port), smtp_sink, tmp_path, ring=KeyRing.generate(), upstream={"username": "local"}
        ) as world:
            yield world


def writable_trash(port: int) -> None:
    """The Trash of pymap's demonstration is read-only; the gateway makes a missing one."""
    client = imaplib.IMAP4("127.0.0.1", port)
    client.login(pymap_server.USER, pymap_server.PASSWORD)
    assert client.delete("Trash")[0] == "OK"
    client.logout()


async def test_everything_works_on_a_dovecot_whatever_it_offers(on_dovecot: World, offering: DovecotServer) -> None:
    account = offering.new_user()
    deliver(offering, account, *[letter(f"Number {number}", text=f"Text {number}\n") for number in range(1, 6)])
    browser = await on_dovecot.browser().log_in(account)
    page = (await browser.get("/mail.hsp")).text
    assert [page.index(f"Number {number}") for number in (5, 4, 3, 2, 1)] == sorted(
        page.index(f"Number {number}") for number in range(1, 6)
    )
    await read_mark_search(browser, "Number 5", "Text 5")
    await move_and_delete(browser, "Archive")
    await write_and_send(browser)


async def test_everything_works_on_pymap(on_pymap: World) -> None:
    browser = await on_pymap.browser().log_in(f"{pymap_server.USER}@demo.test", pymap_server.PASSWORD)
    page = (await browser.get("/mail.hsp")).text
    assert len(mail_ids(page)) >= 2
    opened = await browser.get("/message.hsp", id=mail_ids(page)[0])
    assert opened.status == 200, opened.text
    await read_mark_search(browser, "", "")
    await move_and_delete(browser, "Sent")
    await write_and_send(browser)


async def read_mark_search(browser: Browser, subject: str, text: str) -> None:
    (first, *_) = mail_ids((await browser.get("/mail.hsp")).text)
    opened = await browser.get("/message.hsp", id=first)
    assert opened.status == 200
    assert subject in opened.text
    assert text in opened.text + (await browser.get("/body.hsp", id=first)).text
    for verb in ("flag", "unseen", "seen", "unflag"):
        reply = await browser.post("/act.hsp", {"do": verb, "id": first})
        assert reply.status == 303, (verb, reply.text)
        assert f"notice={verb}" in reply["location"]
    found = mail_ids((await browser.get("/mail.hsp", q=f'subject:"{subject}"')).text)
    assert not subject or found == [first]
    assert mail_ids((await browser.get("/mail.hsp", q="nothing-has-this-word")).text) == []
    assert (await browser.get("/mail.hsp", q="Grüße, 日本")).status == 200


async def move_and_delete(browser: Browser, target: str) -> None:
    page = (await browser.get("/mail.hsp")).text
    before, elsewhere = mail_ids(page), folder_id(page, target)
    reply = await browser.post("/act.hsp", {"move": elsewhere, "id": before[0]})
    assert "notice=moved" in reply["location"], reply.text
    assert mail_ids((await browser.get("/mail.hsp")).text) == before[1:]
    assert len(mail_ids((await browser.get("/mail.hsp", folder=elsewhere)).text)) >= 1
    reply = await browser.post("/act.hsp", {"do": "delete", "id": before[1]})
    assert reply.status == 303, reply.text
    assert mail_ids((await browser.get("/mail.hsp")).text) == before[2:]
    trash = folder_id((await browser.get("/mail.hsp")).text, "Trash")
    thrown = mail_ids((await browser.get("/mail.hsp", folder=trash)).text)
    assert thrown
    gone = await browser.post("/act.hsp", {"do": "delete", "id": thrown[0]})
    assert "notice=gone" in gone["location"], gone.text
    assert mail_ids((await browser.get("/mail.hsp", folder=trash)).text) == thrown[1:]


async def write_and_send(browser: Browser) -> None:
    form = {"to": "x@example.org", "subject": "From any server", "text": "Grüße\n", "key": "k1"}
    saved = await browser.post("/compose.hsp", {**form, "do": "save"})
    assert "notice=saved" in saved["location"], saved.text
    drafts = folder_id((await browser.get("/mail.hsp")).text, "Drafts")
    assert "From any server" in (await browser.get("/mail.hsp", folder=drafts)).text
    sent = await browser.post("/compose.hsp", {**form, "do": "send"})
    assert "sent=" in sent["location"], sent.text
    sink = browser.world.sink
    await eventually(lambda: len(sink.messages) == 1, "the mail is sent")
    await browser.world.gateway.outbox.settled()
    page = (await browser.get("/mail.hsp")).text
    copies = await browser.get("/mail.hsp", folder=folder_id(page, "Sent"))
    assert "From any server" in copies.text
