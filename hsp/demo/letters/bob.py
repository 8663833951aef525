"""Bob's mailbox: fewer letters, more oil."""

from __future__ import annotations

from dataclasses import replace

from hsp.demo.letters.files import pdf
from hsp.demo.letters.letter import ALICE, BOB, File, Sketch, thread


def letters() -> list[Sketch]:
    """What lies in Bob's mailbox."""
    own = [
        Sketch(0.6, ALICE, "The crank", "It is behind the door that says it is not a door.\n\nA.\n", flags=""),
        Sketch(
            1.1,
            "Oil & Sons <orders@oil-and-sons.example>",
            "Your order: clock oil, 12 x 20 ml",
            "It left our house this morning, slowly.\n",
            files=(File("invoice.pdf", "application/pdf", pdf("Invoice", "Oil")),),
        ),
        Sketch(
            2.0,
            "Ines Calder <ines@tidewater.example>",
            "Humming",
            "It works on the pigeons. Please do not tell Tomasz.\n",
        ),
        Sketch(
            3.3,
            "Tomasz Wren <tomasz@tidewater.example>",
            "Pigeons",
            "It is the humming. Please do not tell Ines.\n",
            flags="SF",
        ),
        Sketch(
            4.8,
            "Printer <proofs@cutter-press.example>",
            "Page 77",
            "Of course I know about krakens. I print the almanac.\n",
        ),
        Sketch(
            6.3,
            "The Brass Gazette <news@brass-gazette.example>",
            "Verdigris: friend or colour?",
            "See pictures.\n",
            html='<h1>Verdigris</h1><img src="https://img.brass-gazette.example/v.png" alt="Green">',
            flags="",
        ),
        Sketch(
            9.0,
            "Football Five <captain@port-ellery-five.example>",
            "Sunday, if the tide allows",
            "The pitch is at low water.\n",
        ),
        Sketch(
            14.1,
            "Mum <rose@fennimore.example>",
            "Socks",
            "I have knitted you a third sock, in case.\n\nMum\n",
            flags="SA",
        ),
        Sketch(
            42.4,
            ALICE,
            "Minutes of the meeting about minutes",
            "Attached. They are short.\n",
            files=(File("minutes.pdf", "application/pdf", pdf("Minutes", "We shall be brief.")),),
        ),
        Sketch(
            0.9,
            BOB,
            "Re: Page 77",
            "Then you know what it says about",
            to="proofs@cutter-press.example",
            folder="Drafts",
            flags="SD",
        ),
        Sketch(
            5.0,
            "Prize Office <prize@too-good.example>",
            "You have won a stove",
            "Click nothing.\n",
            folder="Junk",
            flags="J",
        ),
        Sketch(80.0, ALICE, "The stove", "Yours to look after. It likes ash, and jazz.\n", folder="Archive"),
    ]
    talk = thread(
        "Lantern in the lighthouse",
        (5.7, BOB, "Forty pence. I have framed the invoice."),
        (5.65, ALICE, "Frame the hook."),
        (5.6, BOB, "The hat is on it."),
    )
    # In `thread` it is Alice's mailbox that counts; here it is the other way round.
    mirrored = [replace(sketch, folder="Sent" if sketch.sender == BOB else "INBOX") for sketch in talk]
    return own + mirrored
