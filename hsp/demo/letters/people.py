"""Family, friends and neighbours."""

from __future__ import annotations

from hsp.demo.letters.files import jpeg, seascape
from hsp.demo.letters.letter import ALICE, File, Sketch, thread

MAYA = "Maya Marlowe <maya@marlowe.example>"
GRANDPA = "Edwin Marlowe <edwin@marlowe.example>"
PETRA = "Petra Lindqvist <petra@allotments.example>"
CHESS = "Henrik Aas <henrik@correspondence-chess.example>"
CHOIR = "Port Ellery Choir <choir@port-ellery.example>"


def letters() -> list[Sketch]:
    """Mails between people."""
    return [*_chess(), *_sister(), *_allotment(), *_choir(), *_single()]


def _chess() -> list[Sketch]:
    return thread(
        "Our game, move by move",
        (29.0, CHESS, "Dear Alice,\n\n18. Nf5. I have thought about it for a week, chiefly in the bath.\n\nHenrik"),
        (
            27.5,
            ALICE,
            "Dear Henrik,\n\n18. ... Bxf5. I thought about it for a minute, chiefly because I had to.\n\nAlice",
        ),
        (24.8, CHESS, "19. exf5. My wife asks me to tell you that the bath is now wanted by others.\n\nHenrik"),
        (23.0, ALICE, "19. ... d5. Please give her my regards, and consider the desk.\n\nAlice"),
        (18.4, CHESS, "20. Rad1. At the desk! It is colder, and one sees one's mistakes sooner.\n\nHenrik"),
        (16.5, ALICE, "20. ... Qc7. I am moving the queen so that she has a view.\n\nAlice"),
        (8.2, CHESS, "21. g4. This may be brilliant. I shall know in about three weeks.\n\nHenrik"),
        (
            0.5,
            CHESS,
            """Dear Alice,

I should like to add to my last letter: it was not brilliant. It stands, of course. 21. g4, and my hat off.

Henrik""",
        ),
        flags=("SA", "S", "SA", "S", "SA", "S", "SF", ""),
    )


def _sister() -> list[Sketch]:
    return thread(
        "Mum's seventieth",
        (
            10.6,
            MAYA,
            """Alice!

Six weeks to go and no plan. Ideas so far:
 - a boat (Dad gets seasick on piers)
 - a brass band (the neighbours, again)
 - a cake in the shape of a tide clock (could you draw one?)

Call me, or write, or both, you know how I am.
M.""",
        ),
        (
            10.4,
            ALICE,
            """The cake. I shall draw it to scale and Bob will check the gearing.

As to the band: three players, no tuba, in the garden, before eight.""",
        ),
        (10.3, MAYA, "No tuba??"),
        (10.2, ALICE, "One tuba. Muted."),
        (
            10.1,
            MAYA,
            """Muted tuba it is. I asked the baker about the cake; she wants to know if the hand must really move.

I said yes before thinking. Sorry. Or not sorry.""",
        ),
        flags=("SA", "S", "SA", "S", "SF"),
    )


def _allotment() -> list[Sketch]:
    return thread(
        "Slugs at plot 14",
        (
            21.2,
            PETRA,
            "Your beans have visitors. I have moved eleven of them to the compost, with a stern word each.\nPetra",
        ),
        (21.0, ALICE, "You are an angel of the beans. Did the stern word help?"),
        (20.8, PETRA, "Three came back for another. I think they like being spoken to."),
        flags=("SA", "S", "S"),
    )


def _choir() -> list[Sketch]:
    return thread(
        "Altos wanted, also a piano stool",
        (
            5.5,
            CHOIR,
            """Dear singers,

we have nineteen sopranos, four altos, and no piano stool since the incident. If you are an alto, or own a stool,
please come on Thursday at seven. If you are both, come at half past six.

The committee""",
        ),
        (5.0, ALICE, "I am an alto and have a stool. Half past six?"),
        (4.9, CHOIR, "Half past six. Bring the stool first."),
        flags=("SA", "S", ""),
    )


def _single() -> list[Sketch]:
    return [
        Sketch(
            0.15,
            GRANDPA,
            "IMPORTANT: HOW DO I TURN OFF THE CAPITALS",
            "DEAR ALICE\n\nTHE MACHINE HAS BEEN SHOUTING SINCE TUESDAY. I AM NOT CROSS. PLEASE"
            " ADVISE.\n\nYOUR GRANDFATHER\n",
            flags="F",
        ),
        Sketch(
            0.1,
            GRANDPA,
            "found it",
            "it was the key with the small light. i now cannot make large letters at all but it is"
            " restful.\n\nlove, e.\n",
            flags="",
        ),
        Sketch(
            3.9,
            MAYA,
            "Pictures from the pier",
            "As promised. The last one is Dad not being seasick, for the record.\n",
            files=(
                File("pier-1.png", "image/png", seascape(160, 90, 9)),
                File("pier-2.png", "image/png", seascape(160, 90, 16)),
                File("dad.jpg", "image/jpeg", jpeg(24, 16, lambda x, y: 255 - abs(12 - x) * 12 - abs(8 - y) * 10)),
            ),
        ),
        Sketch(
            13.3,
            "Nora Bright <nora@night-ferry.example>",
            "A postcard, as text",
            "[picture: a ferry, far too small for the sea]\n\nThe coffee is strong, the cabin is a"
            " cupboard, and I have seen"
            " two whales or one whale twice.\n\nNora\n",
        ),
        Sketch(
            16.2,
            "Landlord <j.pike@pike-and-daughters.example>",
            "The roof, and what is on it",
            "Dear Ms Marlowe,\n\nthe noise you report is the weathercock. He was installed in 1911"
            " and has opinions about the"
            " north-west. We shall oil him on Friday.\n\nJ. Pike\n",
            flags="SA",
        ),
        Sketch(
            25.1,
            "Port Ellery Library <desk@library.port-ellery.example>",
            "A book of yours is due",
            'Dear reader,\n\n"The Moon for Engineers" is due on Friday. Nobody else has asked for it'
            " since 1987; you may keep"
            " it as long as you like, but please come in and say so.\n",
        ),
        Sketch(
            26.6,
            "Dr. Okonkwo's Practice <desk@okonkwo-dental.example>",
            "See you on the 4th",
            "A reminder of your visit on the 4th at 10.20. The chair has been repaired and no longer"
            " rises by itself.\n",
        ),
        Sketch(
            33.0,
            "Amara Diallo <amara@diallo.example>",
            "Recipe!",
            "You asked. Onions first, slowly, slower than that. Then the rice, then everything else"
            " you own. Do not stir"
            " while somebody is watching.\n\nLove\nAmara\n",
            flags="S>",
        ),
        Sketch(
            38.2,
            "Neighbour at No. 9 <ada@number-nine.example>",
            "Your cat",
            "Your cat Admiral was at our supper again. He had the trout. He left the lemon. We are"
            " not complaining, we would"
            " only like to know whether he has told you about us.\n\nAda\n",
            flags="SAF",
        ),
        Sketch(
            0.45,
            "Ada Quill <ada@number-nine.example>",
            "Your cat, continued",
            "He has brought a friend.\n",
            flags="",
        ),
    ]
