"""A configuration is taken whole or refused with every problem, its place and what would be allowed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hsp.config import ConfigError, Problem, Settings, load_settings

MINIMAL = """
[[domains]]
name = "example.com"
imap = "in"
smtp = "out"
[upstreams.in]
kind = "imap"
host = "imap.example.com"
[upstreams.out]
kind = "smtp"
host = "smtp.example.com"
"""


def load(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    path = tmp_path / "hsp.toml"
    path.write_text(text)
    return load_settings(path, environ or {})


def problems(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> list[tuple[int | None, str, str]]:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text, environ)
    return [(problem.line, problem.key, problem.message) for problem in error.value.problems]


def test_without_file_and_variables_the_defaults_hold() -> None:
    assert load_settings(None, {}) == Settings()


def test_the_documented_defaults() -> None:
    webmail = Settings().webmail
    assert (webmail.max_errors, webmail.max_auth_errors) == (20, 5)
    assert (webmail.session_idle_timeout, webmail.session_activity_timeout) == (900, 216000)
    assert (webmail.allow_keep_alive, webmail.allow_large_incoming_data) == (True, False)
    assert (webmail.http_headers_max_size, webmail.http_body_max_size, webmail.upload_max_size) == (64, 64, 25600)
    assert (webmail.allow_disable_cookie, webmail.allow_get_login, webmail.show_domain_list) == (False, False, False)
    assert (webmail.send_mail_delay, webmail.page_size) == (10, 50)
    listener = webmail.listeners[0]
    assert (listener.address, listener.idle_timeout, listener.max_connections, listener.ssl_enable) == (
        "127.0.0.1:8000",
        300,
        1000,
        False,
    )


def test_names_are_case_insensitive_and_may_have_underscores(tmp_path: Path) -> None:
    text = "[SERVER]\nPRIMARYDOMAIN = 'a.example'\n[WebMail]\nsession_idle_timeout = 5\nPageSize = 20\n"
    settings = load(tmp_path, text)
    assert settings.server.primary_domain == "a.example"
    assert (settings.webmail.session_idle_timeout, settings.webmail.page_size) == (5, 20)


def test_a_name_in_two_spellings_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, "[webmail]\npageSize = 20\npage_size = 30\n") == [
        (3, "webmail.pageSize", "is given twice, in two spellings")
    ]


@pytest.mark.parametrize("word", ["true", '"yes"', '"Yes"', '"on"'])
def test_switches_take_the_documented_words(tmp_path: Path, word: str) -> None:
    assert load(tmp_path, f"[webmail]\nshowDomainList = {word}\n").webmail.show_domain_list is True


def test_every_problem_is_reported_at_once_with_its_line(tmp_path: Path) -> None:
    text = """[server]
