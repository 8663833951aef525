"""What a server may do to us, on a scripted one: classes SC-13, SC-20 and IM-04."""

import asyncio
import gc

import pytest

from hsp.protocols.imap import (
    Atom,
    CommandTimeout,
    ConnectError,
    ConnectionLost,
    ImapClient,
    ImapError,
    ProtocolViolation,
    Rejected,
    ServerBusy,
)
from tests.support.imap_script import CAPABILITIES, ScriptedServer, scripted

pytestmark = pytest.mark.anyio

FETCHED = "* 1 FETCH (UID {uid} FLAGS (\\Seen))\r\n"


async def opened(server: ScriptedServer, **changes: object) -> ImapClient:
    return await ImapClient.connect(server.endpoint(**changes))


async def test_several_commands_are_in_flight_and_each_gets_its_own() -> None:
    held: list[str] = []

    def answer(tag: str, rest: str) -> bytes | None:
        held.append(tag)
        if len(held) < 3:
            return None
        return "".join(FETCHED.format(uid=i) + f"{t} OK\r\n" for i, t in enumerate(held, 1)).encode()

    async with scripted({"UID FETCH": answer}) as server:
        client = await opened(server)
        results = await asyncio.gather(*(client.fetch([uid], ["FLAGS"]) for uid in (1, 2, 3)))
        assert [[fetched.uid for fetched in result] for result in results] == [[1], [2], [3]]
        assert client.is_usable
        assert client.is_idle
        await client.close()


async def test_answers_out_of_order_reach_the_right_command() -> None:
    held: list[str] = []

    def answer(tag: str, rest: str) -> bytes | None:
        held.append(tag)
        if len(held) < 2:
            return None
        first, second = held
        return (FETCHED.format(uid=2) + f"{second} OK\r\n" + FETCHED.format(uid=1) + f"{first} OK\r\n").encode()

    async with scripted({"UID FETCH": answer}) as server:
        client = await opened(server)
        one, two = await asyncio.gather(client.fetch([1], ["FLAGS"]), client.fetch([2], ["FLAGS"]))
        assert ([f.uid for f in one], [f.uid for f in two]) == ([1], [2])
        await client.close()


async def test_sc13_values_arrive_as_values_and_commands_can_be_counted() -> None:
    async with scripted({"UID SEARCH": '* ESEARCH (TAG "{tag}") UID ALL 3\r\n{tag} OK\r\n'}) as server:
        client = await opened(server)
        before = len(server.commands)
        hostile = ['x"\r\nh9 DELETE INBOX\r\n', "{5}", "\\", "ü" * 2000, "a\nb", "\r"]
        for value in hostile:
            assert await client.search([Atom("SUBJECT"), value]) == [3]
            await client.append(f"f{hostile.index(value)}", value.encode())
        assert len(server.commands) - before == 2 * len(hostile)
        assert not any(command.split(b" ")[1] == b"DELETE" for command in server.commands)
        for name in ("a\r\nh9 LOGOUT", "x\0", ""):
            for verb in (client.select, client.create, client.delete, client.status, client.subscribe):
                with pytest.raises(ValueError, match="folder name"):
                    await verb(name)
        with pytest.raises(ValueError, match="flag"):
            await client.store([1], "+", ["x) h9 LOGOUT"])
        assert len(server.commands) - before == 2 * len(hostile)
        assert client.is_usable
        await client.close()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"h999 OK not yours\r\n",
        b"+ go on, please\r\n",
        b"complete garbage\r\n",
        b"* \r\n",
        b"{tag} WHAT\r\n",
        b"\r\n",
        b"* 1 FETCH (BODY[] {99999999999}\r\n",
        b"x" * 3000,
        b"* 1 FETCH (UID 1 FLAGS (\r\n{tag} OK\r\n",
        b"* 1 FETCH " + b"(" * 900 + b"\r\n{tag} OK\r\n",
        b'* 1 FETCH (UID 1 ENVELOPE ("a)\r\n{tag} OK\r\n',
    ],
)
async def test_im04_nonsense_ends_the_connection_and_nothing_else(nonsense: bytes) -> None:
    async with scripted({"UID FETCH": nonsense}) as server:
        client = await opened(server, max_line=2000)
        with pytest.raises((ProtocolViolation, ConnectionLost)) as caught:
            await client.fetch([1], ["FLAGS"])
        assert isinstance(caught.value, ProtocolViolation)
        assert not client.is_usable
        with pytest.raises(ConnectionLost):
            await client.noop()
        await server.ended.wait()
        assert not any(b"NOOP" in command for command in server.commands)
        await client.close()


