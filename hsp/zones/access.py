"""One line per request, cheap enough to stay on: no address of a page beyond its name, no query, no account.

The usual logging chain cleans arbitrary values and costs a third of a session check; here every value has a known form,
so the line is written directly. What could be chosen by a client (its address apart) never enters it.
"""

import time

from hsp.foundation.logs import access_log
from hsp.zones.paths import PagePath, RoutePath

_METHODS = frozenset({"GET", "HEAD", "POST"})


class Access:
    """The timing and naming of one request."""

    __slots__ = ("page", "started")

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.page = "-"

    def name(self, target: PagePath | RoutePath | None) -> None:
        """Remember which page or route was asked for."""
        if target is not None:
            self.page = target.name if isinstance(target, PagePath) else target.prefix

    def write(self, service: str, method: str, status: int, request_id: str, address: str) -> None:
        """Write the line. What a client chooses freely is reduced to a known set first."""
        log = access_log()
        if log is not None:
            shown = method if method in _METHODS else "other"
            elapsed = round((time.perf_counter() - self.started) * 1000, 1)
            log.write(service, shown, self.page, status, elapsed, request_id, address)
