"""The whole webmail by keyboard: Tab and Enter go everywhere, the shortcuts do what their list says, focus is seen."""

import re

import pytest
from playwright.async_api import expect

from tests.support.reader import Reader, ReaderFactory
from tests.support.reading_ways import NO_SCRIPT, WIDE
from tests.support.webmail import PASSWORD, Webmail, in_thread, letter

pytestmark = pytest.mark.anyio

MOST_STOPS = 90
# Where the keyboard is, and whether one sees it: a ring on the element or on what it stretches over, a caret with a
# coloured line in the fields of a letter.
STOP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const ring = (style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  const line = one.closest('.compose-line');
  const typing = one.matches('textarea') || (line && getComputedStyle(line).boxShadow !== 'none');
  const box = one.getBoundingClientRect();
  const over = getComputedStyle(one, '::after');
  return {
    name: (one.getAttribute('aria-label') || one.textContent || one.name || '').trim().slice(0, 40),
    tag: one.localName,
    seen: ring(getComputedStyle(one)) || (over.content !== 'none' && ring(over)) || Boolean(typing),
    inside: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
  };
}"""


async def stops(reader: Reader) -> list[dict[str, object]]:
    """Every stop of the Tab key from the page's beginning until it leaves the page."""
    await reader.page.evaluate("""() => {
      const start = document.createElement('span');
      start.tabIndex = -1;
      document.body.prepend(start);
      start.focus();
    }""")
    found: list[dict[str, object]] = []
    for _ in range(MOST_STOPS):
        await reader.page.keyboard.press("Tab")
        stop = await reader.page.evaluate(STOP)
        if stop is None:
            return found
        found.append(stop)
    return found


async def press(reader: Reader, key: str) -> None:
    """Press a key once the page listens: its script has run when the page has loaded."""
    await reader.page.wait_for_load_state("load")
    await reader.page.keyboard.press(key)


async def tab_to(reader: Reader, name: str) -> None:
    for _ in range(MOST_STOPS):
        await reader.page.keyboard.press("Tab")
        stop = await reader.page.evaluate(STOP)
        if stop is not None and name in str(stop["name"]):
            return
    raise AssertionError(f"the keyboard does not reach {name}")


async def test_log_in_read_answer_and_log_out_by_keyboard_without_scripts(
    reader_of: ReaderFactory, webmail: Webmail
) -> None:
    bob = webmail.new_account()
    account = await in_thread(webmail.new_account, [letter("Tea", sender=f"Bob <{bob}>"), letter("Coffee")])
    alice = await reader_of(account, WIDE | NO_SCRIPT)
    keyboard = alice.page.keyboard
    await alice.open_site()
    await expect(alice.page.get_by_label("Email address")).to_be_focused()
    await keyboard.type(account)
    await keyboard.press("Tab")
    await keyboard.type(PASSWORD)
    await keyboard.press("Enter")
    await expect(alice.row("Tea")).to_be_visible()

    await keyboard.press("Tab")
    assert (await alice.page.evaluate(STOP))["name"] == "Skip to content"
    await keyboard.press("Enter")
    await expect(alice.page.locator("#main")).to_be_focused()
    await tab_to(alice, "Bob")
    await keyboard.press("Enter")
    await expect(alice.page.locator("#subject")).to_have_text("Tea")
    await tab_to(alice, "Reply")
    await keyboard.press("Enter")
    await expect(alice.page.locator("textarea[name=text]")).to_be_focused()
    await keyboard.type("Yes.")
    await tab_to(alice, "Send")
    await keyboard.press("Enter")
    await alice.notice("Your mail is on its way.")
    await webmail.later(11)
    assert len(await in_thread(webmail.stored, bob)) == 1
    await tab_to(alice, account)
    await keyboard.press("Enter")
    await tab_to(alice, "Log out")
    await keyboard.press("Enter")
    await expect(alice.page.get_by_role("button", name="Log in")).to_be_visible()


