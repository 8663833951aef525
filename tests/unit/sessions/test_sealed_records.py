"""What a reader or a writer of the store can do with it: nothing (classes SE-01, SE-02, SC-17, SC-18, SC-41)."""

import itertools
import json
import re
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from hsp.foundation.sealing import KeyRing, SealError, pack
from hsp.protocols.credentials import Credential
from hsp.sessions import RedisSessionStore, Sessions, StoreUnavailable
from hsp.sessions.records import unseal_session
from tests.support.sessions import ALICE, BOB, FIREFOX, HOST, PASSWORD, enter, log_in, make_sessions

pytestmark = pytest.mark.anyio

KEY_SHAPE = re.compile(rb"hsp:\{(a:)?[0-9a-f]{32}\}:(s:[A-Za-z0-9_-]{22}|g:[A-Za-z0-9_-]{22}|h|gs|p|i)")


async def dump(redis: Redis) -> dict[bytes, bytes]:
    """Everything a thief of the store has: all keys with all bytes, whatever their type."""
    everything = {}
    for key in await redis.keys("*"):
        if await redis.type(key) == b"zset":
            everything[key] = b" ".join(await redis.zrange(key, 0, -1))
        else:
            everything[key] = await redis.get(key)
    return everything


async def furnish(sessions: Sessions) -> list[str]:
    """Sessions with all that hangs on them. Returns the secrets that must not be found."""
    alice = await log_in(sessions)
    bare = await log_in(sessions, BOB, cookieless=True)
    grant = await sessions.grant(alice.session, message="MV8xXzE")
    assert grant is not None
    await sessions.hold_post(alice.session, page="compose", content_type="text/plain", body=b"dear diary " * 3)
    return [
        *(PASSWORD, "dear diary", alice.session.pair.twin, alice.session.pair.id, bare.session.pair.twin),
        *(bare.session.pair.id, alice.session_key, bare.session_key, grant.secret, "MV8xXzE"),
    ]


async def test_se01_a_dump_of_every_key_shows_no_secret_no_account_and_no_device(
    redis: Redis, sessions: Sessions
) -> None:
    secrets = await furnish(sessions)
    everything = await dump(redis)
    assert len(everything) == 9
    stored = b"\n".join(itertools.chain(everything, everything.values()))
    for secret in (*secrets, ALICE, BOB, FIREFOX, "192.0.2.7", HOST):
        assert secret.encode() not in stored


async def test_se01_the_ring_without_the_twins_opens_no_credential(
    redis: Redis, sessions: Sessions, ring: KeyRing
) -> None:
    await furnish(sessions)
    purposes = ["session record", "session card", "capability", "interrupted post"]
    opened = set()
    for key, value in (await dump(redis)).items():
        uuid, _, rest = key.decode().partition("{")[2].partition("}:")
        name = rest.partition(":")[2]
        wheres = [pack(uuid), pack(uuid, name, "webmail", HOST), pack(uuid, name), key, b""]
        blobs = [value, value[23:]]
        guesses = [b"", uuid.encode(), name.encode(), *(known.secret for known in ring.keys)]
        for purpose, aad, blob, secret in itertools.product(purposes, wheres, blobs, guesses):
            try:
                opened.add(ring.unseal(purpose, blob, aad=aad, secret=secret))
            except SealError:
                continue
    # The cards open: they are what the list shows. Nothing else does.
    assert len(opened) == 2
    for card in opened:
        assert json.loads(card)[0] in {ALICE, BOB}
        assert PASSWORD.encode() not in card


async def test_se02_a_record_moved_to_another_session_does_not_open(redis: Redis, sessions: Sessions) -> None:
    alice, mallory = await log_in(sessions), await log_in(sessions, "mallory@demo.test")
    (hers,) = await redis.keys(f"*{alice.session.uuid}*:s:*")
    (his,) = await redis.keys(f"*{mallory.session.uuid}*:s:*")
    await redis.set(his, await redis.get(hers))
    assert await enter(sessions, mallory) is None


async def test_se02_a_record_is_bound_to_id_name_surface_and_host(
    redis: Redis, sessions: Sessions, ring: KeyRing
) -> None:
    issued = await log_in(sessions)
    pair = issued.session.pair
    (key,) = await redis.keys("*:s:*")
    blob = await redis.get(key)
    assert unseal_session(ring, blob, pair, surface="webmail", virtual_host=HOST) == issued.session
    elsewhere = (await log_in(sessions)).session.pair
    for other, surface, host in [
        (elsewhere, "webmail", HOST),
        # The same twin does not help: id and name are bound by themselves.
        (replace(pair, uuid=elsewhere.uuid), "webmail", HOST),
        (replace(pair, name=elsewhere.name), "webmail", HOST),
        (pair, "webadmin", HOST),
        (pair, "webmail", "other.example.com"),
        (pair, "webmail", ""),
    ]:
        with pytest.raises(SealError):
            unseal_session(ring, blob, other, surface=surface, virtual_host=host)


