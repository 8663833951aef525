"""The gateway fixture for this suite."""

from tests.support.gateway import world

__all__ = ["world"]
