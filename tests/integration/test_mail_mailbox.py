"""Every verb of a mailbox on a real Dovecot, checked by an independent client."""

import asyncio
import imaplib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hsp.mail import FolderGone, Mailbox, MessageGone, OverQuota
from hsp.mail.ids import folder_id, mail_id, parse_mail_id
from hsp.protocols.imap import ImapClient
from tests.support.dovecot import DovecotServer
from tests.support.mail_world import (
    PASSWORD,
    MailWorld,
    command,
    contents,
    fill,
    fresh_user,
    mail_world,
    simple_mail,
)

pytestmark = pytest.mark.anyio

WITH_ATTACHMENT = b"""From: =?utf-8?q?J=C3=B6rg?= <j@example.org>
To: someone@demo.test
Subject: =?utf-8?b?w4Ruc2Vu?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
--b
Content-Type: application/pdf; name=a.pdf
Content-Disposition: attachment; filename=a.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--b--
""".replace(b"\n", b"\r\n")


@pytest.fixture
def user(dovecot: DovecotServer) -> str:
    return fresh_user(dovecot)


@pytest.fixture
async def world(tmp_path: Path, dovecot: DovecotServer) -> AsyncIterator[MailWorld]:
    async with mail_world(tmp_path, dovecot.imap_port) as made:
        yield made


@pytest.fixture
def mailbox(world: MailWorld, user: str) -> Mailbox:
    return world.mailbox(user)


async def put(dovecot: DovecotServer, user: str, *mails: bytes, folder: str = "INBOX") -> None:
    await asyncio.to_thread(fill, dovecot.imap_port, user, list(mails), folder)


async def folder_named(mailbox: Mailbox, name: str) -> str:
    return next(folder.id for folder in await mailbox.folders() if folder.name == name)


async def test_folders_have_roles_counts_and_parents(mailbox: Mailbox, user: str, dovecot: DovecotServer) -> None:
    def make() -> None:
        with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as client:
            client.login(user, PASSWORD)
            client.create("Work/Plans")
            client.create("&AMQ-pfel")
            client.append("Work/Plans", "", "", simple_mail(1))

    await asyncio.to_thread(make)
    folders = await mailbox.folders()
    assert [folder.role for folder in folders][:6] == ["inbox", "drafts", "sent", "archive", "junk", "trash"]
    plans = next(folder for folder in folders if folder.name == "Work/Plans")
    work = next(folder for folder in folders if folder.name == "Work")
    assert (plans.label, plans.level, plans.parent_id, plans.total, plans.unread) == ("Plans", 1, work.id, 1, 1)
    assert folders.index(work) < folders.index(plans)
    assert "Äpfel" in {folder.label for folder in folders}


async def test_a_page_is_a_slice_newest_first_and_numbers_are_clamped(
    mailbox: Mailbox, user: str, dovecot: DovecotServer
) -> None:
    await put(dovecot, user, *(simple_mail(n) for n in range(1, 8)))
    first = await mailbox.page(None, 1, 3)
    assert [row.subject for row in first.rows] == ["Number 7", "Number 6", "Number 5"]
    assert (first.number, first.pages, first.total, first.unread) == (1, 3, 7, 7)
    last = await mailbox.page(first.folder.id, 99, 3)
    assert ([row.subject for row in last.rows], last.number) == (["Number 1"], 3)
    assert (await mailbox.page(None, -5, 3)).number == 1
    assert (await mailbox.page(None, 10**30, 0)).number == 7
    empty = await mailbox.page(await folder_named(mailbox, "Trash"))
    assert (empty.rows, empty.pages, empty.number) == ((), 1, 1)


async def test_a_row_says_what_the_message_is(mailbox: Mailbox, user: str, dovecot: DovecotServer) -> None:
    await put(dovecot, user, WITH_ATTACHMENT)
    (row,) = (await mailbox.page(None)).rows
    assert (row.subject, row.senders, row.from_address) == ("Änsen", "Jörg", "j@example.org")
    assert row.has_attachments
    assert row.unread
    assert not row.flagged


