"""No page breaks: narrow, wide, at 200 %, with very long words, from right to left, in forced colours, in print."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.reader import Reader, ReaderFactory
from tests.support.reading_ways import PHONE, WIDE
from tests.support.tour import HEBREW, LONG, mails, private_pages, public_pages
from tests.support.webmail import Webmail, in_thread, letter

pytestmark = pytest.mark.anyio

WIDTHS = (320, 390, 720, 1100, 1440)
# 1440 x 900 at 200 % is a window of half that size in CSS pixels; text alone at 200 % keeps the window.
ZOOMED = (720, 450)
# What sticks out to the side: the page itself, or a pane that people would have to scroll to and fro.
WIDER = """() => [...document.querySelectorAll(
    'html, main, .list-pane, .reader, .scroll, .sheet, .sidebar, .seal, .bottom-bar, .bulk')]
  .filter((one) => one.checkVisibility())
  .filter((one) => one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => `${one.className || one.localName} ${one.scrollWidth} > ${one.clientWidth} in ${innerWidth}`)"""
# Controls that another control covers in part.
OVERLAPS = """() => {
  const all = [...document.querySelectorAll('.reader .toolbar :is(a, button, summary), .compose :is(a, button, summary,'
    + ' input:not([type=hidden])), .bottom-bar *:is(a, button), .bulk :is(button, summary), .pager a, .list-head a')]
    .filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.matches('.hush'));
  const boxes = all.map((one) => one.getBoundingClientRect());
  const found = [];
  all.forEach((one, i) => all.forEach((other, k) => {
    if (i >= k || one.contains(other) || other.contains(one)) return;
    const [a, b] = [boxes[i], boxes[k]];
    const padded = parseFloat(getComputedStyle(one).paddingInlineEnd) || 0;
    const across = Math.min(a.right - (one.matches('input') ? padded : 0), b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    const sheet = [one, other].map((each) => each.closest('.compose-foot, .bulk, .bottom-bar'));
    const names = `${one.outerHTML.slice(0, 60)} / ${other.outerHTML.slice(0, 60)}`;
    if (across > 1 && down > 1 && sheet[0] === sheet[1]) found.push(names);
  }));
  return found;
}"""


async def wrong_at(page: Page, widths: tuple[int, ...], height: int = 800) -> list[str]:
    found: list[str] = []
    for width in widths:
        await page.set_viewport_size({"width": width, "height": height})
        found += await page.evaluate(WIDER)
        found += await page.evaluate(OVERLAPS)
    return found


async def test_nothing_sticks_out_or_overlaps(reader_of: ReaderFactory, webmail: Webmail) -> None:
    account = await in_thread(webmail.new_account, mails())
    reader = await reader_of(account, {**WIDE, "reduced_motion": "reduce", "bypass_csp": True})
    found: dict[str, list[str]] = {}

    async def look(name: str) -> None:
        found[name] = await wrong_at(reader.page, WIDTHS) + await wrong_at(reader.page, ZOOMED[:1], ZOOMED[1])
        await reader.page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[f"{name} with large text"] = await wrong_at(reader.page, (390, 1440))
        await reader.page.set_viewport_size(WIDE["viewport"])
        await reader.page.evaluate("document.documentElement.style.fontSize = ''")

    async for name in public_pages(reader):
        await look(name)
    async for name in private_pages(reader, webmail):
        await look(name)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


async def test_control_what_sticks_out_and_overlaps_is_found(reader_of: ReaderFactory, webmail: Webmail) -> None:
    reader = await reader_of(webmail.new_account(), {**PHONE, "bypass_csp": True})
    await reader.at_list()
    await reader.go("compose")
    await reader.page.evaluate("document.querySelector('.compose-lines').style.cssText = 'inline-size:2000px'")
    await reader.page.evaluate(
        "document.querySelector('.compose-more summary').style.cssText = 'inset-block-start:44px'"
    )
    await reader.page.evaluate("document.querySelector('#subject').style.cssText = 'margin-block-start:-20px'")
    assert await reader.page.evaluate(WIDER)
    assert await reader.page.evaluate(OVERLAPS)


async def test_right_to_left_mail_reads_from_the_right(reader_of: ReaderFactory, webmail: Webmail) -> None:
    html = f"<p>{HEBREW}</p>"
    account = await in_thread(webmail.new_account, [*mails(), letter(f"{HEBREW} HTML", html=html)])
    reader = await (await reader_of(account, WIDE)).at_list()
    direction = "one => getComputedStyle(one).direction"
    row = reader.row(HEBREW).last
    assert await row.locator(".row-subject").evaluate(direction) == "rtl"
    assert await row.locator(".row-from").evaluate(direction) == "rtl"
    assert await reader.row("Ordinary 7").locator(".row-subject").evaluate(direction) == "ltr"
    await row.locator(".row-link").click()
    assert await reader.page.locator("#subject").evaluate(direction) == "rtl"
    text = reader.page.locator(".letter-text .hsp-text")
    assert await text.evaluate(direction) == "rtl"
    await reader.go("mail")
    await reader.open(f"{HEBREW} HTML")
    assert await reader.frame.locator("body").evaluate(direction) == "rtl"


async def test_forced_colours_keep_what_colour_said(reader_of: ReaderFactory, webmail: Webmail) -> None:
    account = await in_thread(webmail.new_account, mails())
    reader = await (await reader_of(account, {**WIDE, "forced_colors": "active"})).at_list()
    await reader.choose("Ordinary 7")
    box = reader.row("Ordinary 7").get_by_role("checkbox")
    assert await box.evaluate("one => getComputedStyle(one).appearance") == "auto"
    dot = "one => getComputedStyle(one, '::before').backgroundColor"
    label = reader.row("Ordinary 6").locator(".row-check")
    assert await label.evaluate(dot) != await reader.page.evaluate("getComputedStyle(document.body).backgroundColor")
    icon = reader.page.locator(".sidebar .icon").first
    colours = await icon.evaluate(
        "one => [getComputedStyle(one).stroke, getComputedStyle(document.body).backgroundColor]"
    )
    assert colours[0] != colours[1]
    await reader.open("Many files")
    assert await reader.page.evaluate(WIDER) == []


@pytest.mark.parametrize("subject", ["Many files", "Wide newsletter"])
async def test_a_printed_mail_is_the_mail_alone(subject: str, reader_of: ReaderFactory, webmail: Webmail) -> None:
    long = letter("Long text", "\n".join(f"Line {number}" for number in range(200)))
    account = await in_thread(webmail.new_account, [*mails(), long])
    reader = await (await reader_of(account, WIDE)).at_list()
    await reader.open(subject)
    await reader.page.emulate_media(media="print")
    for gone in (".sidebar", ".list-pane", ".toolbar", ".reply-bar", ".bottom-bar"):
        await expect(reader.page.locator(gone).first).to_be_hidden()
    await expect(reader.page.locator("#subject")).to_be_visible()
    await reader.go("mail")
    await reader.page.emulate_media(media="screen")
    await reader.open("Long text")
    await reader.page.emulate_media(media="print")
    height = await reader.page.evaluate("document.documentElement.scrollHeight")
    assert height > 200 * 20, "the text is cut at the screen's height"


async def test_a_phone_has_one_pane_and_its_bar(reader_of: ReaderFactory, webmail: Webmail) -> None:
    account = await in_thread(webmail.new_account, mails())
    reader = await (await reader_of(account, PHONE)).at_list()
    await expect(reader.page.locator(".reader")).to_be_hidden()
    await reader.open("Many files")
    await expect(reader.page.locator(".list-pane")).to_be_hidden()
    box: Any = await reader.page.locator(".bottom-bar").bounding_box()
    assert box["y"] + box["height"] == 844
    await _folders_open_and_close(reader)


async def _folders_open_and_close(reader: Reader) -> None:
    sidebar = reader.page.locator("#folders")
    await expect(sidebar).to_be_hidden()
    await reader.page.get_by_role("button", name="Folders").click()
    await expect(sidebar).to_be_visible()
    await sidebar.get_by_role("button", name="Close").click()
    await expect(sidebar).to_be_hidden()
    assert LONG not in await sidebar.inner_text()
