"""SC-37: an object of another user, by its id, is not there. Every page that takes an id."""

import pytest

from tests.support.letters import letter
from tests.unit.webmail.conftest import Visitor

pytestmark = pytest.mark.anyio


@pytest.fixture
async def other(house, accounts, visitor, deliver):
    """A second person, and the ids of what the first one owns."""
    deliver(letter("Private").as_bytes())
    page = await visitor.get("/mail.hsp")
    mail_id, folder_id = page.all("data-mail-id")[0], page.all("data-folder-id")[0]
    page = await visitor.get("/sessions.hsp")
    uuid = page.all("data-session")[0]
    sent = await visitor.post(
        "/compose.hsp", {"do": "send", "to": "x@demo.test", "subject": "s", "text": "t", "key": "k"}
    )
    item = next(value for name, value in sent.form("/outbox.hsp").fields if name == "id")
    one = Visitor(house)
    await one.log_in(accounts.pop())
    yield one, {"mail": mail_id, "folder": folder_id, "session": uuid, "item": item}
    await one.client.aclose()


async def test_sc37_a_foreign_id_reads_nothing(visitor, other) -> None:
    stranger, ids = other
    requests = [
        ("/message.hsp", {"id": ids["mail"]}),
        ("/body.hsp", {"id": ids["mail"]}),
        ("/part.hsp", {"id": ids["mail"], "part": "source"}),
        ("/part.hsp", {"id": ids["mail"], "part": "1"}),
        ("/mail.hsp", {"folder": ids["folder"]}),
        ("/compose.hsp", {"reply": ids["mail"]}),
        ("/compose.hsp", {"forward": ids["mail"]}),
        ("/compose.hsp", {"draft": ids["mail"]}),
    ]
    for path, params in requests:
        page = await stranger.get(path, **params)
        absent = await stranger.get(
            path, **{name: "MTIzXzEyM18x" if name != "part" else value for name, value in params.items()}
        )
        assert page.status == 404, path
        assert absent.status == 404, path
        assert "Private" not in page.html


async def test_sc37_a_foreign_id_changes_nothing(visitor, other) -> None:
    stranger, ids = other
    for data in (
        {"id": ids["mail"], "do": "delete"},
        {"one": f"seen:{ids['mail']}"},
        {"id": ids["mail"], "move": "1_1"},
    ):
        assert (await stranger.send("/act.hsp", data)).status_code == 404
    await stranger.send("/compose.hsp", {"do": "discard", "draft": ids["mail"]})
    for verb in ("undo", "retry", "discard", "edit"):
        assert (await stranger.send("/outbox.hsp", {"id": ids["item"], "do": verb})).status_code == 404
    await stranger.send("/sessions.hsp", {"do": "end", "uuid": ids["session"]})
    page = await visitor.get("/mail.hsp")
    assert page.status == 200
    assert "Private" in page.text
    assert "Unread." in page.text
    assert (await visitor.get("/outbox.hsp")).all("data-state") == ["queued"]
