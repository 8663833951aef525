"""A person before the webmail: what people do in a browser, by the names they see.

Every act works with and without JavaScript, on a wide screen and on a phone; where the ways differ, this takes the way
that is visible there.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.async_api import FrameLocator, Locator, Page, Response, expect

from tests.support.chromium import PageFactory
from tests.support.webmail import PASSWORD, Webmail

PHONE_WIDTH = 720


@dataclass
class Reader:
    """One browser window of one person."""

    page: Page
    webmail: Webmail
    account: str

    @property
    def width(self) -> int:
        size = self.page.viewport_size
        assert size is not None
        return size["width"]

    @property
    def on_phone(self) -> bool:
        return self.width < PHONE_WIDTH

    @property
    def key(self) -> str:
        """The session key in the address bar."""
        return parse_qs(urlsplit(self.page.url).query)["_h"][0]

    def url(self, name: str, **query: str) -> str:
        return f"{self.webmail.origin}/{name}.hsp?{urlencode({'_h': self.key, **query})}"

    async def go(self, name: str, **query: str) -> Response | None:
        """Open a page by its address."""
        return await self.page.goto(self.url(name, **query))

    async def open_site(self) -> None:
        await self.page.goto(f"{self.webmail.origin}/")

    async def log_in(self, password: str = PASSWORD, *, fresh: bool = True) -> None:
        if fresh:
            await self.open_site()
        await self.page.get_by_label("Email address").fill(self.account)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Log in").click()

    async def at_list(self) -> "Reader":
        await self.log_in()
        await expect(self.page.locator(".list-pane")).to_be_visible()
        await self.page.wait_for_load_state("load")
        return self

    # The list

    def row(self, subject: str) -> Locator:
        return self.page.locator("li.row", has=self.page.locator(".row-subject", has_text=subject))

    async def subjects(self) -> list[str]:
        return [text.strip() for text in await self.page.locator("li.row .row-subject").all_text_contents()]

    async def open(self, subject: str) -> None:
        await self.row(subject).locator(".row-link").click()
        await expect(self.page.locator("#subject")).to_have_text(subject)

    def place(self, label: str) -> Locator:
        """A folder or page of the sidebar."""
        return self.page.locator("a.place", has=self.page.locator(".place-name").get_by_text(label, exact=True))

    async def to_folder(self, label: str) -> None:
        if self.on_phone:
            await self.page.get_by_role("button", name="Folders").click()
        await self.place(label).click()
        await expect(self.page.locator("#list-title")).to_have_text(label)

    async def unread_in(self, label: str) -> int:
        count = self.place(label).locator(".place-count")
        text = await count.text_content() if await count.count() else ""
        found = re.match(r"\d+", text or "")
        return int(found[0]) if found else 0

    async def choose(self, *subjects: str) -> None:
        for subject in subjects:
            await self.row(subject).locator(".row-check").click()
            await expect(self.row(subject).get_by_role("checkbox")).to_be_checked()

    async def with_chosen(self, act: str) -> None:
        await self.page.locator(".bulk").get_by_role("button", name=act, exact=True).click()

    async def move_chosen(self, folder: str) -> None:
        bulk = self.page.locator(".bulk")
        await bulk.locator("summary").click()
        await bulk.get_by_role("button", name=folder).click()

    # One message

    def toolbar(self) -> Locator:
        return self.page.locator(".reader .toolbar")

    async def press(self, act: str) -> None:
        await self.toolbar().get_by_role("button", name=act, exact=True).click()

    async def more(self, item: str) -> None:
        await self.toolbar().locator("summary[title=More]").click()
        await self.toolbar().get_by_role("link", name=item).click()

    async def answer(self, *, everyone: bool = False) -> None:
        if not everyone:
            await self.toolbar().get_by_role("link", name="Reply", exact=True).click()
        elif self.on_phone:
            await self.more("Reply all")
        else:
            await self.toolbar().get_by_role("link", name="Reply all").click()
        await expect(self.page.get_by_label("Message", exact=True)).to_be_visible()

    @property
    def frame(self) -> FrameLocator:
        """The frame in which the HTML of a mail is shown."""
        return self.page.frame_locator("iframe.letter-frame")

    async def back_to_list(self) -> None:
        """The list is beside the message on a wide screen, one step back on a narrow one."""
        if not await self.page.locator(".list-pane").is_visible():
            await self.toolbar().get_by_role("link", name=re.compile("Back to")).click()
        await expect(self.page.locator(".list-pane")).to_be_visible()

    # Writing

    async def new_mail(self) -> None:
        if self.on_phone:
            await self.page.locator(".bottom-bar").get_by_role("link", name="Compose").click()
        else:
            await self.page.locator(".sidebar").get_by_role("link", name="Compose").click()
        await expect(self.page.get_by_role("heading", name="New mail")).to_be_visible()

    async def write(self, **fields: str) -> None:
        for name, value in fields.items():
            if name in {"cc", "bcc"} and not await self.page.locator(f"#{name}").is_visible():
                await self.page.get_by_text("Cc, Bcc").click()
            await self.page.locator(f"[name={name}]").fill(value)

    async def send(self) -> None:
        await self.page.locator(".compose-foot").get_by_role("button", name="Send").click()

    async def notice(self, text: str) -> None:
        await expect(self.page.locator(".toast")).to_contain_text(text)

    async def to_sessions(self) -> None:
        if self.on_phone:
            await self.page.locator(".bottom-bar").get_by_role("link", name="Account").click()
        else:
            await self.page.locator("summary.account").click()
            await self.page.get_by_role("link", name="Sessions").click()
        await expect(self.page.get_by_role("heading", name="Sessions")).to_be_visible()


ReaderFactory = Callable[..., Awaitable[Reader]]


@pytest.fixture
def reader_of(page_factory: PageFactory, webmail: Webmail) -> ReaderFactory:
    """Makes readers, each with a browser of its own; what a page asks before it acts is answered yes."""

    async def make(account: str, way: dict[str, Any]) -> Reader:
        page = await page_factory(**way)
        page.on("dialog", lambda dialog: dialog.accept())
        return Reader(page, webmail, account)

    return make
