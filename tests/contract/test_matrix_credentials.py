"""Every page and route, every method, every credential: the one expected answer, computed from the declarations.

Classes SC-21, SC-22, SC-29, SC-38 and SC-41. A page that is added appears here by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hsp.protocols.credentials import Credential
from hsp.zones.declarations import SAFE_METHODS, CredentialKind, Declaration, Permission, Zone
from hsp.zones.headers import NO_STORE
from tests.support.declared import DECLARATIONS, PAGES, PRIVATE, ROUTES
from tests.support.dovecot import DovecotServer
from tests.support.gateway import ALICE, HOST, OTHER_HOST, PASSWORD, SAME_ORIGIN, Pair, Reply, World

pytestmark = pytest.mark.anyio

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get")
WRONG = (
    "none",
    "empty",
    "malformed",
    "hostile",
    "forged key",
    "forged cookie",
    "key only",
    "cookie only",
    "own key, other user's cookie",
    "other user's key, own cookie",
    "halves swapped",
    "other surface",
    "other virtual host",
    "expired",
    "killed",
    "logged out",
    "planted before login",
    "old twin",
    "capability as key",
)
# A live cookie alone may be resumed by its owner's own click; it is the only one that is answered differently, at "/".
RESUMABLE = frozenset(
    {"cookie only", "forged key", "own key, other user's cookie", "other user's key, own cookie", "capability as key"}
)
# Nobody else's POST is kept: without a key one's own live session holds it, after the end by time the old pair does.
KEPT = frozenset({"cookie only", "expired"})


BOTH_ZONES = "index"


def named(declarations: list[Declaration]) -> Any:
    return pytest.mark.parametrize("declaration", declarations, ids=lambda declaration: declaration.name)


@dataclass
class Case:
    """The credentials of one run; `valid` is a live pair, `tokens` are capability tokens by what is wrong with them."""

    world: World
    valid: Pair
    wrong: dict[str, Pair]
    tokens: dict[str, str]

    async def ask(self, method: str, path: str, pair: Pair, **headers: str) -> Reply:
        query = f"?_h={pair.key}" if pair.key else ""
        sent = {"host": HOST, **({"cookie": f"_hmail={pair.cookie}"} if pair.cookie else {})}
        own = {} if method in SAFE_METHODS else {**SAME_ORIGIN, "content-length": "0"}
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.world.raw(method, f"{path}{query}".encode("latin-1"), {**sent, **own, **more})


async def started(world: World, account: str, **more: Any) -> Any:
    options = {"surface": "webmail", "virtual_host": "", "device": "test", "address": "198.51.100.7", **more}
    credential = Credential("password", account, PASSWORD)
    return await world.gateway.sessions.start(account=account, credential=credential, **options)


@pytest.fixture(scope="module")
async def case(world: World, dovecot: DovecotServer) -> Case:
    sessions, own, other = world.gateway.sessions, dovecot.new_user(), ALICE

    async def pair(account: str = own, **more: Any) -> Pair:
        issued = await started(world, account, **more)
        return Pair(issued.session_key, issued.cookie)

    expired, stale = await pair(), await started(world, own)
    old_grant = await sessions.grant(stale.session, message="bWVzc2FnZQ")
    world.clock.advance(world.gateway.settings.webmail.session_activity_timeout + 1)
    one, two = await pair(), await pair(other)
    killed, logged_out, rotated = [await started(world, own) for _ in range(3)]
    ended_grant = await sessions.grant(killed.session, message="bWVzc2FnZQ")
    await sessions.end_by_uuid(own, killed.session.uuid)
    await sessions.end(logged_out.session)
    await sessions.rotate(rotated.session)
    planted = await pair(other)
    await world.browser(pair=planted).log_in(own)
    living = await started(world, own)
    grant = await sessions.grant(living.session, message="bWVzc2FnZQ")
    assert grant
    assert old_grant
    assert ended_grant
    token = sessions.capability(grant, part="2")
    wrong = {
        "none": Pair("", ""),
        "empty": Pair("%20", ""),
        "malformed": Pair("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
        "hostile": Pair("..%2F%7Bx%7D%2A*'%22%3C", "..*{x}<'>"),
        "forged key": Pair(flipped(one.key), one.cookie),
        "forged cookie": Pair(one.key, flipped(one.cookie)),
        "key only": Pair(one.key, ""),
        "cookie only": Pair("", one.cookie),
        "own key, other user's cookie": Pair(one.key, two.cookie),
        "other user's key, own cookie": Pair(two.key, one.cookie),
        "halves swapped": Pair(one.cookie, one.key),
        "other surface": await pair(surface="webadmin"),
        "other virtual host": await pair(virtual_host=OTHER_HOST),
        "expired": expired,
        "killed": Pair(killed.session_key, killed.cookie),
        "logged out": Pair(logged_out.session_key, logged_out.cookie),
        "planted before login": planted,
        "old twin": Pair(rotated.session_key, rotated.cookie),
        "capability as key": Pair(token, one.cookie),
    }
    tokens = {
        "valid": token,
        "other part": token.replace(".", "x.", 1),
        "forged": flipped(token),
        "malformed": "x",
        "a session key": one.key,
        "a cookie": one.cookie,
        "expired": sessions.capability(old_grant, part="2"),
        "of a killed session": sessions.capability(ended_grant, part="2"),
    }
    return Case(world, one, wrong, tokens)


def flipped(secret: str) -> str:
    """The same with its last but one character changed (the last one may carry bits that decode to nothing)."""
    return secret[:-2] + ("A" if secret[-2] != "A" else "B") + secret[-1]


# The table itself


async def test_the_service_serves_what_the_matrix_knows_and_nothing_else(world: World) -> None:
    assert {*world.gateway.asgi.declarations} == {*DECLARATIONS}
    assert len(PRIVATE) >= 9


async def test_every_wrong_credential_is_in_the_matrix(case: Case) -> None:
    assert set(case.wrong) == set(WRONG)
    assert len({(pair.key, pair.cookie) for pair in case.wrong.values()}) == len(WRONG)


@named(DECLARATIONS)
def test_sc38_what_changes_state_needs_the_permission_to_write(declaration: Declaration) -> None:
    changes = set(declaration.methods) - SAFE_METHODS
    if declaration.zone is Zone.PRIVATE:
        assert declaration.permission is (Permission.WRITE if changes else Permission.READ)
    assert not (changes and declaration.credential is CredentialKind.CAPABILITY)


# Pages


def expected(declaration: Declaration, method: str, credential: str) -> tuple[int, str]:
    """Status and start of `Location` for a wrong credential."""
    if method not in {"GET", "HEAD", "POST"}:
        return 405, ""
    if declaration.name == BOTH_ZONES and method in SAFE_METHODS:
        return 200, ""
    if declaration.zone is Zone.PUBLIC:
        return (200 if {"HEAD": "GET"}.get(method, method) in declaration.methods else 405), ""
    if declaration.replayable and method == "POST" and credential in KEPT:
        return 303, "/?m=11"
    return 303, "/?m=2"


@pytest.mark.parametrize("method", METHODS)
@named(PAGES)
async def test_sc21_a_wrong_credential_has_one_answer(case: Case, declaration: Declaration, method: str) -> None:
    answers: dict[tuple[int, str], set[object]] = {}
    for name in WRONG:
        reply = await case.ask(method, declaration.path, case.wrong[name])
        status, location = expected(declaration, method, name)
        assert (reply.status, reply["location"].partition("&")[0]) == (status, location), (name, reply)
        leaks_nothing(case, reply)
        if status == 303:
            answers.setdefault((status, location), set()).add(reply.without_id)
    for same in answers.values():
        assert len(same) == 1, "wrong credentials can be told apart"


@named(PRIVATE)
async def test_sc21_programs_get_one_json_answer(case: Case, declaration: Declaration) -> None:
    if declaration.name == BOTH_ZONES:
        return
    for method in ("GET", "POST"):
        answers = set()
        for name in set(WRONG) - (KEPT if declaration.replayable else set()):
            reply = await case.ask(method, declaration.path, case.wrong[name], accept="application/json")
            assert reply.status == 401, (name, reply)
            assert "set-cookie" not in dict(reply.headers)
            answers.add(reply.without_id)
        assert len(answers) == 1
        assert reply.body == b'{"error":"session_required"}'


async def test_sc21_a_page_that_is_not_there_answers_like_one_that_is(case: Case) -> None:
    for name in WRONG:
        for method in ("GET", "HEAD", "POST"):
            there = await case.ask(method, "/mail.hsp", case.wrong[name])
            absent = await case.ask(method, "/mile.hsp", case.wrong[name])
            assert absent.without_id == tuple(
                part
                if not isinstance(part, tuple)
                else tuple((key, value.replace("mail", "mile")) for key, value in part)
                for part in there.without_id
            ), name
    assert (await case.ask("GET", "/mile.hsp", case.valid)).status == 404


@pytest.mark.parametrize("name", WRONG)
async def test_the_start_page_is_the_login_page_or_offers_to_resume(case: Case, name: str) -> None:
    reply = await case.ask("GET", "/", case.wrong[name])
    assert ('value="resume"' in reply.text) == (name in RESUMABLE)
    assert ('value="login"' in reply.text) == (name not in RESUMABLE)


@pytest.mark.parametrize("method", METHODS)
@named(PRIVATE)
async def test_sc22_a_valid_pair_opens_what_is_declared_and_no_more(
    case: Case, declaration: Declaration, method: str
) -> None:
    reply = await case.ask(method, declaration.path, case.valid)
    plain = "GET" if method == "HEAD" else method
    if method not in {"GET", "HEAD", "POST"}:
        assert (reply.status, reply["allow"]) == (405, "GET, HEAD, POST")
    elif plain not in declaration.methods:
        assert reply.status == 405
        assert set(reply["allow"].split(", ")) - {"HEAD"} == set(declaration.methods)
    else:
        assert reply.status in {200, 303, 400, 404, 422}, reply
        assert "m=2" not in reply["location"]
        assert 'value="login"' not in reply.text
    if method == "HEAD":
        assert reply.body == b""
    if method == "GET" and declaration.name in {"index", "mail", "compose", "sessions", "outbox"}:
        assert reply.status == 200


@pytest.mark.parametrize("method", ["POST", "GET"])
@named(PRIVATE)
async def test_the_key_may_travel_in_the_header(case: Case, declaration: Declaration, method: str) -> None:
    bare = Pair("", case.valid.cookie)
    right = await case.ask(method, declaration.path, bare, hsp_session=case.valid.key)
    assert right.status == (await case.ask(method, declaration.path, case.valid)).status
    wrong = await case.ask(method, declaration.path, bare, hsp_session=flipped(case.valid.key))
    assert wrong.status == (200 if declaration.name == BOTH_ZONES and method == "GET" else 401)


# Routes


@pytest.mark.parametrize("method", METHODS)
@named(ROUTES)
async def test_a_capability_route_opens_to_its_token_only(case: Case, declaration: Declaration, method: str) -> None:
    assert declaration.credential is CredentialKind.CAPABILITY, "write the matrix of the new kind of route"
    refused = set()
    for name, token in case.tokens.items():
        for pair in (Pair("", ""), case.valid):
            reply = await case.ask(method, declaration.path + token, pair)
            if method not in {"GET", "HEAD", "POST"}:
                assert reply.status == 405
            elif name == "valid":
                assert reply.status == (405 if method == "POST" else 404), (
                    "the message is not there: a grant opens no more"
                )
            else:
                assert reply.status == 403, (name, reply)
                refused.add(reply.without_id)
    assert len(refused) <= 1, "refused tokens can be told apart"


async def test_a_capability_token_is_no_session_anywhere(case: Case) -> None:
    for declaration in PRIVATE:
        for pair in (Pair(case.tokens["valid"], ""), Pair(case.tokens["valid"], case.tokens["valid"])):
            reply = await case.ask("POST", declaration.path, pair)
            assert reply["location"].startswith("/?m=2")


@pytest.mark.parametrize(
    "path", ["/nothing/x", "/Capability/x", "/capability", "/static/x.css", "/private/mail.hsp", "/x.php"]
)
async def test_what_is_declared_nowhere_is_not_found_whoever_asks(case: Case, path: str) -> None:
    for method in ("GET", "HEAD", "POST"):
        answers = {(await case.ask(method, path, pair)).without_id for pair in (*case.wrong.values(), case.valid)}
        assert {answer[0] for answer in answers} == {404}
        assert len(answers) == 1


# What every answer carries


@named(PAGES)
async def test_every_answer_carries_the_security_headers(case: Case, declaration: Declaration) -> None:
    for method in METHODS:
        for pair in (case.valid, case.wrong["none"]):
            carries_the_headers(await case.ask(method, declaration.path, pair))


def carries_the_headers(reply: Reply) -> None:
    policy = reply["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "") or "sandbox" in policy
    assert reply["x-content-type-options"] == "nosniff"
    assert reply["cache-control"] == NO_STORE
    assert reply["referrer-policy"] in {"same-origin", "no-referrer"}
    assert reply["x-frame-options"] in {"DENY", "SAMEORIGIN"}
    assert len(reply["x-request-id"]) >= 8
    assert len({name for name, _ in reply.headers if name != "set-cookie"}) == sum(
        name != "set-cookie" for name, _ in reply.headers
    )


def leaks_nothing(case: Case, reply: Reply) -> None:
    """No part of any secret comes back to whoever holds only half of it."""
    everything = reply.body + repr(reply.headers).encode()
    for secret in secrets_of(case):
        assert secret.encode() not in everything


def secrets_of(case: Case) -> Iterator[str]:
    for pair in (case.valid, case.wrong["killed"], case.wrong["expired"], case.wrong["other virtual host"]):
        yield from (pair.key, pair.cookie, pair.cookie.rpartition(".")[2], pair.key.rpartition(".")[2])
