"""What lies outside the inbox: Archive, Sent, Drafts, Junk, Trash, and folders of Alice's own."""

from __future__ import annotations

from dataclasses import replace

from hsp.demo.letters.files import pdf, seascape
from hsp.demo.letters.letter import ALICE, BOB, File, Sketch, thread

_TIDE = "Projects/Tide clock for Kyōto 潮"
_RECIPES = "Rezepte & Küche"
_LETTERS = "Письма"
_LONG = "Projects/Harbour model/Very small boats, with and without sails"


def letters() -> list[Sketch]:
    """Mails in all folders but the inbox."""
    return [*_archive(), *_sent(), *_drafts(), *_junk(), *_trash(), *_own()]


def _archive() -> list[Sketch]:
    years = (
        (
            61,
            "Harbour Office <office@port-ellery.example>",
            "Thank you for the clock",
            "It is the first thing here that is right.",
        ),
        (75, BOB, "Winter opening hours of the workshop", "Eight to four, or until the stove is out."),
        (98, "Ines Calder <ines@tidewater.example>", "Audit passed", "The auditor liked Denmark."),
        (
            121,
            "Museum of Small Mechanisms <desk@small-mechanisms.example>",
            "Loan of the tiny gear",
            "We have packed it in a walnut.",
        ),
        (
            180,
            "Maya Marlowe <maya@marlowe.example>",
            "Your birthday",
            "I have forgotten it on time this year. Look under the mat.",
        ),
        (
            240,
            "Tomasz Wren <tomasz@tidewater.example>",
            "My first day",
            "Thank you for the coat hook with my name on it.",
        ),
        (365, "Edwin Marlowe <edwin@marlowe.example>", "The moon", "It was exactly where your clock said. I waved."),
        (
            720,
            "Planning Department <model@planning.port-ellery.example>",
            "Permission granted",
            "You may have a door there.",
        ),
    )
    kept = [
        Sketch(age, sender, subject, text + "\n", folder="Archive", flags="S") for age, sender, subject, text in years
    ]
    old = thread(
        "Name for the company",
        (1460.0, BOB, "Tick & Tock?"),
        (1459.9, ALICE, "Taken, by two brothers who no longer speak."),
        (1459.8, BOB, "Tidewater Instruments?"),
        flags=("S", "S", "SF"),
    )
    return kept + [replace(sketch, folder="Archive") for sketch in old]


def _sent() -> list[Sketch]:
    written = (
        (0.6, BOB, "The crank", "It is behind the door that says it is not a door.\n\nA."),
        (
            2.9,
            "kraken@deep-sea.example",
            "About your footnote",
            "Dear kraken, is page 77 correct? Kindly by Friday.\n\nAlice",
        ),
        (
            5.4,
            "Petra Lindqvist <petra@allotments.example>",
            "Seedlings",
            "Forty, and they have names. You may choose ten.\n\nAlice",
        ),
        (
            13.0,
            "Edwin Marlowe <edwin@marlowe.example>",
            "Re: the wireless",
            "Turn the left knob until it stops sulking.\n\nLove, A.",
        ),
        (
            19.9,
            "Odile Brandt <odile@millbrook-optics.example>",
            "Six lenses",
            "Six, please, of 14 mm. A seventh only if it insists.",
        ),
        (42.4, BOB, "Minutes of the meeting about minutes", "Attached. They are short."),
    )
    sent = [Sketch(age, ALICE, subject, text + "\n", to=to, folder="Sent") for age, to, subject, text in written]
    minutes = File("minutes.pdf", "application/pdf", pdf("Minutes", "We shall be brief.", "Agreed."))
    return [*sent[:-1], replace(sent[-1], files=(minutes,))]


def _drafts() -> list[Sketch]:
    drafts = (
        (0.04, BOB, "Kraken footnote", "Bob,\n\nI have thought about page 77 and I believe that we should"),
        (1.2, "Henrik Aas <henrik@correspondence-chess.example>", "Re: Our game, move by move", "21. ... "),
        (6.5, "", "", "Do not forget: oil, M2 screws, an alto."),
        (
            30.6,
            "Landlord <j.pike@pike-and-daughters.example>",
            "The weathercock",
            "Dear Mr Pike,\n\nhe has begun to crow.\n",
        ),
    )
    return [Sketch(age, ALICE, subject, text, to=to, folder="Drafts", flags="SD") for age, to, subject, text in drafts]


