"""Browser tests share one Chromium and one sink."""

from tests.support.chromium import chromium, page_factory
from tests.support.sink import _session_sink, sink

__all__ = ["_session_sink", "chromium", "page_factory", "sink"]