async def test_a_warm_page_is_one_round_trip_and_fetches_nothing_again(
    world: MailWorld, user: str, dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(dovecot, user, *(simple_mail(n) for n in range(60)))
    mailbox = world.mailbox(user)
    cold = await mailbox.page(None)
    sent: list[str] = []
    for name in ("fetch", "search", "select", "list_folders", "status", "noop"):
        original = getattr(ImapClient, name)

        def watched(self: ImapClient, *args: object, _name: str = name, _original: object = original, **kw: object):  # type: ignore[no-untyped-def]
            sent.append(_name)
            return _original(self, *args, **kw)  # type: ignore[operator]

        monkeypatch.setattr(ImapClient, name, watched)
    warm = await mailbox.page(None)
    assert warm == cold
    assert sorted(sent) == ["noop", "status"]  # Written together, answered together.


async def test_flags_changed_elsewhere_are_seen(mailbox: Mailbox, user: str, dovecot: DovecotServer) -> None:
    await put(dovecot, user, *(simple_mail(n) for n in range(3)))
    assert all(row.unread for row in (await mailbox.page(None)).rows)
    uid = parse_mail_id((await mailbox.page(None)).rows[1].id)[2]  # type: ignore[index]  # a valid id
    await asyncio.to_thread(
        command, dovecot.imap_port, user, "INBOX", "STORE", str(uid), "+FLAGS", "(\\Seen \\Flagged $Forwarded)"
    )
    page = await mailbox.page(None)
    assert [(row.unread, row.flagged, row.forwarded) for row in page.rows] == [
        (True, False, False),
        (False, True, True),
        (True, False, False),
    ]
    assert page.unread == 2
    assert page.folder.unread == 2


async def test_a_message_opens_unmarked_with_its_neighbours(
    mailbox: Mailbox, user: str, dovecot: DovecotServer
) -> None:
    await put(dovecot, user, simple_mail(1), WITH_ATTACHMENT, simple_mail(3))
    rows = (await mailbox.page(None)).rows
    opened = await mailbox.open(rows[1].id)
    assert (opened.previous_id, opened.next_id) == (rows[0].id, rows[2].id)
    assert [part.section for part in opened.structure.parts] == ["1", "2"]
    assert opened.folder.role == "inbox"
    assert b"Subject: =?utf-8?b?w4Ruc2Vu?=" in opened.header
    assert (await mailbox.open(rows[0].id)).previous_id == ""
    assert (await mailbox.open(rows[2].id)).next_id == ""
    assert all(row.unread for row in (await mailbox.page(None)).rows)


async def test_parts_come_decoded_whole_or_in_pieces(mailbox: Mailbox, user: str, dovecot: DovecotServer) -> None:
    big = bytes(range(256)) * 4096
    import base64

    body = base64.encodebytes(big).replace(b"\n", b"\r\n")
    await put(dovecot, user, WITH_ATTACHMENT, WITH_ATTACHMENT.replace(b"JVBERi0xLjQK", body.strip()))
    newest, oldest = (await mailbox.page(None)).rows
    assert (await mailbox.part(oldest.id, "1")).rstrip() == "Grüße".encode()
    assert await mailbox.part(oldest.id, "2") == b"%PDF-1.4\n"
    assert await mailbox.part(newest.id, "2") == big
    pieces = [piece async for piece in mailbox.stream_part(newest.id, "2")]
    assert b"".join(pieces) == big
    assert len(pieces) > 2
    assert await mailbox.source(oldest.id) == WITH_ATTACHMENT
    assert b"".join([piece async for piece in mailbox.stream_source(oldest.id)]) == WITH_ATTACHMENT
    for section in ("9", "1.1", "", "HEADER", "1]\r\nA1 LOGOUT"):
        with pytest.raises(MessageGone):
            await mailbox.part(oldest.id, section)


async def test_marks_are_set_and_taken(mailbox: Mailbox, user: str, dovecot: DovecotServer) -> None:
    await put(dovecot, user, *(simple_mail(n) for n in range(3)))
    rows = (await mailbox.page(None)).rows
    await mailbox.mark([rows[0].id, rows[2].id], seen=True, flagged=True)
    page = await mailbox.page(None)
    assert [(row.unread, row.flagged) for row in page.rows] == [(False, True), (True, False), (False, True)]
    assert page.unread == 1
    await mailbox.mark([rows[0].id], seen=False)
    again = (await mailbox.page(None)).rows[0]
    assert (again.unread, again.flagged) == (True, True)


async def test_delete_moves_to_trash_and_from_there_for_ever(
    mailbox: Mailbox, user: str, dovecot: DovecotServer
) -> None:
    await put(dovecot, user, *(simple_mail(n) for n in range(3)))
    rows = (await mailbox.page(None)).rows
    deleted = await mailbox.delete([rows[0].id, rows[1].id])
    assert (deleted.moved_to_trash, deleted.count) == (True, 2)
    assert [row.id for row in (await mailbox.page(None)).rows] == [rows[2].id]
    trash = await folder_named(mailbox, "Trash")
    in_trash = (await mailbox.page(trash)).rows
    gone = await mailbox.delete([in_trash[0].id])
    assert (gone.moved_to_trash, gone.count) == (False, 1)
    assert [row.id for row in (await mailbox.page(trash)).rows] == [in_trash[1].id]
    counts = {folder.role: folder.total for folder in await mailbox.folders()}
    assert (counts["inbox"], counts["trash"]) == (1, 1)


async def test_only_the_chosen_messages_leave_trash(mailbox: Mailbox, user: str, dovecot: DovecotServer) -> None:
    await put(dovecot, user, *(simple_mail(n) for n in range(3)), folder="Trash")
    await asyncio.to_thread(command, dovecot.imap_port, user, "Trash", "STORE", "1", "+FLAGS", "(\\Deleted)")
    trash = await folder_named(mailbox, "Trash")
    rows = (await mailbox.page(trash)).rows
    await mailbox.delete([rows[0].id])  # Another client's mark on the oldest is not our order to expunge it.
    assert len(await asyncio.to_thread(contents, dovecot.imap_port, user, "Trash")) == 2


async def test_a_missing_trash_is_made(mailbox: Mailbox, user: str, dovecot: DovecotServer) -> None:
    def remove() -> None:
        with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as client:
            client.login(user, PASSWORD)
            client.delete("Trash")

    await asyncio.to_thread(remove)
    await put(dovecot, user, simple_mail(1))
    row = (await mailbox.page(None)).rows[0]
    assert (await mailbox.delete([row.id])).moved_to_trash
    assert len(await asyncio.to_thread(contents, dovecot.imap_port, user, "Trash")) == 1


async def test_move_and_append(mailbox: Mailbox, user: str, dovecot: DovecotServer) -> None:
    await put(dovecot, user, simple_mail(1))
    row = (await mailbox.page(None)).rows[0]
    archive = await folder_named(mailbox, "Archive")
    await mailbox.move([row.id], archive)
    assert (await mailbox.page(None)).total == 0
    assert (await mailbox.page(archive)).total == 1
    draft = await mailbox.append("drafts", simple_mail(2), ["\\Draft", "\\Seen"])
    assert (await mailbox.open(draft)).folder.role == "drafts"
    (shown,) = (await mailbox.page(await folder_named(mailbox, "Drafts"))).rows
    assert (shown.id, shown.draft, shown.unread) == (draft, True, False)
    assert await mailbox.has_message("drafts", "<m2@example.org>", since=0)
    assert not await mailbox.has_message("drafts", "<m3@example.org>", since=0)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("subject:two", {2}),
        ("from:bob", {1}),
        ('subject:"number two"', {2}),
        ("is:unread", {1, 3}),
        ("is:flagged", {2}),
        ("is:unread from:bob", {1}),
        ("Grüße", {3}),
        ("has:attachment", {3}),
        ("body:Body", {1, 2}),
        ("   ", {1, 2, 3}),
        ("nothing-like-it", set()),
    ],
)
async def test_search(mailbox: Mailbox, user: str, dovecot: DovecotServer, query: str, numbers: set[int]) -> None:
    await put(
        dovecot,
        user,
        simple_mail(1, subject="number one", sender="bob@demo.test"),
        simple_mail(2, subject="number two"),
        WITH_ATTACHMENT,
    )
    rows = (await mailbox.page(None)).rows[::-1]
    await mailbox.mark([rows[1].id], seen=True, flagged=True)
    found = await mailbox.page(None, query=query)
    assert {rows.index(row) + 1 for row in rows for hit in found.rows if hit.id == row.id} == numbers
    assert found.total == len(numbers)
    assert len((await mailbox.page(None, query=query)).rows) == len(numbers)


