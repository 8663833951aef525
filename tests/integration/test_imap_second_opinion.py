"""The same answers as an independent client, on messages odd in every way we know."""

import asyncio
from typing import Any

import pytest
from imapclient import IMAPClient
from imapclient.response_types import BodyData
from imapclient.response_types import Envelope as TheirEnvelope

from hsp.protocols.credentials import Credential
from hsp.protocols.imap import Address, Atom, BodyPart, Endpoint, Envelope, Fetched, ImapClient
from tests.support.dovecot import DovecotServer
from tests.support.odd_messages import ODD_MESSAGES

pytestmark = pytest.mark.anyio

ITEMS = ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[HEADER]", "BODY.PEEK[]"]


def raw(value: bytes | str | None) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value or "").encode("latin-1", "replace")


def our_text(value: str | None) -> bytes:
    """What we decoded as UTF-8 or Latin-1, back in bytes; either may be meant."""
    return (value or "").encode()


def same_text(ours: str | None, theirs: bytes | str | None) -> bool:
    return raw(theirs) in {our_text(ours), (ours or "").encode("latin-1", "replace")}


def compare_addresses(ours: tuple[Address, ...], theirs: Any) -> None:
    assert len(ours) == len(theirs or ())
    for mine, other in zip(ours, theirs or (), strict=True):
        assert mine.name == raw(other.name)
        assert same_text(mine.mailbox, other.mailbox)
        assert same_text(mine.host, other.host)
        assert (mine.host is None) == (other.host is None)


def compare_envelopes(ours: Envelope, theirs: TheirEnvelope) -> None:
    assert ours.subject == raw(theirs.subject)
    assert same_text(ours.message_id, theirs.message_id)
    assert same_text(ours.in_reply_to, theirs.in_reply_to)
    for field in ("from_", "sender", "reply_to", "to", "cc", "bcc"):
        compare_addresses(getattr(ours, field), getattr(theirs, field))


def compare_parts(ours: BodyPart, theirs: BodyData) -> None:
    if theirs.is_multipart:
        assert ours.type == "multipart"
        assert len(ours.parts) == len(theirs[0])
        assert same_text(ours.subtype, theirs[1].lower())
        for mine, other in zip(ours.parts, theirs[0], strict=True):
            compare_parts(mine, other)
        return
    kind, subtype, parameters, content_id, description, encoding, size = theirs[:7]
    assert same_text(ours.type, kind.lower())
    assert same_text(ours.subtype, subtype.lower())
    assert same_text(ours.content_id, content_id)
    assert ours.description == raw(description)
    assert same_text(ours.encoding, raw(encoding).lower())
    assert ours.size == size
    names = [raw(name).lower() for name in (parameters or ())[::2]]
    assert [name.encode() for name in ours.params] == list(dict.fromkeys(names))
    for mine, other in zip(ours.params.values(), (parameters or ())[1::2], strict=True):
        assert same_text(mine, other)


def their_opinion(dovecot: DovecotServer, user: str) -> dict[int, dict[bytes, Any]]:
    with IMAPClient(dovecot.host, dovecot.imap_port, ssl=False, use_uid=True) as client:
        client.normalise_times = False
        client.login(user, dovecot.password)
        client.select_folder("INBOX")
        return dict(client.fetch(client.search(), ITEMS))


async def our_opinion(dovecot: DovecotServer, user: str) -> dict[int, Fetched]:
    client = await ImapClient.connect(Endpoint(dovecot.host, dovecot.imap_port, "none"))
    try:
        await client.authenticate(Credential("password", user, dovecot.password))
        for message in ODD_MESSAGES.values():
            await client.append("INBOX", message.replace(b"\0", b"?"), ["$Odd"])
        await client.select("INBOX")
        return {fetched.uid: fetched for fetched in await client.fetch(await client.search([Atom("ALL")]), ITEMS)}
    finally:
        await client.close()


async def test_both_clients_read_the_same(dovecot: DovecotServer) -> None:
    user = dovecot.new_user()
    ours = await our_opinion(dovecot, user)
    theirs = await asyncio.to_thread(their_opinion, dovecot, user)
    assert len(ours) == len(theirs) == len(ODD_MESSAGES)
    for (name, source), uid in zip(ODD_MESSAGES.items(), sorted(ours), strict=True):
        mine, other = ours[uid], theirs[uid]
        try:
            assert mine.envelope is not None
            assert mine.structure is not None
            compare_envelopes(mine.envelope, other[b"ENVELOPE"])
            compare_parts(mine.structure, other[b"BODYSTRUCTURE"])
            assert mine.size == other[b"RFC822.SIZE"]
            assert mine.seq == other[b"SEQ"]
            assert {flag.encode() for flag in mine.flags} >= {b"$Odd"}
            assert mine.internal_date == other[b"INTERNALDATE"]
            assert mine.sections == {"HEADER": other[b"BODY[HEADER]"], "": other[b"BODY[]"]}
            assert mine.sections[""].replace(b"\r\n", b"\n") == source.replace(b"\0", b"?").replace(b"\r\n", b"\n")
        except AssertionError as error:
            raise AssertionError(f"the message {name!r} is read differently") from error


async def test_every_section_the_structure_names_can_be_fetched(dovecot: DovecotServer) -> None:
    user = dovecot.new_user()
    fetched = await our_opinion(dovecot, user)
    client = await ImapClient.connect(Endpoint(dovecot.host, dovecot.imap_port, "none"))
    await client.authenticate(Credential("password", user, dovecot.password))
    await client.select("INBOX")
    for uid, message in fetched.items():
        assert message.structure is not None
        waiting = [message.structure]
        while waiting:
            part = waiting.pop()
            waiting += part.parts
            if part.parts or part.section.count(".") > 5:
                continue
            (found,) = await client.fetch([uid], [f"BODY.PEEK[{part.section}]"])
            assert len(found.sections[part.section]) == part.size, (uid, part.section)
    await client.close()
