"""Submission against a real server in-process: every stage's failure is sorted by whether the mail can have left."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hsp.protocols.credentials import Credential
from hsp.protocols.smtp import (
    SmtpConnectError,
    SmtpEndpoint,
    SmtpError,
    SmtpLoginRejected,
    SmtpPermanentError,
    SmtpTemporaryError,
    SmtpUnknownOutcome,
    check,
    send,
)
from tests.support.smtp_sink import SmtpSink, TlsPair, make_smtp_sink, make_tls_pair

pytestmark = pytest.mark.anyio

ALICE = Credential("password", "alice@demo.test", "demo")
MESSAGE = b"Subject: hello\r\n\r\nbody\r\n"


def endpoint(sink: SmtpSink, **options: object) -> SmtpEndpoint:
    return replace(SmtpEndpoint(sink.host, sink.port, "none"), **options)  # type: ignore[arg-type]  # test options


async def submit(sink: SmtpSink, *recipients: str, data: bytes = MESSAGE, **options: object) -> object:
    return await send(endpoint(sink, **options), ALICE, "alice@demo.test", recipients or ("bob@demo.test",), data)


async def test_a_mail_arrives_as_it_was_given(smtp_sink: SmtpSink) -> None:
    await submit(smtp_sink, "bob@demo.test", "carol@demo.test")
    (received,) = smtp_sink.messages
    assert received.mail_from == "alice@demo.test"
    assert received.recipients == ("bob@demo.test", "carol@demo.test")
    assert received.content == MESSAGE
    assert received.user == "alice@demo.test"
    assert "SIZE=" in received.options[0]


@pytest.mark.parametrize("stage", ["connect", "ehlo", "auth", "mail", "rcpt", "data", "content"])
@pytest.mark.parametrize(("answer", "kind"), [("451 4.3.0 later", SmtpTemporaryError), ("550 5.7.1 no", SmtpError)])
async def test_a_refusal_at_each_stage_is_sorted(
    smtp_sink: SmtpSink, stage: str, answer: str, kind: type[SmtpError]
) -> None:
    smtp_sink.faults[stage] = answer
    with pytest.raises(kind) as caught:
        await submit(smtp_sink)
    assert not isinstance(caught.value, SmtpUnknownOutcome)
    if answer.startswith("5"):
        assert isinstance(caught.value, SmtpLoginRejected if stage == "auth" else SmtpPermanentError)
    assert smtp_sink.messages == []


@pytest.mark.parametrize("stage", ["ehlo", "auth", "mail", "rcpt", "data"])
async def test_a_connection_lost_before_the_content_was_not_sent(smtp_sink: SmtpSink, stage: str) -> None:
    smtp_sink.faults[stage] = "drop"
    with pytest.raises((SmtpTemporaryError, SmtpConnectError)):
        await submit(smtp_sink)
    assert smtp_sink.messages == []


async def test_a_connection_lost_after_the_dot_is_an_unknown_outcome(smtp_sink: SmtpSink) -> None:
    smtp_sink.faults["content"] = "drop"
    with pytest.raises(SmtpUnknownOutcome):
        await submit(smtp_sink)
    assert len(smtp_sink.messages) == 1  # It did arrive: calling this "failed" would lead to a second mail.


async def test_silence_after_the_dot_is_an_unknown_outcome(smtp_sink: SmtpSink) -> None:
    smtp_sink.hang = "content"
    with pytest.raises(SmtpUnknownOutcome):
        await submit(smtp_sink, data_timeout=0.2)


@pytest.mark.parametrize("stage", ["connect", "mail", "data"])
async def test_silence_before_the_content_was_not_sent(smtp_sink: SmtpSink, stage: str) -> None:
    smtp_sink.hang = stage
    with pytest.raises((SmtpTemporaryError, SmtpConnectError)):
        await submit(smtp_sink, connect_timeout=0.2, command_timeout=0.2)


async def test_one_refused_recipient_does_not_stop_the_others(smtp_sink: SmtpSink) -> None:
    smtp_sink.refused["nobody@demo.test"] = "550 5.1.1 no such user\x1b[31m"
    result = await send(endpoint(smtp_sink), ALICE, "alice@demo.test", ("nobody@demo.test", "bob@demo.test"), MESSAGE)
    (refused,) = result.refused
    assert (refused.recipient, refused.code, refused.permanent) == ("nobody@demo.test", 550, True)
    assert "\x1b" not in refused.text
    assert smtp_sink.messages[0].recipients == ("bob@demo.test",)


async def test_all_recipients_refused_is_permanent_only_when_all_are(smtp_sink: SmtpSink) -> None:
    smtp_sink.refused.update({"a@demo.test": "550 no", "b@demo.test": "550 no"})
    with pytest.raises(SmtpPermanentError) as caught:
        await submit(smtp_sink, "a@demo.test", "b@demo.test")
    assert [one.recipient for one in caught.value.refused] == ["a@demo.test", "b@demo.test"]
    smtp_sink.refused["b@demo.test"] = "450 greylisted"
    with pytest.raises(SmtpTemporaryError):
        await submit(smtp_sink, "a@demo.test", "b@demo.test")


async def test_before_content_stops_the_mail(smtp_sink: SmtpSink) -> None:
    class NotOursError(Exception):
        pass

    async def refuse() -> None:
        raise NotOursError

    with pytest.raises(NotOursError):
        await send(endpoint(smtp_sink), ALICE, "alice@demo.test", ("bob@demo.test",), MESSAGE, before_content=refuse)
    assert smtp_sink.messages == []


@pytest.mark.parametrize(
    "body",
    [
        b"\n.\nMAIL FROM:<evil@x>\n",
        b"\r\n.\rMAIL FROM:<evil@x>\r\n",
        b"\r.\r\nMAIL FROM:<evil@x>\r\n",
        b"\r\n.\nMAIL FROM:<evil@x>\r\n",
        b"\n.\r\nRCPT TO:<evil@x>\r\n",
        b".",
        b"..\r\n.\r\n.x",
        b"x" * 900,
    ],
)
async def test_sc14_no_content_becomes_a_command(smtp_sink: SmtpSink, body: bytes) -> None:
    await submit(smtp_sink, data=b"Subject: x\r\n\r\nstart" + body)
    (received,) = smtp_sink.messages
    assert received.recipients == ("bob@demo.test",)
    expected = (b"start" + body).replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    assert received.content.split(b"\r\n\r\n", 1)[1].rstrip(b"\r\n") == expected.rstrip(b"\r\n")
    assert b"\n" not in received.content.replace(b"\r\n", b"")


@pytest.mark.parametrize("bad", ["a@b.c>\r\nRCPT TO:<evil@x", "a\nb@c.d", "a\0@b.c", "a\r@b.c"])
async def test_sc14_no_address_becomes_a_command(smtp_sink: SmtpSink, bad: str) -> None:
    with pytest.raises(SmtpPermanentError):
        await submit(smtp_sink, bad)
    with pytest.raises(SmtpPermanentError):
        await send(endpoint(smtp_sink), ALICE, bad, ("bob@demo.test",), MESSAGE)
    assert smtp_sink.messages == []


async def test_a_wrong_password_is_a_rejected_login(smtp_sink: SmtpSink) -> None:
    wrong = Credential("password", "alice@demo.test", "wrong")
    with pytest.raises(SmtpLoginRejected):
        await send(endpoint(smtp_sink), wrong, "alice@demo.test", ("bob@demo.test",), MESSAGE)


async def test_a_token_logs_in_by_xoauth2(smtp_sink: SmtpSink) -> None:
    token = Credential("xoauth2", "alice@demo.test", "token")
    await send(endpoint(smtp_sink), token, "alice@demo.test", ("bob@demo.test",), MESSAGE)
    assert smtp_sink.messages[0].user == "alice@demo.test"


async def test_without_a_credential_nobody_logs_in(smtp_sink: SmtpSink) -> None:
    await send(endpoint(smtp_sink), None, "alice@demo.test", ("bob@demo.test",), MESSAGE)
    assert smtp_sink.messages[0].user == ""


async def test_a_mail_beyond_the_servers_size_is_refused_before_it_travels() -> None:
    for sink in make_smtp_sink(size_limit=1000):
        with pytest.raises(SmtpPermanentError) as caught:
            await submit(sink, data=b"Subject: x\r\n\r\n" + b"x" * 2000)
        assert caught.value.code == 552


async def test_an_address_outside_ascii_needs_smtputf8(smtp_sink: SmtpSink) -> None:
    await submit(smtp_sink, "用户@demo.test")
    assert smtp_sink.messages[0].recipients == ("用户@demo.test",)
    assert "SMTPUTF8" in smtp_sink.messages[0].options
    for sink in make_smtp_sink(smtputf8=False):
        with pytest.raises(SmtpPermanentError):
            await submit(sink, "用户@demo.test")


async def test_eight_bit_content_is_announced(smtp_sink: SmtpSink) -> None:
    await submit(smtp_sink, data="Subject: x\r\n\r\nä\r\n".encode())
    assert "BODY=8BITMIME" in smtp_sink.messages[0].options


@pytest.fixture
def tls(tmp_path: Path) -> TlsPair:
    return make_tls_pair(tmp_path)


@pytest.fixture
def starttls_sink(tls: TlsPair) -> Iterator[SmtpSink]:
    yield from make_smtp_sink(ssl_context=tls.server)


async def test_starttls_encrypts_and_verifies(starttls_sink: SmtpSink, tls: TlsPair) -> None:
    await submit(starttls_sink, security="starttls", ssl_context=tls.client)
    assert starttls_sink.messages[0].encrypted
    with pytest.raises(SmtpConnectError) as caught:
        await submit(starttls_sink, security="starttls")  # The system's roots do not know this authority.
    assert caught.value.reason == "tls"


async def test_implicit_tls_encrypts_and_verifies(tls: TlsPair) -> None:
    for sink in make_smtp_sink(ssl_context=tls.server, implicit_tls=True):
        await submit(sink, security="tls", ssl_context=tls.client)
        assert sink.messages[0].encrypted
        with pytest.raises(SmtpConnectError) as caught:
            await submit(sink, security="tls")
        assert caught.value.reason == "tls"


async def test_starttls_that_is_not_offered_is_not_done_without(smtp_sink: SmtpSink) -> None:
    with pytest.raises(SmtpConnectError) as caught:
        await submit(smtp_sink, security="starttls")
    assert caught.value.reason == "tls"
    assert smtp_sink.messages == []


async def test_no_password_over_an_unencrypted_outside_connection() -> None:
    outside = SmtpEndpoint("mail.example", 587, "none")
    assert not outside.may_carry_secrets
    assert replace(outside, allow_plaintext=True).may_carry_secrets
    assert replace(outside, security="starttls").may_carry_secrets
    assert SmtpEndpoint("127.0.0.1", 587, "none").may_carry_secrets


async def test_a_server_that_is_not_there_has_a_reason(smtp_sink: SmtpSink) -> None:
    await asyncio.to_thread(smtp_sink.refuse_connections)
    with pytest.raises(SmtpConnectError) as caught:
        await submit(smtp_sink)
    assert caught.value.reason == "refused"


async def test_check_tells_what_the_server_offers(smtp_sink: SmtpSink) -> None:
    offered = await check(endpoint(smtp_sink), ALICE)
    assert {"SIZE", "8BITMIME", "SMTPUTF8"} <= offered