nodes = 3
trustedProxies = ["0.0.0.0/0"]
publicUrl = "x"
[server.redis]
maxConnections = "ten"
[webmail]
sessionIdleTimeout = 700000
listeners = [
  { address = "127.0.0.1:80", idleTimeout = 99999 },
  { address = "nonsense" },
]
[[domains]]
name = "a.example"
[upstreams.main]
kind = "pop"
host = "imap.example.com"
"""
    found = problems(tmp_path, text)
    assert [(line, key) for line, key, _ in found] == [
        (2, "server.nodes"),
        (3, "server.trustedProxies[0]"),
        (4, "server.publicUrl"),
        (6, "server.redis.maxConnections"),
        (8, "webmail.sessionIdleTimeout"),
        (10, "webmail.listeners[0].idleTimeout"),
        (11, "webmail.listeners[1].address"),
        (13, "domains[0].imap"),
        (13, "domains[0].smtp"),
        (16, "upstreams.main.kind"),
    ]
    messages = {key: message for _, key, message in found}
    assert messages["server.publicUrl"] == "unknown name; did you mean publicUrls?"
    assert messages["server.redis.maxConnections"] == 'must be whole number, 1 to 10000, not "ten"'
    assert messages["webmail.sessionIdleTimeout"] == "must be whole number, 0 to 604800 seconds, not 700000"
    assert messages["domains[0].imap"] == "is required"
    assert messages["upstreams.main.kind"] == 'must be imap or smtp, not "pop"'


def test_a_misspelt_name_does_not_lead_to_a_second_complaint(tmp_path: Path) -> None:
    found = problems(tmp_path, "[server]\ntrustedProxies = ['127.0.0.1']\npublicURL = ['https://a.example']\n")
    assert [key for _, key, _ in found] == ["server.publicURL"]


def test_wrong_values_and_contradictions_are_reported_together(tmp_path: Path) -> None:
    found = problems(tmp_path, "[webmail]\npageSize = 1\npath = 'absent'\n" + MINIMAL.replace('"in"', '"inn"', 1))
    assert [key for _, key, _ in found] == ["webmail.pageSize", "webmail.path", "domains[0].imap"]


def test_a_problem_reads_as_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, "[webmail]\npageSize = 1\n")
    assert str(error.value) == f"{tmp_path}/hsp.toml:2: webmail.pageSize: must be whole number, 10 to 200, not 1"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[server\n", 1, "is not TOML"),
        ("[server]\nnodes = \n", 2, "is not TOML"),
        ("a = 1\na = 2\n", 2, "is not TOML"),
    ],
)
def test_what_is_not_toml_is_refused_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    ((found, key, message),) = problems(tmp_path, text)
    assert (found, key) == (line, "")
    assert words in message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(tmp_path / "absent.toml", {})
    assert error.value.problems == (
        Problem(f"{tmp_path}/absent.toml", None, "", "cannot be read: No such file or directory"),
    )
    (tmp_path / "latin.toml").write_bytes(b"[server]\nserverName = '\xe4'\n")
    with pytest.raises(ConfigError, match=r"latin.toml:2: is not UTF-8"):
        load_settings(tmp_path / "latin.toml", {})


@pytest.mark.parametrize(
    "value", ["1979-05-27", "1979-05-27T07:32:00Z", "nan", "inf", "[1, 2]", "{ a = 1 }", "1.5", '"5"']
)
def test_a_value_of_another_type_is_refused(tmp_path: Path, value: str) -> None:
    ((line, key, message),) = problems(tmp_path, f"[webmail]\npageSize = {value}\n")
    assert (line, key) == (2, "webmail.pageSize")
    assert message.startswith("must be whole number, 10 to 200, not ")


@pytest.mark.parametrize(
    "text", ["webmail = 5\n", "webmail = []\n", "domains = 5\n", "domains = [5]\n", "upstreams = 3\n"]
)
def test_a_context_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    found = problems(tmp_path, text)
    assert found[0][0] == 1
    assert "must be" in found[0][2]


def test_relative_paths_count_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    settings = load(tmp_path, "[server]\ndataDir = 'data'\n[webmail]\npath = 'pages'\n")
    assert settings.server.data_dir == tmp_path / "data"
    assert settings.server.key_ring_file == tmp_path / "data" / "keys.jsonl"
    assert settings.server.database.url == f"sqlite+aiosqlite:///{tmp_path}/data/hsp.sqlite3"
    assert settings.webmail.path == tmp_path / "pages"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().webmail.page_size = 20  # type: ignore[misc] # this is what must not work


def test_usual_ports_follow_from_kind_and_security(tmp_path: Path) -> None:
    settings = load(tmp_path, MINIMAL)
    assert settings.upstreams["in"].port == 993
    assert settings.upstreams["out"].port == 465


def test_the_domain_of_an_account_or_the_one_for_all_others(tmp_path: Path) -> None:
    settings = load(tmp_path, MINIMAL)
    found = settings.domain("Example.COM")
    assert found is not None
    assert found.imap == "in"
    assert settings.domain("other.example") is None
    others = load(tmp_path, MINIMAL.replace("example.com", "*", 1)).domain("other.example")
    assert others is not None


def test_repr_shows_no_password() -> None:
    settings = load_settings(None, {"HSP_SERVER__REDIS__URL": "redis://:hunter2@127.0.0.1/0"})
    assert "hunter2" not in repr(settings)


def test_a_wrong_secret_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    ((_, key, message),) = problems(tmp_path, "[server.redis]\nurl = 'http://:hunter2@x/'\n")
    assert key == "server.redis.url"
    assert "hunter2" not in message


def variables(**values: Any) -> dict[str, str]:
    return {f"HSP_{name.upper()}": value for name, value in values.items()}


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    environ = variables(
        webmail__pagesize="30",
        webmail__page_size_x="",
        server__publicurls="https://a.example, https://b.example/",
        server__redis__timeout="0.5",
        upstreams__in__host="127.0.0.1",
        domains__0__name="b.example",
        webmail__showdomainlist="yes",
    )
    del environ["HSP_WEBMAIL__PAGE_SIZE_X"]
    settings = load(tmp_path, "[webmail]\npageSize = 20\n" + MINIMAL, environ)
    assert settings.webmail.page_size == 30
    assert settings.server.public_urls == ("https://a.example", "https://b.example")
    assert settings.server.redis.timeout == 0.5
    assert (settings.upstreams["in"].host, settings.upstreams["in"].kind) == ("127.0.0.1", "imap")
    assert settings.domains[0].name == "b.example"
    assert settings.webmail.show_domain_list is True


def test_a_whole_list_may_come_from_a_variable() -> None:
    environ = variables(webmail__listeners='[{address = "127.0.0.1:1"}, {address = "[::1]:2", idleTimeout = 9}]')
    listeners = load_settings(None, environ).webmail.listeners
    assert [(listener.address, listener.idle_timeout) for listener in listeners] == [
        ("127.0.0.1:1", 300),
        ("[::1]:2", 9),
    ]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HSP_WEBMAIL__PAGESIZE", "9", "webmail.pageSize: must be whole number, 10 to 200, not 9"),
        ("HSP_WEBMAIL__PAGESIZE", "many", 'webmail.pageSize: must be whole number, 10 to 200, not "many"'),
        ("HSP_WEBMAIL__PAGESIZ", "9", "webmail.pagesiz: unknown name; did you mean pageSize?"),
        ("HSP_SERVR__NODES", "9", "servr: unknown name; did you mean server?"),
        ("HSP_SERVER__REDIS__URL__X", "9", "leads nowhere"),
        ("HSP_WEBMAIL__LISTENERS__7__ADDRESS", "127.0.0.1:1", "does not fit"),
        ("HSP_WEBMAIL__LISTENERS__X__ADDRESS", "127.0.0.1:1", "must be the number of a list element"),
        ("HSP_WEBMAIL__LISTENERS", "[{", "webmail.listeners: must be list of contexts"),
        ("HSP_SERVER__SERVERNAME", "\udcff", "is not UTF-8 text"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(None, {name: value})
    (problem,) = error.value.problems
    assert problem.file == f"environment {name}"
    assert words in str(problem)


def test_a_wrong_value_in_the_file_is_forgiven_when_a_variable_replaces_it(tmp_path: Path) -> None:
    settings = load(tmp_path, "[webmail]\npageSize = 1\n", variables(webmail__pagesize="25"))
    assert settings.webmail.page_size == 25


@pytest.mark.parametrize("name", ["HSP_CONFIG", "HSP_NUMBER", "PATH", "XHSP_WEBMAIL__PAGESIZE"])
def test_other_variables_do_not_matter(name: str) -> None:
    assert load_settings(None, {name: "9"}) == Settings()
