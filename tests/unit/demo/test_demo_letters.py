"""The seeded mailboxes: readable, complete in kind, harmless to the network, and the same each time."""

import re
import zipfile
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from io import BytesIO

import pytest

from hsp.demo.letters import Letter, seed
from hsp.demo.letters.files import archive, dial, docx, foghorn, jpeg, pdf, seascape, tnef
from hsp.demo.letters.post import sketches

ALICE, BOB = "alice@demo.test", "bob@demo.test"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOST = re.compile(rb"""(?:https?:|["'(\s])//([a-z0-9.-]+)|@([a-z0-9.-]+\.[a-z]+)""", re.IGNORECASE)

OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
KINDS = (
    *("text/html", "text/calendar", "text/csv", "text/vcard", "audio/x-wav", OFFICE),
    *("image/png", "image/jpeg", "image/gif", "image/svg+xml"),
    *("application/pdf", "application/zip", "application/ics", "application/ms-tnef"),
    *("message/rfc822", "message/delivery-status", "multipart/related"),
    *("multipart/report", "multipart/signed", "multipart/digest"),
)


@pytest.fixture(scope="module")
def letters() -> list[Letter]:
    return list(seed(ALICE, NOW))


@pytest.fixture(scope="module")
def messages(letters: list[Letter]) -> list[Message]:
    return [message_from_bytes(letter.raw, policy=compat32) for letter in letters]


def parts(messages: list[Message]) -> list[Message]:
    return [part for message in messages for part in message.walk()]


def test_alice_has_a_mailbox_worth_looking_at(letters: list[Letter]) -> None:
    assert len(letters) >= 150
    assert 12 <= len(list(seed(BOB, NOW))) <= 30


def test_nobody_else_has_mail() -> None:
    assert list(seed("mallory@demo.test", NOW)) == []


@pytest.mark.parametrize("account", [ALICE, BOB])
def test_the_same_moment_gives_the_same_mailbox(account: str) -> None:
    assert list(seed(account, NOW)) == list(seed(account, NOW))


def test_dates_move_with_now(letters: list[Letter]) -> None:
    later = list(seed(ALICE, NOW + timedelta(days=1)))
    assert [letter.arrived + timedelta(days=1) for letter in letters] == [letter.arrived for letter in later]
    assert all(letter.arrived < NOW for letter in letters)


def test_arrival_is_in_order(letters: list[Letter]) -> None:
    assert [letter.arrived for letter in letters] == sorted(letter.arrived for letter in letters)


def test_every_line_ends_as_on_the_wire(letters: list[Letter]) -> None:
    for letter in letters:
        assert b"\n" not in letter.raw.replace(b"\r\n", b""), letter.raw[:200]
        assert b"\r" not in letter.raw.replace(b"\r\n", b""), letter.raw[:200]


def test_every_message_parses_and_its_text_can_be_read(letters: list[Letter], messages: list[Message]) -> None:
    for letter, message in zip(letters, messages, strict=True):
        assert message.keys(), letter.raw[:100]
        for part in message.walk():
            if not part.is_multipart():
                part.get_payload(decode=True)


