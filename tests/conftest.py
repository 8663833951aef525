"""Fixtures for every suite. Real servers are started once per run by the modules listed here."""

import pytest

pytest_plugins = [
    "tests.support.redis_server",
    "tests.support.dovecot",
    "tests.support.smtp_sink",
]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
