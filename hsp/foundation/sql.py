"""The SQL database: one way in, one schema, every write in a transaction.

Promise: a caller sees either all of a transaction or nothing of it, and no process works on a schema it was not written
for. SQLite runs in WAL mode with a busy timeout, and a writing transaction takes its lock at its first statement
(``BEGIN IMMEDIATE``), so that two writers wait for each other instead of failing half-way.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

__all__ = ["Database", "DatabaseError", "SchemaError", "expected_revision", "metadata", "migrate"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""The tables of the whole gateway; each feature's ``tables.py`` adds its own."""

DatabaseError = SQLAlchemyError
"""What any statement may raise: locked for too long, disk full, gone."""

_BUSY_TIMEOUT_MS = 10_000
_READ_ONLY = "hsp_read_only"
_MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x68737067  # any constant will do, all gateways must use the same


class SchemaError(Exception):
    """The database is at another revision than this program; run the migration, or the matching version."""

    def __init__(self, found: str | None, expected: str) -> None:
        super().__init__(f"database schema is {found or 'empty'}, this version needs {expected}")
        self.found = found
        self.expected = expected


class Database:
    """A pool of connections to the database of one process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    async def open(cls, url: str, *, check_schema: bool = True) -> Database:
        """Connect to `url` (``sqlite+aiosqlite:///...`` or ``postgresql+asyncpg://...``).

        Raises SchemaError when the tables are not exactly of this version.
        """
        database = cls(_engine(make_url(url)))
        try:
            if check_schema:
                await database._check_schema()
        except BaseException:
            await database.close()
            raise
        return database

    async def _check_schema(self) -> None:
        expected = expected_revision()
        if not await asyncio.to_thread(_can_be_opened, self._engine.url):
            raise SchemaError(None, expected)
        try:
            async with self.session(read_only=True) as session:
                found = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar()
        except DatabaseError:
            found = None  # Fails closed: no readable version table means not our schema.
        if found != expected:
            raise SchemaError(found, expected)

    @contextlib.asynccontextmanager
    async def session(self, *, read_only: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, rolled back when it raises (cancellation included)."""
        async with self._engine.connect() as connection:
            if read_only:
                await connection.execution_options(**{_READ_ONLY: True})
            async with connection.begin():
                yield connection

    async def close(self) -> None:
        await self._engine.dispose()


def migrate(url: str) -> None:
    """Bring the database at `url` to this version's schema; processes that start together wait for each other.

    Blocking: from a running loop call it by ``asyncio.to_thread``.
    """
    parsed = make_url(url)
    with _file_lock(parsed):
        asyncio.run(_upgrade(parsed))


def expected_revision() -> str:
    """The revision this version of the program works with."""
    revision = ScriptDirectory.from_config(_alembic_config()).get_current_head()
    if revision is None:
        raise RuntimeError("the package holds no migrations")
    return revision


async def _upgrade(url: URL) -> None:
    engine = _engine(url)
    try:
        async with engine.begin() as connection:
            if url.get_backend_name() == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            await connection.run_sync(_upgrade_on)
    finally:
        await engine.dispose()


def _upgrade_on(connection: Connection) -> None:
    config = _alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _can_be_opened(url: URL) -> bool:
    """Whether the file is there. Raises DatabaseError for one that cannot be opened.

    Looked at before the driver does: when its first step fails, its thread outlives the event loop and complains.
    """
    path = _file(url)
    if path is None:
        return True
    if not path.exists():
        return False
    try:
        sqlite3.connect(path).close()
    except sqlite3.Error as error:
        raise SQLAlchemyError(f"{path}: {error}") from error
    return True


def _file(url: URL) -> Path | None:
    """The file of an SQLite database; None for any other, and for one in memory."""
    is_file = url.get_backend_name() == "sqlite" and url.database and not url.database.startswith((":memory:", "file:"))
    return Path(str(url.database)) if is_file else None


@contextlib.contextmanager
def _file_lock(url: URL) -> Iterator[None]:
    path = _file(url)
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True)
    options: dict[str, Any] = {"connect_args": {"timeout": _BUSY_TIMEOUT_MS / 1000}}
    if not url.database or url.database == ":memory:":
        options["poolclass"] = StaticPool
    engine = create_async_engine(url, **options)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # The driver's own BEGIN comes too late; _begin_sqlite sends it.
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys=ON")
        # FULL: a row written before SMTP is spoken to must survive a power cut, not only a crash.
        cursor.execute("PRAGMA synchronous=FULL")
    finally:
        cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
