"""The README's pictures are of the demonstration's mailbox, and made here.

`HSP_WRITE_SCREENSHOTS=1 ./run test tests/browser/test_screenshots.py` writes them anew; without it the pages have to
come up as they are shown, and the pictures in the repository have to be there in their size.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.demo_process import ROOT, DemoProcess, demo

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

IMAGES = ROOT / "docs" / "images"
WRITE = os.environ.get("HSP_WRITE_SCREENSHOTS") == "1"
LARGEST = 250_000
WAYS: dict[str, dict[str, Any]] = {
    "mail": {"viewport": {"width": 1440, "height": 900}},
    "mail-dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
}


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    with demo("--port", "0", cwd=tmp_path_factory.mktemp("demo")) as process:
        yield process


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height, from the header of a PNG."""
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    return width, height


async def log_in(page: Page, url: str) -> None:
    await page.goto(url)
    await page.get_by_label("Email address").fill("alice@demo.test")
    await page.get_by_label("Password").fill("demo")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.locator("[data-mail-id]")).to_have_count(50)


@pytest.mark.parametrize("name", WAYS)
async def test_the_pictures_of_the_readme_are_true(
    name: str, chromium: Browser, demonstration: DemoProcess, tmp_path: Path
) -> None:
    way = WAYS[name]
    context = await chromium.new_context(**way, reduced_motion="reduce")
    page = await context.new_page()
    await log_in(page, demonstration.url)
    if name != "phone":
        await page.locator("[data-mail-id]", has_text="The Brass Gazette").first.locator(".row-link").click()
        await expect(page.locator("iframe")).to_be_visible()
        await expect(page.frame_locator("iframe").locator("body")).to_contain_text("alloys")
    picture = (IMAGES if WRITE else tmp_path) / f"{name}.png"
    await page.screenshot(path=picture)
    await context.close()
    scale = way.get("device_scale_factor", 1)
    expected = (way["viewport"]["width"] * scale, way["viewport"]["height"] * scale)
    assert size_of(picture) == expected
    kept = IMAGES / f"{name}.png"
    assert size_of(kept) == expected
    assert kept.stat().st_size < LARGEST
