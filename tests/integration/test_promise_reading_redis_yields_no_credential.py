"""Promise 3: reading Redis yields no credential.

A whole day of a user goes through HTTP; then every key and value of Redis, and every byte of the database, is searched
for what the user and the gateway keep secret, in every form it may take.
"""

import base64
import itertools
import re
import urllib.parse
from collections.abc import AsyncIterator, Callable, Iterator
from html import unescape
from pathlib import Path

import pytest
from redis.asyncio import Redis

from hsp.foundation.sealing import KeyRing, SealError, pack
from tests.support.dovecot import DovecotServer
from tests.support.gateway import SAME_ORIGIN, Browser, World
from tests.support.letters import PNG, html_letter, letter
from tests.support.nodes import deliver, eventually, node
from tests.support.redis_server import RedisServer
from tests.support.smtp_sink import SmtpSink

pytestmark = pytest.mark.anyio

PASSWORD = "correct-Horse-7391-Bätterie"
WRONG = "wrong-canary-5c1b20"
IN_MAIL = "canary-of-the-inbox-a81f"
IN_QUEUE = "canary-of-the-outbox-77e3"
IN_SENT = "canary-of-the-sent-1d09"
IN_FILE = "canary-of-the-attachment-40c2"
IN_KEPT = "canary-of-the-kept-post-93aa"


def forms(secret: str) -> Iterator[bytes]:
    """Every form in which a careless program stores a text."""
    plain = secret.encode()
    yield from (plain, plain[::-1], plain.hex().encode(), plain.hex().upper().encode())
    yield from (secret.encode("utf-16-le"), secret.encode("utf-16-be"), secret.encode("latin-1", "replace"))
    yield urllib.parse.quote(secret, safe="").encode()
    yield secret.encode("unicode_escape")
    for before in range(3):
        # The middle of a Base64 text is the same wherever the secret stands in what was encoded.
        encoded = base64.b64encode(b"\0" * before + plain)
        middle = encoded[4 if before else 0 : -4]
        yield from (middle, middle.replace(b"+", b"-").replace(b"/", b"_"))


def found(secret: str, dump: bytes) -> list[bytes]:
    return [form for form in forms(secret) if len(form) >= 6 and form in dump]


async def contents(redis: Redis) -> dict[bytes, bytes]:
    """Every key with everything that is under it."""
    readers = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
        b"list": lambda key: redis.lrange(key, 0, -1),
    }
    keys = [key async for key in redis.scan_iter(count=1000)]
    values = [await readers[await redis.type(key)](key) for key in keys]
    return {key: flat(value) for key, value in zip(keys, values, strict=True)}


def flat(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return b"\0".join(flat(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple | set):
        return b"\0".join(flat(part) for part in value)
    return str(value).encode()


@pytest.fixture
async def redis(own_redis_server: RedisServer) -> AsyncIterator[Redis]:
    client = Redis.from_url(own_redis_server.url)
    yield client
    await client.aclose()


@pytest.fixture(scope="module")
def accounts(dovecot: DovecotServer) -> Iterator[str]:
    """Accounts whose password is worth looking for; Dovecot learns of all of them in one go."""
    names = [dovecot.add_user(f"keeper{number}@demo.test", password=PASSWORD) for number in range(8)]
    dovecot.wait_for(names[-1], password=PASSWORD)
    return iter(names)


@pytest.fixture
def account(accounts: Iterator[str]) -> str:
    return next(accounts)


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.generate().rotate()


@pytest.fixture
async def world(
    own_redis_server: RedisServer,
    dovecot: DovecotServer,
    smtp_sink: SmtpSink,
    tmp_path: Path,
    ring: KeyRing,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[World]:
    monkeypatch.setattr("tests.support.smtp_sink.PASSWORD", PASSWORD)
    async with node(own_redis_server, dovecot, smtp_sink, tmp_path, ring=ring, send_mail_delay=10) as world:
        yield world


async def a_day(world: World, dovecot: DovecotServer, account: str) -> list[str]:
    """Everything a user does that leaves something behind; returns the secrets of the sessions."""
    picture = html_letter('<img src="cid:p1"><p>Look</p>', subject=IN_MAIL)
    picture.get_payload()[1].add_related(PNG, "image", "png", cid="<p1>")  # type: ignore[union-attr]  # a part, as just made
    deliver(dovecot, account, letter(IN_MAIL, text=f"{IN_MAIL}\n"), picture)
    browser = await world.browser().log_in(account, PASSWORD)
    page = await browser.get("/mail.hsp")
    mails = re.findall(r'data-mail-id="([^"]+)"', page.text)
    assert len(mails) == 2
    bodies = [(await browser.get("/body.hsp", id=mail)).text for mail in mails]
    (capability,) = {url for body in bodies for url in re.findall(r"/capability/[^\"'?\s<>]+", unescape(body))}
    assert (await world.raw("GET", capability.encode(), {"host": "mail.test"})).status == 200
    await browser.get("/message.hsp", id=mails[0])
    await browser.get("/mail.hsp", q=IN_MAIL)
    await send(browser, IN_SENT)
    world.clock.advance(11)
    await eventually(lambda: len(world.sink.messages) == 1, "the mail is sent")
    await send(browser, IN_QUEUE)
    await world.browser().try_login(account, WRONG)
    await world.browser().try_login("nobody@demo.test", WRONG)
    late = await world.browser().log_in(account, PASSWORD)
    return [browser.key, browser.pair.cookie, late.key, late.pair.cookie, *await interrupted(world, late)]


async def interrupted(world: World, late: Browser) -> list[str]:
    """A POST without its key is kept in Redis, too; the twin as it seals is secret in itself."""
    session = await world.gateway.sessions.open(late.key, late.pair.cookie, surface="webmail", virtual_host="")
    assert session is not None
    late.key = ""
    form = {"do": "save", "to": "x@example.org", "subject": IN_KEPT, "text": IN_KEPT}
    reply = await late.post("/compose.hsp", form)
    assert reply["location"].startswith("/?m=11"), "the form is kept"
    return [session.pair.secret.hex()]


async def send(browser: Browser, canary: str) -> None:
    boundary = "b0undary"
    fields = {"_h": browser.key, "do": "send", "to": "x@example.org", "subject": canary, "text": canary, "key": canary}
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="attachment"; filename="{IN_FILE}.txt"\r\n'
        f"Content-Type: text/plain\r\n\r\n{IN_FILE}\r\n--{boundary}--\r\n"
    )
    body = "".join(parts).encode()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}", "content-length": str(len(body))}
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    sent = {"host": "mail.test", "cookie": cookie, **SAME_ORIGIN, **headers}
    reply = await browser.world.raw("POST", b"/compose.hsp", sent, body)
    assert reply.status == 303, reply.text
    assert "sent=" in reply["location"]


def secret_texts(sessions: list[str]) -> list[str]:
    """What must be nowhere: passwords, mail, and both halves of every session."""
    halves = [part for whole in sessions for part in (whole, *whole.split("."))]
    return [PASSWORD, WRONG, IN_MAIL, IN_QUEUE, IN_SENT, IN_FILE, IN_KEPT, *(half for half in halves if len(half) > 24)]


async def test_a_dump_of_redis_holds_no_secret_no_mail_and_no_address(
    world: World, redis: Redis, dovecot: DovecotServer, account: str
) -> None:
    secrets = secret_texts(await a_day(world, dovecot, account))
    kept = await contents(redis)
    kinds = {key.split(b":")[1] for key in kept}
    assert len(kept) > 8, "the day left its traces"
    assert len(kinds) > 1
    dump = b"\0".join(part for pair in kept.items() for part in pair)
    for secret in (*secrets, account, account.partition("@")[0], "x@example.org", "Mozilla"):
        assert not found(secret, dump), secret


async def test_the_database_holds_no_secret_and_no_mail(
    world: World, dovecot: DovecotServer, account: str, tmp_path: Path
) -> None:
    secrets = secret_texts(await a_day(world, dovecot, account))
    files = [path for path in tmp_path.rglob("*") if path.is_file() and "hsp.sqlite3" in path.name]
    dump = b"".join(path.read_bytes() for path in files)
    assert account.encode() in dump, "accounts have numbers here, so the file was truly read"
    for secret in secrets:
        assert not found(secret, dump), secret


async def test_the_ring_without_the_twins_opens_no_credential(
    world: World, redis: Redis, dovecot: DovecotServer, account: str, ring: KeyRing
) -> None:
    secrets = secret_texts(await a_day(world, dovecot, account))
    opened = []
    purposes = ("session record", "session card", "capability", "interrupted post", "outbox message")
    for key, value in (await contents(redis)).items():
        uuid, _, rest = key.decode("latin-1").partition("{")[2].partition("}:")
        name = rest.partition(":")[2]
        wheres = (pack(uuid), pack(uuid, name, "webmail", ""), pack(uuid, name), key, b"")
        guesses = (b"", uuid.encode(), name.encode(), *(known.secret for known in ring.keys))
        for purpose, aad, blob, secret in itertools.product(purposes, wheres, (value, value[23:]), guesses):
            try:
                opened.append(ring.unseal(purpose, blob, aad=aad, secret=secret))
            except SealError:
                continue
    assert any(account.encode() in plain for plain in opened), "the cards of the session list do open"
    for secret in secrets:
        assert not found(secret, b"\0".join(opened)), secret


async def test_what_stands_in_redis_opens_no_page(
    world: World, redis: Redis, dovecot: DovecotServer, account: str
) -> None:
    """A thief with the whole of Redis tries every word of it as a key and as a cookie."""
    await a_day(world, dovecot, account)
    kept = await contents(redis)
    words = {word for key in kept for word in re.split(r"[:{}]", key.decode("latin-1")) if len(word) > 8}
    assert words
    victim = await world.browser().log_in(account, PASSWORD)
    thief = world.browser()
    for word in words:
        for cookie in (word, f"{word}.{word}", f"{victim.key}.{word}", f"{victim.key.partition('.')[0]}.{word}"):
            thief.cookies["_hmail"], thief.key = cookie, victim.key
            reply = await thief.get("/mail.hsp")
            assert reply.status == 303, cookie
            assert reply["location"].startswith("/?m=2")


@pytest.mark.parametrize("secret", [PASSWORD, IN_MAIL])
@pytest.mark.parametrize(
    "store",
    [
        lambda text: text.encode(),
        lambda text: base64.b64encode(f"x{text}yz".encode()),
        lambda text: base64.b64encode(f"xy{text}".encode()),
        lambda text: base64.urlsafe_b64encode(text.encode()),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode().hex().encode(),
        lambda text: repr(text).encode("unicode_escape"),
    ],
    ids=["plain", "base64-1", "base64-2", "base64url", "utf-16", "hex", "repr"],
)
def test_control_the_search_finds_what_is_there(secret: str, store: Callable[[str], bytes]) -> None:
    assert found(secret, b"\x01\x02" + store(secret) + b"\x03")
