"""Full disks, a Redis that comes and goes, a database that is read-only or broken, at the start and while serving."""

import errno
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import event

from hsp.foundation.sealing import KeyRing
from hsp.foundation.sql import migrate
from tests.support.documents import ROOT, Document
from tests.support.dovecot import DovecotServer
from tests.support.gateway import SAME_ORIGIN, Browser, Reply, World
from tests.support.log_lines import LogLines, assert_clear, log_lines
from tests.support.mail_world import contents
from tests.support.nodes import eventually, node
from tests.support.redis_server import RedisServer
from tests.support.smtp_sink import SmtpSink

pytestmark = pytest.mark.anyio

__all__ = ["log_lines"]

LETTER = {"do": "send", "to": "x@example.org", "subject": "A letter", "text": "Its text.\n", "key": "k1"}
LONG = {**LETTER, "text": "a long line of text\n" * 20_000}
DATABASE_AWAY = "We can&#39;t reach our own storage"
STORE_AWAY = "We can&#39;t reach the session store"


@pytest.fixture
async def world(
    own_redis_server: RedisServer, dovecot: DovecotServer, smtp_sink: SmtpSink, tmp_path: Path
) -> AsyncIterator[World]:
    async with node(own_redis_server, dovecot, smtp_sink, tmp_path, ring=KeyRing.generate()) as world:
        yield world


@pytest.fixture
def account(dovecot: DovecotServer) -> str:
    return dovecot.new_user()


@pytest.fixture
async def browser(world: World, account: str) -> Browser:
    browser = await world.browser().log_in(account)
    assert (await browser.get("/mail.hsp")).status == 200
    return browser


# The database


@contextmanager
def database_told(world: World, before: str, after: str) -> Iterator[None]:
    """SQLite is told `before` at every use of a connection, and `after` from the end of the block on."""
    engine = world.gateway.database._engine.sync_engine
    word = before

    def tell(connection: Any, _record: object, _proxy: object) -> None:
        cursor = connection.cursor()
        cursor.execute(word)
        cursor.close()

    event.listen(engine, "checkout", tell)
    try:
        yield
    finally:
        word = after


def full(world: World) -> AbstractContextManager[None]:
    """SQLite's own word for a disk without room: the file may grow no page more."""
    return database_told(world, "PRAGMA max_page_count=1", "PRAGMA max_page_count=1000000")


def read_only(world: World) -> AbstractContextManager[None]:
    return database_told(world, "PRAGMA query_only=ON", "PRAGMA query_only=OFF")


async def released(world: World) -> None:
    """Close the connections to the database at a moment in which nobody uses one."""
    engine = world.gateway.database._engine
    await eventually(lambda: engine.pool.checkedout() == 0, "nobody uses the database")  # type: ignore[attr-defined]  # every pool of files has it
    await engine.dispose()


@pytest.mark.parametrize("broken", [full, read_only], ids=lambda how: how.__name__)
async def test_a_database_that_takes_nothing_is_503_and_the_mail_comes_back_and_is_sent_once_later(
    world: World, browser: Browser, log_lines: LogLines, broken: Callable[[World], AbstractContextManager[None]]
) -> None:
    with broken(world):
        reply = await browser.post("/compose.hsp", LONG)
        assert_clear(reply, log_lines, 503, DATABASE_AWAY)
        assert int(reply["retry-after"]) > 0
        assert 'value="A letter"' in reply.text
        assert reply.text.count("a long line of text") == 20_000
        assert any("database_away" in line for line in log_lines.about(reply["x-request-id"]))
        for page in ("/mail.hsp", "/compose.hsp", "/outbox.hsp", "/sessions.hsp"):
            seen = await browser.get(page)
            assert seen.status in {200, 503}, page
        assert world.sink.messages == []
    assert "A letter" not in (await browser.get("/outbox.hsp")).text, "nothing half done was left behind"
    assert (await browser.post("/compose.hsp", LONG)).status == 303
    assert (await browser.post("/compose.hsp", LONG)).status == 303
    await eventually(lambda: len(world.sink.messages) == 1, "the mail is sent")
    await world.gateway.outbox.settled()
    assert len(world.sink.messages) == 1


async def test_a_database_that_breaks_while_serving_is_503_in_words(
    world: World, browser: Browser, log_lines: LogLines, tmp_path: Path
) -> None:
    (file,) = tmp_path.glob("hsp.sqlite3")
    await released(world)
    whole = file.read_bytes()
    file.write_bytes(b"this is no database any more\n" * 4000)
    for name in ("-wal", "-shm"):
        file.with_name(file.name + name).unlink(missing_ok=True)
    reply = await browser.post("/compose.hsp", LETTER)
    assert_clear(reply, log_lines, 503, DATABASE_AWAY)
    assert 'value="A letter"' in reply.text
    assert str(tmp_path) not in reply.text
    await released(world)
    file.write_bytes(whole)
    assert (await browser.post("/compose.hsp", LETTER)).status == 303
    await eventually(lambda: len(world.sink.messages) == 1, "the mail is sent when the file is back")


async def test_a_login_while_the_database_takes_nothing_is_an_answer_and_no_defect(
    world: World, dovecot: DovecotServer, log_lines: LogLines
) -> None:
    with read_only(world):
        browser = await world.browser().log_in(dovecot.new_user())
        assert_clear(await browser.get("/mail.hsp"), log_lines, 503, DATABASE_AWAY)
    assert (await browser.get("/mail.hsp")).status == 200


