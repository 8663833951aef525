"""SC-04, SC-05, SC-06 in real Chromium: markup in texts, names and headers stays text on every page it reaches."""

import asyncio
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from playwright.async_api import Error, expect

from tests.support.chromium import PageFactory
from tests.support.hostile_html import MARK, SCRIPT, fill_in
from tests.support.reader import Reader, ReaderFactory
from tests.support.reading_ways import WIDE
from tests.support.sink import PIXEL, Sink
from tests.support.watching import Watched, assert_nothing_happened, listen, outlast
from tests.support.webmail import Webmail, in_thread, letter

pytestmark = pytest.mark.anyio

EVIL = fill_in("field", '"><img src="@URL@" onerror="@JS@"><svg onload="@JS@"></title><script>@JS@</script>{{7*7}}')
QUIET = EVIL.replace('"', "")
ADDRESSES = ("from", "to", "cc", "reply-to", "sender")
FIELDS = ("subject", "list-id", "message-id", "in-reply-to", "references", "date", "x-mailer", "organization")


def poisoned() -> list[bytes]:
    """One mail for each field, and one with markup in all of them."""
    mails = [letter(f"Only {name}", headers={name.title(): EVIL}) for name in FIELDS[1:]]
    mails += [letter(f"Only {name}", headers={name.title(): _person()}) for name in ADDRESSES]
    everything = {name.title(): _person() for name in ADDRESSES} | {name.title(): EVIL for name in FIELDS}
    return [*mails, letter("", headers=everything), letter("", headers={"Subject": EVIL}, html="<p>x</p>")]


def _person() -> str:
    quoted = EVIL.replace("\\", "").replace('"', '\\"')
    return f'"{quoted}" <"{QUIET.replace(" ", "")}"@demo.test>, {EVIL} <x@demo.test>'


async def watched_reader(reader_of: ReaderFactory, account: str) -> tuple[Reader, Watched]:
    reader = await reader_of(account, WIDE)
    watched = listen(reader.page)
    await reader.at_list()
    return reader, watched


async def test_sc06_markup_in_headers_stays_text_everywhere(
    reader_of: ReaderFactory, webmail: Webmail, page_factory: PageFactory, sink: Sink
) -> None:
    account = await in_thread(webmail.new_account, poisoned())
    reader, watched = await watched_reader(reader_of, account)
    assert EVIL in await reader.subjects()
    ids = await reader.page.locator("li.row").evaluate_all("rows => rows.map(row => row.dataset.mailId)")
    for mail_id in ids:
        await reader.go("message", id=mail_id)
        await reader.page.locator(".people-more summary").click()
        await expect(reader.page.locator(".people-more dl")).to_be_visible()
        assert "<img" in await reader.page.locator(".letter-head").inner_text()
        await _every_way_to_answer(reader, mail_id)
    await outlast(page_factory, sink)
    assert_nothing_happened(watched, sink)


async def _every_way_to_answer(reader: Reader, mail_id: str) -> None:
    for way in ("replyall", "forward"):
        await reader.go("compose", **{way: mail_id})
        await expect(reader.page.locator("textarea[name=text]")).to_be_visible()
        assert await reader.page.locator("form.sheet").count() == 1


async def test_sc06_markup_that_is_typed_comes_back_as_text(
    reader_of: ReaderFactory, webmail: Webmail, page_factory: PageFactory, sink: Sink
) -> None:
    """Search, drafts, the outbox, errors, toasts, titles: whatever shows a form's words again."""
    account = webmail.new_account()
    reader, watched = await watched_reader(reader_of, account)
    await reader.go("mail", q=EVIL[:190], notice=EVIL, n=EVIL, sent=EVIL, page=EVIL)
    await expect(reader.page.get_by_role("searchbox")).to_have_value(EVIL[:190])
    await reader.go("compose", to=EVIL, cc=EVIL, subject=EVIL, body=f"</textarea>{EVIL}", notice=EVIL)
    await reader.send()
    await expect(reader.page.locator("#to-wrong")).to_contain_text("<svg")
    await expect(reader.page.locator("textarea[name=text]")).to_have_value(f"</textarea>{EVIL}")
    await reader.page.get_by_role("button", name="Save draft").click()
    await expect(reader.page.get_by_label("Subject")).to_have_value(EVIL)
    await reader.write(to="nobody@demo.test", cc="")
    webmail.post.refused["nobody@demo.test"] = f"550 {EVIL}"
    try:
        await reader.send()
        await webmail.later(11)
    finally:
        webmail.post.refused.clear()
    await reader.go("outbox")
    await expect(reader.page.locator(".thing")).to_contain_text("<script>")
    for target in (f"/{EVIL}.hsp", f"/message.hsp?id={EVIL}", f"/?login={EVIL}&m={EVIL}", f"/mail.hsp?folder={EVIL}"):
        await reader.page.goto(
            f"{webmail.origin}{target}&_h={reader.key}" if "?" in target else webmail.origin + target
        )
        if "_h=" not in reader.page.url:
            await reader.page.goto(f"{webmail.origin}/?login=")
            await reader.log_in(fresh=False)
    await outlast(page_factory, sink)
    assert_nothing_happened(watched, sink)


