"""Browser tests share one Chromium, one sink and one gateway."""

from tests.support.chromium import chromium, page_factory
from tests.support.reader import reader_of
from tests.support.sink import _session_sink, sink
from tests.support.webmail import _behind_webmail, _session_webmail, webmail

__all__ = [
    "_behind_webmail",
    "_session_sink",
    "_session_webmail",
    "chromium",
    "page_factory",
    "reader_of",
    "sink",
    "webmail",
]
