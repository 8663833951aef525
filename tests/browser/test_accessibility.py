"""axe finds nothing serious on any page, in light and dark, wide and on a phone; fingers find every control."""

from importlib.resources import files
from typing import Any

import pytest
from playwright.async_api import Page

from tests.support.reader import Reader, ReaderFactory
from tests.support.reading_ways import PHONE, WIDE
from tests.support.tour import mails, private_pages, public_pages
from tests.support.webmail import Webmail, in_thread

pytestmark = pytest.mark.anyio

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RUN = """rules => axe.run(document, {resultTypes: ['violations'], ...rules}).then((found) => found.violations
  .filter((one) => ['serious', 'critical'].includes(one.impact))
  .map((one) => `${one.id}: ${one.nodes.slice(0, 4).map((node) => node.html.slice(0, 160)).join(' | ')}`))"""
# Only colours differ in the dark.
COLOURS = {"runOnly": ["color-contrast"]}
FINGER = 44
# What a finger must hit: all controls, but for links inside running text. What is smaller than a finger must take a
# touch beside it, by its label or by what it stretches over.
SMALL = """least => [...document.querySelectorAll('a, button, summary, input, select, textarea')]
  .filter((one) => one.checkVisibility({opacityProperty: true, visibilityProperty: true}))
  .filter((one) => !one.matches('[type=hidden], [tabindex="-1"], .skip') && !one.closest('p, dd, footer'))
  .map((one) => {
    one.scrollIntoView({block: 'center'});
    const box = (one.closest('label') ?? one).getBoundingClientRect();
    const x = box.x + box.width / 2, y = box.y + box.height / 2, off = least / 2 - 1;
    const mine = (hit) => hit?.closest('.toast') || (hit && (one.closest('label') ?? one).contains(hit));
    const wide = box.width >= least - 0.5 || [x - off, x + off].every((x) => mine(document.elementFromPoint(x, y)));
    const high = box.height >= least - 0.5 || [y - off, y + off].every((y) => mine(document.elementFromPoint(x, y)));
    return [one, box, box.width <= 1 || (wide && high)];
  })
  .filter(([one, box, large]) => !large)
  .map(([one, box]) => `${one.outerHTML.slice(0, 90)} ${Math.round(box.width)}x${Math.round(box.height)}`)"""


async def serious(page: Page, rules: dict[str, Any]) -> list[str]:
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE)
    return list(await page.evaluate(RUN, rules))


async def in_every_page(reader: Reader, webmail: Webmail, look: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    async for name in public_pages(reader):
        found[name] = await look(reader.page)
    async for name in private_pages(reader, webmail):
        found[name] = await look(reader.page)
    assert len(found) >= 18
    return {name: wrong for name, wrong in found.items() if wrong}


async def test_control_axe_finds_what_is_wrong(reader_of: ReaderFactory, webmail: Webmail) -> None:
    reader = await reader_of(webmail.new_account(), {**WIDE, "bypass_csp": True})
    await reader.open_site()
    await reader.page.evaluate(
        "document.querySelector('main').innerHTML = '<input><p style=\"color:#aaa;background:#fff\">faint</p>'"
    )
    assert {one.partition(":")[0] for one in await serious(reader.page, {})} == {"label", "color-contrast"}


@pytest.mark.parametrize("way", [pytest.param(WIDE, id="wide"), pytest.param(PHONE, id="phone")])
async def test_axe_finds_nothing_serious_in_light_and_dark(
    way: dict[str, Any], reader_of: ReaderFactory, webmail: Webmail
) -> None:
    account = await in_thread(webmail.new_account, mails())
    reader = await reader_of(account, {**way, "bypass_csp": True, "reduced_motion": "reduce"})

    async def look(page: Page) -> list[str]:
        light = await serious(page, {})
        await page.emulate_media(color_scheme="dark")
        dark = await serious(page, COLOURS)
        await page.emulate_media(color_scheme="light")
        return [*light, *(f"dark {one}" for one in dark)]

    assert await in_every_page(reader, webmail, look) == {}


async def test_fingers_find_every_control(reader_of: ReaderFactory, webmail: Webmail) -> None:
    account = await in_thread(webmail.new_account, mails())
    reader = await reader_of(account, PHONE)

    async def look(page: Page) -> list[str]:
        return list(await page.evaluate(SMALL, FINGER))

    assert await in_every_page(reader, webmail, look) == {}