async def test_sc06_markup_in_folders_and_sessions_stays_text(
    reader_of: ReaderFactory, webmail: Webmail, page_factory: PageFactory, sink: Sink
) -> None:
    account = webmail.new_account()
    # A maildir's folder has neither dot nor slash in its name.
    name = f"<img src=x onerror=console['log']('{MARK}')>"
    with webmail.imap(account) as client:
        assert client.create(f'"{name}"')[0] == "OK"
    other = await reader_of(account, {**WIDE, "user_agent": f"Mozilla/5.0 {EVIL}"})
    await other.at_list()
    reader, watched = await watched_reader(reader_of, account)
    await reader.to_folder(name)
    assert "<img" in await reader.page.title()
    await reader.to_sessions()
    await expect(reader.page.locator("[data-session]")).to_have_count(2)
    await outlast(page_factory, sink)
    assert_nothing_happened(watched, sink)


async def test_sc04_links_made_of_text_imitate_no_markup(
    reader_of: ReaderFactory, webmail: Webmail, page_factory: PageFactory, sink: Sink
) -> None:
    lines = (
        EVIL,
        f"http://a.example/{QUIET}",
        f'http://a.example/" onmouseover="{SCRIPT}" x="',
        f"javascript:{SCRIPT}",
        f"mailto:x@example.com?subject={QUIET}",
        f"> {EVIL}\n> > {EVIL}",
        f"&lt;script&gt;{SCRIPT}&lt;/script&gt;",
        "www.a.example/<b>[x](javascript:1)",
        "x\x00<svg/onload=1>\u202e<script>",
    )
    account = await in_thread(webmail.new_account, [letter("Text", "\n".join(lines) + "\n")])
    reader, watched = await watched_reader(reader_of, account)
    await reader.open("Text")
    text = reader.page.locator(".letter-text")
    await expect(text).to_contain_text("<script>")
    kinds = await text.locator("*").evaluate_all("all => [...new Set(all.map(one => one.localName))]")
    assert set(kinds) <= {"a", "blockquote", "br", "details", "div", "p", "span", "summary"}
    links = await text.locator("a").evaluate_all("all => all.map(one => one.protocol)")
    assert links
    assert set(links) <= {"http:", "https:", "mailto:"}
    names = await text.locator("*").evaluate_all("all => all.flatMap(one => one.getAttributeNames())")
    assert not [name for name in names if name.startswith("on")]
    for link in await text.locator("a").all():
        await link.hover()
    await outlast(page_factory, sink)
    assert_nothing_happened(watched, sink)


def with_files() -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = "x@demo.test", "y@demo.test", "Files"
    message.set_content("Files.")
    html = fill_in("file", "<script>@JS@</script><img src='@URL@' onerror='@JS@'>").encode()
    svg = fill_in("file", "<svg xmlns='http://www.w3.org/2000/svg' onload='@JS@'><script>@JS@</script></svg>").encode()
    for kind, sub, data, name in (
        ("text", "html", html, "page.html"),
        ("image", "svg+xml", svg, "drawing.svg"),
        ("application", "xhtml+xml", html, "page.xhtml"),
        ("text", "xml", svg, "feed.xml"),
        ("image", "png", html, "picture.png"),
        ("application", "x-nonsense", html, 'a"b\n<img src=x onerror=1>.html'),
        ("text", "plain", html, "../../etc/passwd"),
        ("application", "pdf", b"%PDF-1.4 <script>", "con.pdf"),
    ):
        message.add_attachment(data, kind, sub, filename=name.replace("\n", " "))
    message.add_attachment(PIXEL, "image", "png", filename="real.png")
    return message.as_bytes()


async def test_sc05_files_are_saved_and_run_nothing(
    reader_of: ReaderFactory, webmail: Webmail, page_factory: PageFactory, sink: Sink
) -> None:
    account = await in_thread(webmail.new_account, [with_files()])
    reader, watched = await watched_reader(reader_of, account)
    await reader.open("Files")
    links = await reader.page.locator(".attachments a").evaluate_all("all => all.map(one => one.href)")
    assert len(links) == 9
    shown = []
    for link in links:
        headers = (await reader.page.request.get(link)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in headers["content-security-policy"]
        name = await _opened_directly(reader, link)
        if name is None:
            shown.append(headers["content-type"])
        else:
            assert Path(name).name == name
            assert not set(name) & set('<>"\\\n')
    assert set(shown) <= {"image/png", "text/plain"}
    await outlast(page_factory, sink)
    assert_nothing_happened(watched, sink)


async def _opened_directly(reader: Reader, link: str) -> str | None:
    """The name under which the browser saves it, None where it shows it."""
    page = await reader.page.context.new_page()
    watched = listen(page)
    saved: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    page.on("download", lambda download: saved.set_result(download.suggested_filename))
    try:
        await page.goto(link, wait_until="load")
    except Error:  # a navigation that becomes a download ends so
        return await asyncio.wait_for(saved, 20)
    finally:
        assert watched.marks == []
        await page.close()
    return None
