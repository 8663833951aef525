"""`hsp check`: looks at everything the gateway depends on and says in plain words what is wrong."""

from hsp.commands.checking.findings import Finding
from hsp.commands.checking.run import check_all

__all__ = ["Finding", "check_all"]
