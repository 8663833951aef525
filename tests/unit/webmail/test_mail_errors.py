"""Every way mail can fail is a page with its status, its sentence and its request id."""

import pytest

from hsp.foundation.sql import DatabaseError
from hsp.mail import (
    FolderGone,
    LoginRejected,
    Mailbox,
    MailError,
    MessageGone,
    NotAllowed,
    OverQuota,
    TooLarge,
    UpstreamAway,
    UpstreamBusy,
    UpstreamNonsense,
)
from hsp.webmail.words import ERRORS

pytestmark = pytest.mark.anyio

CASES = [
    (UpstreamAway, 503),
    (UpstreamBusy, 503),
    (UpstreamNonsense, 502),
    (LoginRejected, 403),
    (OverQuota, 507),
    (FolderGone, 404),
    (MessageGone, 404),
    (TooLarge, 413),
    (NotAllowed, 403),
]


def failing(error: Exception):
    async def fail(*_args: object, **_options: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(("kind", "status"), CASES)
async def test_a_failure_has_its_page(visitor, monkeypatch, kind: type[MailError], status: int) -> None:
    monkeypatch.setattr(Mailbox, "page", failing(kind("secret detail of the server")))
    page = await visitor.get("/mail.hsp")
    title, text = ERRORS[kind.key]
    assert page.status == status
    assert title in page.text
    assert text in page.text
    assert page.response.headers["x-request-id"] in page.text
    assert "secret detail" not in page.html
    assert visitor.key not in page.html
    assert ("retry-after" in page.response.headers) == (status == 503)


async def test_a_failure_is_json_for_a_program(visitor, monkeypatch) -> None:
    monkeypatch.setattr(Mailbox, "page", failing(UpstreamAway("x")))
    answer = await visitor.client.get("/mail.hsp", params={"_h": visitor.key}, headers={"accept": "application/json"})
    assert answer.status_code == 503
    assert answer.json()["error"] == "upstream_away"


async def test_the_database_away_is_said(visitor, monkeypatch) -> None:
    monkeypatch.setattr(Mailbox, "page", failing(DatabaseError("statement", None, Exception("gone"))))
    page = await visitor.get("/mail.hsp")
    assert page.status == 503
    assert ERRORS["database_away"][0] in page.text


async def test_a_defect_is_no_bare_crash(visitor, monkeypatch) -> None:
    monkeypatch.setattr(Mailbox, "page", failing(ZeroDivisionError()))
    page = await visitor.get("/mail.hsp")
    assert page.status == 500
    assert page.response.headers["x-request-id"] in page.text


async def test_outbox_and_sessions_stand_without_the_mail_server(visitor, monkeypatch) -> None:
    for name in ("folders", "quota"):
        monkeypatch.setattr(Mailbox, name, failing(UpstreamAway("x")))
    for path in ("/outbox.hsp", "/sessions.hsp", "/compose.hsp"):
        assert (await visitor.get(path)).status == 200


def test_every_mail_error_has_words() -> None:
    for kind, _ in CASES:
        assert kind.key in ERRORS
