"""Account names: one spelling per account, whatever was typed.

Promise: two spellings that reach the same mailbox give one name, so that no counter and no session list can be
side-stepped by writing a name differently. What could not be a name is refused, never repaired.
"""

import unicodedata

_LONGEST = 320
_LONGEST_LOCAL_PART = 64
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})


def normalise_account(text: str, *, default_domain: str = "") -> str:
    """`Alice@Demo.TEST` as `alice@demo.test`; a name without a domain gets `default_domain`.

    The domain is written in ASCII (RFC 5890 A-labels). Raises ValueError for what is no address: no domain, control
    or invisible characters, spaces inside, more than 64 octets before the "@" or 320 in all (RFC 3696, erratum 1690).
    """
    name = unicodedata.normalize("NFC", text[: _LONGEST + 1].strip(" \t"))
    if len(text) > _LONGEST or any(unicodedata.category(character) in _REFUSED for character in name):
        raise ValueError("not an account name")
    local_part, at, domain = name.rpartition("@")
    if not at:
        local_part, domain = name, default_domain
    local_part = unicodedata.normalize("NFC", local_part.lower())
    if not local_part or '"' in local_part or "@" in local_part or len(local_part.encode()) > _LONGEST_LOCAL_PART:
        raise ValueError("not an account name")
    return f"{local_part}@{_ascii_domain(domain)}"


def _ascii_domain(domain: str) -> str:
    try:
        # The codec maps case and full-width forms (RFC 3490, nameprep) and refuses empty and over-long labels.
        written = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError("not an account name") from None
    labels = written.split(".")
    if len(written) > 253 or not all(label and label.replace("-", "").replace("_", "").isalnum() for label in labels):
        raise ValueError("not an account name")
    return written