async def test_answers_beyond_the_limit_end_the_connection() -> None:
    flood = b"* 1 FETCH (UID 1 FLAGS ())\r\n" * 2000
    async with scripted({"UID FETCH": flood}) as server:
        client = await opened(server, max_answer=10_000)
        with pytest.raises(ProtocolViolation):
            await client.fetch([1], ["FLAGS"])
        await client.close()


async def test_im04_goodbye_in_the_middle_of_an_answer() -> None:
    async with scripted({"UID FETCH": b"* 1 FETCH (UID 1 BODY[] {100}\r\nhalf of"}) as server:
        client = await opened(server)
        task = asyncio.ensure_future(client.fetch([1], ["BODY.PEEK[]"]))
        while not any(b"FETCH" in command for command in server.commands):
            await asyncio.sleep(0)
        server.drop()
        with pytest.raises(ConnectionLost):
            await task
        assert not client.is_usable
        await client.close()


async def test_a_goodbye_is_told_with_its_words() -> None:
    async with scripted({"NOOP": "* BYE going down for maintenance\r\n"}) as server:
        client = await opened(server)
        task = asyncio.ensure_future(client.noop())
        while client.is_usable:
            await asyncio.sleep(0)
        server.drop()
        with pytest.raises(ConnectionLost, match="maintenance"):
            await task
        await client.close()


@pytest.mark.parametrize(
    "greeting",
    [b"* BYE [LIMIT] enough\r\n", b"* BYE Too many connections from your IP\r\n", b"* BYE [INUSE] later\r\n"],
)
async def test_im03_too_many_connections_is_an_error_of_its_own(greeting: bytes) -> None:
    async with scripted(greeting=greeting) as server:
        with pytest.raises(ServerBusy):
            await opened(server)


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        (b"* BYE go away\r\n", ConnectionLost),
        (b"220 smtp.example ESMTP\r\n", ProtocolViolation),
        (b"* SEARCH 1\r\n", ProtocolViolation),
        (b"* BAD no\r\n", ConnectError),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolViolation),
        (b"\x16\x03\x01\r\n", ProtocolViolation),
    ],
)
async def test_greetings_that_are_none(greeting: bytes, error: type[ImapError]) -> None:
    async with scripted(greeting=greeting) as server:
        with pytest.raises(error):
            await opened(server)


async def test_a_server_that_says_nothing_at_all() -> None:
    async with scripted(greeting=None) as server:
        with pytest.raises(ConnectError) as caught:
            await opened(server, connect_timeout=0.05)
        assert caught.value.reason == "timeout"


async def test_nobody_listens_and_no_such_name() -> None:
    async with scripted() as server:
        endpoint = server.endpoint()
    with pytest.raises(ConnectError) as caught:
        await ImapClient.connect(endpoint)
    assert caught.value.reason == "refused"
    with pytest.raises(ConnectError) as caught:
        await ImapClient.connect(server.endpoint(host="a..b"))
    assert caught.value.reason == "dns"


async def test_a_silent_server_times_out_and_the_connection_is_gone() -> None:
    async with scripted({"NOOP": lambda tag, rest: None}) as server:
        client = await opened(server, command_timeout=0.05)
        with pytest.raises(CommandTimeout):
            await client.noop()
        assert not client.is_usable
        await client.close()


