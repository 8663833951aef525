"""What became of a mail, and who is logged in."""

import pytest

from tests.unit.webmail.conftest import Visitor

pytestmark = pytest.mark.anyio

MAIL = {"do": "send", "to": "bob@demo.test", "subject": "Lunch", "text": "?", "key": "k"}


async def test_a_refused_mail_stays_with_its_reason_and_can_be_sent_again(visitor, house) -> None:
    house.smtp.refused["bob@demo.test"] = "550 5.1.1 no such user here"
    await visitor.post("/compose.hsp", MAIL)
    house.clock.advance(11)
    await house.outbox()
    page = await visitor.get("/outbox.hsp")
    assert page.all("data-state") == ["failed"]
    assert "no such user here" in page.text
    house.smtp.refused.clear()
    await visitor.press(page.form("/outbox.hsp"), "do", "retry")
    await house.outbox()
    assert len(house.smtp.messages) == 1


async def test_an_unclear_outcome_is_said_and_not_repeated(visitor, house) -> None:
    house.smtp.faults["content"] = "drop"
    await visitor.post("/compose.hsp", MAIL)
    house.clock.advance(11)
    await house.outbox()
    house.clock.advance(3600)
    await house.outbox()
    page = await visitor.get("/outbox.hsp")
    assert page.all("data-state") == ["unknown"]
    assert "may have arrived" in page.text
    assert len(house.smtp.messages) == 1
    page = await visitor.press(page.form("/outbox.hsp"), "do", "discard")
    assert "Nothing is waiting to be sent." in page.text


async def test_undo_after_the_mail_went_says_so(visitor, house) -> None:
    page = await visitor.post("/compose.hsp", MAIL)
    form = page.form("/outbox.hsp")
    house.clock.advance(11)
    await house.outbox()
    page = await visitor.press(form, "do", "undo")
    assert "Too late to undo" in page.text


async def test_the_sidebar_counts_what_is_not_sent(visitor, house) -> None:
    await visitor.post("/compose.hsp", MAIL)
    assert "1 not sent yet" in (await visitor.get("/mail.hsp")).text


async def test_sessions_are_listed_and_one_can_be_ended(visitor, house) -> None:
    phone = Visitor(house)
    phone.client.headers["user-agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) AppleWebKit/605 Safari/604"
    await phone.log_in(visitor.account)
    page = await visitor.get("/sessions.hsp")
    assert "Firefox on Linux" in page.text
    assert "Safari on iPhone" in page.text
    assert page.text.count("This session") == 1
    form = next(form for form in page.forms if ("do", "end") in form.buttons)
    page = await visitor.press(form, "do", "end")
    assert "Session ended" in page.text
    assert (await phone.get("/mail.hsp")).status == 303
    await phone.client.aclose()


async def test_all_others_end_together(visitor, house) -> None:
    others = [Visitor(house) for _ in range(2)]
    for one in others:
        await one.log_in(visitor.account)
    page = await visitor.get("/sessions.hsp")
    form = next(form for form in page.forms if ("do", "others") in form.buttons)
    page = await visitor.press(form, "do", "others")
    assert page.status == 200
    assert len(page.all("data-session")) == 1
    for one in others:
        assert (await one.get("/mail.hsp")).status == 303
        await one.client.aclose()


async def test_logging_out_ends_the_session(visitor) -> None:
    page = await visitor.get("/sessions.hsp")
    form = next(form for form in page.forms if ("action", "logout") in form.buttons)
    await visitor.press(form, "action", "logout")
    assert (await visitor.get("/mail.hsp")).status == 303
