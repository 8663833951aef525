"""Watching a page that shows hostile mail: what ran, what left, and when it is safe to say "nothing"."""

import asyncio
from dataclasses import dataclass, field

from playwright.async_api import ConsoleMessage, Page

from tests.support.chromium import PageFactory
from tests.support.hostile_html import LATE_CONTROL, MARK
from tests.support.sink import Sink

LATE = "control-late"


@dataclass
class Watched:
    """A page and the marks that scripts left on its console, in whatever frame."""

    page: Page
    marks: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        if message.text == MARK:  # Chromium's own reports quote what they blocked
            self.marks.append(message.text)


async def watch(page_factory: PageFactory, **options: object) -> Watched:
    """A new page under watch; options are those of Playwright's new_context."""
    return listen(await page_factory(**options))


def listen(page: Page) -> Watched:
    """Watch a page that is already there."""
    watched = Watched(page)
    page.on("console", watched.hear)
    return watched


async def outlast(page_factory: PageFactory, sink: Sink) -> None:
    """Wait for an event that comes a second late: what was shown before has had its time when this returns."""
    page = await page_factory()
    await page.set_content(LATE_CONTROL)
    assert await asyncio.to_thread(sink.wait_for, LATE), "the sink hears nothing at all"


def assert_nothing_happened(watched: Watched, sink: Sink) -> None:
    assert sink.names() - {LATE} == set()
    assert watched.marks == []
