"""Reading mail as people do: in real Chromium, with and without JavaScript, on a wide screen and on a phone."""

from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from playwright.async_api import expect

from tests.support.chromium import PageFactory
from tests.support.reader import PHONE, WIDE, Reader
from tests.support.webmail import Webmail, in_thread, letter

pytestmark = pytest.mark.anyio

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d0000001649444154789c63b4484b636060606260606060"
    "60000008c800bf6eb7dd9a0000000049454e44ae426082"
)
WAYS = pytest.mark.parametrize(
    "way",
    [
        pytest.param({**WIDE}, id="wide"),
        pytest.param({**WIDE, "java_script_enabled": False}, id="wide-no-script"),
        pytest.param({**PHONE}, id="phone"),
        pytest.param({**PHONE, "java_script_enabled": False}, id="phone-no-script"),
    ],
)


def picture_mail() -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = "Ines <ines@tidewater.example>", "a@demo.test", "With a picture"
    message.set_content("See the picture.")
    message.add_alternative('<p>Look: <img src="cid:dial@x" width="30" alt="a dial"></p>', subtype="html")
    html = message.get_payload()[1]
    html.add_related(PNG, "image", "png", cid="<dial@x>", filename="dial.png", disposition="inline")
    return message.as_bytes()


async def reader(page_factory: PageFactory, webmail: Webmail, account: str, way: dict[str, object]) -> Reader:
    return Reader(await page_factory(**way), webmail, account)


@WAYS
async def test_log_in_and_read(way: dict[str, object], page_factory: PageFactory, webmail: Webmail) -> None:
    mails = [letter(f"Number {number}") for number in range(1, 4)]
    account = await in_thread(webmail.new_account, [*mails, picture_mail()])
    alice = await reader(page_factory, webmail, account, way)

    await alice.log_in("wrong")
    await expect(alice.page.get_by_role("alert")).to_be_visible()
    await expect(alice.page.get_by_label("Email address")).to_have_value(account)
    await alice.log_in()
    assert await alice.subjects() == ["With a picture", "Number 3", "Number 2", "Number 1"]

    await alice.open("With a picture")
    image = alice.page.frame_locator("iframe.letter-frame").locator("img")
    await expect(image).to_be_visible()
    assert "/capability/" in (await image.get_attribute("src") or "")
    frame = alice.page.frame_locator("iframe.letter-frame")
    assert frame is not None


Way = Callable[..., object]
