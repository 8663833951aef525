"""Writing mail as people do; what is sent travels by SMTP and IMAP and arrives."""

from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.support.reader import ReaderFactory
from tests.support.reading_ways import ALL_WAYS, PHONE, TWO_WAYS, WIDE
from tests.support.webmail import Webmail, in_thread, letter

pytestmark = pytest.mark.anyio

BYTES = bytes(range(256)) * 40
UNDO = 10


async def the_only(webmail: Webmail, account: str, folder: str = "INBOX") -> EmailMessage:
    ((_, raw),) = await in_thread(webmail.stored, account, folder)
    message: Message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage) -> str:
    body = message.get_body()
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@ALL_WAYS
async def test_a_new_mail_with_files_travels_and_arrives(
    way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail, tmp_path: Path
) -> None:
    account, bob, carol = (webmail.new_account() for _ in range(3))
    (tmp_path / "tide table – è.csv").write_bytes(b"a,b\r\n1,2\r\n")
    (tmp_path / "dial.bin").write_bytes(BYTES)
    alice = await (await reader_of(account, way)).at_list()
    await alice.new_mail()
    await alice.write(
        to=f"Bob Fennimore <{bob}>", bcc=carol, subject="Tide table 🌊", text="Hello Bob,\n\n  indented\n."
    )
    await alice.page.get_by_label("Attach files").set_input_files(sorted(tmp_path.iterdir()))
    await alice.send()
    await alice.notice("Your mail is on its way.")
    assert await in_thread(webmail.stored, bob) == []

    await webmail.later(UNDO + 1)
    for recipient in (bob, carol):
        got = await the_only(webmail, recipient)
        assert (got["subject"], got["from"], got["bcc"]) == ("Tide table 🌊", account, None)
        assert text_of(got).rstrip("\n") == "Hello Bob,\n\n  indented\n."
        files = {part.get_filename(): part.get_payload(decode=True) for part in got.iter_attachments()}
        assert files == {"dial.bin": BYTES, "tide table – è.csv": b"a,b\r\n1,2\r\n"}
    assert (await the_only(webmail, account, "Sent"))["to"] == f"Bob Fennimore <{bob}>"

    await alice.to_folder("Sent")
    await alice.open("Tide table 🌊")
    await expect(alice.page.locator(".attachments")).to_contain_text("tide table – è.csv")


@TWO_WAYS
async def test_replying_to_one_and_to_all(way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail) -> None:
    bob, carol, account = (webmail.new_account() for _ in range(3))
    first = letter(
        "Rota",
        "Who winds the clock?\n",
        sender=f"Bob <{bob}>",
        to=f"{account}, Carol <{carol}>",
        headers={"Message-ID": "<rota@demo.test>"},
    )
    await in_thread(webmail.deliver, account, [first])
    alice = await (await reader_of(account, way)).at_list()
    await alice.open("Rota")
    await alice.answer()
    await expect(alice.page.get_by_label("To", exact=True)).to_have_value(f"Bob <{bob}>")
    await expect(alice.page.get_by_label("Subject")).to_have_value("Re: Rota")
    await alice.write(text="I do.")
    await alice.send()
    await webmail.later(UNDO + 1)
    got = await the_only(webmail, bob)
    assert (got["in-reply-to"], got["references"]) == ("<rota@demo.test>", "<rota@demo.test>")
    assert text_of(got).startswith("I do.\n\n")
    assert "\n> Who winds the clock?" in text_of(got)
    assert await in_thread(webmail.stored, carol) == []

    await alice.to_folder("Inbox")
    await expect(alice.row("Rota")).to_contain_text("Answered")
    await alice.open("Rota")
    await alice.answer(everyone=True)
    await expect(alice.page.locator("#cc")).to_have_value(f"Carol <{carol}>")
    await alice.write(text="All of us.")
    await alice.send()
    await webmail.later(UNDO + 1)
    assert (await the_only(webmail, carol))["subject"] == "Re: Rota"
    assert len(await in_thread(webmail.stored, bob)) == 2


@TWO_WAYS
async def test_undo_calls_a_mail_back(way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail) -> None:
    account, bob = webmail.new_account(), webmail.new_account()
    alice = await (await reader_of(account, way)).at_list()
    await alice.new_mail()
    await alice.write(to=bob, subject="Too early", text="Not yet.")
    await alice.send()
    await alice.page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(alice.page.get_by_label("Subject")).to_have_value("Too early")
    await expect(alice.page.get_by_label("Message", exact=True)).to_have_value("Not yet.")
    await webmail.later(UNDO + 1)
    assert await in_thread(webmail.stored, bob) == []
    assert webmail.post.messages == []

    await alice.write(subject="Now")
    await alice.send()
    await webmail.later(UNDO + 1)
    assert (await the_only(webmail, bob))["subject"] == "Now"
    assert await in_thread(webmail.stored, account, "Drafts") == []


@TWO_WAYS
async def test_a_draft_is_kept_and_taken_up_again(
    way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_bytes(b"notes")
    account, bob = webmail.new_account(), webmail.new_account()
    alice = await (await reader_of(account, way)).at_list()
    await alice.new_mail()
    await alice.write(to="not an address", subject="Half", text="One")
    await alice.page.get_by_label("Attach files").set_input_files(tmp_path / "notes.txt")
    await alice.send()
    await expect(alice.page.get_by_role("alert")).to_contain_text("Not sent yet")
    await expect(alice.page.get_by_label("To", exact=True)).to_have_value("not an address")
    await expect(alice.page.get_by_label("Attach notes.txt")).to_be_checked()
    await alice.page.get_by_role("button", name="Save draft").click()
    await alice.notice("Draft saved")

    await alice.to_folder("Drafts")
    await alice.row("Half").locator(".row-link").click()
    await expect(alice.page.get_by_label("Message", exact=True)).to_have_value("One")
    await alice.write(to=bob, text="One\nTwo")
    await alice.send()
    await webmail.later(UNDO + 1)
    got = await the_only(webmail, bob)
    assert [part.get_filename() for part in got.iter_attachments()] == ["notes.txt"]
    assert await in_thread(webmail.stored, account, "Drafts") == []


@pytest.mark.parametrize("way", [pytest.param(WIDE, id="wide"), pytest.param(PHONE, id="phone")])
async def test_the_outbox_says_what_became_of_a_mail(
    way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail
) -> None:
    account = webmail.new_account()
    alice = await (await reader_of(account, way)).at_list()
    webmail.post.refused["nobody@demo.test"] = "550 5.1.1 <b>no such user</b>"
    try:
        await alice.new_mail()
        await alice.write(to="nobody@demo.test", subject="Into the void", text="Hello?")
        await alice.send()
        await webmail.later(UNDO + 1)
    finally:
        webmail.post.refused.clear()
    await alice.go("outbox")
    item = alice.page.locator(".thing", has_text="Into the void")
    await expect(item).to_contain_text("Not sent")
    await expect(item).to_contain_text("<b>no such user</b>")
    await item.get_by_role("button", name="Edit").click()
    await expect(alice.page.get_by_label("Subject")).to_have_value("Into the void")
