"""The database: migrations, transactions, and what SQLite needs to be trusted with mail."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import hsp.mail.tables
from hsp.foundation.sql import Database, DatabaseError, SchemaError, expected_revision, metadata, migrate

pytestmark = pytest.mark.anyio

accounts = hsp.mail.tables.accounts


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/deeper/test.db"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, url)
    opened = await Database.open(url)
    yield opened
    await opened.close()


async def count(database: Database) -> int:
    async with database.session(read_only=True) as session:
        return int((await session.execute(sa.select(sa.func.count()).select_from(accounts))).scalar_one())


async def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with database.session() as session:
        assert await session.run_sync(differences) == []


async def test_processes_that_start_together_migrate_once(url: str) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            migrate(url)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert errors == []
    await (await Database.open(url)).close()


async def test_a_database_of_another_version_is_refused(url: str, database: Database) -> None:
    async with database.session() as session:
        await session.execute(sa.text("UPDATE alembic_version SET version_num = 'future'"))
    with pytest.raises(SchemaError) as caught:
        await Database.open(url)
    assert (caught.value.found, caught.value.expected) == ("future", expected_revision())


async def test_an_empty_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError):
        await Database.open(f"sqlite+aiosqlite:///{tmp_path}/empty.db")


async def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    async def half() -> None:
        async with database.session() as session:
            await session.execute(sa.insert(accounts).values(account="a@x"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await half()
    assert await count(database) == 0


async def test_a_cancelled_transaction_leaves_nothing(database: Database) -> None:
    inside = asyncio.Event()

    async def slow() -> None:
        async with database.session() as session:
            await session.execute(sa.insert(accounts).values(account="a@x"))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(slow())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await count(database) == 0
    async with database.session() as session:
        await session.execute(sa.insert(accounts).values(account="b@x"))
    assert await count(database) == 1


async def test_writers_wait_for_each_other(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.session() as session:
            await session.execute(sa.select(accounts.c.no))
            await session.execute(sa.insert(accounts).values(account=f"{number}@x"))

    await asyncio.gather(*(write(number) for number in range(12)))
    assert await count(database) == 12


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    async with database.session() as session:
        await session.execute(sa.insert(accounts).values(account="a@x"))
        assert await count(database) == 0
    assert await count(database) == 1


async def test_sqlite_is_set_up_to_survive(database: Database) -> None:
    async with database.session(read_only=True) as session:
        values = {
            name: (await session.execute(sa.text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


async def test_a_broken_rule_of_the_schema_raises(database: Database) -> None:
    async def orphan() -> None:
        async with database.session() as session:
            values = {"account_no": 99, "name": "INBOX", "uidvalidity": 1, "mailboxid": ""}
            await session.execute(sa.insert(hsp.mail.tables.folders).values(values))

    with pytest.raises(DatabaseError):
        await orphan()
