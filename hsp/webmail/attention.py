"""How many mails in the outbox need their writer, kept for a few seconds so that no list page waits for SQL."""

from collections import OrderedDict

from hsp.foundation.clock import Clock
from hsp.mail import Outbox

_KEEP = 10.0
_MOST = 10_000
UNSETTLED = frozenset({"queued", "sending", "unknown", "failed", "waiting"})


class Attention:
    """A small memory of counts by account, at most `_KEEP` seconds old."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def waiting(self, account: str) -> int:
        """Mails of the account that are not sent yet."""
        now = self._clock.monotonic()
        until, count = self._known.get(account, (0.0, 0))
        if until > now:
            return count
        count = sum(item.state in UNSETTLED for item in await self._outbox.items(account))
        self._known[account] = (now + _KEEP, count)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return count

    def forget(self, account: str) -> None:
        """Ask again next time: the account has just changed its outbox."""
        self._known.pop(account, None)
