"""Writing a mail: sent once, kept on request, and never lost."""

import email
import email.policy

import pytest

from tests.support.letters import letter

pytestmark = pytest.mark.anyio

FIELDS = {"to": "Bob <bob@demo.test>", "subject": "Grüße", "text": "Hello\r\nBob"}


def parsed(content: bytes) -> email.message.EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def field(page, name: str) -> str:
    return next(value for known, value in page.form("/compose.hsp").fields if known == name)


async def folder(visitor, number: int):
    page = await visitor.get("/mail.hsp")
    return await visitor.get("/mail.hsp", folder=page.all("data-folder-id")[number])


async def test_a_mail_waits_for_undo_then_goes_out_once(visitor, house) -> None:
    page = await visitor.get("/compose.hsp")
    page = await visitor.press(page.form("/compose.hsp"), "do", "send", **FIELDS)
    assert "Undo" in page.text
    assert page.response.url.path == "/mail.hsp"
    await house.outbox()
    assert not house.smtp.messages
    house.clock.advance(11)
    await house.outbox()
    [received] = house.smtp.messages
    message = parsed(received.content)
    assert received.recipients == ("bob@demo.test",)
    assert message["subject"] == "Grüße"
    assert message["from"] == visitor.account
    assert message.get_content().replace("\r\n", "\n") == "Hello\nBob\n"
    assert "Grüße" in (await folder(visitor, 2)).text


async def test_a_form_sent_twice_makes_one_mail(visitor, house) -> None:
    page = await visitor.get("/compose.hsp")
    for _ in range(2):
        await visitor.press(page.form("/compose.hsp"), "do", "send", **FIELDS)
    house.clock.advance(11)
    await house.outbox()
    assert len(house.smtp.messages) == 1


async def test_undo_brings_the_mail_back_to_the_form(visitor, house) -> None:
    page = await visitor.get("/compose.hsp")
    page = await visitor.press(
        page.form("/compose.hsp"), "do", "send", **FIELDS, files=[("attachment", ("a.txt", b"data", "text/plain"))]
    )
    page = await visitor.press(page.form("/outbox.hsp"), "do", "undo")
    assert page.response.url.path == "/compose.hsp"
    assert field(page, "subject") == "Grüße"
    assert field(page, "to") == "Bob <bob@demo.test>"
    assert "Hello\nBob" in field(page, "text")
    assert "a.txt" in page.text
    house.clock.advance(60)
    await house.outbox()
    assert not house.smtp.messages
    page = await visitor.press(page.form("/compose.hsp"), "do", "send")
    house.clock.advance(11)
    await house.outbox()
    [received] = house.smtp.messages
    assert [part.get_filename() for part in parsed(received.content).iter_attachments()] == ["a.txt"]
    assert "No drafts" in (await folder(visitor, 1)).text


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"to": ""}, "Add at least one recipient."),
        ({"to": "bob@demo.test, no address"}, "“no address” is not an email address."),
        ({"cc": "broken@"}, "“broken@” is not an email address."),
        ({"subject": "x" * 2000}, "This is too long."),
    ],
)
async def test_what_cannot_be_sent_comes_back_filled_in(visitor, house, changed, sentence: str) -> None:
    data = {**FIELDS, "key": "k", "do": "send", **changed}
    page = await visitor.post("/compose.hsp", data, files=[("attachment", ("notes.txt", b"abc", "text/plain"))])
    assert page.status == 422
    assert sentence in page.text
    for name in ("to", "subject"):
        assert field(page, name) == data[name]
    assert field(page, "text") == "Hello\nBob"
    assert "notes.txt" in page.text
    fixed = {"to": "bob@demo.test", "cc": "", "subject": "ok"}
    await visitor.press(page.form("/compose.hsp"), "do", "send", **fixed)
    house.clock.advance(11)
    await house.outbox()
    [received] = house.smtp.messages
    [attached] = parsed(received.content).iter_attachments()
    assert attached.get_content().strip() == "abc"
    assert "No drafts" in (await folder(visitor, 1)).text


async def test_a_draft_keeps_even_what_cannot_be_sent(visitor) -> None:
    data = {
        "do": "save",
        "key": "k",
        "to": 'half@, "Bob, B." <bob@demo.test>',
        "bcc": "x@y.test",
        "subject": "é",
        "text": "a\r\n\r\nb",
    }
    page = await visitor.post("/compose.hsp", data)
    assert "Draft saved" in page.text
    assert field(page, "to") == data["to"]
    assert field(page, "bcc") == "x@y.test"
    assert field(page, "subject") == "é"
    assert field(page, "text") == "a\n\nb"
    page = await visitor.press(page.form("/compose.hsp"), "do", "save", text="second")
    drafts = await folder(visitor, 1)
    assert len(drafts.all("data-mail-id")) == 1
    page = await visitor.get("/compose.hsp", draft=drafts.all("data-mail-id")[0])
    assert field(page, "text") == "second"
    assert "Trash is empty." in (await folder(visitor, 5)).text
    page = await visitor.press(page.form("/compose.hsp"), "do", "discard")
    assert "Draft discarded" in page.text
    assert "No drafts" in (await folder(visitor, 1)).text
    assert len((await folder(visitor, 5)).all("data-mail-id")) == 1


