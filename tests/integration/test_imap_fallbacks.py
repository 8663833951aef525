"""Servers that lack extensions: pymap as it is, and Dovecot as if it had none."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from hsp.protocols.credentials import Credential
from hsp.protocols.imap import Atom, Endpoint, ImapClient, Rejected
from tests.support.dovecot import DovecotServer
from tests.support.odd_messages import PLAIN
from tests.support.pymap_server import PASSWORD, USER, pymap_server

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def pymap() -> Iterator[int]:
    with pymap_server() as port:
        yield port


@pytest.fixture
async def small(pymap: int) -> AsyncIterator[ImapClient]:
    client = await ImapClient.connect(Endpoint("127.0.0.1", pymap, "none"))
    await client.authenticate(Credential("password", USER, PASSWORD))
    yield client
    await client.close()


@pytest.fixture
async def bare(dovecot: DovecotServer) -> AsyncIterator[ImapClient]:
    """Dovecot, of which the client believes that it has no extension at all."""
    client = await ImapClient.connect(Endpoint(dovecot.host, dovecot.imap_port, "none"))
    await client.authenticate(Credential("password", dovecot.new_user(), dovecot.password))
    client._set_capabilities(["IMAP4rev1"])
    yield client
    await client.close()


async def filled(client: ImapClient, folder: str, number: int = 3) -> list[int]:
    await client.create(folder)
    for index in range(number):
        await client.append(folder, PLAIN, date=datetime(2026, 7, 1 + index, tzinfo=UTC))
    await client.select(folder)
    return await client.search([Atom("ALL")])


async def test_pymap_lists_counts_selects_and_reads(small: ImapClient) -> None:
    folders = {folder.name: folder for folder in await small.list_folders()}
    status = folders["INBOX"].status
    assert status is not None
    assert status.messages is not None
    assert status.messages > 0
    selected = await small.select("INBOX")
    assert selected.exists == status.messages
    rows = await small.fetch("1:*", ["FLAGS", "ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE", "INTERNALDATE"])
    assert len(rows) == selected.exists
    assert all(row.envelope and row.structure and row.size and row.internal_date for row in rows)


async def test_pymap_writes_moves_and_expunges_exactly(small: ImapClient) -> None:
    uids = await filled(small, "Work")
    await small.create("Gone")
    await small.store([uids[0]], "+", ["\\Deleted"])
    await small.move([uids[1]], "Gone")
    assert await small.search([Atom("ALL")]) == [uids[0], uids[2]]
    assert [row.uid for row in await small.fetch("1:*", ["FLAGS"]) if "\\Deleted" in row.flags] == [uids[0]]
    await small.expunge([uids[2]])
    assert await small.search([Atom("ALL")]) == [uids[0]]
    assert (await small.status("Gone")).messages == 1


async def test_pymap_has_no_sort_and_says_so(small: ImapClient) -> None:
    await small.select("INBOX")
    with pytest.raises(Rejected):
        await small.sort(["DATE"])
    assert small.is_usable
    assert await small.quota() is None


async def test_folders_and_counts_without_list_extensions(bare: ImapClient) -> None:
    await filled(bare, "Ä & B", 2)
    folders = {folder.name: folder for folder in await bare.list_folders()}
    status = folders["Ä & B"].status
    assert status is not None
    assert (status.messages, status.unseen, status.highestmodseq) == (2, 2, None)
    assert [folder.status for folder in await bare.list_folders(status=False)] == [None] * len(folders)


async def test_moving_without_move_or_uidplus_leaves_other_marks_alone(bare: ImapClient) -> None:
    uids = await filled(bare, "Work", 4)
    await bare.create("Target")
    await bare.store([uids[0]], "+", ["\\Deleted"])
    await bare.move([uids[1], uids[3]], "Target")
    rows = {row.uid: row.flags for row in await bare.fetch("1:*", ["FLAGS"])}
    assert set(rows) == {uids[0], uids[2]}
    assert "\\Deleted" in rows[uids[0]]
    assert "\\Deleted" not in rows[uids[2]]
    await bare.select("Target")
    assert len(await bare.search([Atom("ALL")])) == 2


async def test_expunge_of_a_set_as_text_without_uidplus(bare: ImapClient) -> None:
    uids = await filled(bare, "Work", 3)
    await bare.store([uids[0]], "+", ["\\Deleted"])
    await bare.expunge(f"{uids[2]}:*")
    assert await bare.search([Atom("ALL")]) == uids[:2]
    await bare.expunge(None)
    assert await bare.search([Atom("ALL")]) == [uids[1]]


async def test_messages_of_any_size_by_synchronising_literals(bare: ImapClient) -> None:
    body = b"Subject: big\r\n\r\n" + b"0123456789abcde\r\n" * 30_000
    await bare.append("INBOX", body)
    await bare.append("INBOX", b"Subject: small\r\n\r\n")
    selected = await bare.select("INBOX")
    assert (selected.exists, selected.mailboxid) == (2, None)
    rows = await bare.fetch([1, 2], ["BODY.PEEK[]"])
    assert [row.sections[""] for row in rows] == [body, b"Subject: small\r\n\r\n"]


async def test_search_without_esearch_in_any_script(bare: ImapClient) -> None:
    await bare.append("INBOX", "Subject: Grüße 台北\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nж\r\n".encode())
    await bare.select("INBOX")
    assert await bare.search([Atom("TEXT"), "ж"]) == [1]
    assert await bare.search([Atom("SUBJECT"), "台北"]) == [1]
    assert await bare.search([Atom("SUBJECT"), "台南"]) == []


async def test_leaving_a_folder_without_unselect(bare: ImapClient) -> None:
    await bare.select("INBOX")
    await bare.unselect()
    assert bare.selected is None
    with pytest.raises(Rejected):
        await bare.search([Atom("ALL")])
    await bare.select("INBOX")


async def test_what_is_not_offered_is_not_asked_for(bare: ImapClient) -> None:
    assert await bare.id({"name": "x"}) == {}
    assert await bare.enable("QRESYNC") == frozenset()
    assert (await bare.namespace()).personal == ()
    assert await bare.quota() is None
    with pytest.raises(Rejected):
        [news async for news in bare.idle()]
