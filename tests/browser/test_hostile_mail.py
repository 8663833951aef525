"""SC-01, SC-02, SC-03, SC-10 through the whole gateway: hostile mails lie in Dovecot and are opened in real Chromium.

Each body is shown as readers see it (message page, frame, policy) and by its own address, where only the answer's
headers and the cleaner stand between a mail and its reader. The sink hears nothing and no script runs.
"""

import asyncio
from collections.abc import Sequence

import pytest
from playwright.async_api import Page, expect

from hsp.mail.content import FRAME_SANDBOX
from tests.support.chromium import PageFactory
from tests.support.hostile_html import CORPUS, IMAGE_CONTROL, SCRIPT_CONTROL, Hostile, fill_in
from tests.support.reader import Reader, ReaderFactory
from tests.support.reading_ways import WIDE
from tests.support.sink import Sink
from tests.support.watching import LATE, Watched, assert_nothing_happened, listen, outlast
from tests.support.webmail import Webmail, in_thread, letter

pytestmark = pytest.mark.anyio

AT_ONCE = 30
# What the first document of a mail leaves open swallows the others, so these are joined only at the end.
_OPEN = ("unclosed", "plaintext", "comment", "noscript", "template", "select", "xmp", "title", "deep", "nul", "split")
GATEWAYS_AGENT = b"user-agent: mozilla/5.0\r\n"


async def opened(reader_of: ReaderFactory, webmail: Webmail, mails: Sequence[bytes]) -> tuple[Reader, Watched]:
    reader = await reader_of(await in_thread(webmail.new_account, mails), WIDE)
    watched = listen(reader.page)
    await reader.at_list()
    return reader, watched


async def mail_ids(reader: Reader) -> list[str]:
    """The ids of all mails of the inbox, newest first."""
    found: list[str] = []
    while True:
        rows = reader.page.locator("li.row")
        found += await rows.evaluate_all("rows => rows.map(row => row.dataset.mailId)")
        older = reader.page.get_by_role("link", name="Older", exact=True)
        if not await older.count():
            return found
        await older.click()


async def in_frames(reader: Reader, documents: Sequence[str], *, raw: bool = False, sandbox: bool = True) -> None:
    """Show documents side by side on a page of the gateway's own origin, without the policy of its real pages."""
    held = f' sandbox="{FRAME_SANDBOX}"' if sandbox else ""
    how = (lambda text: f'srcdoc="{text.replace("&", "&amp;").replace(chr(34), "&quot;")}"') if raw else _source
    frames = "".join(f"<iframe{held} {how(one)} width=300 height=60></iframe>" for one in documents)
    html = f"<!doctype html><title>outer</title><button id=outer>outer</button><div>{frames}</div>"
    reader.webmail.pages["/frames"] = html
    await reader.page.goto(f"{reader.webmail.origin}/frames", wait_until="load")


def _source(url: str) -> str:
    return f'src="{url}"'


async def test_control_this_page_and_sink_would_have_seen_it(
    reader_of: ReaderFactory, webmail: Webmail, page_factory: PageFactory, sink: Sink
) -> None:
    reader, watched = await opened(reader_of, webmail, [])
    await in_frames(reader, [IMAGE_CONTROL, SCRIPT_CONTROL], raw=True, sandbox=False)
    assert await asyncio.to_thread(sink.wait_for, "control-image")
    await outlast(page_factory, sink)
    assert watched.marks


@pytest.mark.parametrize("sandbox", [pytest.param(True, id="in-the-frame"), pytest.param(False, id="by-its-address")])
async def test_sc01_sc02_sc03_sc10_bodies_do_nothing(
    sandbox: bool, reader_of: ReaderFactory, webmail: Webmail, page_factory: PageFactory, sink: Sink
) -> None:
    mails = [letter(one.name, html=one.html) for one in CORPUS]
    reader, watched = await opened(reader_of, webmail, mails)
    ids = await mail_ids(reader)
    assert len(ids) == len(CORPUS)
    urls = [reader.url("body", id=mail_id) for mail_id in ids]
    statuses: list[int] = []
    reader.page.on("response", lambda answer: statuses.append(answer.status) if "/body.hsp" in answer.url else None)
    for start in range(0, len(urls), AT_ONCE):
        await in_frames(reader, urls[start : start + AT_ONCE], sandbox=sandbox)
        assert await reader.page.title() == "outer", "the page was navigated away"
        assert await reader.page.evaluate("document.elementFromPoint(20, 20).id") == "outer", "covered"
    assert len(statuses) == len(CORPUS)
    assert statuses.count(200) >= len(CORPUS) - 2, "422 is for what is nested too deep"
    await outlast(page_factory, sink)
    assert_nothing_happened(watched, sink)