async def test_discarding_takes_away_nothing_but_drafts(visitor, deliver) -> None:
    deliver(letter("Keep me").as_bytes())
    mail_id = (await visitor.get("/mail.hsp")).all("data-mail-id")[0]
    for verb in ("discard", "save", "send"):
        await visitor.send("/compose.hsp", {**FIELDS, "do": verb, "draft": mail_id, "key": verb})
    assert "Keep me" in (await visitor.get("/mail.hsp")).text


async def test_a_reply_goes_to_the_author_and_keeps_the_thread(visitor, deliver, house) -> None:
    deliver(
        letter(
            "Re: AW: Plan",
            "First\n> older\n-- \nsig\n",
            Message_ID="<b@example.org>",
            References="<a@example.org>",
            Reply_To='"Raman, P." <office@example.org>',
            Cc="Sam <sam@example.org>",
        ).as_bytes()
    )
    page = await visitor.get((await visitor.get("/mail.hsp")).link("/message.hsp"))
    form = await visitor.get(page.link("/compose.hsp?reply="))
    assert field(form, "to") == '"Raman, P." <office@example.org>'
    assert field(form, "subject") == "Re: Plan"
    assert "> First\n>> older" in field(form, "quote")
    assert "sig" not in field(form, "quote")
    assert field(form, "cc") == ""
    everyone = await visitor.get(page.link("/compose.hsp?replyall="))
    assert field(everyone, "cc") == "Me <me@demo.test>, Sam <sam@example.org>"
    await visitor.press(form.form("/compose.hsp"), "do", "send", text="Fine.")
    house.clock.advance(11)
    await house.outbox()
    message = parsed(house.smtp.messages[0].content)
    assert message["in-reply-to"] == "<b@example.org>"
    assert message["references"].split() == ["<a@example.org>", "<b@example.org>"]
    assert message.get_content().startswith("Fine.")
    assert "Answered" in (await visitor.get("/mail.hsp")).text


async def test_a_forward_carries_the_chosen_files(visitor, deliver, house) -> None:
    message = letter("Files")
    for name in ("one.txt", "two.txt"):
        message.add_attachment(name.encode(), "text", "plain", filename=name)
    deliver(message.as_bytes())
    page = await visitor.get((await visitor.get("/mail.hsp")).link("/message.hsp"))
    form = await visitor.get(page.link("/compose.hsp?forward="))
    assert field(form, "subject") == "Fwd: Files"
    assert "From: Priya Raman <priya@example.org>" in field(form, "quote")
    keep = [value for name, value in form.form("/compose.hsp").fields if name == "keep"]
    assert len(keep) == 2
    await visitor.press(form.form("/compose.hsp"), "do", "send", to="bob@demo.test", keep=keep[1])
    house.clock.advance(11)
    await house.outbox()
    sent = parsed(house.smtp.messages[0].content)
    assert [part.get_filename() for part in sent.iter_attachments()] == ["two.txt"]


async def test_a_mail_server_that_is_away_takes_nothing_with_it(visitor, house, monkeypatch) -> None:
    from hsp.mail import Mailbox, UpstreamAway

    async def away(*_args: object, **_options: object) -> None:
        raise UpstreamAway("gone")

    for name in ("append", "folders", "open"):
        monkeypatch.setattr(Mailbox, name, away)
    response = await visitor.send("/compose.hsp", {**FIELDS, "do": "save", "key": "k"})
    assert response.status_code == 503
    assert response.headers["retry-after"]
    from tests.unit.webmail.conftest import Page

    page = Page(response)
    assert "We couldn't reach your mail server" in page.text
    assert field(page, "subject") == "Grüße"
    assert field(page, "text") == "Hello\nBob"


async def test_mailto_parameters_fill_the_form(visitor) -> None:
    page = await visitor.get("/compose.hsp", to="bob@demo.test", subject="Hi", body="Text")
    assert (field(page, "to"), field(page, "subject"), field(page, "text")) == ("bob@demo.test", "Hi", "Text")


async def test_an_unknown_verb_is_refused(visitor) -> None:
    assert (await visitor.send("/compose.hsp", {"do": "explode"})).status_code == 400


async def test_a_draft_that_went_away_in_another_tab_does_not_stop_the_mail(visitor, house) -> None:
    saved = await visitor.post("/compose.hsp", {**FIELDS, "do": "save", "key": "k"})
    form = saved.form("/compose.hsp")
    await visitor.press(form, "do", "discard")
    page = await visitor.press(form, "do", "send")
    assert "Undo" in page.text
    house.clock.advance(11)
    await house.outbox()
    assert len(house.smtp.messages) == 1


async def test_kept_files_that_went_away_are_named_and_the_next_try_goes_without(visitor, deliver, house) -> None:
    message = letter("Files")
    message.add_attachment(b"x", "text", "plain", filename="one.txt")
    deliver(message.as_bytes())
    page = await visitor.get((await visitor.get("/mail.hsp")).link("/message.hsp"))
    form = await visitor.get(page.link("/compose.hsp?forward="))
    await visitor.send("/act.hsp", {"id": page.all("data-mail-id")[0], "do": "delete"})
    again = await visitor.press(form.form("/compose.hsp"), "do", "send", to="bob@demo.test")
    assert again.status == 422
    assert "no longer there" in again.text
    assert field(again, "subject") == "Fwd: Files"
    await visitor.press(again.form("/compose.hsp"), "do", "send")
    house.clock.advance(11)
    await house.outbox()
    assert len(house.smtp.messages) == 1
