"""Sessions: the session key in `_h`, its twin in the cookie, and what both unlock.

Promises (each has tests of its name):
- Reading the store, even together with the key ring, yields no credential: records are sealed by the twin.
- A session key found in a log or a URL opens nothing by itself; cookieless sessions are the named exception, bound to
  the user agent and the network they began in.
- Logout and kill take effect on every node with the next request.
- When the store cannot be reached, nothing opens (StoreUnavailable).
"""

from hsp.foundation.redis import StoreUnavailable
from hsp.sessions.grants import Grant, Redeemed
from hsp.sessions.interrupted import InterruptedPost
from hsp.sessions.notices import Ended
from hsp.sessions.policy import Limits, Policy
from hsp.sessions.records import Issued, Session
from hsp.sessions.redis_store import RedisSessionStore
from hsp.sessions.registry import SessionInfo
from hsp.sessions.sessions import Sessions, TooManySessions
from hsp.sessions.store import Ending, SessionStore

__all__ = [
    "Ended",
    "Ending",
    "Grant",
    "InterruptedPost",
    "Issued",
    "Limits",
    "Policy",
    "Redeemed",
    "RedisSessionStore",
    "Session",
    "SessionInfo",
    "SessionStore",
    "Sessions",
    "StoreUnavailable",
    "TooManySessions",
]
