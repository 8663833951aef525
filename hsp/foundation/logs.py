"""Logging: one line per event, with nothing in it that opens anything.

Promises:
- Session keys, cookies, passwords and authorisation headers never reach a log line, by field name or inside a URL.
- One event is one line: control characters of any origin are escaped, so that no client writes log lines of its own.
- A security event carries its address on the same line, for fail2ban and the like.
"""

import asyncio
import atexit
import contextlib
import json as jsonlib
import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

__all__ = ["AccessLog", "access_log", "configure", "get_logger", "redact", "security_event"]

REDACTED = "[redacted]"
_SECRET_FIELDS = re.compile(
    r"(?i)^(_h|_hmail|_hadmin|_hapi|cookie|set[-_]cookie|authorization|proxy[-_]authorization|hsp[-_]session"
    r"|.*passw(or)?d.*|.*secret.*|.*token|session[-_]?key|sessid|twin|code_verifier|x-axigen-session)$"
)
_IN_TEXT = re.compile(
    r"(?i)(?P<name>(?<![a-z0-9])(?:_h|_hmail|_hadmin|_hapi|password|passwd|(?:[a-z]+_)?token|client_secret|sessid|sessionkey"
    r"|(?<=[?&])(?:code|state))[\"']?\s*(?:=|:|%3D)\s*[\"']?)[^&#;\s\"'<>,}]+"
)
_AUTHORIZATION = re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9._~+/=-]{6,}")
# The shape of our own keys, wherever one turns up: an id with its signature, its twin, or both.
_OWN_KEY = re.compile(r"[a-z2-7]{6}-[A-Za-z0-9_-]{22}(?:\.[A-Za-z0-9_-]{20,43}){1,2}")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BARE = re.compile(r"[A-Za-z0-9_.:/@+*-]+\Z")
_SECURITY_LOGGER = "hsp.security"
_ACCESS_LOGGER = "hsp.access"


# Until `configure` is called (an import, a tool) structlog would print tracebacks with every local variable in them.
structlog.configure(
    processors=[
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)


def redact(text: str) -> str:
    """The text without what opens anything: our keys, query values with secret names, Authorization values."""
    text = _IN_TEXT.sub(lambda match: match["name"] + REDACTED, text)
    text = _AUTHORIZATION.sub(lambda match: f"{match[1]} {REDACTED}", text)
    return _OWN_KEY.sub(REDACTED, text)


def escape(text: str) -> str:
    """The text on one line: control, line-separating and direction-changing characters as escapes."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def configure(level: str = "INFO", json: bool = False, stream: TextIO | None = None) -> None:
    """Sends all logging of the process, the libraries' too, as one line per event to `stream` (default: stderr)."""
    last = structlog.processors.JSONRenderer(default=str) if json else _as_text
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_before()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _clean, last],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for former in list(root.handlers):
        root.removeHandler(former)
    root.addHandler(handler)
    root_level = logging.getLevelNamesMapping()[level.upper()]
    global _access  # noqa: PLW0603  # one process has one log, as it has one root logger
    _access = AccessLog(stream or sys.stderr, json=json) if root_level <= logging.INFO else None
    root.setLevel(level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_before(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class AccessLog:
    """One line per request, past the cleaning chain: every value in it has a known form.

    Formatting and writing one line through `logging` costs a third of a session check. Lines are collected and
    written together a moment later; what a KILL takes with it is at most that moment's lines.
    """

    _FIELDS = ("service", "method", "page", "status", "ms", "request_id", "address")
    _MOMENT = 0.1

    def __init__(self, stream: TextIO, *, json: bool) -> None:
        self._stream = stream
        self._json = json
        self._lines: list[str] = []
        self._second = 0
        self._stamp = ""
        atexit.register(self.flush)

    def write(self, *values: object) -> None:
        """One request: service, method, page, status, milliseconds, request id, client address."""
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._stamp = datetime.fromtimestamp(self._second, UTC).isoformat(timespec="seconds")
        if not self._lines:
            self._schedule()
        self._lines.append(self._format(values))

    def _schedule(self) -> None:
        with contextlib.suppress(RuntimeError):  # no loop (a tool, a test): written with the next flush
            asyncio.get_running_loop().call_later(self._MOMENT, self.flush)

    def _format(self, values: tuple[object, ...]) -> str:
        *known, address = values
        shown = (*known, escape(str(address)))
        if self._json:
            fields = dict(zip(self._FIELDS, shown, strict=True))
            return jsonlib.dumps(
                {"timestamp": self._stamp, "level": "info", "logger": _ACCESS_LOGGER, "event": "request", **fields}
            )
        service, method, page, status, ms, request_id, client = shown
        return (
            f"{self._stamp} [info] {_ACCESS_LOGGER} request service={service} method={method} page={page} "
            f"status={status} ms={ms} request_id={request_id} address={client}"
        )

    def flush(self) -> None:
        """Write what was collected. A stream that is gone takes no lines and stops nobody (fails open)."""
        lines, self._lines = self._lines, []
        if lines:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write("\n".join((*lines, "")))
                self._stream.flush()


_access: AccessLog | None = None


def access_log() -> AccessLog | None:
    """Where requests are noted; None while logging is not configured or its level is above `info`."""
    return _access


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for one module: `log.info("what happened", field=value)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def security_event(event: str, *, address: str, account: str = "", **fields: object) -> None:
    """Writes one line to the security log: `hsp-security event=... address=... account="..." reason=...`.

    The line is text also where other logging is JSON, because ban tools match it with one expression.
    """
    told = {"event": event, "address": address, "account": account, **fields}
    logging.getLogger(_SECURITY_LOGGER).warning(security_line(told))


def security_line(fields: Mapping[str, object]) -> str:
    """The line of a security event. The account is always quoted, so that no account looks like another field."""
    pairs = " ".join(f"{name}={_quoted(value, always=name == 'account')}" for name, value in _cleaned(fields).items())
    return f"hsp-security {pairs}"


def _before() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]


def _clean(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return _cleaned(event)


def _cleaned(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: REDACTED if _SECRET_FIELDS.match(name) else _clean_value(value) for name, value in fields.items()}


def _clean_value(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return _cleaned({str(name): inner for name, inner in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean_value(inner) for inner in value]
    return redact(value if isinstance(value, str) else str(value))


def _as_text(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    told = str(event.pop("event", ""))
    if event.get("logger") == _SECURITY_LOGGER:
        return f"{event.get('timestamp')} {escape(told)}"
    front = f"{event.pop('timestamp', '')} {event.pop('level', ''):<8} {event.pop('logger', '')}: {escape(told)}"
    pairs = "".join(f" {name}={_quoted(value)}" for name, value in event.items())
    return front + pairs


def _quoted(value: object, *, always: bool = False) -> str:
    text = str(value)
    if _BARE.match(text) and not always:
        return text
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escape(quoted)}"'