@pytest.mark.parametrize(
    "query",
    [
        'x"\r\nA1 DELETE INBOX\r\n',
        'subject:"a\\" OR ALL',
        "subject:{3}",
        "from:\x00zzz",
        "is:all",
        "*",
        "(((",
        "NOT ALL",
        "\ud800zzz",
        "ä" * 3000,
    ],
)
async def test_sc13_a_query_is_never_a_command(mailbox: Mailbox, user: str, dovecot: DovecotServer, query: str) -> None:
    await put(dovecot, user, simple_mail(1))
    assert (await mailbox.page(None, query=query)).total == 0
    assert (await mailbox.page(None)).total == 1


async def test_what_vanished_meanwhile_is_gone(mailbox: Mailbox, user: str, dovecot: DovecotServer) -> None:
    await put(dovecot, user, simple_mail(1), simple_mail(2))
    rows = (await mailbox.page(None)).rows
    uid = parse_mail_id(rows[0].id)[2]  # type: ignore[index]  # a valid id
    await asyncio.to_thread(command, dovecot.imap_port, user, "INBOX", "STORE", str(uid), "+FLAGS", "(\\Deleted)")
    await asyncio.to_thread(command, dovecot.imap_port, user, "INBOX", "EXPUNGE", str(uid))
    with pytest.raises(MessageGone):
        await mailbox.open(rows[0].id)
    with pytest.raises(MessageGone):
        await mailbox.mark([rows[0].id], seen=True)
    await mailbox.mark([rows[0].id, rows[1].id], seen=True)  # What is there is done.
    assert [row.unread for row in (await mailbox.page(None)).rows] == [False]


