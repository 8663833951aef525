"""The list and one mail, as a browser without JavaScript gets them."""

import pytest

pytestmark = pytest.mark.anyio

PLAIN = (
    b"From: Priya Raman <priya@example.org>\r\nTo: me@demo.test, Sam <sam@example.org>\r\n"
    b"Subject: Budget review moved\r\nDate: Mon, 23 Nov 2026 07:42:11 +0000\r\nMessage-ID: <a@example.org>\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nHi,\r\n\r\nsee you on Thursday.\r\n"
)


async def test_an_empty_inbox_says_so(visitor) -> None:
    page = await visitor.get("/mail.hsp")
    assert page.status == 200
    assert "Your inbox is empty." in page.text
    assert page.all("data-folder-id")


async def test_root_with_a_pair_is_the_mail_list(visitor, deliver) -> None:
    deliver(PLAIN)
    page = await visitor.get("/")
    assert "Budget review moved" in page.text
    assert len(page.all("data-mail-id")) == 1


async def test_opening_a_mail_shows_it_and_marks_it_read(visitor, deliver) -> None:
    deliver(PLAIN)
    listed = await visitor.get("/mail.hsp")
    assert "Unread." in listed.text
    page = await visitor.get(listed.link("/message.hsp"))
    assert page.status == 200
    assert "see you on Thursday." in page.text
    assert "Priya Raman" in page.text
    assert "Unread." not in page.text
    assert "Unread." not in (await visitor.get("/mail.hsp")).text


async def test_a_prefetch_marks_nothing(visitor, deliver) -> None:
    deliver(PLAIN)
    link = (await visitor.get("/mail.hsp")).link("/message.hsp")
    await visitor.client.get(link, headers={"sec-purpose": "prefetch"})
    assert "Unread." in (await visitor.get("/mail.hsp")).text
