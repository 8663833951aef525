"""What an upstream is shown to prove who is asking.

Promise: a credential never shows its secret by accident. Its `repr` and `str` name the user and the mechanism only,
and what a pool compares is a keyed fingerprint, never the secret itself.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Literal

Mechanism = Literal["password", "xoauth2", "oauthbearer"]


@dataclass(frozen=True, slots=True)
class Credential:
    """A user name as the upstream wants to hear it, and a password or an access token.

    `mechanism` says what `secret` is: a password (LOGIN or SASL PLAIN), or an OAuth access token sent by XOAUTH2
    (Google's and Microsoft's form) or OAUTHBEARER (RFC 7628).
    """

    mechanism: Mechanism
    username: str
    secret: str = field(repr=False)

    def fingerprint(self, key: bytes) -> bytes:
        """HMAC-SHA256 under `key` over all three fields: equal credentials and no others have equal fingerprints."""
        mac = hmac.new(key, digestmod=hashlib.sha256)
        for value in (self.mechanism, self.username, self.secret):
            encoded = value.encode("utf-8", "surrogatepass")
            # The length in front keeps ("ab", "c") and ("a", "bc") apart.
            mac.update(len(encoded).to_bytes(8, "big") + encoded)
        return mac.digest()