async def test_a_folder_made_anew_is_another_folder(mailbox: Mailbox, user: str, dovecot: DovecotServer) -> None:
    def make(*, again: bool) -> None:
        with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as client:
            client.login(user, PASSWORD)
            if again:
                client.delete("Work")
            client.create("Work")
            client.append("Work", "", "", simple_mail(1))

    await asyncio.to_thread(make, again=False)
    old = await folder_named(mailbox, "Work")
    row = (await mailbox.page(old)).rows[0]
    await asyncio.sleep(1.1)  # Dovecot makes UIDVALIDITY of the second.
    await asyncio.to_thread(make, again=True)
    # Dovecot tells a connection that stands in the folder only when it fetches, so the message comes first here.
    with pytest.raises((MessageGone, FolderGone)):
        await mailbox.open(row.id)
    with pytest.raises(FolderGone):
        await mailbox.page(old)
    new = await folder_named(mailbox, "Work")
    assert new != old
    assert (await mailbox.page(new)).total == 1


async def test_a_full_mailbox_says_so(world: MailWorld, dovecot: DovecotServer) -> None:
    mailbox = world.mailbox(dovecot.quota_user)
    with pytest.raises(OverQuota):
        await mailbox.append("drafts", b"Subject: x\r\n\r\n" + b"x" * 100_000)
    quota = await mailbox.quota()
    assert quota is not None
    assert quota.storage_limit == 64 * 1024


# SC-37: every id of another user, on every verb, is as an id that never was.


async def test_sc37_another_users_ids_are_as_absent_ones(world: MailWorld, user: str, dovecot: DovecotServer) -> None:
    await put(dovecot, user, simple_mail(1))
    page = await world.mailbox(user).page(None)
    victims_mail, victims_folder = page.rows[0].id, page.folder.id
    thief = world.mailbox(fresh_user(dovecot))
    own = await thief.page(None)
    owner, folder, uid = parse_mail_id(victims_mail)  # type: ignore[misc]  # a valid id
    thiefs_owner = int(own.folder.id.partition("_")[0])
    never = mail_id(999_999, 999_999, 1)
    renamed = mail_id(thiefs_owner, folder, uid)  # The thief's own number on the victim's folder.
    for item in (victims_mail, never, renamed, "", "x", "=" * 100, "MV8xXzE="):
        for verb in (
            thief.open(item),
            thief.source(item),
            thief.part(item, "1"),
            thief.mark([item], seen=True),
            thief.delete([item]),
            thief.move([item], own.folder.id),
            thief.add_keyword(item, "\\Answered"),
        ):
            with pytest.raises(MessageGone) as caught:
                await verb
            assert str(caught.value) in {"no such message"}
        with pytest.raises(MessageGone):
            async for _ in thief.stream_part(item, "1"):
                pass
    for item in (victims_folder, folder_id(999_999, 1), folder_id(thiefs_owner, folder), "", "1", "1_2_3"):
        with pytest.raises(FolderGone) as gone:
            await thief.page(item)
        assert str(gone.value) == "no such folder"
    assert (await world.mailbox(user).page(None)).rows[0].unread
    assert owner != thiefs_owner
