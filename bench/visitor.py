"""A program that logs in to a gateway and asks for pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import httpx

from bench.world import PASSWORD

_AGENT = "hsp-bench"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Both halves of a session at one gateway."""

    port: int
    session_key: str
    cookie: str

    @classmethod
    def login(cls, port: int, account: str, client: httpx.Client) -> Self:
        """Log in as programs do: JSON, no Origin. Raises RuntimeError when that fails."""
        answer = client.post(
            f"http://127.0.0.1:{port}/",
            data={"action": "login", "username": account, "password": PASSWORD},
            headers={"accept": "application/json", "user-agent": _AGENT},
        )
        cookie = answer.cookies.get("_hmail")
        client.cookies.clear()
        if answer.status_code != 200 or not cookie:
            raise RuntimeError(f"login of {account}: {answer.status_code} {answer.text[:300]}")
        return cls(port, str(answer.json()["sessionKey"]), cookie)

    def at(self, port: int) -> Visitor:
        """The same session at another gateway."""
        return Visitor(port, self.session_key, self.cookie)

    def target(self, path: str) -> str:
        """A path with the session key in its query."""
        return f"{path}{'&' if '?' in path else '?'}_h={self.session_key}"

    def request(self, path: str) -> str:
        """A whole GET as it goes over the wire, with what a browser sends along."""
        return (
            f"GET {self.target(path)} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUser-Agent: {_AGENT}\r\n"
            f"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\nCookie: _hmail={self.cookie}\r\n\r\n"
        )

    def get(self, path: str, client: httpx.Client) -> httpx.Response:
        """One GET."""
        headers = {"cookie": f"_hmail={self.cookie}", "user-agent": _AGENT}
        return client.get(f"http://127.0.0.1:{self.port}{self.target(path)}", headers=headers)

    def post(self, path: str, form: dict[str, str], client: httpx.Client) -> httpx.Response:
        """One POST from a page of the gateway's own."""
        headers = {
            "cookie": f"_hmail={self.cookie}",
            "user-agent": _AGENT,
            "sec-fetch-site": "same-origin",
            "origin": f"http://127.0.0.1:{self.port}",
        }
        data = {"_h": self.session_key, **form}
        return client.post(f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers)