def corrupt(file: Path) -> None:
    file.write_bytes(b"no database\n" * 1000)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def of_another_version(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'r9999'")
    connection.close()


@pytest.mark.parametrize("harm", [corrupt, cut_short, a_folder, of_another_version], ids=lambda how: how.__name__)
def test_a_database_that_cannot_be_used_stops_the_start_in_words(
    tmp_path: Path, redis_server: RedisServer, harm: Callable[[Path], None]
) -> None:
    (example,) = Document(ROOT / "README.md").fenced("toml")
    config, data = tmp_path / "hsp.toml", tmp_path / "data"
    config.write_text(example.replace("/var/lib/hsp", str(data)).replace("127.0.0.1:8000", "127.0.0.1:0"))
    data.mkdir()
    file = data / "hsp.sqlite3"
    migrate(f"sqlite+aiosqlite:///{file}")
    harm(file)
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "HSP_SERVER__REDIS__URL": redis_server.url}
    call = [sys.executable, "-c", "from hsp.cli import main; main()", "serve", "--config", str(config)]
    done = subprocess.run(call, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert "ready" not in done.stdout
    assert "database" in done.stderr
    assert "Traceback" not in done.stderr


# Room for uploads


async def upload(browser: Browser, size: int) -> Reply:
    fields = {"_h": browser.key, **LETTER}
    parts = [f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()]
    head = b'--b\r\nContent-Disposition: form-data; name="attachment"; filename="big.bin"\r\n\r\n'
    body = b"".join((*parts, head, b"x" * size, b"\r\n--b--\r\n"))
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    kind = {"content-type": "multipart/form-data; boundary=b", "content-length": str(len(body))}
    sent = {"host": "mail.test", "cookie": cookie, **SAME_ORIGIN, **kind}
    return await browser.world.raw("POST", b"/compose.hsp", sent, body)


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("moment", ["making the file", "writing it"])
async def test_a_full_upload_folder_is_507_and_nothing_is_sent(
    world: World,
    browser: Browser,
    account: str,
    dovecot: DovecotServer,
    log_lines: LogLines,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    if moment == "making the file":
        monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", no_space)
    else:
        monkeypatch.setattr(tempfile.SpooledTemporaryFile, "write", no_space)
    reply = await upload(browser, 3 << 20)
    assert_clear(reply, log_lines, 507, "The server has no room left")
    assert any("disk_full" in line for line in log_lines.about(reply["x-request-id"]))
    assert (await browser.post("/compose.hsp", {**LETTER, "do": "save"})).status == 303, "small forms need no room"
    monkeypatch.undo()
    assert world.sink.messages == []
    assert len(contents(dovecot.imap_port, account, "Drafts")) == 1
    assert (await upload(browser, 3 << 20)).status == 303
    await eventually(lambda: len(world.sink.messages) == 1, "with room again, the same upload goes")


# A Redis that comes and goes


async def walk(browser: Browser) -> list[Reply]:
    """What a user does in a minute."""
    return [
        await browser.get("/mail.hsp"),
        await browser.get("/compose.hsp"),
        await browser.post("/compose.hsp", {**LETTER, "do": "save"}),
        await browser.get("/sessions.hsp"),
        await browser.get("/outbox.hsp"),
    ]


@pytest.mark.parametrize("how", [pytest.param("pause", marks=pytest.mark.slow), "kill"])
async def test_a_redis_that_comes_and_goes_during_a_walk(
    world: World, browser: Browser, log_lines: LogLines, own_redis_server: RedisServer, how: str, account: str
) -> None:
    assert {reply.status for reply in await walk(browser)} <= {200, 303}
    getattr(own_redis_server, how)()
    for reply in await walk(browser):
        assert_clear(reply, log_lines, 503, STORE_AWAY)
        assert int(reply["retry-after"]) > 0
        assert any("session_store_away" in line for line in log_lines.about(reply["x-request-id"]))
    refused = await world.browser().get("/", login="")
    assert refused.status == 200, "the login page itself can be seen"
    own_redis_server.resume() if how == "pause" else own_redis_server.start()
    if how == "kill":
        await browser.log_in(account)

    async def back() -> bool:
        return (await browser.get("/mail.hsp")).status == 200

    await eventually(back, "the walk goes on without a restart of the gateway")
    assert {reply.status for reply in await walk(browser)} <= {200, 303}


async def test_a_redis_without_memory_lets_nobody_in_and_throws_nobody_out(
    world: World, browser: Browser, log_lines: LogLines, own_redis_server: RedisServer, account: str
) -> None:
    async with Redis.from_url(own_redis_server.url) as redis:
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("maxmemory", "1")
        reply = await world.browser().try_login(account)
        assert_clear(reply, log_lines, 503, STORE_AWAY)
        assert (await browser.get("/mail.hsp")).status in {200, 503}
        await redis.config_set("maxmemory", "0")
    assert (await browser.get("/mail.hsp")).status == 200
    await world.browser().log_in(account)


async def test_a_redis_that_is_read_only_ends_nothing_and_says_so(
    world: World, browser: Browser, log_lines: LogLines, own_redis_server: RedisServer, account: str
) -> None:
    """A replica after a fail-over: it answers, but takes no writes."""
    async with Redis.from_url(own_redis_server.url) as redis:
        await redis.replicaof("127.0.0.1", "1")
        reply = await world.browser().try_login(account)
        assert_clear(reply, log_lines, 503, STORE_AWAY)
        assert (await browser.post("/", {"action": "logout"})).status == 503, "a logout that did not happen is not told"
        await redis.replicaof("NO", "ONE")
    assert (await browser.get("/mail.hsp")).status == 200
    assert (await browser.post("/", {"action": "logout"})).status == 303
