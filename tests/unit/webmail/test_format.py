"""Times, sizes, kinds and devices in words."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.webmail import words
from hsp.webmail.devices import device
from hsp.webmail.format import Dates, kind, plural, size, zone_named

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC).timestamp()
DAY = 86_400


def at(year: int, month: int, day: int, hour: int = 12) -> float:
    return datetime(year, month, day, hour, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("when", "short", "long"),
    [
        (at(2026, 11, 23, 7), "07:00", "Today, 07:00"),
        (at(2026, 11, 22), "Yesterday", "Yesterday, 12:00"),
        (at(2026, 11, 21), "Saturday", "Saturday, 12:00"),
        (at(2026, 11, 17), "Tuesday", "Tuesday, 12:00"),
        (at(2026, 11, 16), "16 Nov", "16 November 2026, 12:00"),
        (at(2026, 12, 24), "24 Dec", "24 December 2026, 12:00"),
        (at(2019, 3, 1), "1 Mar 2019", "1 March 2019, 12:00"),
        (0, "", ""),
    ],
)
def test_dates_are_relative_today_then_weekday_then_date(when: float, short: str, long: str) -> None:
    dates = Dates(NOW, UTC)
    assert dates.short(when) == short
    assert dates.long(when) == long


def test_midnight_is_the_readers_own() -> None:
    late = at(2026, 11, 22, 23)
    assert Dates(NOW, zone_named("Europe/Berlin")).short(late) == "00:00"
    assert Dates(NOW, zone_named("America/New_York")).short(late) == "Yesterday"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_date_is_impossible(when: float) -> None:
    dates = Dates(NOW, UTC)
    assert isinstance(dates.short(when) + dates.long(when) + dates.iso(when), str)


@given(st.text(max_size=40))
def test_sc08_a_zone_is_known_or_none(name: str) -> None:
    zone = zone_named(name)
    assert zone is None or str(zone) == name


@pytest.mark.parametrize("name", ["../zone", "/etc/localtime", "Europe", "posixrules/..", "A" * 400])
def test_sc08_a_zone_is_no_path(name: str) -> None:
    assert zone_named(name) is None


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "1 KB"),
        (1, "1 KB"),
        (1024, "1 KB"),
        (86_000, "84 KB"),
        (1023 * 1024, "1.0 MB"),
        (1_258_291, "1.2 MB"),
        (26_214_400, "25 MB"),
        (5 * 2**30, "5.0 GB"),
        (50 * 2**30, "50 GB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("image/png", "Image"),
        ("application/pdf", "PDF"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Sheet"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Document"),
        ("application/vnd.oasis.opendocument.presentation", "Slides"),
        ("application/zip", "Archive"),
        ("text/calendar", "Invitation"),
        ("message/rfc822", "Mail"),
        ("application/x-unheard-of", "File"),
    ],
)
def test_kinds(media_type: str, name: str) -> None:
    assert kind(media_type)[0] == name


def test_plural() -> None:
    assert plural(1, "mail", "mails") == "1 mail"
    assert plural(2, "mail", "mails") == "2 mails"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140 Safari/537 Edg/140", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) AppleWebKit/605 Version/19 Safari/605", "Safari on Mac"),
        ("Mozilla/5.0 (Linux; Android 16; Pixel) AppleWebKit/537 Chrome/140 Mobile Safari/537", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) AppleWebKit/605 CriOS/140 Safari/605", "Chrome on iPhone"),
        ("curl/8.1", "A program"),
        ("", "Unknown device"),
        ("<script>", "Unknown device"),
    ],
)
def test_devices_have_plain_names(agent: str, name: str) -> None:
    assert device(agent)[0] == name


@given(st.text(max_size=200))
def test_a_device_is_never_named_by_the_header(agent: str) -> None:
    assert device(agent)[0].replace(" ", "").isalpha()


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_notice_comes_from_the_table_or_is_empty(key: str, number: str) -> None:
    assert words.notice(key, number) == "" or key in {"deleted", "moved", "seen", "flag", "sent", "saved", "gone"}


def test_notices_count() -> None:
    assert words.notice("deleted", "") == "Deleted"
    assert words.notice("deleted", "3") == "Deleted 3 mails"
    assert words.notice("deleted", "999999999") == "Deleted"
    assert words.notice("saved", "3") == "Draft saved"
