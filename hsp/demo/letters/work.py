"""Threads from the workshop: Tidewater Instruments of Port Ellery, makers of tide clocks."""

from __future__ import annotations

from hsp.demo.letters.files import dial, pdf
from hsp.demo.letters.letter import ALICE, BOB, File, Sketch, thread

INES = "Ines Calder <ines@tidewater.example>"
TOMASZ = "Tomasz Wren <tomasz@tidewater.example>"
HARBOUR = "Harbour Office <office@port-ellery.example>"
MILLBROOK = "Odile Brandt <odile@millbrook-optics.example>"


def letters() -> list[Sketch]:
    """Mails about work."""
    return [*_lighthouse(), *_brass(), *_gull(), *_order(), *_rota(), *_manual(), *_single()]


def _lighthouse() -> list[Sketch]:
    return thread(
        "The lighthouse clock runs eleven minutes fast",
        (
            6.9,
            HARBOUR,
            """Dear Alice,

the tide clock in the lighthouse is eleven minutes fast again. The keeper has begun to apologise to boats.
Could somebody come and look at it before the regatta? The stairs have been swept in your honour.

Harbour Office, Port Ellery""",
        ),
        (
            6.7,
            ALICE,
            """Good morning,

eleven minutes is a suspicious number: it is what the old moon gear loses when the brass is cold. I will send Bob
with the long screwdriver. Please tell the keeper it is not his fault; the moon has always been difficult.

Alice""",
        ),
        (
            6.1,
            HARBOUR,
            """The keeper is relieved. He asks whether the moon could be made a little less difficult by Saturday.

There will be tea, and the cat has been told not to sit on the mechanism.""",
        ),
        (
            5.8,
            BOB,
            """I went up. It is not the moon gear.

Somebody has hung a storm lantern on the minute weight. I took it off, the clock is correct to the second, and the
stairs are now dark. You may want to break it to them gently.

B.""",
        ),
        (
            5.6,
            ALICE,
            """Bob,

put the lantern on a hook of its own and send them an invoice for one hook. Eleven minutes solved for forty pence must
be a record even for us.

A.""",
        ),
        (
            5.2,
            HARBOUR,
            """The hook is splendid. The keeper has hung his hat on it.

The clock is right, the stairs are dark, and the boats have begun to arrive on time, which confuses everybody.""",
        ),
        flags=("SA", "S", "SA", "SA", "S", "SF"),
    )


def _brass() -> list[Sketch]:
    return thread(
        "Brass, and what it costs now",
        (
            12.4,
            TOMASZ,
            """Alice,

the foundry has put brass up by nine per cent, "owing to brass". I asked what that means. They said it means nine per
cent. Shall I buy the whole spring's worth now, or wait for the brass to calm down?

Tomasz""",
        ),
        (
            12.2,
            ALICE,
            """Buy half. If the price falls we were clever with the other half, and if it rises we were clever
with the first one. This is the whole of economics, do not tell anybody.""",
        ),
        (
            12.0,
            TOMASZ,
            """Half is bought: 42 plates, 6 rods, and one plate shaped like Denmark that they let me have for
nothing. I have put Denmark in the drawer with the other countries.""",
        ),
        (
            11.8,
            INES,
            """From the accounts: I have entered Denmark as a gift in kind. The auditor will enjoy it.

Please keep the delivery note this time. The last one had a sandwich drawn on it.""",
        ),
        (11.1, TOMASZ, "It was a technical drawing of a sandwich. The delivery note is in the blue folder."),
        flags=("SA", "S", "S", "S", ""),
    )


def _gull() -> list[Sketch]:
    return thread(
        "There is a gull in the finishing room",
        (
            3.4,
            INES,
            """Everybody,

there is a gull in the finishing room. It came through the skylight and has chosen the bench with the clean dials.
It looks at me as if I had an appointment.

Ines""",
        ),
        (3.38, BOB, "Is it touching the dials?"),
        (3.36, INES, "It is standing on the one for Rotterdam. It is quite a steady gull."),
        (
            3.34,
            ALICE,
            """Open the big door and put the lid of the biscuit tin outside, with biscuits. Do not run. Bob, bring the
Rotterdam dial back to polishing; we cannot ship a dial that has been stood on by a competitor.""",
        ),
        (
            3.3,
            TOMASZ,
            """It left by the big door with the lid. We still have the biscuits.

I have measured the scratch: 0.04 mm, and rather elegant. Rotterdam might like it.""",
        ),
        (
            3.1,
            INES,
            """Rotterdam would like it. I wrote to them honestly and they asked whether all of the edition could be
signed by the gull. I said that it does not do series.""",
        ),
        flags=("SA", "S", "S", "S", "S", "F"),
    )


