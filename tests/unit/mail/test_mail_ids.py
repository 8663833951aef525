"""Ids: what is written is read back, and nothing else is."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.foundation.sql import Database, migrate
from hsp.mail.ids import FolderKey, Ids, folder_id, mail_id, parse_folder_id, parse_mail_id

NUMBERS = st.integers(1, 2**31 - 1)
UIDS = st.integers(1, 2**32 - 1)


@given(NUMBERS, NUMBERS, UIDS)
def test_a_mail_id_is_read_back(owner: int, folder: int, uid: int) -> None:
    written = mail_id(owner, folder, uid)
    assert parse_mail_id(written) == (owner, folder, uid)
    assert "=" not in written
    assert base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)) == f"{owner}_{folder}_{uid}".encode()


@given(NUMBERS, NUMBERS)
def test_a_folder_id_is_read_back(owner: int, folder: int) -> None:
    assert parse_folder_id(folder_id(owner, folder)) == (owner, folder)


def test_the_documented_form() -> None:
    assert mail_id(85, 121, 1) == "ODVfMTIxXzE"
    assert folder_id(80, 114) == "80_114"


@given(st.text(max_size=80))
def test_any_text_is_an_id_only_if_it_is_the_one_spelling(text: str) -> None:
    for parse, write in ((parse_mail_id, mail_id), (parse_folder_id, folder_id)):
        numbers = parse(text)
        assert numbers is None or write(*numbers) == text


@given(NUMBERS, NUMBERS, UIDS, st.data())
def test_a_changed_mail_id_is_another_or_none(owner: int, folder: int, uid: int, data: st.DataObject) -> None:
    written = mail_id(owner, folder, uid)
    position = data.draw(st.integers(0, len(written) - 1))
    letter = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    changed = written[:position] + letter + written[position + 1 :]
    assert changed == written or parse_mail_id(changed) != (owner, folder, uid)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1_",
        "_1",
        "0_1",
        "1_0",
        "01_1",
        "1_1_1",
        " 1_1",
        "1_1\n",
        "-1_1",
        "1_2147483648",
        "١_١",
        "9" * 70 + "_1",
    ],
)
def test_malformed_folder_ids(text: str) -> None:
    assert parse_folder_id(text) is None


@pytest.mark.parametrize(
    "raw", [b"1_1_0", b"0_1_1", b"1_1_4294967296", b"1_1_01", b"1_1_1\n", b"1_1", b"a_b_c", b"\xff"]
)
def test_malformed_mail_ids(raw: bytes) -> None:
    assert parse_mail_id(base64.urlsafe_b64encode(raw).rstrip(b"=").decode()) is None


# The numbers behind them


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path}/ids.db"
    await asyncio.to_thread(migrate, url)
    opened = await Database.open(url)
    yield opened
    await opened.close()


@pytest.mark.anyio
async def test_numbers_are_the_same_on_every_node(database: Database) -> None:
    nodes = [Ids(database) for _ in range(4)]
    owners = await asyncio.gather(*(node.owner("alice@demo.test") for node in nodes))
    assert len(set(owners)) == 1
    key = FolderKey("INBOX", 7)
    refs = await asyncio.gather(*(node.number(owners[0], key) for node in nodes))
    assert len({ref.no for ref in refs}) == 1
    assert await Ids(database).folder(owners[0], refs[0].no) == refs[0]


@pytest.mark.anyio
async def test_a_new_uidvalidity_is_a_new_number_and_the_old_one_stays(database: Database) -> None:
    ids = Ids(database)
    owner = await ids.owner("alice@demo.test")
    old, new = await ids.numbers(owner, [FolderKey("INBOX", 7), FolderKey("INBOX", 8)])
    assert old.no != new.no
    assert (await ids.number(owner, FolderKey("INBOX", 7))).no == old.no


@pytest.mark.anyio
async def test_a_renamed_folder_keeps_its_number_where_the_server_names_it(database: Database) -> None:
    ids = Ids(database)
    owner = await ids.owner("alice@demo.test")
    before = await ids.number(owner, FolderKey("Plans", 7, "F1"))
    after = await ids.number(owner, FolderKey("Old plans", 7, "F1"))
    assert after.no == before.no
    assert (await ids.folder(owner, before.no)) == after
    without = await ids.number(owner, FolderKey("Older plans", 7))
    assert without.no != before.no


@pytest.mark.anyio
async def test_sc37_a_folder_of_another_owner_is_none(database: Database) -> None:
    ids = Ids(database)
    alice, bob = await ids.owner("alice@demo.test"), await ids.owner("bob@demo.test")
    ref = await ids.number(alice, FolderKey("INBOX", 7))
    for node in (ids, Ids(database)):
        assert await node.folder(alice, ref.no) is not None
        assert await node.folder(bob, ref.no) is None
        assert await node.folder(bob, ref.no + 1000) is None


@pytest.mark.anyio
async def test_memory_is_bounded_and_forgets_nothing_that_matters(database: Database) -> None:
    ids = Ids(database, capacity=3)
    owner = await ids.owner("alice@demo.test")
    keys = [FolderKey(f"Folder {n}", 1) for n in range(10)]
    first = [await ids.number(owner, key) for key in keys]
    assert [await ids.number(owner, key) for key in keys] == first
    assert await ids.numbers(owner, keys) == first