def _junk() -> list[Sketch]:
    junk = (
        (
            0.5,
            "Dr. Fortune <fortune@inheritance.example>",
            "Your uncle the Duke has died (again)",
            "Kindly send a teaspoon of gold.",
        ),
        (1.7, "Cheap Watches <sale@r0lex.example>", "R0LEX -97% only t0day!!!", "They tell a time."),
        (
            3.0,
            "Mailbox Full <admin@dem0.test.phish.example>",
            "Your mailbox is 112% full",
            "Log in here to pour some out.",
        ),
        (
            4.0,
            "Lonely Lighthouse <beam@blink.example>",
            "I saw you from afar",
            "I turn round once every ten seconds. Do you?",
        ),
        (
            9.0,
            "SEO Magic <rank@seo.example>",
            "We noticed your website is not first",
            "Neither is ours, but we noticed.",
        ),
        (
            20.9,
            "Crypto Kelp <coin@kelp.example>",
            "Invest in seaweed that exists",
            "It grows 4 cm a day. The price also.",
        ),
    )
    html = '<center><font size="7" color="red">{0}</font><img src="https://spam.example/{1}.gif"></center>'
    return [
        Sketch(
            age,
            sender,
            subject,
            text + "\n",
            html=html.format(text, number),
            folder="Junk",
            flags="SJ" if number > 2 else "J",
            headers=("X-Spam-Flag: YES", f"X-Spam-Score: {9 + number}.7"),
        )
        for number, (age, sender, subject, text) in enumerate(junk)
    ]


def _trash() -> list[Sketch]:
    thrown = (
        (2.2, "Lunch Robot <menu@pilot-house.example>", "Menu of the day", "Soup. (As yesterday.)"),
        (3.2, "Lunch Robot <menu@pilot-house.example>", "Menu of yesterday", "Soup."),
        (12.5, "Survey <survey@how-was-it.example>", "How was your hook?", "On a scale of one to hook."),
    )
    return [Sketch(age, sender, subject, text + "\n", folder="Trash") for age, sender, subject, text in thrown]


def _own() -> list[Sketch]:
    kyoto = "森 京子 <mori@kyoto-tokei.example>"
    return [
        Sketch(
            47.0,
            kyoto,
            "京都の潮時計",
            "京都に海はありませんが、潮の時計はよく合っています。\n\n森\n",
            folder=_TIDE,
            flags="SF",
        ),
        Sketch(44.0, kyoto, "Re: 京都の潮時計", "川の音が聞こえるところに置きました。\n", folder=_TIDE),
        Sketch(
            40.0,
            kyoto,
            "写真",
            "庭からの写真です。\n",
            folder=_TIDE,
            flags="",
            files=(File("庭.png", "image/png", seascape(120, 80, 7)),),
        ),
        Sketch(52.0, "Amara Diallo <amara@diallo.example>", "Onions, a second opinion", "Slower.\n", folder=_RECIPES),
        Sketch(
            58.0,
            "Jürgen Groß <gross@feinmechanik.example>",
            "Käsespätzle für zwölf Personen",
            "Mehl, Eier, Geduld. Und Käse, bis jemand „genug“ sagt. Niemand sagt es.\n",
            folder=_RECIPES,
            charset="windows-1252",
        ),
        Sketch(
            66.0,
            "Сергей Волков <volkov@chasy.example>",
            "Письмо к Новому году",
            "С Новым годом! Пусть все часы идут, а спешить будем только в гости.\n",
            folder=_LETTERS,
            charset="koi8-r",
        ),
        Sketch(
            33.3,
            "Pia Sandoval <pia@sandoval-architects.example>",
            "Scale of the boats",
            "1:200, captains included.\n",
            folder=_LONG,
        ),
        Sketch(
            32.2,
            BOB,
            "Boats",
            "I have carved eleven. The twelfth is a chip that looks like one.\n",
            folder=_LONG,
            flags="",
        ),
        Sketch(31.1, BOB, "Model: glue", "The glue smells of harbour. Success.\n", folder="Projects/Harbour model"),
    ]
