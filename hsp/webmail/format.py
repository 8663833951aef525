"""Times, sizes and kinds of files in words.

Promise: a time zone is taken from the zone database or not at all, and a date is written by us: no format and no name
that came from outside reaches a page (class SC-08).
"""

import re
import zoneinfo
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,31}){0,2}")
_LATEST = 253_402_214_400.0  # the last day of the year 9999; datetime knows no later one
_KB = 1024


@lru_cache(maxsize=1024)
def zone_named(name: str) -> tzinfo | None:
    """The zone of that name, None for one that the database does not know. None means the server's own zone."""
    if not _ZONE.fullmatch(name):
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # Fails open on purpose: a wrong zone only means the server's own times.
        return None


class Dates:
    """Times as a reader says them: a clock time today, then the weekday, then the date."""

    __slots__ = ("_now", "_today", "_zone")

    def __init__(self, now: float, zone: tzinfo | None = None) -> None:
        self._zone = zone
        self._now = self._local(now)
        self._today = self._now.toordinal()

    def _local(self, epoch: float) -> datetime:
        moment = datetime.fromtimestamp(min(max(epoch, 86_400.0), _LATEST), UTC)
        return moment.astimezone(self._zone)

    def short(self, epoch: float) -> str:
        """For a row of a list: `09:42`, `Yesterday`, `Sunday`, `3 Nov`, `3 Nov 2019`. Empty for no date."""
        if not epoch:
            return ""
        when = self._local(epoch)
        age = self._today - when.toordinal()
        if age == 0:
            return f"{when.hour:02}:{when.minute:02}"
        if age == 1:
            return "Yesterday"
        if 1 < age < 7:
            return _DAYS[when.weekday()]
        day = f"{when.day} {_MONTHS[when.month - 1][:3]}"
        return day if when.year == self._now.year else f"{day} {when.year}"

    def long(self, epoch: float) -> str:
        """For one mail or session: `Today, 09:42`, `Sunday, 20:11`, `3 November 2019, 07:00`. Empty for no date."""
        if not epoch:
            return ""
        when = self._local(epoch)
        age = self._today - when.toordinal()
        if not 0 <= age < 7:
            return self.full(epoch)
        day = ("Today", "Yesterday")[age] if age < 2 else _DAYS[when.weekday()]
        return f"{day}, {when.hour:02}:{when.minute:02}"

    def full(self, epoch: float) -> str:
        """For whoever reads it later: `23 November 2026, 09:42`."""
        when = self._local(epoch)
        return f"{when.day} {_MONTHS[when.month - 1]} {when.year}, {when.hour:02}:{when.minute:02}"

    def inside(self, epoch: float) -> str:
        """Like `long`, within a sentence: `today, 09:42`."""
        text = self.long(epoch)
        return text.replace("Today", "today").replace("Yesterday", "yesterday")

    def iso(self, epoch: float) -> str:
        """For the `datetime` attribute, in UTC."""
        return _iso(epoch)


@lru_cache(maxsize=16384)
def _iso(epoch: float) -> str:
    moment = datetime.fromtimestamp(min(max(epoch, 0.0), _LATEST), UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def size(count: int) -> str:
    """Bytes in KB, MB or GB, never less than 1 KB."""
    value = max(count, 1) / _KB
    for unit in ("KB", "MB"):
        if value < 999.5:
            return f"{max(value, 1):.0f} {unit}" if value >= 9.95 or unit == "KB" else f"{value:.1f} {unit}"
        value /= _KB
    return f"{value:.1f} GB" if value < 9.95 else f"{value:.0f} GB"


_KINDS: tuple[tuple[str, str, str], ...] = (
    (r"image/.*", "Image", "file-image"),
    (r"audio/.*", "Sound", "file-sound"),
    (r"video/.*", "Film", "file-film"),
    (r"application/pdf", "PDF", "file-text"),
    (r"text/calendar", "Invitation", "calendar"),
    (r"text/(x-)?vcard", "Contact", "account"),
    (r"message/rfc822", "Mail", "mail"),
    (r".*(spreadsheet|excel|csv).*", "Sheet", "file-sheet"),
    (r".*(presentation|powerpoint).*", "Slides", "file-image"),
    (r".*(wordprocessing|msword|opendocument\.text|rtf).*", "Document", "file-text"),
    (r"application/(.*-)?(zip|gzip|x-tar|x-7z-compressed|x-rar.*|x-bzip2|x-xz|vnd\.rar)", "Archive", "file-archive"),
    (r"application/(pgp-signature|pkcs7-signature|x-pkcs7-signature)", "Signature", "lock"),
    (r"text/html", "Web page", "code"),
    (r"text/.*", "Text", "file-text"),
)


@lru_cache(maxsize=512)
def kind(media_type: str) -> tuple[str, str]:
    """What people call a file of that type, and its icon."""
    for pattern, name, icon in _KINDS:
        if re.fullmatch(pattern, media_type.lower()):
            return name, icon
    return "File", "file"


def plural(count: int, one: str, many: str) -> str:
    """`1 mail`, `2 mails`."""
    return f"{count} {one if count == 1 else many}"
