"""Settings that contradict each other are refused, with the reason."""

from pathlib import Path

import pytest

from hsp.config import Settings
from hsp.config.checks import cross_check

UPSTREAMS = {"in": {"kind": "imap", "host": "imap.example"}, "out": {"kind": "smtp", "host": "smtp.example"}}
DOMAIN = {"name": "example.com", "imap": "in", "smtp": "out"}
URL = ["https://mail.example"]


def findings(**values: object) -> dict[tuple[str | int, ...], str]:
    return dict(cross_check(Settings.model_validate(values)))


def test_a_sound_configuration_has_no_findings() -> None:
    server = {"publicUrls": URL, "trustedProxies": ["10.0.0.0/8", "unix", "2001:db8::/32"]}
    listeners = [{"address": "0.0.0.0:80"}, {"address": "unix:/run/x"}]
    assert findings(server=server, webmail={"listeners": listeners}, upstreams=UPSTREAMS, domains=[DOMAIN]) == {}


@pytest.mark.parametrize("address", ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "mail.example:80", "unix:/run/x"])
def test_sc25_a_public_url_is_required_outside_loopback(address: str) -> None:
    found = findings(webmail={"listeners": [{"address": address}]})
    assert "Host" in found["server", "public_urls"]


@pytest.mark.parametrize("address", ["127.0.0.1:80", "[::1]:80", "localhost:80", "127.9.9.9:0"])
def test_on_loopback_alone_no_public_url_is_needed(address: str) -> None:
    assert findings(webmail={"listeners": [{"address": address}]}) == {}


def test_sc25_behind_a_proxy_a_public_url_is_required() -> None:
    assert ("server", "public_urls") in findings(server={"trustedProxies": ["127.0.0.1"]})


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/7", "2000::/3"])
def test_sc24_a_proxy_network_that_means_everybody_is_refused(network: str) -> None:
    found = findings(server={"trustedProxies": ["127.0.0.1", network], "publicUrls": URL})
    assert "let anyone claim any client address" in found["server", "trusted_proxies", 1]


def test_sc24_a_unix_listener_needs_to_know_its_proxy() -> None:
    found = findings(server={"publicUrls": URL}, webmail={"listeners": [{"address": "unix:/run/x"}]})
    assert "add unix to server.trustedProxies" in found["webmail", "listeners", 0, "address"]


def test_tls_needs_certificate_files(tmp_path: Path) -> None:
    absent = {"address": "127.0.0.1:2", "sslEnable": True, "certFile": str(tmp_path / "absent.pem")}
    found = findings(webmail={"listeners": [{"address": "127.0.0.1:1", "sslEnable": True}, absent]})
    assert found["webmail", "listeners", 0, "ssl_enable"] == "TLS needs a certificate: set certFile"
    assert "there is no file" in found["webmail", "listeners", 1, "certificate_file"]


def test_listeners_differ_and_one_is_enabled() -> None:
    same = [{"address": "127.0.0.1:1"}, {"address": "127.0.0.1:1"}]
    assert ("webmail", "listeners", 1, "address") in findings(webmail={"listeners": same})
    assert ("webmail", "listeners", 0, "allowed_versions") in findings(webmail={"listeners": [{"allowedVersions": []}]})
    assert ("webmail", "listeners") in findings(webmail={"listeners": []})
    off = [{"address": "0.0.0.0:1", "enable": False}]
    assert findings(webmail={"listeners": off}) == {
        ("webmail", "listeners"): "no listener is enabled, so nobody could connect"
    }


def test_domains_name_existing_upstreams_of_the_right_kind() -> None:
    domains = [{**DOMAIN, "imap": "nowhere", "smtp": "in"}, DOMAIN]
    found = findings(domains=domains, upstreams=UPSTREAMS)
    assert found["domains", 0, "imap"] == "there is no upstream 'nowhere'; known are: in, out"
    assert found["domains", 0, "smtp"] == "the upstream 'in' speaks imap, not smtp"
    assert found["domains", 1, "name"] == "the domain example.com is given twice"


@pytest.mark.parametrize(
    ("upstream", "refused"),
    [
        ({"host": "mail.example", "security": "none"}, True),
        ({"host": "192.0.2.1", "security": "none"}, True),
        ({"host": "mail.example", "security": "none", "allowPlaintextPassword": True}, False),
        ({"host": "mail.example", "security": "starttls"}, False),
        ({"host": "127.0.0.1", "security": "none"}, False),
        ({"host": "::1", "security": "none"}, False),
        ({"host": "localhost", "security": "none"}, False),
    ],
)
def test_passwords_never_cross_a_network_in_the_clear_by_default(upstream: dict[str, object], refused: bool) -> None:
    assert (("upstreams", "x", "security") in findings(upstreams={"x": upstream})) is refused


def test_nodes_need_a_database_server_and_connections_for_each() -> None:
    found = findings(server={"nodes": 9}, upstreams=UPSTREAMS)
    assert "SQLite serves one node" in found["server", "nodes"]
    assert ("upstreams", "in", "connections_per_account") in found
    shared = {"nodes": 8, "database": {"url": "postgresql+asyncpg://db/hsp"}}
    assert findings(server=shared, upstreams=UPSTREAMS) == {}


def test_the_template_path_exists(tmp_path: Path) -> None:
    assert findings(webmail={"path": str(tmp_path)}) == {}
    assert ("webmail", "path") in findings(webmail={"path": str(tmp_path / "absent")})


def test_a_check_whose_settings_are_wrong_stays_silent() -> None:
    settings = Settings.model_validate({"server": {"nodes": 9}, "upstreams": UPSTREAMS})
    assert dict(cross_check(settings, {("server", "nodes")})) == {}
