"""Looks at what is ours: Redis, the database, the key ring and the listeners' certificates."""

from __future__ import annotations

from redis.exceptions import AuthenticationError, RedisError

from hsp.commands.checking.findings import Finding, timed
from hsp.config import Redis, Settings
from hsp.foundation.redis import StoreUnavailable, connect, within
from hsp.foundation.sealing import KeyRing, RingFileError
from hsp.foundation.sql import Database, DatabaseError, SchemaError
from hsp.services import ListenerError, tls_context


async def check_redis(settings: Redis) -> Finding:
    """Whether Redis answers, and what happens to sessions when it restarts."""
    finding = Finding("redis", "ping")
    client = connect(settings.url, max_connections=1, timeout=settings.timeout)
    try:
        with timed(finding):
            await within(settings.timeout * 2, client.ping())
        server = await within(settings.timeout * 2, client.info())
    except StoreUnavailable as error:
        return finding.fail(_redis_words(error.__cause__, settings))
    finally:
        await client.aclose()
    role, keeps = server.get("role"), bool(server.get("aof_enabled"))
    finding.details.update(version=server.get("redis_version"), role=role, appendonly=keeps)
    finding.message = f"answers, version {server.get('redis_version')}, role {role}"
    if role != "master":
        return finding.fail(f"is a {role}: sessions can only be kept in a master")
    if not keeps:
        finding.warn("answers; it keeps no append-only file, so its restart logs everybody out")
    return finding


def _redis_words(cause: BaseException | None, settings: Redis) -> str:
    if isinstance(cause, AuthenticationError):
        return "Redis does not accept the user name and password in server.redis.url"
    if isinstance(cause, TimeoutError):
        return f"Redis did not answer within {settings.timeout:g} seconds"
    if isinstance(cause, RedisError) and "NOAUTH" in str(cause):
        return "Redis wants a password; put it into server.redis.url"
    return "Redis cannot be reached; does it run, is server.redis.url right?"


async def check_database(url: str) -> Finding:
    """Whether the database can be opened and has our schema."""
    finding = Finding("database", "schema")
    try:
        with timed(finding):
            database = await Database.open(url)
    except SchemaError as error:
        if error.found is None:
            return finding.warn("is empty or cannot be read; `hsp serve` creates the tables at its first start")
        return finding.fail(f"is of another version ({error.found}, needed {error.expected}); run `hsp migrate`")
    except (DatabaseError, OSError, ImportError) as error:
        return finding.fail(f"cannot be opened: {type(error).__name__}")
    await database.close()
    finding.message = "has the right tables"
    return finding


def check_key_ring(settings: Settings) -> Finding:
    """Whether the key ring can be read, by us and nobody else."""
    path = settings.server.key_ring_file
    finding = Finding("key ring", "file")
    if not path.exists():
        return finding.warn(f"{path} does not exist yet; `hsp serve` creates it at its first start")
    try:
        ring = KeyRing.load(path)
    except RingFileError as error:
        return finding.fail(str(error))
    finding.message = f"{path} holds {len(ring.keys)} key{'s' if len(ring.keys) > 1 else ''}"
    return finding


def check_listeners(settings: Settings) -> list[Finding]:
    """Whether the certificates of the TLS listeners can be used."""
    findings = []
    for listener in settings.webmail.listeners:
        finding = Finding(f"listener {listener.address}", "tls")
        try:
            used = tls_context(listener) if listener.enable else None
        except ListenerError as error:
            findings.append(finding.fail(str(error)))
            continue
        finding.message = "certificate and key fit" if used else "not used"
        findings.append(finding)
    return findings
