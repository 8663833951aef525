"""What the WEBMAIL service declares: the table from which the matrices are generated."""

from typing import Any

from hsp.webmail import pages
from hsp.zones import Pages
from hsp.zones.declarations import Zone
from hsp.zones.interrupted import add_interrupted_page


def table() -> Pages[Any]:
    """What the service serves: the pages of WEBMAIL and the engine's own."""
    everything: Pages[Any] = Pages()
    everything.include(pages)
    add_interrupted_page(everything)
    return everything


DECLARATIONS = sorted(table(), key=lambda declaration: (declaration.path, declaration.zone))
PAGES = [declaration for declaration in DECLARATIONS if declaration.is_page]
ROUTES = [declaration for declaration in DECLARATIONS if not declaration.is_page]
PRIVATE = [declaration for declaration in PAGES if declaration.zone is Zone.PRIVATE]
