"""SC-06 and SC-08: every header, every field, every preference with markup in it, on every page that may show it."""

import pytest

from tests.support.letters import PNG

pytestmark = pytest.mark.anyio

MARK = "zq7"
ATTACKS = [
    f'"><svg onload=alert({MARK})>',
    f"</title></textarea></script><script>alert({MARK})</script>",
    f"' onmouseover='alert({MARK})",
    f"<img src=x onerror=alert({MARK})>",
    f"javascript:alert({MARK})//",
    f"{{{{7919*7919}}}}<%= 7919*7919 %>{MARK}",
]
HEADERS = (
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Reply-To",
    "Message-ID",
    "List-Id",
    "X-Mailer",
    "Content-Description",
)


def hostile(attack: str) -> bytes:
    """A message whose every header is the attack; its file's name too."""
    lines = []
    for name in HEADERS:
        addressed = name in {"From", "To", "Cc", "Reply-To"}
        quoted = attack.replace("\\", "\\\\").replace('"', '\\"')
        value = f'"{quoted}" <x@example.org>' if addressed else attack
        lines.append(f"{name}: {value}")
    quoted = attack.replace('"', "'")
    body = (
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
        f'{attack}\r\n--b\r\nContent-Type: text/html; name="{quoted}"\r\n'
        f'Content-Disposition: attachment; filename="{quoted}"\r\n\r\n{attack}\r\n--b--\r\n'
    )
    return ("\r\n".join(lines) + "\r\n" + body).encode()


def harmless(page) -> None:
    """No element and no attribute that the attack would have made; no template was run."""
    tags = [tag for tag, _ in page.elements]
    assert "svg" not in [tag for tag, known in page.elements if "onload" in known]
    for tag, known in page.elements:
        assert not [name for name in known if name.startswith("on")], (tag, known)
        for name in ("href", "src", "action"):
            assert not known.get(name, "").lower().startswith("javascript:"), (tag, known)
        if tag == "script":
            assert known.get("src", "").startswith("/static/")
        if tag == "img":
            assert known.get("src", "").startswith(("/static/", "/capability/"))
    assert tags.count("title") == 1
    assert "62710561" not in page.html


@pytest.mark.parametrize("attack", ATTACKS)
async def test_sc06_every_header_on_every_page(visitor, deliver, attack: str) -> None:
    deliver(hostile(attack))
    listed = await visitor.get("/mail.hsp")
    assert listed.status == 200
    mail_id = listed.all("data-mail-id")[0]
    shown = [
        listed,
        await visitor.get("/message.hsp", id=mail_id),
        await visitor.get("/body.hsp", id=mail_id),
        await visitor.get("/compose.hsp", reply=mail_id),
        await visitor.get("/compose.hsp", replyall=mail_id),
        await visitor.get("/compose.hsp", forward=mail_id),
        await visitor.get("/mail.hsp", q=attack.replace("%", "")),
    ]
    assert MARK in shown[1].text
    for page in shown:
        assert page.status == 200, page.response.url
        harmless(page)


@pytest.mark.parametrize("attack", ATTACKS)
async def test_sc06_every_field_of_the_compose_form(visitor, attack: str) -> None:
    data = {"do": "send", "key": attack, "to": attack, "cc": attack, "subject": attack, "text": attack, "quote": attack}
    page = await visitor.post("/compose.hsp", data, files=[("attachment", (attack, PNG, "text/html"))])
    assert page.status == 422
    harmless(page)
    page = await visitor.post("/compose.hsp", {**data, "do": "save"})
    assert page.status == 200
    harmless(page)
    page = await visitor.post("/compose.hsp", {**data, "to": "x@demo.test", "cc": "", "key": "k"})
    harmless(page)
    harmless(await visitor.get("/outbox.hsp"))


@pytest.mark.parametrize("attack", ATTACKS)
async def test_sc06_every_parameter_of_every_page(visitor, attack: str) -> None:
    for path in ("/mail.hsp", "/message.hsp", "/compose.hsp", "/outbox.hsp", "/sessions.hsp", "/body.hsp", "/part.hsp"):
        for name in ("id", "folder", "page", "q", "notice", "n", "sent", "m", "to", "subject", "body", "reply", "part"):
            page = await visitor.get(path, **{name: attack})
            assert page.status in {200, 404}, (path, name)
            harmless(page)


@pytest.mark.parametrize("attack", ATTACKS)
async def test_sc06_error_pages(visitor, attack: str) -> None:
    for path, data in (("/act.hsp", {"do": attack, "id": attack, attack: attack}), ("/outbox.hsp", {"id": attack})):
        response = await visitor.send(path, data)
        assert response.status_code in {400, 404}
        from tests.unit.webmail.conftest import Page

        harmless(Page(response))


@pytest.mark.parametrize(
    "attack", [*ATTACKS, "../../etc/passwd", "Europe/Berlin\r\nSet-Cookie: x=1", "Europe/" + "x" * 5000]
)
async def test_sc08_the_time_zone_is_one_of_the_database_or_none(visitor, deliver, attack: str) -> None:
    deliver(b"Subject: x\r\n\r\nx\r\n")
    visitor.client.headers["cookie"] = f"_hmail={visitor.client.cookies['_hmail']}; tz={attack}".replace("\r\n", "")
    for path in ("/mail.hsp", "/sessions.hsp"):
        page = await visitor.get(path)
        assert page.status == 200
        assert MARK not in page.html
        harmless(page)


async def test_sc06_the_browsers_own_name_is_never_shown(visitor, house) -> None:
    from tests.unit.webmail.conftest import Visitor

    other = Visitor(house)
    other.client.headers["user-agent"] = f"Firefox/1 {ATTACKS[0]}"
    await other.log_in(visitor.account)
    page = await visitor.get("/sessions.hsp")
    assert len(page.all("data-session")) == 2
    assert MARK not in page.html
    harmless(page)
    await other.client.aclose()
