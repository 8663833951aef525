"""What the handlers of the WEBMAIL service work with."""

from dataclasses import dataclass, field

from hsp.config import Settings
from hsp.foundation.clock import Clock
from hsp.foundation.http import FencedTransport, httpx
from hsp.mail import Mailbox, MailService, Outbox, Principal
from hsp.sessions import Sessions
from hsp.webmail.attention import Attention
from hsp.webmail.format import Dates, zone_named
from hsp.zones import PageRequest

ZONE_COOKIE = "tz"


@dataclass(slots=True)
class Webmail:
    """The verbs of the service. `outside` is the one way to an outside image: public addresses only."""

    mail: MailService
    outbox: Outbox
    sessions: Sessions
    settings: Settings
    clock: Clock
    outside: httpx.AsyncBaseTransport = field(default_factory=FencedTransport)
    attention: Attention = field(init=False)

    def __post_init__(self) -> None:
        self.attention = Attention(self.outbox, self.clock)

    def mailbox(self, request: PageRequest) -> Mailbox:
        """The mailbox of whoever asks."""
        return self.mail.mailbox(principal(request))

    def dates(self, request: PageRequest) -> Dates:
        """Times in words, in the time zone the browser named (a name that is no zone counts as none)."""
        return Dates(self.clock.time(), zone_named(request.cookies.get(ZONE_COOKIE, "")))


def principal(request: PageRequest) -> Principal:
    """Who asks, as the mail verbs want to know it."""
    session = request.session
    return Principal(session.account, session.credential, session.uuid)