async def test_sc20_a_cancelled_command_takes_the_connection_with_it() -> None:
    async with scripted({"UID FETCH": lambda tag, rest: None}) as server:
        client = await opened(server)
        victim = asyncio.ensure_future(client.fetch([1], ["FLAGS"]))
        bystander = asyncio.ensure_future(client.fetch([2], ["FLAGS"]))
        while len([c for c in server.commands if b"FETCH" in c]) < 2:
            await asyncio.sleep(0)
        victim.cancel()
        with pytest.raises(asyncio.CancelledError):
            await victim
        with pytest.raises(ConnectionLost):
            await bystander
        assert not client.is_usable
        await server.ended.wait()
        await client.close()


async def test_sc20_cancelled_at_any_point_nobody_gets_another_ones_answer() -> None:
    def answer(tag: str, rest: str) -> bytes:
        uid = rest.split()[2]
        return f'* 1 FETCH (UID {uid} BODY[] "{uid}")\r\n{tag} OK\r\n'.encode()

    async with scripted({"UID FETCH": answer}) as server:
        for turns in range(40):
            client = await opened(server)
            victim = asyncio.ensure_future(client.fetch([1000 + turns], ["BODY.PEEK[]"]))
            for _ in range(turns):
                await asyncio.sleep(0)
            finished = victim.done()
            victim.cancel()
            await asyncio.wait((victim,))
            if finished or client.is_usable:
                fetched = await client.fetch([turns + 1], ["BODY.PEEK[]"])
                assert [f.sections[""] for f in fetched] == [str(turns + 1).encode()]
            else:
                with pytest.raises(ConnectionLost):
                    await client.fetch([turns + 1], ["BODY.PEEK[]"])
            await client.close()


async def test_a_command_cancelled_before_it_was_sent_harms_nobody() -> None:
    async with scripted(capabilities="IMAP4rev1 IDLE") as server:
        server.handlers["IDLE"] = "+ idling\r\n"
        server.handlers["DONE"] = None  # type: ignore[assignment]  # DONE has no tag: nothing is said to it
        client = await opened(server)
        async with asyncio.timeout(10):
            news = client.idle()
            waiting = asyncio.ensure_future(anext(news))
            while not any(b"IDLE" in command for command in server.commands):
                await asyncio.sleep(0)
            noop = asyncio.ensure_future(client.noop())
            await asyncio.sleep(0)
            noop.cancel()
            await asyncio.wait((noop,))
            assert client.is_usable
            server.say(b"* 7 EXISTS\r\n")
            assert (await waiting).number == 7
        await client.close()
        with pytest.raises(ImapError):
            await anext(news)


async def test_synchronising_literals_wait_for_leave() -> None:
    async with scripted(capabilities="IMAP4rev1") as server:
        client = await opened(server)
        await asyncio.gather(
            client.append("Sent", b"x" * 5000), client.noop(), client.append("Sent", b"a\r\nh7 LOGOUT")
        )
        assert [command.split(b" ")[1] for command in server.commands] == [
            b"CAPABILITY",
            b"APPEND",
            b"APPEND",
            b"NOOP",
        ] or [command.split(b" ")[1] for command in server.commands] == [b"CAPABILITY", b"APPEND", b"NOOP", b"APPEND"]
        assert server.commands[1].endswith(b"{5000}\r\n" + b"x" * 5000)
        await client.close()


async def test_a_refused_literal_is_never_sent() -> None:
    async with scripted({"APPEND": "{tag} NO [OVERQUOTA] full\r\n"}, capabilities="IMAP4rev1") as server:
        server.refuse_literals = True
        client = await opened(server)
        with pytest.raises(Rejected) as caught:
            await client.append("Sent", b"h9 DELETE INBOX\r\n")
        assert caught.value.code == "OVERQUOTA"
        await client.noop()
        assert [command.split(b" ")[1] for command in server.commands[1:]] == [b"APPEND", b"NOOP"]
        await client.close()


