"""Every page of the webmail in a state worth checking, for tests that look at all of them."""

from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTP

from playwright.async_api import expect

from tests.support.reader import Reader
from tests.support.webmail import Webmail, letter

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
WORDS = "a very long subject that goes on and on about the tide clock in the lighthouse " * 5
HEBREW = "שלום לכולם, השעון בנמל מפגר בשתי דקות"


def mails() -> list[bytes]:
    """Long, narrow, right-to-left, with files and with HTML; the last is the newest."""
    files = EmailMessage(policy=SMTP)
    files["From"], files["To"], files["Subject"] = f"{LONG} <x@demo.test>", f"{LONG} <y@demo.test>", "Many files"
    files.set_content("Files.")
    for name in (f"{LONG}.pdf", "short.txt", "table.csv"):
        files.add_attachment(b"x" * 2048, "application", "octet-stream", filename=name)
    return [letter(f"Ordinary {number}", "Hello.\n\nTea at four?\n\n> Coffee?\n> No.\n") for number in range(1, 8)] + [
        letter(LONG, f"{LONG}\n{WORDS}\nhttps://example.com/{LONG}\n", sender=f"{LONG} <{'l' * 60}@demo.test>"),
        letter(WORDS, WORDS, sender=f"{WORDS[:200].replace(',', '')} <x@demo.test>", to=", ".join(_crowd())),
        letter(HEBREW, f"{HEBREW}\n\nSecond line (Pier 12).\n", sender=f"{HEBREW.replace(',', '')} <david@demo.test>"),
        letter("Wide newsletter", html=f"<table width=1600><tr><td>{LONG}<td><img src=http://x.sink.test/a></table>"),
        files.as_bytes(),
    ]


def _crowd() -> list[str]:
    return [f"Person Number {number} <person{number}@demo.test>" for number in range(60)]


async def public_pages(reader: Reader) -> AsyncIterator[str]:
    """The pages of those who are not logged in, then those around a session; logged in afterwards."""
    await reader.open_site()
    yield "login"
    await reader.log_in("wrong", fresh=False)
    await expect(reader.page.get_by_role("alert")).to_be_visible()
    yield "login-refused"
    await reader.at_list()
    key = reader.key
    await reader.page.goto(f"{reader.webmail.origin}/")
    await expect(reader.page.get_by_role("button", name="Continue")).to_be_visible()
    yield "resume"
    await reader.page.goto(f"{reader.webmail.origin}/?action=logout&_h={key}")
    await expect(reader.page.get_by_role("heading", name="Log out?")).to_be_visible()
    yield "logout"
    await reader.page.goto(f"{reader.webmail.origin}/mail.hsp?_h={key}")


async def private_pages(reader: Reader, webmail: Webmail) -> AsyncIterator[str]:
    """The pages of somebody who is logged in."""
    await reader.go("mail")
    yield "list"
    await reader.choose("Ordinary 7")
    yield "list-chosen"
    await reader.go("mail", q="no such thing")
    yield "list-empty"
    for subject in (LONG, WORDS, HEBREW, "Wide newsletter", "Many files"):
        await reader.go("mail")
        await reader.row(subject).first.locator(".row-link").click()
        await expect(reader.page.locator("#subject")).to_be_visible()
        await reader.page.locator(".people-more summary").click()
        yield f"message-{subject[:12]}"
    await reader.answer(everyone=True)
    yield "reply"
    await reader.go("compose")
    yield "compose"
    await reader.write(to=LONG, cc="nobody", subject=LONG, text=LONG)
    await reader.send()
    await expect(reader.page.get_by_role("alert")).to_be_visible()
    yield "compose-refused"
    await reader.write(to=f"{'l' * 60}@demo.test", cc="", subject=LONG)
    await reader.send()
    await reader.notice("Your mail is on its way.")
    yield "list-undo"
    await reader.go("outbox")
    yield "outbox"
    await reader.go("sessions")
    yield "sessions"
    key = reader.key
    await reader.page.goto(reader.url("message", id="gone"))
    await expect(reader.page.locator(".status-code")).to_be_visible()
    yield "error"
    await reader.page.goto(f"{webmail.origin}/mail.hsp?_h={key}")