def _order() -> list[Sketch]:
    return thread(
        "Lenses for the new harbour model",
        (
            20.3,
            MILLBROOK,
            """Dear Ms Marlowe,

the six lenses you ordered are ground and lie in cotton wool before me. One of them makes everything look slightly
further away. Our grinder calls it the optimist. I can grind another, or send it with an apology.

Odile Brandt
Millbrook Optics""",
        ),
        (
            20.1,
            ALICE,
            """Dear Odile,

send the optimist. The harbour model is going to the planning department, where things looking further away is rather
the point.

Warm regards
Alice""",
        ),
        (
            19.2,
            MILLBROOK,
            """It travels tomorrow with the others, marked with a blue thread.

The invoice follows by post, because our machine prints only what it agrees with.
Odile""",
        ),
        (14.6, ALICE, "All six are here and whole. The optimist is in the tower already. Thank you!"),
        (14.2, MILLBROOK, "Then the best of us is in the tower. Until the next one!\nOdile"),
        flags=("SA", "S", "SA", "S", "S"),
    )


def _rota() -> list[Sketch]:
    return thread(
        "Rota for winding the town clock",
        (
            1.9,
            INES,
            """Hello all,

the town clock must be wound on Monday, Wednesday and Friday, and someone has to greet the pigeons. My proposal:

  Monday      Bob
  Wednesday   Tomasz (pigeons: Ines, from a distance)
  Friday      Alice

Objections by noon please.
Ines""",
        ),
        (1.85, BOB, "No objection. The crank squeaks on Mondays, I shall bring oil."),
        (1.8, TOMASZ, "I object to the distance. They are calm birds if one hums."),
        (1.75, ALICE, "Approved, with humming. Ines, please put the oil on the list."),
        (
            0.06,
            INES,
            """It is on the list. So is "humming", as a consumable.

Reminder: it is Alice's turn this Friday, and the winter crank is behind the door that says it is not a door.""",
        ),
        flags=("S", "S", "S", "S", ""),
    )


def _manual() -> list[Sketch]:
    return thread(
        "Manual, third edition: last questions",
        (
            2.6,
            BOB,
            """Alice,

three questions before the manual goes to print:

1. Chapter 4 says "turn gently". How gently? A customer asked.
2. The picture on page 31 shows the mechanism upside down. It has done so since the first edition and nobody wrote.
3. May I finally remove the sentence about krakens?

Bob""",
        ),
        (
            2.5,
            ALICE,
            """1. As gently as one would turn a sleeping cat.
2. Keep it. By now it is a tradition, and it helps people in the southern half of the world.
3. You may not.""",
        ),
        (2.45, BOB, "Sleeping cat, tradition, krakens. The printer will have it by five."),
        (0.9, BOB, "The printer asks whether the kraken sentence is a warranty. I said it is a comfort."),
        (
            0.4,
            BOB,
            """Proofs are here and look well. One thing: the kraken has been given a footnote by the printer, who seems
to know more about it than we do. Page 77. Shall I ask?""",
        ),
        flags=("SA", "S", "S", "S", "F"),
    )


def _single() -> list[Sketch]:
    return [
        Sketch(
            0.02,
            BOB,
            "Lunch?",
            "Soup at the pilot house, ten past twelve. They have the good bread today.\n\nBob",
            flags="",
        ),
        Sketch(
            0.3,
            TOMASZ,
            "Dial for Oslo, photographs",
            "Two views of the Oslo dial as it left the polishing bench. The second one has me in it,"
            " reflected. Sorry.\n",
            files=(
                File("oslo-front.png", "image/png", dial(96, 0.1)),
                File("oslo-tilted.png", "image/png", dial(96, 0.62)),
            ),
            flags="F",
        ),
        Sketch(
            4.4,
            INES,
            "Holiday calendar on the fridge",
            "Please write your weeks on it in ink. Pencil was rubbed out last year by someone who"
            " then went to Crete.\n",
        ),
        Sketch(
            7.7,
            HARBOUR,
            "Notice to mariners, week 12",
            "The buoy off Cutter Point has moved forty metres to the east. We did not move"
            " it.\n\nMariners are asked to treat"
            " it with the respect due to a buoy that knows what it wants.\n",
            files=(
                File("notice-12.pdf", "application/pdf", pdf("Notice to mariners 12", "Buoy 7: 40 m east", "Be kind.")),
            ),
        ),
        Sketch(
            9.5,
            "Pay Office <pay@tidewater.example>",
            "Your pay slip",
            "Your pay slip for last month is attached. It contains one pound for the hook.\n",
            files=(File("pay-slip.pdf", "application/pdf", pdf("Pay slip", "Salary as agreed", "Hook: 1.00")),),
            headers=("Sensitivity: Company-Confidential",),
        ),
        Sketch(
            15.5,
            "Reception <reception@tidewater.example>",
            "Parcel for you, it ticks",
            "There is a parcel for you at reception. It ticks, but so does everything here, so we are calm.\n",
            flags="SA",
        ),
        Sketch(
            17.9,
            BOB,
            "Workshop key",
            "I have your key, you have mine, and Ines has both of Tomasz's. Let us meet at the door and think.\n",
        ),
        Sketch(
            0.7,
            "Stores <stores@tidewater.example>",
            "Stock below the red line: screws M2 x 6",
            "This is the shelf. We are down to 140 screws of M2 x 6.\nAt the present rate they last until Thursday.\n"
            "\nThe shelf\n",
            flags="",
            headers=("Auto-Submitted: auto-generated", "X-Priority: 1 (Highest)", "Importance: high"),
        ),
    ]
