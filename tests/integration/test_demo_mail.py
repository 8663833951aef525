"""The embedded mail servers over the wire: what a webmail asks of them, and mail that truly travels."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from typing import Any, TypeVar

import pytest
from imapclient import IMAPClient

from hsp.demo.accounts import ALICE, BOB
from hsp.demo.letters.post import sketches
from hsp.demo.supervisor import Child, Supervisor, listen

pytestmark = pytest.mark.anyio
Answer = TypeVar("Answer")


class Servers:
    """The two servers; `ask` talks to the first one in a thread, by an independent client library."""

    def __init__(self, imap_port: int, smtp_port: int) -> None:
        self.imap_port = imap_port
        self.smtp_port = smtp_port

    async def ask(
        self, question: Callable[[IMAPClient], Answer], account: str = ALICE, folder: str = "INBOX"
    ) -> Answer:
        def talk() -> Answer:
            with IMAPClient("127.0.0.1", self.imap_port, ssl=False, timeout=30) as client:
                client.login(account, "demo")
                if folder:
                    client.select_folder(folder)
                return question(client)

        return await asyncio.to_thread(talk)

    async def send(self, sender: str, recipients: list[str], message: bytes, *, login: bool = True) -> Any:
        def talk() -> Any:
            with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=30) as client:
                if login:
                    client.login(ALICE, "demo")
                return client.sendmail(sender, recipients, message)

        return await asyncio.to_thread(talk)


@pytest.fixture(scope="module")
async def servers() -> AsyncIterator[Servers]:
    with listen() as imap, listen() as smtp:
        port = imap.getsockname()[1]
        children = [
            Child("IMAP server", "hsp.demo.imap_server", lent=(imap,)),
            Child("submission server", "hsp.demo.smtp_server", (str(port),), lent=(smtp,)),
        ]
        said: list[str] = []
        supervisor = Supervisor(children, said.append)
        await supervisor.start()
        try:
            await asyncio.wait_for(supervisor.wait_ready(), 60)
            yield Servers(port, smtp.getsockname()[1])
        finally:
            await supervisor.stop()
        assert said == []


async def test_special_folders_are_named_as_such(servers: Servers) -> None:
    def question(client: IMAPClient) -> dict[str, set[bytes]]:
        return {name: set(flags) for flags, _, name in client.list_folders()}

    folders = await servers.ask(question, folder="")
    for name in ("Drafts", "Sent", "Trash", "Junk", "Archive"):
        assert f"\\{name}".encode() in folders[name]
    assert "Projects/Tide clock for Kyōto 潮" in folders
    assert b"\\HasChildren" in folders["Projects"]


async def test_list_returns_status_and_selects(servers: Servers) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", servers.imap_port)
    writer.write(
        b"a LOGIN alice@demo.test demo\r\n"
        b'b LIST (SPECIAL-USE) "" ("*" "%") RETURN (SUBSCRIBED STATUS (MESSAGES UNSEEN))\r\n'
        b'c LIST "" "Dra*"\r\nd LIST (SUBSCRIBED) "" ""\r\ne LIST () "" ()\r\nf NOOP\r\n'
    )
    lines = []
    while not (line := await reader.readline()).startswith(b"f "):
        lines.append(line)
    writer.close()
    await writer.wait_closed()
    text = b"".join(lines)
    assert b'* LIST (\\HasNoChildren \\Drafts \\Subscribed) "/" Drafts' in text
    assert b"* STATUS Drafts (MESSAGES 4 UNSEEN 0)" in text
    assert b"INBOX" not in text.split(b"b OK")[0].split(b"a OK")[1]
    assert b"c OK" in text
    assert b"e BAD" in text


@pytest.mark.parametrize("account", [ALICE, BOB])
async def test_every_seeded_message_is_served_whole(servers: Servers, account: str) -> None:
    def question(client: IMAPClient) -> int:
        seen = 0
        for _, _, name in client.list_folders():
            if name in ("Projects",):
                continue
            client.select_folder(name, readonly=True)
            items = ["ENVELOPE", "BODYSTRUCTURE", "BODY", "RFC822.SIZE", "BODY.PEEK[]", "BODY.PEEK[1]"]
            for found in client.fetch(client.search("ALL"), items).values():
                assert found[b"RFC822.SIZE"] == len(found[b"BODY[]"])
                seen += 1
        return seen

    assert await servers.ask(question, account, folder="") >= len(sketches(account))


async def test_a_broken_date_does_not_end_the_connection(servers: Servers) -> None:
    def question(client: IMAPClient) -> tuple[int, bytes]:
        (uid,) = client.search(["SUBJECT", "A broken date"])
        client.search(["SENTSINCE", "01-Jan-2020"])
        client.fetch([uid], ["ENVELOPE"])
        client.noop()
        return uid, client.fetch([uid], ["BODY[HEADER.FIELDS (DATE)]"])[uid][b"BODY[HEADER.FIELDS (DATE)]"]

    assert b"Blursday" in (await servers.ask(question))[1]


@pytest.mark.parametrize(
    ("criteria", "least"),
    [
        (["SUBJECT", "παλίρροιας"], 2),
        (["SUBJECT", "ΠΑΛΊΡΡΟΙΑΣ"], 2),
        (["TEXT", "маятник"], 1),
        (["BODY", "潮汐時計"], 1),
        (["FROM", "Волков"], 1),
        (["UNSEEN"], 10),
        (["KEYWORD", "$Forwarded"], 1),
        (["LARGER", 100_000], 1),
        (["OR", "SUBJECT", "gull", "SUBJECT", "kraken"], 5),
        (["SUBJECT", "nothing has this subject"], 0),
    ],
)
async def test_search_reads_what_a_person_reads(servers: Servers, criteria: list[Any], least: int) -> None:
    found = await servers.ask(lambda client: client.search(criteria, "UTF-8"))
    assert len(found) >= least
    assert bool(found) == bool(least)


async def test_keywords_and_flags_are_kept(servers: Servers) -> None:
    def mark(client: IMAPClient) -> int:
        client.append("Archive", b"Subject: marked\r\n\r\nx\r\n", ["\\Seen", "$Label9"])
        newest = max(client.search("ALL"))
        client.add_flags([newest], ["\\Flagged", "Own_Word"])
        client.remove_flags([newest], ["\\Seen"])
        return newest

    newest = await servers.ask(mark, folder="Archive")
    flags = await servers.ask(lambda client: client.get_flags([newest])[newest], folder="Archive")
    assert set(flags) - {b"\\Recent"} == {b"$Label9", b"\\Flagged", b"Own_Word"}


async def test_moved_and_expunged_messages_are_where_they_should_be(servers: Servers) -> None:
    def question(client: IMAPClient) -> None:
        client.append("Archive", b"Subject: wanderer\r\n\r\nx\r\n")
        client.noop()
        (uid,) = client.search(["SUBJECT", "wanderer"])
        client.move([uid], "Trash")
        assert client.search(["SUBJECT", "wanderer"]) == []
        client.select_folder("Trash")
        (moved,) = client.search(["SUBJECT", "wanderer"])
        client.delete_messages([moved])
        client.expunge([moved])
        assert client.search(["SUBJECT", "wanderer"]) == []

    await servers.ask(question, folder="Archive")


async def test_folders_are_made_renamed_and_removed(servers: Servers) -> None:
    def question(client: IMAPClient) -> list[str]:
        client.create_folder("Größe")
        client.rename_folder("Größe", "Kleine/Größe")
        names = [name for _, _, name in client.list_folders()]
        client.delete_folder("Kleine/Größe")
        return names

    assert "Kleine/Größe" in await servers.ask(question, folder="")


async def test_mail_from_alice_to_bob_truly_travels(servers: Servers) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = ALICE, BOB, "Über die Kurbel"
    message.set_content("Hinter der Tür.")
    assert await servers.send(ALICE, [BOB.upper()], message.as_bytes()) == {}

    def question(client: IMAPClient) -> tuple[bytes, tuple[bytes, ...]]:
        (uid,) = client.search(["SUBJECT", "Über die Kurbel"], "UTF-8")
        found = client.fetch([uid], ["BODY.PEEK[]", "FLAGS"])[uid]
        return found[b"BODY[]"], found[b"FLAGS"]

    raw, flags = await servers.ask(question, BOB)
    assert raw.startswith(b"Return-Path: <alice@demo.test>\r\nDelivered-To: bob@demo.test\r\nReceived: ")
    assert b"\\Seen" not in flags


async def test_one_copy_for_each_recipient(servers: Servers) -> None:
    assert await servers.send(ALICE, [ALICE, BOB, BOB], b"Subject: to both of us\r\n\r\nx\r\n") == {}
    for account in (ALICE, BOB):
        assert len(await servers.ask(lambda client: client.search(["SUBJECT", "to both of us"]), account)) == 1


@pytest.mark.parametrize(
    ("recipient", "words"),
    [("nobody@demo.test", b"there is no such mailbox"), ("alice@elsewhere.example", b"this is a demonstration")],
)
async def test_strangers_are_refused(servers: Servers, recipient: str, words: bytes) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await servers.send(ALICE, [recipient], b"Subject: x\r\n\r\nx\r\n")
    code, text = refused.value.recipients[recipient]
    assert code == 550
    assert words in text


async def test_a_refused_recipient_does_not_stop_the_others(servers: Servers) -> None:
    refused = await servers.send(ALICE, [BOB, "nobody@demo.test"], b"Subject: half\r\n\r\nx\r\n")
    assert list(refused) == ["nobody@demo.test"]
    assert await servers.ask(lambda client: client.search(["SUBJECT", "half"]), BOB)


async def test_nobody_sends_without_a_password_or_under_another_name(servers: Servers) -> None:
    with pytest.raises(smtplib.SMTPSenderRefused) as unknown:
        await servers.send(ALICE, [BOB], b"x", login=False)
    assert unknown.value.smtp_code == 530
    with pytest.raises(smtplib.SMTPSenderRefused) as pretended:
        await servers.send(BOB, [ALICE], b"x")
    assert pretended.value.smtp_code == 553


async def test_a_wrong_password_is_refused_by_both(servers: Servers) -> None:
    def imap() -> None:
        with IMAPClient("127.0.0.1", servers.imap_port, ssl=False, timeout=30) as client:
            with pytest.raises(Exception, match=r"(?i)invalid|fail|auth"):
                client.login(ALICE, "wrong")

    def smtp() -> None:
        with smtplib.SMTP("127.0.0.1", servers.smtp_port, timeout=30) as client:
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login(ALICE, "wrong")

    await asyncio.to_thread(imap)
    await asyncio.to_thread(smtp)


async def test_idle_tells_of_new_mail(servers: Servers) -> None:
    def question(client: IMAPClient) -> list[Any]:
        client.idle()
        with smtplib.SMTP("127.0.0.1", servers.smtp_port, timeout=30) as sender:
            sender.login(ALICE, "demo")
            sender.sendmail(ALICE, [BOB], b"Subject: knock\r\n\r\nx\r\n")
        told = client.idle_check(timeout=30)
        client.idle_done()
        return told

    assert any(b"EXISTS" in answer for answer in await servers.ask(question, BOB))


async def test_a_large_attachment_goes_both_ways(servers: Servers) -> None:
    head = b"Subject: large\r\n\r\n"
    large = head + (b"x" * 78 + b"\r\n") * 40_000
    assert await servers.send(ALICE, [BOB], large) == {}

    def question(client: IMAPClient) -> int:
        (uid,) = client.search(["SUBJECT", "large"])
        return len(client.fetch([uid], ["BODY.PEEK[TEXT]"])[uid][b"BODY[TEXT]"])

    assert await servers.ask(question, BOB) == len(large) - len(head)


async def test_nonsense_is_answered_and_the_connection_lives_on(servers: Servers) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", servers.imap_port)
    await reader.readline()
    lines = (
        b"a FETCH",
        b"b LOGIN alice@demo.test demo",
        b"c SELECT INBOX",
        b"d UID FETCH 1:* (NOPE)",
        b"e UID SEARCH CHARSET BOGUS SUBJECT x",
        b"f UID FETCH 101 (BODY[9.9.9])",
        b"g NOOP",
    )
    for line in lines:
        writer.write(line + b"\r\n")
        while not (answer := await asyncio.wait_for(reader.readline(), 30)).startswith(line[:1] + b" "):
            assert answer, line
    assert answer.startswith(b"g OK")
    writer.close()
    await writer.wait_closed()
