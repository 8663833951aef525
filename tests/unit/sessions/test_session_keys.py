"""Session keys and cookies: every malformed or foreign one is None, and none of them reaches the store."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hsp.foundation.sealing import KeyRing
from hsp.sessions import Sessions
from hsp.sessions.keys import SessionKeys
from tests.support.clock import ManualClock
from tests.support.sessions import HOST, UntouchedStore

pytestmark = pytest.mark.anyio

RING = KeyRing.generate()
KEYS = SessionKeys(RING)
PAIR = KEYS.new_pair()
KEY = KEYS.session_key(PAIR, cookieless=False)
COOKIE = PAIR.cookie
SESSIONS = Sessions(UntouchedStore(), RING, ManualClock())

anything = st.one_of(
    st.none(),
    st.text(max_size=120),
    st.text(alphabet="abcdefghijklmnopqrstuvwxyz234567-_.{}:\r\n\0 ", max_size=120),
    st.builds(lambda cut: KEY[:cut], st.integers(0, len(KEY) - 1)),
    st.builds(lambda at, new: KEY[:at] + new + KEY[at + 1 :], st.integers(0, len(KEY) - 1), st.characters()).filter(
        lambda text: text != KEY
    ),
    st.builds(lambda front, back: front + KEY + back, st.text(max_size=5), st.text(max_size=5)).filter(
        lambda text: text != KEY
    ),
)


@given(key=anything, cookie=st.one_of(st.none(), st.just(COOKIE), st.text(max_size=120)))
@example(key="", cookie="")
@example(key="\ud800" * 30, cookie="\udfff" * 70)
@example(key=KEY.upper(), cookie=COOKIE)
@example(key=KEY + "\n", cookie=COOKIE)
@example(key=COOKIE, cookie=COOKIE)
@example(key="٣" * 92, cookie=COOKIE)
@example(key="a" * 1_000_000, cookie="b" * 1_000_000)
async def test_sc21_a_key_that_is_not_ours_opens_nothing_and_asks_nobody(key: str | None, cookie: str | None) -> None:
    assert await SESSIONS.open(key, cookie, surface="webmail", virtual_host=HOST) is None


@given(
    st.one_of(
        st.none(),
        st.text(max_size=120),
        st.builds(lambda cut: COOKIE[:cut], st.integers(0, len(COOKIE) - 1)),
        st.builds(lambda back: COOKIE + back, st.text(min_size=1, max_size=3)),
        st.builds(lambda at: COOKIE[:at] + "{" + COOKIE[at + 1 :], st.integers(0, len(COOKIE) - 1)),
    )
)
async def test_sc21_a_malformed_cookie_opens_nothing_and_asks_nobody(cookie: str | None) -> None:
    assert await SESSIONS.open(KEY, cookie, surface="webmail", virtual_host=HOST) is None
    assert await SESSIONS.peek_cookie(cookie, surface="webmail", virtual_host=HOST) is None
    assert await SESSIONS.resume(cookie, surface="webmail", virtual_host=HOST) is None


def test_a_pair_reads_back_as_itself() -> None:
    assert KEYS.read_both(KEY, COOKIE) == PAIR == KEYS.read_cookie(COOKIE)
    # The second reading is the remembered one.
    assert KEYS.read_both(KEY, COOKIE) == PAIR


def test_a_cookieless_key_brings_its_own_twin() -> None:
    bare = KEYS.session_key(PAIR, cookieless=True)
    assert KEYS.read_both(bare, None) == PAIR
    assert KEYS.read_both(bare, KEYS.new_pair().cookie) == PAIR
    assert KEYS.read_both(bare[: len(COOKIE)], None) is None


def test_a_key_and_the_cookie_of_another_session_are_no_pair() -> None:
    assert KEYS.read_both(KEY, KEYS.new_pair().cookie) is None


def test_a_key_signed_by_another_ring_is_refused() -> None:
    elsewhere = SessionKeys(KeyRing.generate())
    assert elsewhere.read_session_key(KEY) is None
    assert elsewhere.read_cookie(COOKIE) is None


def test_what_the_ring_signed_for_another_purpose_is_no_session_key() -> None:
    assert KEYS.read_session_key(RING.sign("login", PAIR.id, PAIR.ring_key)) is None


def test_the_public_uuid_outlives_the_twin_and_tells_nothing() -> None:
    rotated = KEYS.new_twin(PAIR.id)
    assert rotated.uuid == PAIR.uuid
    assert rotated.name != PAIR.name
    assert rotated.twin != PAIR.twin
    assert PAIR.uuid not in KEY
    assert PAIR.uuid not in COOKIE


def test_pairs_are_never_alike() -> None:
    pairs = [KEYS.new_pair() for _ in range(200)]
    assert len({pair.id for pair in pairs}) == len({pair.twin for pair in pairs}) == 200
    assert all(len(pair.twin) == 43 for pair in pairs)


def test_no_half_shows_in_a_repr() -> None:
    halves = KEYS.read_session_key(KEYS.session_key(PAIR, cookieless=True))
    shown = repr(PAIR) + repr(halves) + str(PAIR)
    assert PAIR.twin not in shown
    assert PAIR.id not in shown


def test_remembered_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hsp.sessions.keys._REMEMBERED", 3)
    keys = SessionKeys(RING)
    issued = [keys.session_key(keys.new_pair(), cookieless=False) for _ in range(10)]
    assert all(keys.read_session_key(key) for key in issued)
    assert list(keys._known) == issued[-3:]


def test_the_key_of_a_cookieless_session_is_not_remembered() -> None:
    keys = SessionKeys(RING)
    assert keys.read_session_key(keys.session_key(PAIR, cookieless=True))
    assert not keys._known
