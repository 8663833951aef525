"""What went wrong with mail, as an answer. Everything raised by mail verbs ends here."""

from starlette.responses import Response

from hsp.foundation.logs import get_logger
from hsp.foundation.sql import DatabaseError
from hsp.mail import MailError
from hsp.mail.content import TooComplex
from hsp.webmail.words import ERRORS
from hsp.zones import PageRequest
from hsp.zones.words import UNKNOWN

_STATUS: dict[str, int] = {
    "login_rejected": 403,
    "upstream_away": 503,
    "upstream_busy": 503,
    "upstream_nonsense": 502,
    "over_quota": 507,
    "folder_gone": 404,
    "message_gone": 404,
    "too_large": 413,
    "not_allowed": 403,
    "bad_draft": 400,
}
_LATER = 10
_log = get_logger("hsp.webmail")


def on_error(request: PageRequest, error: Exception) -> Response | None:
    """The page for an error we know; None leaves it to the service (500)."""
    if isinstance(error, MailError):
        status = _STATUS.get(error.key, 500)
        _log.info("mail_error", key=error.key, detail=error.detail, request_id=request.request_id, status=status)
        later = max(1, round(error.retry_after)) if error.retry_after else _LATER
        return _problem(request, status, error.key, later if status == 503 else None)
    if isinstance(error, TooComplex):
        return _problem(request, 422, "too_complex")
    if isinstance(error, DatabaseError):
        _log.error("database_away", error=str(error), request_id=request.request_id)
        return _problem(request, 503, "database_away", _LATER)
    return None


def _problem(request: PageRequest, status: int, key: str, retry_after: int | None = None) -> Response:
    title, text = ERRORS.get(key, UNKNOWN)
    return request.problem(status, key, retry_after=retry_after, title=title, text=text)
