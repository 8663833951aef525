"""What one connection knows of the folder it has selected, kept true by what the server tells anyway.

Promise: `uids` is the folder's message list as this connection's sequence numbers mean it (RFC 9051 section 2.3.1.2):
EXISTS, EXPUNGE and VANISHED are applied as they come, and a list whose length is not the server's count is read anew
rather than trusted. Nothing here costs more for a larger folder, except reading the list once.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict

from hsp.protocols.imap import Atom, ImapClient, Selected, Status, Untagged

__all__ = ["FolderView", "read_view"]

_KEPT_SEARCHES = 4
_KEPT_FLAGS = 5_000


class FolderView:
    """`version` grows with every piece of news; what was derived from the folder is good while it stands still."""

    def __init__(self, selected: Selected) -> None:
        self.name = selected.name
        self.uidvalidity = selected.uidvalidity
        self.mailboxid = selected.mailboxid or ""
        self.permanent_flags = selected.permanent_flags
        self.uids: array[int] = array("I")
        self.version = 0
        self.status = Status()
        self._flags: OrderedDict[int, tuple[frozenset[str], int]] = OrderedDict()
        self._searches: OrderedDict[str, tuple[int, array[int]]] = OrderedDict()

    def take(self, news: Untagged) -> None:
        """Apply what the server told."""
        if news.kind == "EXPUNGE" and news.number is not None:
            self.version += 1
            if 0 < news.number <= len(self.uids):
                self._flags.pop(self.uids.pop(news.number - 1), None)
        elif news.kind == "VANISHED":
            self.version += 1
            gone = {uid for part in news.uids for uid in self.uids[self._at(part.start) : self._at(part.stop)]}
            self.uids = array("I", (uid for uid in self.uids if uid not in gone))
        elif news.kind in {"EXISTS", "FETCH"}:
            self.version += 1

    async def refresh(self, client: ImapClient) -> None:
        """Bring the list up to the server's count, asking for the new messages only."""
        if client.exists > len(self.uids):
            after = self.uids[-1] if self.uids else 0
            # "n:*" names the last message even when its UID is below n (RFC 9051 section 9, seq-range).
            found = await client.search([Atom("UID"), Atom(f"{after + 1}:*")])
            self.uids.extend(uid for uid in found if uid > after)
        for _ in range(3):
            if client.exists == len(self.uids):
                return
            self.uids = array("I", await client.search([Atom("ALL")]))
            self.version += 1

    def __contains__(self, uid: int) -> bool:
        return self.index(uid) is not None

    def index(self, uid: int) -> int | None:
        position = bisect_left(self.uids, uid)
        return position if position < len(self.uids) and self.uids[position] == uid else None

    def present(self, uids: list[int]) -> list[int]:
        return [uid for uid in uids if uid in self]

    def known_flags(self, uid: int) -> tuple[frozenset[str], int] | None:
        """Flags and the modification sequence (CONDSTORE, RFC 7162) up to which they are known to be true."""
        return self._flags.get(uid)

    def keep_flags(self, uid: int, flags: frozenset[str], as_of: int) -> None:
        self._flags[uid] = (flags, as_of)
        if len(self._flags) > _KEPT_FLAGS:
            self._flags.popitem(last=False)

    def kept_search(self, query: str) -> array[int] | None:
        version, found = self._searches.get(query, (-1, None))
        return found if version == self.version else None

    def keep_search(self, query: str, found: list[int]) -> array[int]:
        """Keep what a search found until the folder changes."""
        kept = array("I", found)
        self._searches[query] = (self.version, kept)
        self._searches.move_to_end(query)
        if len(self._searches) > _KEPT_SEARCHES:
            self._searches.popitem(last=False)
        return kept

    def _at(self, uid: int) -> int:
        return bisect_left(self.uids, uid)


async def read_view(client: ImapClient, name: str) -> FolderView:
    """Select `name` and read its message list. Raises Rejected when it cannot be opened."""
    client.on_untagged = None
    view = FolderView(await client.select(name))
    client.on_untagged = view.take
    if client.exists:
        await view.refresh(client)
    return view
