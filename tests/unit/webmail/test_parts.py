"""The body in its frame, files, source, and capability URLs."""

import re
from email.message import EmailMessage

import pytest

from hsp.foundation.http import httpx
from tests.support.letters import PNG, html_letter, letter

pytestmark = pytest.mark.anyio


class Pieces(httpx.AsyncByteStream):
    async def __aiter__(self):
        yield PNG


async def opened(visitor, deliver, message: EmailMessage):
    deliver(message.as_bytes())
    return await visitor.get((await visitor.get("/mail.hsp")).link("/message.hsp"))


def frame(page) -> str:
    return next(known["src"] for tag, known in page.elements if tag == "iframe")


def with_picture() -> EmailMessage:
    message = html_letter('<p>Look: <img src="cid:pic@example.org"></p>', subject="Picture")
    html = list(message.iter_parts())[1]
    html.add_related(PNG, "image", "png", cid="<pic@example.org>")
    return message


async def test_html_is_shown_in_a_sandboxed_frame_only(visitor, deliver) -> None:
    page = await opened(visitor, deliver, html_letter("<h1 onclick=alert(1)>Big</h1><script>alert(1)</script>"))
    assert "Big" not in page.text
    sandbox = next(known["sandbox"] for tag, known in page.elements if tag == "iframe")
    assert "allow-scripts" not in sandbox
    assert "allow-same-origin" not in sandbox
    body = await visitor.get(frame(page))
    headers = body.response.headers
    assert "<h1>Big</h1>" in body.html
    assert "alert" not in body.html
    assert "sandbox" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["referrer-policy"] == "no-referrer"


async def test_inline_images_come_by_capability_without_cookie(visitor, deliver) -> None:
    page = await opened(visitor, deliver, with_picture())
    body = await visitor.get(frame(page))
    address = re.search(r'src="(/capability/[^"]+)"', body.html)[1]
    assert visitor.key not in body.html
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=visitor.house.app), base_url="http://mail.test"
    ) as stranger:
        image = await stranger.get(address)
        assert image.status_code == 200
        assert image.content == PNG
        assert image.headers["content-type"] == "image/png"
        assert image.headers["cross-origin-resource-policy"] == "cross-origin"
        assert (await stranger.get(address[:-2] + "xx")).status_code == 403
        await visitor.send("/", {"action": "logout"})
        assert (await stranger.get(address)).status_code == 403


async def test_a_capability_for_something_else_than_an_image_is_none(visitor, deliver, house) -> None:
    page = await opened(visitor, deliver, with_picture())
    mail_id = page.all("data-mail-id")[0]
    key, cookie = visitor.key, visitor.client.cookies["_hmail"]
    session = await house.webmail.sessions.open(key, cookie, surface="webmail", virtual_host="")
    grant = await house.webmail.sessions.grant(session, message=mail_id)
    for part in ("part:1", "part:9", "part:source", "url:http://127.0.0.1/x.png", "url:file:///etc/passwd", "nonsense"):
        token = house.webmail.sessions.capability(grant, part=part)
        assert (await visitor.client.get(f"/capability/{token}")).status_code == 404, part


async def test_remote_images_wait_for_the_reader(visitor, deliver, house) -> None:
    asked = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, stream=Pieces(), headers={"content-type": "image/png"})

    house.webmail.outside = httpx.MockTransport(answer)
    page = await opened(visitor, deliver, html_letter('<img src="https://pictures.example/a.png?id=alice">'))
    assert "Images from the web are blocked." in page.text
    body = await visitor.get(frame(page))
    assert "pictures.example" not in body.html
    assert "/capability/" not in body.html
    page = await visitor.get(next(link["href"] for link in page.links if "images=1" in link.get("href", "")))
    assert "Images from the web are blocked." not in page.text
    body = await visitor.get(frame(page))
    assert "pictures.example" not in body.html.replace("&", "")
    address = re.search(r'src="(/capability/[^"]+)"', body.html)[1]
    assert not asked
    assert (await visitor.client.get(address)).content == PNG
    assert asked == ["https://pictures.example/a.png?id=alice"]


async def test_a_mail_without_remote_images_offers_none(visitor, deliver) -> None:
    page = await opened(visitor, deliver, html_letter('<p><a href="https://example.org/">a link</a></p>'))
    assert "Images from the web" not in page.text


async def test_files_are_downloads(visitor, deliver) -> None:
    message = letter("Files")
    message.add_attachment(b"<script>alert(1)</script>", "text", "html", filename='../bad"name.html')
    message.add_attachment(b"x" * 300_000, "application", "octet-stream", filename="größe.bin")
    page = await opened(visitor, deliver, message)
    assert "2 attachments" in page.text
    assert "größe.bin" in page.text
    links = [link["href"] for link in page.links if link.get("class") == "card"]
    answer = (await visitor.get(links[0])).response
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    answer = (await visitor.get(links[1])).response
    assert answer.content == b"x" * 300_000
    assert "filename*=" in answer.headers["content-disposition"]


async def test_the_source_is_text_and_the_whole_can_be_saved(visitor, deliver) -> None:
    message = letter("Source")
    page = await opened(visitor, deliver, message)
    source = (
        await visitor.get(next(link["href"] for link in page.links if "part=source" in link.get("href", "")))
    ).response
    assert source.headers["content-type"].startswith("text/plain")
    assert "Subject: Source" in source.text
    saved = (
        await visitor.get(next(link["href"] for link in page.links if "part=message" in link.get("href", "")))
    ).response
    assert 'filename="Source.eml"' in saved.headers["content-disposition"]


@pytest.mark.parametrize("part", ["99", "1.1.1", "", "../1", "HEADER", "1 BODY[]", "TEXT"])
async def test_a_part_that_is_not_there_is_404(visitor, deliver, part: str) -> None:
    message = html_letter("<p>x</p>")
    page = await opened(visitor, deliver, message)
    assert (await visitor.get("/part.hsp", id=page.all("data-mail-id")[0], part=part)).status == 404


async def test_a_mail_without_text_says_so_and_one_too_deep_can_be_saved(visitor, deliver) -> None:
    message = EmailMessage()
    message["Subject"] = "Only a file"
    message.add_attachment(b"x", "application", "pdf", filename="a.pdf")
    page = await opened(visitor, deliver, message)
    assert "This mail has no text." in page.text
    deep = letter("Deep")
    for _ in range(60):
        outer = EmailMessage()
        outer["Subject"] = "Deep"
        outer.make_mixed()
        outer.attach(deep)
        deep = outer
    page = await opened(visitor, deliver, deep)
    assert page.status == 200
    assert "You can download it." in page.text
