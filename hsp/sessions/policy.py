"""How long sessions live, and how many an account may have."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds without use, seconds in all, and sessions per account on one surface. 0 means no limit."""

    idle: int = 900
    absolute: int = 216_000
    max_sessions: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits of every surface. `surfaces` names those that differ from the default."""

    idle: int = 900
    absolute: int = 216_000
    max_sessions: int = 0
    surfaces: Mapping[str, Limits] = field(default_factory=dict)
    cookieless: Limits = field(default_factory=lambda: Limits(idle=600, absolute=3600))
    tombstone: int = DAY
    interrupted_post: int = DAY
    interrupted_post_size: int = 2**20
    grant: int = 600

    def limits(self, surface: str, *, cookieless: bool = False) -> Limits:
        """The limits of a session on `surface`. A cookieless one never lives longer than its own limits say."""
        usual = self.surfaces.get(surface) or Limits(self.idle, self.absolute, self.max_sessions)
        if not cookieless:
            return usual
        idle = _shorter(usual.idle, self.cookieless.idle)
        return Limits(idle, _shorter(usual.absolute, self.cookieless.absolute), usual.max_sessions)


def _shorter(one: int, other: int) -> int:
    """The shorter of two limits where 0 is no limit."""
    return min(one, other) if one and other else one or other