@pytest.mark.parametrize("account", [ALICE, BOB])
def test_message_ids_are_unique(account: str) -> None:
    ids = [sketch.message_id for sketch in sketches(account)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("account", [ALICE, BOB])
def test_no_letter_names_a_host_that_could_answer(account: str) -> None:
    for letter in seed(account, NOW):
        texts = [part for part in message_from_bytes(letter.raw).walk() if part.get_content_maintype() == "text"]
        shown = [part.get_payload(decode=True) for part in texts]
        for octets in (letter.raw, *(found for found in shown if isinstance(found, bytes))):
            for found in HOST.finditer(octets):
                host = (found.group(1) or found.group(2)).lower().rstrip(b".")
                assert host.endswith((b".example", b".test")), host


def test_every_folder_of_a_real_life_is_there(letters: list[Letter]) -> None:
    counted = Counter(letter.folder for letter in letters)
    assert counted["INBOX"] > 100
    assert {"Drafts", "Sent", "Trash", "Junk", "Archive"} <= set(counted)
    assert any("/" in folder for folder in counted)
    assert any(not folder.isascii() for folder in counted)


def test_read_unread_flagged_and_answered_are_mixed(letters: list[Letter]) -> None:
    flags = Counter(flag for letter in letters if letter.folder == "INBOX" for flag in letter.flags)
    unread = sum("\\Seen" not in letter.flags for letter in letters if letter.folder == "INBOX")
    assert min(flags["\\Seen"], flags["\\Flagged"], flags["\\Answered"], unread) >= 10
    assert flags["$Forwarded"] >= 1


def test_drafts_are_drafts(letters: list[Letter]) -> None:
    assert all("\\Draft" in letter.flags for letter in letters if letter.folder == "Drafts")


def test_threads_refer_to_messages_that_exist(messages: list[Message]) -> None:
    known = {str(message["Message-ID"]) for message in messages}
    answers = [message for message in messages if message["In-Reply-To"]]
    assert len(answers) >= 25
    for message in answers:
        assert set(str(message["References"]).split()) <= known
        assert str(message["In-Reply-To"]) == str(message["References"]).split()[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_part_occurs(messages: list[Message], kind: str) -> None:
    assert any(part.get_content_type() == kind for part in parts(messages))


@pytest.mark.parametrize(
    "charset",
    ["utf-8", "koi8-r", "windows-1251", "iso-2022-jp", "shift_jis", "gb18030", "big5", "euc-kr", "iso-8859-2",
     "iso-8859-8", "iso-8859-9", "iso-8859-15", "windows-1252"],
)  # fmt: skip
def test_every_charset_occurs_and_decodes(messages: list[Message], charset: str) -> None:
    found = [part for part in parts(messages) if str(part.get_param("charset")).lower() == charset]
    assert found
    for part in found:
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        if "is not" not in str(part["Subject"]):
            assert payload.decode(charset).strip()


def test_the_long_ones_are_long(letters: list[Letter], messages: list[Message]) -> None:
    assert max(len(letter.raw) for letter in letters) > 100_000
    assert max(len(str(message["Subject"] or "").replace("\r\n", "")) for message in messages) >= 480
    assert max(str(message["Cc"] or "").count("@") for message in messages) == 300


@pytest.mark.parametrize("missing", ["Subject", "From", "Date"])
def test_some_lack_what_every_message_has(messages: list[Message], missing: str) -> None:
    assert any(message[missing] is None for message in messages)


def test_some_headers_hold_raw_octets(letters: list[Letter]) -> None:
    headers = [letter.raw.split(b"\r\n\r\n", 1)[0] for letter in letters]
    raw = [header for header in headers if not header.isascii()]
    assert any(_is_utf8(header) for header in raw)
    assert any(not _is_utf8(header) for header in raw)


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_invitations_ask_and_cancel(messages: list[Message]) -> None:
    methods = {part.get_param("method") for part in parts(messages) if part.get_content_type() == "text/calendar"}
    assert {"REQUEST", "CANCEL", "REPLY", "PUBLISH"} <= methods


def test_newsletters_track(letters: list[Letter]) -> None:
    assert sum(b"List-Unsubscribe-Post" in letter.raw for letter in letters) >= 10
    assert any(b"cid:" in letter.raw and b"multipart/related" in letter.raw for letter in letters)


def test_pictures_are_pictures() -> None:
    for picture in (seascape(16, 8), dial(12)):
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        kind, data = picture[37:41], picture[41 : 41 + int.from_bytes(picture[33:37], "big")]
        assert kind == b"IDAT"
        width, height = int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")
        assert len(zlib.decompress(data)) == height * (1 + 3 * width)


def test_a_photograph_begins_and_ends_as_jpeg() -> None:
    photograph = jpeg(4, 2, lambda x, y: 40 * x + y)
    assert (photograph[:2], photograph[-2:]) == (b"\xff\xd8", b"\xff\xd9")


def test_a_pdf_points_at_its_own_objects() -> None:
    document = pdf("Title", "a (line)")
    start = int(document.rsplit(b"startxref\n", 1)[1].split()[0])
    assert document[start:].startswith(b"xref")
    for number, line in enumerate(document[start:].split(b"\n")[3:7], 1):
        assert document[int(line[:10]) :].startswith(b"%d 0 obj" % number)


def test_archives_open() -> None:
    assert zipfile.ZipFile(BytesIO(archive(a_txt="x", b__c_txt="y"))).namelist() == ["a.txt", "b/c.txt"]
    assert "word/document.xml" in zipfile.ZipFile(BytesIO(docx("Hello"))).namelist()


def test_the_foghorn_sounds() -> None:
    assert foghorn(0.1)[:4] == b"RIFF"


def test_winmail_dat_has_its_signature_and_check_sums() -> None:
    data = tnef("Subject", "name.txt", b"content")
    assert data[:4] == b"\x78\x9f\x3e\x22"
    assert data.count(b"content") == 1