async def test_the_shortcuts(reader_of: ReaderFactory, webmail: Webmail) -> None:
    account = await in_thread(webmail.new_account, [letter(f"Number {number}") for number in range(1, 6)])
    alice = await (await reader_of(account, WIDE)).at_list()
    keyboard, subject = alice.page.keyboard, alice.page.locator("#subject")

    await press(alice, "?")
    await expect(alice.page.get_by_role("dialog")).to_be_visible()
    await press(alice, "Escape")
    for _ in range(2):
        await press(alice, "j")
    await expect(alice.row("Number 4").locator(".row-link")).to_be_focused()
    await press(alice, "k")
    await press(alice, "x")
    await expect(alice.row("Number 5").get_by_role("checkbox")).to_be_checked()
    await press(alice, "x")
    await press(alice, "Enter")
    await expect(subject).to_have_text("Number 5")
    await press(alice, "j")
    await expect(subject).to_have_text("Number 4")
    await press(alice, "k")
    await expect(subject).to_have_text("Number 5")

    for key, heading in (("r", "Reply"), ("a", "Reply to all"), ("f", "Forward")):
        await press(alice, key)
        await expect(alice.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        await alice.page.go_back()
        await expect(subject).to_have_text("Number 5")
    await press(alice, "#")
    await alice.notice("Deleted")
    await press(alice, "j")
    await press(alice, "Enter")
    await expect(subject).to_have_text("Number 4")
    await press(alice, "e")
    await alice.notice("Moved")
    assert await alice.subjects() == ["Number 3", "Number 2", "Number 1"]
    await press(alice, "/")
    await expect(alice.page.get_by_role("searchbox")).to_be_focused()
    await keyboard.type("c#?jk")
    await expect(alice.page.get_by_role("searchbox")).to_have_value("c#?jk")
    await alice.page.locator("#main").focus()
    await press(alice, "c")
    await expect(alice.page.get_by_role("heading", name="New mail")).to_be_visible()


async def test_u_leads_back_to_the_list(reader_of: ReaderFactory, webmail: Webmail) -> None:
    account = await in_thread(webmail.new_account, [letter("One")])
    alice = await (await reader_of(account, {"viewport": {"width": 900, "height": 800}})).at_list()
    await alice.open("One")
    await press(alice, "u")
    await expect(alice.row("One")).to_be_visible()


async def test_the_list_of_shortcuts_names_every_shortcut(reader_of: ReaderFactory, webmail: Webmail) -> None:
    alice = await (await reader_of(webmail.new_account(), WIDE)).at_list()
    script = await (await alice.page.request.get(await _script(alice))).text()
    (known,) = re.findall(r"\^\[([^\]]+)\]\$", script)
    listed = await alice.page.locator("#keys kbd").all_text_contents()
    assert set(known) == {key for key in listed if key != "Enter"}


async def _script(reader: Reader) -> str:
    source = await reader.page.locator("script[src]").get_attribute("src")
    return f"{reader.webmail.origin}{source}"


async def test_focus_is_always_seen(reader_of: ReaderFactory, webmail: Webmail) -> None:
    account = await in_thread(webmail.new_account, [letter("One"), letter("Two", html="<a href='http://x/'>x</a>")])
    alice = await reader_of(account, {"viewport": {"width": 1280, "height": 720}})
    await alice.open_site()
    await _focus_is_seen(alice, 3)
    await alice.at_list()
    await _focus_is_seen(alice, 15)
    mail_id = await alice.row("Two").get_attribute("data-mail-id") or ""
    await alice.go("message", id=mail_id)
    await _focus_is_seen(alice, 20)
    for name in ("compose", "sessions", "outbox"):
        await alice.go(name)
        await _focus_is_seen(alice, 10)


async def _focus_is_seen(reader: Reader, least: int) -> None:
    found = await stops(reader)
    assert len(found) >= least
    assert [stop for stop in found if not (stop["inside"] and (stop["seen"] or stop["tag"] == "iframe"))] == []
