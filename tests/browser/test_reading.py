"""Reading mail as people do: in real Chromium, with and without JavaScript, on a wide screen and on a phone."""

from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.support.reader import Reader, ReaderFactory
from tests.support.reading_ways import ALL_WAYS, TWO_WAYS
from tests.support.sink import PIXEL, Sink
from tests.support.webmail import Webmail, in_thread, letter

pytestmark = pytest.mark.anyio

MANY = 123
BYTES = bytes(range(256)) * 300


def with_picture() -> bytes:
    message = _envelope("With a picture")
    message.set_content("See the picture.")
    message.add_alternative('<p>Look: <img src="cid:dial@x" width="30" alt="a dial"></p>', subtype="html")
    html: Any = message.get_payload()[1]
    html.add_related(PIXEL, "image", "png", cid="<dial@x>", filename="dial.png", disposition="inline")
    return message.as_bytes()


def with_files() -> bytes:
    message = _envelope("With files")
    message.set_content("Two files.")
    message.add_attachment(BYTES, "application", "octet-stream", filename="Größe – 2.bin")
    message.add_attachment(b"<script>1</script>", "text", "html", filename="../page.html")
    return message.as_bytes()


def _envelope(subject: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = "Ines <ines@tidewater.example>", "a@demo.test", subject
    return message


@TWO_WAYS
async def test_logging_in_wrong_then_right(way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail) -> None:
    alice = await reader_of(webmail.new_account([]), way)
    await alice.log_in("wrong")
    await expect(alice.page.get_by_role("alert")).to_be_visible()
    await expect(alice.page.get_by_label("Email address")).to_have_value(alice.account)
    await expect(alice.page.get_by_label("Password")).to_have_value("")
    await alice.log_in(fresh=False)
    await expect(alice.page.get_by_text("Your inbox is empty.")).to_be_visible()
    assert alice.account in await alice.page.title()


@TWO_WAYS
async def test_paging_searching_and_counting(way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail) -> None:
    mails = [letter(f"Number {number}") for number in range(1, MANY + 1)]
    alice = await (await reader_of(await in_thread(webmail.new_account, mails), way)).at_list()
    assert await alice.subjects() == [f"Number {number}" for number in range(123, 73, -1)]
    assert await alice.unread_in("Inbox") == MANY
    await expect(alice.page.locator("li.row.is-unread")).to_have_count(50)
    await expect(alice.page.locator(".pager-where")).to_have_text("1–50 of 123")

    await alice.page.get_by_role("link", name="Older").click()
    await alice.page.get_by_role("link", name="Older").click()
    await expect(alice.page.locator(".pager-where")).to_have_text("101–123 of 123")
    assert await alice.subjects() == [f"Number {number}" for number in range(23, 0, -1)]
    await expect(alice.page.get_by_role("link", name="Older")).to_have_count(0)
    await alice.open("Number 7")
    await alice.back_to_list()
    await expect(alice.page.locator(".pager-where")).to_have_text("101–123 of 123")
    assert await alice.unread_in("Inbox") == MANY - 1

    search = alice.page.get_by_role("searchbox")
    await search.fill("Number 11")
    await search.press("Enter")
    await expect(alice.page.locator(".found")).to_contain_text("11 mails")
    assert await alice.subjects() == [f"Number {number}" for number in (*range(119, 109, -1), 11)]
    await search.fill("nowhere to be found")
    await search.press("Enter")
    await expect(alice.page.get_by_text("Nothing in Inbox matches")).to_be_visible()
    await alice.page.get_by_role("link", name="Show all mail").click()
    await expect(alice.page.locator(".pager-where")).to_have_text("1–50 of 123")


@ALL_WAYS
async def test_reading_text_html_pictures_and_files(
    way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail, sink: Sink
) -> None:
    html = (
        '<h2>News</h2><p>From <a href="https://example.com/">outside</a> <img src="http://early.sink.test/x.png"></p>'
    )
    mails = [letter("Plain", "Tea at <four>.\nhttps://tea.example/?a=1&b=2\n"), letter("News", html=html)]
    account = await in_thread(webmail.new_account, [*mails, with_picture(), with_files()])
    alice = await (await reader_of(account, way)).at_list()

    await alice.open("Plain")
    await expect(alice.page.locator(".letter-text")).to_contain_text("Tea at <four>.")
    link = alice.page.locator(".letter-text a")
    assert await link.get_attribute("href") == "https://tea.example/?a=1&b=2"
    assert "noreferrer" in (await link.get_attribute("rel") or "")

    await alice.back_to_list()
    await alice.open("News")
    await expect(alice.frame.get_by_role("heading", name="News")).to_be_visible()
    assert await alice.frame.get_by_role("link").get_attribute("target") == "_blank"
    assert sink.names() == set()

    await alice.back_to_list()
    await alice.open("With a picture")
    picture = alice.frame.get_by_role("img", name="a dial")
    assert "/capability/" in (await picture.get_attribute("src") or "")
    await picture.evaluate("image => image.decode()")
    assert await picture.evaluate("image => image.naturalWidth") == 1
    await alice.back_to_list()
    await _downloads(alice)


async def _downloads(alice: Reader) -> None:
    await alice.open("With files")
    assert await _download(alice, "Größe – 2.bin") == ("Größe – 2.bin", BYTES)
    name, data = await _download(alice, "page.html")
    assert "/" not in name
    assert data == b"<script>1</script>"


async def _download(alice: Reader, name: str) -> tuple[str, bytes]:
    async with alice.page.expect_download() as started:
        await alice.page.locator(".attachments a", has_text=name).click()
    download = await started.value
    return download.suggested_filename, Path(await download.path()).read_bytes()


@ALL_WAYS
async def test_marking_flagging_moving_and_deleting(
    way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail
) -> None:
    mails = [letter(subject) for subject in ("One", "Two", "Three", "Four", "Five")]
    account = await in_thread(webmail.new_account, mails)
    alice = await (await reader_of(account, way)).at_list()

    await alice.open("Five")
    await alice.press("Flag")
    await expect(alice.toolbar().get_by_role("button", name="Remove flag")).to_be_visible()
    await alice.press("Mark as unread")
    await expect(alice.row("Five")).to_contain_class("is-unread")
    await expect(alice.row("Five")).to_contain_text("Flagged")
    assert await alice.unread_in("Inbox") == 5

    await alice.choose("One", "Two")
    await alice.with_chosen("Mark as read")
    await alice.notice("Marked 2 mails as read")
    assert await alice.unread_in("Inbox") == 3
    await alice.choose("One", "Two")
    await alice.move_chosen("Archive")
    await alice.notice("Moved 2 mails")
    assert await alice.subjects() == ["Five", "Four", "Three"]
    await alice.choose("Three")
    await alice.with_chosen("Delete")
    await alice.open("Four")
    await alice.press("Delete")
    await alice.notice("Deleted")
    assert await alice.subjects() == ["Five"]

    await alice.to_folder("Archive")
    assert await alice.subjects() == ["Two", "One"]
    await alice.to_folder("Trash")
    assert sorted(await alice.subjects()) == ["Four", "Three"]
    await alice.choose("Three")
    await alice.with_chosen("Delete")
    await alice.notice("Deleted for ever")
    await alice.open("Four")
    await alice.press("Delete")
    await expect(alice.page.get_by_text("Trash is empty.")).to_be_visible()
    assert await in_thread(webmail.stored, account, "Trash") == []
    (five,) = await in_thread(webmail.stored, account)
    assert b"\\Flagged" in five[0]
    assert b"\\Seen" not in five[0]