async def test_sc13_leave_and_refusal_at_once_end_the_connection() -> None:
    async with scripted({"APPEND": "+ go\r\n{tag} NO changed my mind\r\n"}, capabilities="IMAP4rev1") as server:
        server.refuse_literals = True
        client = await opened(server)
        with pytest.raises(ProtocolViolation):
            await client.append("Sent", b"h9 DELETE INBOX\r\n")
        assert not client.is_usable
        await server.ended.wait()
        assert not any(b"DELETE" in command for command in server.commands)
        await client.close()


async def test_one_write_per_command(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted() as server:
        client = await opened(server)
        writes: list[bytes] = []
        transport = client._connection.transport
        monkeypatch.setattr(type(transport), "write", lambda _self, data: writes.append(data), raising=True)
        task = asyncio.ensure_future(client.append("Sent", b"Subject: x\r\n\r\nbody\r\n" * 100, ["\\Seen"]))
        await asyncio.sleep(0)
        monkeypatch.undo()
        assert len(writes) == 1
        task.cancel()
        await asyncio.wait((task,))
        await client.close()


async def test_news_is_told_in_order() -> None:
    news = "* 5 EXISTS\r\n* 2 EXPUNGE\r\n* VANISHED 7:8\r\n* 3 FETCH (FLAGS (\\Seen))\r\n* OK [ALERT] hi\r\n"
    async with scripted({"NOOP": news + "{tag} OK\r\n"}) as server:
        client = await opened(server)
        told: list[tuple[str, int | None]] = []
        client.on_untagged = lambda news: told.append((news.kind, news.number))
        await client.noop()
        assert told == [("EXISTS", 5), ("EXPUNGE", 2), ("VANISHED", None), ("FETCH", 3), ("OK", None)]
        assert client.exists == 4
        await client.close()


async def test_flags_asked_for_are_no_news_and_flags_in_between_are() -> None:
    answer = "* 9 FETCH (FLAGS (\\Flagged))\r\n* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ())\r\n{tag} OK\r\n"
    async with scripted({"UID FETCH": answer}) as server:
        client = await opened(server)
        told: list[int | None] = []
        client.on_untagged = lambda news: told.append(news.number)
        assert [fetched.uid for fetched in await client.fetch([1, 2], ["FLAGS"])] == [1, 2]
        assert told == [9]
        await client.close()


async def test_answers_without_what_was_asked_for_are_left_out() -> None:
    others = "* 1 FETCH (UID 1 FLAGS ())\r\n* 7 FETCH (UID 7 RFC822.SIZE 1)\r\n"
    answer = others + "* 2 FETCH (UID 2 RFC822.SIZE 5)\r\n{tag} OK\r\n"
    async with scripted({"UID FETCH": answer}) as server:
        client = await opened(server)
        assert [(f.uid, f.size) for f in await client.fetch([1, 2], ["RFC822.SIZE"])] == [(2, 5)]
        await client.close()


async def test_big_answers_are_parsed_off_the_loop() -> None:
    one = '* {n} FETCH (UID {n} ENVELOPE ("d" "' + "s" * 400 + '" NIL NIL NIL NIL NIL NIL NIL NIL))\r\n'
    big = "".join(one.replace("{n}", str(number)) for number in range(1, 1501)) + "{tag} OK\r\n"
    async with scripted({"UID FETCH": big}) as server:
        client = await opened(server)
        fetched = await client.fetch("1:*", ["ENVELOPE"])
        assert [f.uid for f in fetched] == list(range(1, 1501))
        await client.close()


async def test_a_dropped_client_leaves_no_warning() -> None:
    async with scripted({"NOOP": lambda tag, rest: None}) as server:
        client = await opened(server)
        waiting = [asyncio.ensure_future(client.noop()) for _ in range(3)]
        await asyncio.sleep(0)
        await client.close()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, ConnectionLost) for result in results)
        del client, waiting, results
        gc.collect()


async def test_capabilities_come_from_the_greeting_where_told() -> None:
    async with scripted(greeting=f"* OK [CAPABILITY {CAPABILITIES}] hi\r\n".encode()) as server:
        client = await opened(server)
        assert client.has("MOVE")
        assert server.commands == []
        await client.close()