def joined() -> list[bytes]:
    """The corpus as few mails: a group in one document, and what leaves something open in a mail of its own."""
    shut: dict[str, list[Hostile]] = {}
    mails: list[bytes] = []
    for one in CORPUS:
        if any(word in one.name for word in _OPEN):
            continue
        shut.setdefault(one.name.partition("-")[0], []).append(one)
    for group, documents in shut.items():
        mails.append(letter(f"All of {group}", html="\n<p>next</p>\n".join(one.html for one in documents)))
    return mails


async def test_sc01_sc02_sc03_sc10_message_pages_do_nothing(
    reader_of: ReaderFactory, webmail: Webmail, page_factory: PageFactory, sink: Sink
) -> None:
    mails = joined()
    reader, watched = await opened(reader_of, webmail, mails)
    for mail_id in await mail_ids(reader):
        await reader.go("message", id=mail_id)
        await expect(reader.frame.locator("body")).to_be_attached()
        assert reader.page.url.startswith(f"{webmail.origin}/message.hsp")
        await nothing_lies_over(reader.page)
    await outlast(page_factory, sink)
    assert_nothing_happened(watched, sink)


async def nothing_lies_over(page: Page) -> None:
    """Every control around the frame is what a pointer meets at its place (SC-02: no overlay outside the frame)."""
    covered = await page.evaluate(
        """() => [...document.querySelectorAll('.toolbar a, .toolbar button, .toolbar summary, .place, #subject')]
        .filter((one) => one.checkVisibility())
        .filter((one) => {
          const box = one.getBoundingClientRect();
          const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
          return hit !== null && !one.contains(hit) && !hit.contains(one);
        })
        .map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert covered == []


async def test_sc02_a_mail_cannot_leave_its_frame(reader_of: ReaderFactory, webmail: Webmail) -> None:
    html = (
        '<div style="position:fixed;inset:-3000px;z-index:99999;background:red">over</div>'
        '<div style="position:absolute;top:-900px;width:9000px;height:9000px">x</div>'
        '<p style="margin:-500px;width:99999px;height:99999px">wide</p>'
    )
    reader, _ = await opened(reader_of, webmail, [letter("Everywhere", html=html)])
    await reader.open("Everywhere")
    await nothing_lies_over(reader.page)
    box = await reader.page.locator("iframe.letter-frame").bounding_box()
    assert box is not None
    assert box["x"] >= 600
    assert await reader.page.evaluate("document.documentElement.scrollWidth") <= 1440


async def test_sc10_outside_pictures_come_when_asked_and_by_the_gateway_alone(
    reader_of: ReaderFactory, webmail: Webmail, page_factory: PageFactory, sink: Sink
) -> None:
    html = fill_in(
        "asked-for",
        '<img src="@URL@" alt="outside"><img srcset="@URL@ 2x"><p style="background:url(@URL@)">x</p>'
        '<img src="http://10.0.0.1/x" alt="inside"><img src="http://nowhere.test/x" alt="nowhere">',
    )
    reader, watched = await opened(reader_of, webmail, [letter("Offer", html=html)])
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    await reader.open("Offer")
    await expect(reader.page.get_by_text("Images from the web are blocked.")).to_be_visible()
    await outlast(page_factory, sink)
    assert_nothing_happened(watched, sink)

    await reader.page.get_by_role("link", name="Show images").click()
    picture = reader.frame.get_by_role("img", name="outside")
    await picture.evaluate("image => image.decode()")
    assert await picture.evaluate("image => image.naturalWidth") == 1
    for hidden in ("inside", "nowhere"):
        assert await reader.frame.get_by_role("img", name=hidden).evaluate("image => image.naturalWidth") == 0
    assert sink.names() - {LATE} == {"asked-for"}
    hits = [hit for hit in sink.hits() if hit.name == "asked-for"]
    assert all(GATEWAYS_AGENT in hit.opening.lower() for hit in hits)
    assert not any(b"cookie" in hit.opening.lower() or b"referer" in hit.opening.lower() for hit in hits)
    assert all(url.startswith(webmail.origin) for url in asked)
    assert watched.marks == []