@pytest.mark.parametrize("surface", ["webadmin", "api", "WEBMAIL", ""])
async def test_sc41_a_pair_opens_on_no_other_surface(sessions: Sessions, surface: str) -> None:
    issued = await log_in(sessions)
    assert await enter(sessions, issued, surface=surface) is None
    assert await sessions.peek_cookie(issued.cookie, surface=surface, virtual_host=HOST) is None
    assert await sessions.resume(issued.cookie, surface=surface, virtual_host=HOST) is None
    assert await enter(sessions, issued) is not None


@pytest.mark.parametrize("host", ["other.example.com", "", "mail.example.com.", "mail.example.com:443"])
async def test_sc41_a_pair_opens_on_no_other_virtual_host(sessions: Sessions, host: str) -> None:
    issued = await log_in(sessions)
    assert await enter(sessions, issued, virtual_host=host) is None
    assert await sessions.resume(issued.cookie, surface="webmail", virtual_host=host) is None


@pytest.mark.parametrize(
    "hostile",
    ["a}:s:{b@x", "x\r\nFLUSHALL\r\n@x", "* @x", "{}@x", "\0@x", "ü" * 100 + "@x", "\ud800@x", "k" * 2000 + "@x"],
)
async def test_sc17_nothing_a_client_writes_becomes_part_of_a_key(
    redis: Redis, sessions: Sessions, hostile: str
) -> None:
    issued = await log_in(sessions, hostile, device=hostile, address=hostile, virtual_host=hostile)
    grant = await sessions.grant(issued.session, message=hostile)
    assert grant is not None
    assert await sessions.redeem(sessions.capability(grant, part=hostile)) is not None
    await sessions.open(hostile, hostile, surface="webmail", virtual_host=hostile)
    await sessions.end_by_uuid(hostile, hostile)
    await sessions.redeem(hostile)
    assert [key for key in await redis.keys("*") if not KEY_SHAPE.fullmatch(key)] == []
    assert [info.uuid for info in await sessions.list(hostile)] == [issued.session.uuid]


@pytest.mark.parametrize("surface", ["web}mail", "a:b", "", "webmail\n", "A", "ü"])
async def test_sc17_a_surface_is_a_plain_word(sessions: Sessions, surface: str) -> None:
    with pytest.raises(ValueError, match="surface"):
        await log_in(sessions, surface=surface)


async def test_sc17_a_namespace_is_plain(redis: Redis) -> None:
    for namespace in ("{x}", "a b", "x\n", "é", "x" * 65):
        with pytest.raises(ValueError, match="namespace"):
            RedisSessionStore(redis, namespace=namespace)


async def test_sc18_a_record_of_another_kind_is_not_taken_for_a_session(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    (record,) = await redis.keys("*:s:*")
    (head,) = await redis.keys("*:h")
    card = await redis.get(head)
    for other in (card, card[23:], b"", b"{}", b"\x80\x04K\x01.", b'["alice@demo.test"]', b"\x01" * 400):
        await redis.set(record, other)
        assert await enter(sessions, issued) is None


async def test_sc18_a_key_of_another_type_fails_closed(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    (record,) = await redis.keys("*:s:*")
    await redis.delete(record)
    await redis.lpush(record, "x")
    with pytest.raises(StoreUnavailable):
        await enter(sessions, issued)


async def test_sc18_tampering_with_any_byte_of_the_record_is_seen(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    (record,) = await redis.keys("*:s:*")
    blob = await redis.get(record)
    for position in range(0, len(blob), 7):
        await redis.set(record, blob[:position] + bytes((blob[position] ^ 1,)) + blob[position + 1 :])
        assert await enter(sessions, issued, background=True) is None
    await redis.set(record, blob)
    assert await enter(sessions, issued) is not None


async def test_sc18_a_downgraded_version_is_refused(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    (record,) = await redis.keys("*:s:*")
    blob = await redis.get(record)
    for version in (0, 2, 255):
        await redis.set(record, bytes((version,)) + blob[1:])
        assert await enter(sessions, issued) is None


async def test_sc18_an_older_record_of_the_same_session_does_not_come_back(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    (record,) = await redis.keys("*:s:*")
    blob = await redis.get(record)
    rotated = await sessions.rotate(issued.session)
    assert rotated is not None
    (current,) = await redis.keys("*:s:*")
    await redis.set(current, blob)
    assert await enter(sessions, rotated) is None


async def test_a_record_holds_any_credential(sessions: Sessions) -> None:
    for credential in (
        Credential("password", "älice", 'pä"ss\\\0\n\u2028wörd'),
        Credential("xoauth2", "alice", "ya29." + "t" * 4000),
        Credential("oauthbearer", "alice", "\ud800 lone surrogate"),
    ):
        issued = await log_in(sessions, credential=credential)
        opened = await enter(sessions, issued)
        assert opened is not None
        assert opened.credential == credential == issued.session.credential


async def test_two_rings_share_a_redis_without_seeing_each_other(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    stranger = make_sessions(redis)
    assert await enter(stranger, issued) is None
    assert await stranger.list(ALICE) == []
    assert await stranger.end_all(ALICE) == 0
    assert await enter(sessions, issued) is not None
