"""Where a state-changing request came from, as far as its headers prove it (class SC-26)."""

import pytest
from starlette.datastructures import Headers

from hsp.zones.origin import Provenance, origin_of, provenance

OWN, FOREIGN, UNKNOWN = Provenance.OWN, Provenance.FOREIGN, Provenance.UNKNOWN
PUBLIC = frozenset({"https://mail.test", "https://webmail.test:8443"})
REQUEST = "http://127.0.0.1:8000"

TABLE: list[tuple[str | None, str | None, Provenance]] = [
    # Sec-Fetch-Site decides where the browser sends it
    ("same-origin", None, OWN),
    ("same-origin", "https://mail.test", OWN),
    ("same-origin", "null", OWN),
    ("same-site", None, FOREIGN),
    ("same-site", "https://mail.test", FOREIGN),
    ("cross-site", None, FOREIGN),
    ("cross-site", "https://mail.test", FOREIGN),
    ("cross-site", "null", FOREIGN),
    ("none", None, FOREIGN),
    ("none", "https://mail.test", FOREIGN),
    ("", None, FOREIGN),
    ("", "https://mail.test", FOREIGN),
    ("Same-Origin", None, FOREIGN),
    ("same-origin ", None, FOREIGN),
    ("same-origin, cross-site", None, FOREIGN),
    ("anything", "https://mail.test", FOREIGN),
    # Without it a real Origin must be one of ours
    (None, "https://mail.test", OWN),
    (None, "https://webmail.test:8443", OWN),
    (None, "http://mail.test", FOREIGN),
    (None, "https://mail.test:443", FOREIGN),
    (None, "https://mail.test/", FOREIGN),
    (None, "https://MAIL.test", FOREIGN),
    (None, "https://mail.test.evil.test", FOREIGN),
    (None, "https://evil-mail.test", FOREIGN),
    (None, "https://sub.mail.test", FOREIGN),
    (None, "https://webmail.test", FOREIGN),
    (None, "https://mail.test@evil.test", FOREIGN),
    (None, "https://mail.test, https://evil.test", FOREIGN),
    (None, "", FOREIGN),
    (None, "NULL", FOREIGN),
    (None, REQUEST, FOREIGN),
    # Neither: the key's place decides, see the origin matrix
    (None, "null", UNKNOWN),
    (None, None, UNKNOWN),
]


def headers(site: str | None, origin: str | None) -> Headers:
    given = {"sec-fetch-site": site, "origin": origin, "host": "mail.test", "referer": "https://mail.test/"}
    return Headers({name: value for name, value in given.items() if value is not None})


@pytest.mark.parametrize(("site", "origin", "expected"), TABLE)
def test_sc26_the_table(site: str | None, origin: str | None, expected: Provenance) -> None:
    assert provenance(headers(site, origin), PUBLIC, REQUEST) is expected


def test_without_public_urls_the_requests_own_origin_counts() -> None:
    assert provenance(headers(None, REQUEST), (), REQUEST) is OWN
    assert provenance(headers(None, "http://localhost:8000"), (), REQUEST) is FOREIGN
    assert provenance(headers("cross-site", REQUEST), (), REQUEST) is FOREIGN


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://mail.test", "https://mail.test"),
        ("https://mail.test/webmail/", "https://mail.test"),
        ("HTTPS://Mail.Test:8443/x", "https://mail.test:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("https://mail.test:443/", "https://mail.test"),
        ("http://mail.test:80", "http://mail.test"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin
