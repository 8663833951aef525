"""The IMAP client against a real Dovecot: every verb, every way in."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from hsp.protocols.credentials import Credential
from hsp.protocols.imap import (
    Atom,
    AuthenticationRejected,
    ConnectError,
    ConnectionLost,
    Endpoint,
    ImapClient,
    Rejected,
    ServerBusy,
    Untagged,
)
from tests.support.dovecot import DovecotServer, make_dovecot
from tests.support.odd_messages import PLAIN

pytestmark = pytest.mark.anyio


def endpoint(dovecot: DovecotServer, security: str = "none") -> Endpoint:
    port = dovecot.imaps_port if security == "tls" else dovecot.imap_port
    context = None if security == "none" else dovecot.ssl_context
    return Endpoint(dovecot.host, port, security, ssl_context=context)  # type: ignore[arg-type]  # one of three words


async def logged_in(dovecot: DovecotServer, user: str) -> ImapClient:
    client = await ImapClient.connect(endpoint(dovecot))
    await client.authenticate(Credential("password", user, dovecot.password))
    return client


@pytest.fixture
async def client(dovecot: DovecotServer) -> AsyncIterator[ImapClient]:
    client = await logged_in(dovecot, dovecot.new_user())
    yield client
    await client.close()


async def filled(client: ImapClient, number: int = 3) -> list[int]:
    """INBOX, selected, with `number` messages; their UIDs."""
    for index in range(number):
        date = datetime(2026, 7, 1 + index, tzinfo=UTC)
        await client.append("INBOX", PLAIN.replace(b"Subject: plain", b"Subject: no %d" % (number - index)), date=date)
    await client.select("INBOX")
    return await client.search([Atom("ALL")])


# Ways in


@pytest.mark.parametrize("security", ["none", "tls", "starttls"])
@pytest.mark.parametrize("mechanism", ["password", "xoauth2", "oauthbearer"])
async def test_every_way_in(dovecot: DovecotServer, security: str, mechanism: str) -> None:
    client = await ImapClient.connect(endpoint(dovecot, security))
    secret = dovecot.password if mechanism == "password" else dovecot.token("alice@demo.test")
    await client.authenticate(Credential(mechanism, "alice@demo.test", secret))  # type: ignore[arg-type]  # one of three
    assert client.state == "authenticated"
    assert client.has("CONDSTORE")
    await client.logout()
    assert not client.is_usable


@pytest.mark.parametrize("mechanism", ["password", "xoauth2", "oauthbearer"])
async def test_wrong_secrets_are_refused_for_good(dovecot: DovecotServer, mechanism: str) -> None:
    client = await ImapClient.connect(endpoint(dovecot))
    secret = "wrong" if mechanism == "password" else dovecot.token("alice@demo.test", lifetime=-60)
    with pytest.raises(AuthenticationRejected) as caught:
        await client.authenticate(Credential(mechanism, "alice@demo.test", secret))  # type: ignore[arg-type]  # one of three
    assert not caught.value.temporary
    await client.authenticate(Credential("password", "alice@demo.test", dovecot.password))
    await client.close()


async def test_an_unknown_authority_is_refused(dovecot: DovecotServer) -> None:
    for security, port in (("tls", dovecot.imaps_port), ("starttls", dovecot.imap_port)):
        with pytest.raises(ConnectError) as caught:
            await ImapClient.connect(Endpoint(dovecot.host, port, security))  # type: ignore[arg-type]  # one of three words
        assert caught.value.reason == "tls"


async def test_im03_too_many_connections() -> None:
    for server in make_dovecot(max_connections=1):
        first = await logged_in(server, "alice@demo.test")
        with pytest.raises(ServerBusy):
            await logged_in(server, "alice@demo.test")
        assert first.is_usable
        await first.close()


async def test_im04_a_server_that_goes_and_comes() -> None:
    for server in make_dovecot():
        client = await logged_in(server, "alice@demo.test")
        server.kill()
        with pytest.raises(ConnectionLost):
            await asyncio.gather(*(client.noop() for _ in range(1000)))
        assert not client.is_usable
        with pytest.raises(ConnectError):
            await logged_in(server, "alice@demo.test")
        server.start()
        await (await logged_in(server, "alice@demo.test")).close()
        await client.close()


# Folders


async def test_folders_with_special_uses_and_counts_in_one_round_trip(client: ImapClient) -> None:
    await filled(client, 2)
    await client.create('Entwürfe & "Zitate"/台北')
    folders = {folder.name: folder for folder in await client.list_folders()}
    assert {folder.special_use: name for name, folder in folders.items() if folder.special_use} == {
        "drafts": "Drafts", "sent": "Sent", "trash": "Trash", "junk": "Junk", "archive": "Archive",
    }  # fmt: skip
    inbox = folders["INBOX"].status
    assert inbox is not None
    assert (inbox.messages, inbox.unseen) == (2, 2)
    assert inbox.highestmodseq
    assert folders['Entwürfe & "Zitate"/台北'].delimiter == "/"
    assert await client.status("INBOX") == inbox


async def test_folders_are_made_named_and_removed(client: ImapClient) -> None:
    await client.create("Aé")
    with pytest.raises(Rejected) as caught:
        await client.create("Aé")
    assert caught.value.code == "ALREADYEXISTS"
    await client.rename("Aé", "B {5}")
    await client.subscribe("B {5}")
    assert "B {5}" in [folder.name for folder in await client.list_folders(status=False)]
    await client.subscribe("B {5}", subscribed=False)
    await client.delete("B {5}")
    with pytest.raises(Rejected):
        await client.select("B {5}")
    assert client.selected is None
    assert client.is_usable


async def test_select_tells_where_we_are(client: ImapClient) -> None:
    await filled(client)
    selected = await client.select("INBOX")
    assert (selected.exists, selected.uidnext, selected.read_only) == (3, 4, False)
    assert selected.uidvalidity > 0
    assert selected.highestmodseq > 0
    assert "\\*" in selected.permanent_flags
    assert (await client.select("INBOX", read_only=True)).read_only
    await client.unselect()
    assert (client.state, client.selected) == ("authenticated", None)


async def test_qresync_tells_what_changed_meanwhile(dovecot: DovecotServer, client: ImapClient) -> None:
    assert "QRESYNC" in await client.enable("QRESYNC", "X-UNKNOWN")
    uids = await filled(client)
    before = await client.select("INBOX")
    await client.store([uids[0]], "+", ["\\Flagged"])
    await client.expunge([uids[1]])
    await client.select("Drafts")
    after = await client.select("INBOX", qresync=(before.uidvalidity, before.highestmodseq))
    assert [uid for part in after.vanished for uid in part] == [uids[1]]
    assert [(fetched.uid, "\\Flagged" in fetched.flags) for fetched in after.changed] == [(uids[0], True)]
    changed = await client.fetch("1:*", ["FLAGS"], changed_since=before.highestmodseq)
    assert [fetched.uid for fetched in changed] == [uids[0]]


# Messages


async def test_a_page_is_one_fetch(client: ImapClient) -> None:
    uids = await filled(client)
    rows = await client.fetch(uids, ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODYSTRUCTURE"])
    assert [row.uid for row in rows] == uids
    assert [row.envelope.subject for row in rows if row.envelope] == [b"no 3", b"no 2", b"no 1"]
    assert rows[0].internal_date == datetime(2026, 7, 1, tzinfo=UTC)
    assert rows[0].structure is not None
    assert await client.fetch([999], ["FLAGS"]) == []
    assert await client.fetch([], ["FLAGS"]) == []


async def test_a_very_long_set_is_fetched_in_several_commands(client: ImapClient) -> None:
    uids = await filled(client)
    rows = await client.fetch(range(1, 60_000, 2), ["FLAGS"])
    assert [row.uid for row in rows] == [uid for uid in uids if uid % 2]


async def test_search_and_sort(client: ImapClient) -> None:
    uids = await filled(client)
    assert await client.search([Atom("SUBJECT"), "no 2"]) == [uids[1]]
    assert await client.search([Atom("OR"), [Atom("SUBJECT"), "no 1"], [Atom("SUBJECT"), "no 3"]]) == [uids[0], uids[2]]
    assert await client.search([Atom("SUBJECT"), 'ü" OR ALL\r\nx LOGOUT']) == []
    assert await client.search([Atom("ALL")], uid=False) == [1, 2, 3]
    assert await client.sort(["SUBJECT"]) == uids[::-1]
    assert await client.sort(["REVERSE", "ARRIVAL"], [Atom("TEXT"), "é"]) == []


async def test_flags(client: ImapClient) -> None:
    uids = await filled(client)
    changed = await client.store(uids[:2], "+", ["\\Seen", "$Forwarded", "Work"], silent=False)
    assert [fetched.flags - {"\\Recent"} for fetched in changed] == [{"\\Seen", "$Forwarded", "Work"}] * 2
    await client.store(uids[:1], "-", ["Work"])
    await client.store(uids[1:2], "=", [])
    rows = await client.fetch(uids, ["FLAGS"])
    assert [row.flags - {"\\Recent"} for row in rows] == [{"\\Seen", "$Forwarded"}, set(), set()]


async def test_copy_move_and_expunge(client: ImapClient) -> None:
    uids = await filled(client)
    copied = await client.copy(uids[:2], "Archive")
    assert copied is not None
    assert list(copied.uids) == uids[:2]
    moved = await client.move([uids[2]], "Trash")
    assert moved is not None
    assert moved.uids == {uids[2]: 1}
    await client.store([uids[0]], "+", ["\\Deleted"])
    await client.expunge([uids[1]])
    assert await client.search([Atom("ALL")]) == [uids[0]]
    with pytest.raises(Rejected) as caught:
        await client.copy(uids, "Nowhere")
    assert caught.value.code == "TRYCREATE"


async def test_append_tells_where_it_went(client: ImapClient) -> None:
    appended = await client.append("Sent", PLAIN, ["\\Seen"])
    selected = await client.select("Sent")
    assert appended is not None
    assert (appended.uidvalidity, appended.uid) == (selected.uidvalidity, 1)
    fetched = await client.fetch([1], ["BODY.PEEK[]", "FLAGS"])
    assert fetched[0].sections == {"": PLAIN}
    with pytest.raises(Rejected):
        await client.append("Nowhere", PLAIN)


async def test_parts_and_streams(client: ImapClient) -> None:
    body = bytes(range(33, 127)) * 5000
    appended = await client.append("INBOX", b"Subject: big\r\n\r\n" + body)
    assert appended is not None
    await client.select("INBOX")
    pieces = [piece async for piece in client.fetch_stream(appended.uid, "1", chunk=64 * 1024)]
    assert len(pieces) == len(body) // (64 * 1024) + 1
    assert b"".join(pieces) == body
    with pytest.raises(Rejected) as caught:
        [piece async for piece in client.fetch_stream(999, "1")]
    assert caught.value.code == "NONEXISTENT"
    assert not (await client.fetch([appended.uid], ["FLAGS"]))[0].flags & {"\\Seen"}


async def test_two_streams_on_one_connection_do_not_mix(client: ImapClient) -> None:
    first, second = b"a" * 50_000, b"b" * 50_000
    await client.append("INBOX", b"Subject: a\r\n\r\n" + first)
    await client.append("INBOX", b"Subject: b\r\n\r\n" + second)
    await client.select("INBOX")

    async def read(uid: int, chunk: int) -> bytes:
        return b"".join([piece async for piece in client.fetch_stream(uid, "TEXT", chunk=chunk)])

    assert await asyncio.gather(read(1, 1000), read(2, 1500), read(1, 7000)) == [first, second, first]


async def test_over_quota(dovecot: DovecotServer) -> None:
    client = await logged_in(dovecot, dovecot.new_user(small=True))
    with pytest.raises(Rejected) as caught:
        await client.append("INBOX", PLAIN + b"x" * 100_000)
    assert caught.value.code == "OVERQUOTA"
    quota = await client.quota()
    assert quota is not None
    assert quota.storage_limit == 64 * 1024
    await client.close()


async def test_a_hundred_commands_in_flight(client: ImapClient) -> None:
    uids = await filled(client)
    results = await asyncio.gather(*(client.fetch([uids[i % 3]], ["ENVELOPE"]) for i in range(100)))
    assert [result[0].uid for result in results] == [uids[i % 3] for i in range(100)]


async def test_sc20_commands_cancelled_at_random_never_mix_answers(dovecot: DovecotServer) -> None:
    user = dovecot.new_user()
    client = await logged_in(dovecot, user)
    uids = await filled(client)
    for turns in range(30):
        victim = asyncio.ensure_future(client.fetch([uids[0]], ["BODY.PEEK[HEADER]"]))
        for _ in range(turns):
            await asyncio.sleep(0)
        victim.cancel()
        await asyncio.wait((victim,))
        if not client.is_usable:
            await client.close()
            client = await logged_in(dovecot, user)
            await client.select("INBOX")
        (fetched,) = await client.fetch([uids[2]], ["ENVELOPE"])
        assert fetched.uid == uids[2]
        assert fetched.envelope is not None
        assert fetched.envelope.subject == b"no 1"
    await client.close()


# News


async def test_idle_tells_of_new_mail_and_ends_when_asked(dovecot: DovecotServer) -> None:
    user = dovecot.new_user()
    watcher, sender = await logged_in(dovecot, user), await logged_in(dovecot, user)
    await watcher.select("INBOX")
    heard: list[Untagged] = []
    async with asyncio.timeout(30):
        news = watcher.idle()
        first = asyncio.ensure_future(anext(news))
        while not watcher._connection._in_flight:
            await asyncio.sleep(0)
        await sender.append("INBOX", PLAIN)
        heard.append(await first)
        while heard[-1].kind != "EXISTS":
            heard.append(await anext(news))
        watcher.stop_idle()
        heard += [item async for item in news]
    assert heard
    assert watcher.exists == 1
    await watcher.noop()
    assert watcher.is_usable
    await watcher.close()
    await sender.close()


async def test_idle_ends_by_its_limit(client: ImapClient) -> None:
    await client.select("INBOX")
    async for _ in client.idle(limit=0.01):
        pass
    await client.noop()


async def test_idle_broken_off_gives_the_connection_up(client: ImapClient) -> None:
    await client.select("INBOX")
    news = client.idle()
    waiting = asyncio.ensure_future(anext(news))
    for _ in range(10):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait((waiting,))
    await news.aclose()
    assert not client.is_usable


async def test_id_and_namespace(client: ImapClient) -> None:
    assert (await client.id({"name": "hsp"}))["name"] == "Dovecot"
    assert (await client.namespace()).personal == (("", "/"),)
