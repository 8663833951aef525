"""What is done to chosen mails."""

import pytest

from tests.support.letters import letter

pytestmark = pytest.mark.anyio


@pytest.fixture
def three(deliver) -> None:
    for number in range(3):
        deliver(letter(f"Number {number}").as_bytes())


async def ids(visitor, **params: str) -> list[str]:
    return (await visitor.get("/mail.hsp", **params)).all("data-mail-id")


async def folder(visitor, icon: str) -> str:
    page = await visitor.get("/mail.hsp")
    names = [known for tag, known in page.elements if tag == "a" and known.get("data-folder-id")]
    labels = page.text
    assert icon in labels
    order = ["Inbox", "Drafts", "Sent", "Archive", "Junk", "Trash"]
    return names[order.index(icon)]["data-folder-id"]


async def test_newest_comes_first(visitor, three) -> None:
    page = await visitor.get("/mail.hsp")
    assert page.text.index("Number 2") < page.text.index("Number 1") < page.text.index("Number 0")


async def test_the_buttons_of_a_row_act_on_that_row(visitor, three) -> None:
    page = await visitor.get("/mail.hsp")
    first = page.all("data-mail-id")[0]
    form = page.form("/act.hsp")
    page = await visitor.press(form, "one", f"seen:{first}")
    assert page.text.count("Unread.") == 2
    assert "Marked as read" in page.text
    page = await visitor.press(page.form("/act.hsp"), "one", f"unseen:{first}")
    assert page.text.count("Unread.") == 3
    page = await visitor.press(page.form("/act.hsp"), "one", f"flag:{first}")
    assert "Flagged" in page.text
    assert ("one", f"unflag:{first}") in page.form("/act.hsp").buttons


async def test_chosen_mails_are_deleted_together_and_go_to_trash(visitor, three) -> None:
    page = await visitor.get("/mail.hsp")
    chosen = page.all("data-mail-id")[:2]
    page = await visitor.press(page.form("/act.hsp"), "do", "delete", id=chosen)
    assert "Deleted 2 mails" in page.text
    assert len(page.all("data-mail-id")) == 1
    trash = await folder(visitor, "Trash")
    page = await visitor.get("/mail.hsp", folder=trash)
    gone = page.all("data-mail-id")
    assert len(gone) == 2
    page = await visitor.press(page.form("/act.hsp"), "do", "delete", id=gone)
    assert "Deleted 2 mails for ever" in page.text
    assert "Trash is empty." in page.text


async def test_moving_leaves_the_place_and_keeps_the_page(visitor, three) -> None:
    archive = await folder(visitor, "Archive")
    page = await visitor.get("/mail.hsp")
    one = page.all("data-mail-id")[0]
    page = await visitor.press(page.form("/act.hsp"), "move", archive, id=[one])
    assert "Moved" in page.text
    assert len(page.all("data-mail-id")) == 2
    assert len(await ids(visitor, folder=archive)) == 1


async def test_nothing_chosen_changes_nothing_and_says_so(visitor, three) -> None:
    page = await visitor.get("/mail.hsp")
    page = await visitor.press(page.form("/act.hsp"), "do", "delete")
    assert "Select mail first" in page.text
    assert len(page.all("data-mail-id")) == 3


async def test_flagging_an_open_message_stays_with_it(visitor, three) -> None:
    page = await visitor.get((await visitor.get("/mail.hsp")).link("/message.hsp"))
    form = next(form for form in page.forms if ("from", "message") in form.fields)
    page = await visitor.press(form, "do", "flag")
    assert "Remove flag" in page.text
    assert page.response.url.path == "/message.hsp"
    form = next(form for form in page.forms if ("from", "message") in form.fields)
    page = await visitor.press(form, "do", "unseen")
    assert page.response.url.path == "/mail.hsp"
    assert page.text.count("Unread.") == 3


@pytest.mark.parametrize("verb", ["", "explode", "seen\n"])
async def test_an_unknown_verb_is_refused(visitor, three, verb: str) -> None:
    one = (await ids(visitor))[0]
    response = await visitor.send("/act.hsp", {"id": one, "do": verb})
    assert response.status_code == 400


async def test_acting_by_get_is_not_allowed(visitor) -> None:
    assert (await visitor.get("/act.hsp", do="delete", id="x")).status == 405


async def test_pages_and_search_keep_each_other(visitor, deliver) -> None:
    for number in range(12):
        deliver(letter(f"Number {number}" if number != 7 else "Zebra").as_bytes())
    settings = visitor.house.webmail.settings
    visitor.house.webmail.settings = settings.model_copy(
        update={"webmail": settings.webmail.model_copy(update={"page_size": 5})}
    )
    page = await visitor.get("/mail.hsp")
    assert "1–5 of 12" in page.text
    page = await visitor.get(next(link["href"] for link in page.links if link.get("rel") == "next"))
    assert "6–10 of 12" in page.text
    page = await visitor.get("/mail.hsp", q="zebra")
    assert "found" in page.text
    assert len(page.all("data-mail-id")) == 1
    page = await visitor.get("/mail.hsp", q="nothing like it")
    assert "matches “nothing like it”" in page.text


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "²", "abc", "1e9", ""])
async def test_impossible_page_numbers_are_pages_all_the_same(visitor, three, number: str) -> None:
    page = await visitor.get("/mail.hsp", page=number)
    assert page.status == 200
    assert len(page.all("data-mail-id")) == 3
