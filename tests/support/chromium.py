"""The system's Chromium through Playwright's asynchronous interface, cut off from everything but loopback.

Names below `sink.test` lead to the sink, every other name nowhere. `HSP_CHROMIUM` names another binary.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.support.sink import SINK_DOMAIN, Sink

BINARY = os.environ.get("HSP_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-pings",
]

PageFactory = Callable[..., Awaitable[Page]]


def resolver_rules(sink_port: int) -> str:
    return f"MAP *.{SINK_DOMAIN} 127.0.0.1:{sink_port}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"


@asynccontextmanager
async def launched(sink_port: int = 9) -> AsyncIterator[Browser]:
    """A running browser; closed, with its processes, when the block ends."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=BINARY,
            headless=True,
            args=[*ARGUMENTS, f"--host-resolver-rules={resolver_rules(sink_port)}"],
        )
        try:
            yield browser
        finally:
            await browser.close()


@pytest.fixture(scope="session")
async def chromium(anyio_backend: str, _session_sink: Sink) -> AsyncIterator[Browser]:
    if not Path(BINARY).exists():
        if os.environ.get("CI"):
            pytest.fail(f"{BINARY} is missing")
        pytest.skip(f"{BINARY} is missing")
    async with launched(_session_sink.port) as browser:
        yield browser


@pytest.fixture
async def page_factory(chromium: Browser) -> AsyncIterator[PageFactory]:
    """Makes pages, each in a context (cookies, storage) of its own; options are those of Playwright's new_context."""
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> Page:
            context = await chromium.new_context(**options)
            stack.push_async_callback(context.close)
            page = await context.new_page()
            page.set_default_timeout(30_000)
            return page

        yield make
