"""Templates: sandboxed, auto-escaping Jinja2 in `.hsp` files with the delimiters `<% %>`, `<%= %>` and `<%# %>`.

Promise: a template reaches `.hsp` files of its own service only; a public page includes nothing but its own folder and
`layouts/`; includes nest at most 16 deep and never in a circle (hsp-webmail.md, section 1.3). All of this is checked
when the service starts, so a wrong template is the operator's error at start and not the reader's at night.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, TemplateNotFound, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_INCLUDE_DEPTH = 16
FOLDERS = ("public", "private", "layouts")
_NAME = re.compile(r"(?:public|private|layouts)(?:/[A-Za-z0-9_-]+)+\.hsp")


class TemplateError(Exception):
    """A template breaks a rule of the zones; the text names the template and the rule."""


class ZoneLoader(BaseLoader):
    """Finds `public/x.hsp`, `private/x.hsp` and `layouts/x.hsp` below the first root that has it."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Jinja2's loader hook. Raises TemplateNotFound for every name that is not plainly a template of ours."""
        if not _NAME.fullmatch(template):
            raise TemplateNotFound(template)
        folder, _, name = template.partition("/")
        for root in self._roots:
            path = root / folder / name
            if path.is_file():
                return path.read_text(encoding="utf-8"), str(path), lambda: True
        raise TemplateNotFound(template)

    def list_templates(self) -> list[str]:
        """Every template, by its name below the roots."""
        names = {
            path.relative_to(root).as_posix()
            for root in self._roots
            for folder in FOLDERS
            for path in (root / folder).rglob("*.hsp")
        }
        return sorted(names)


class ZoneEnvironment(ImmutableSandboxedEnvironment):
    """The environment of one service and one virtual host."""

    def join_path(self, template: str, parent: str) -> str:
        """Hold the inclusion rule: from the public zone only its own folder and `layouts/`."""
        if parent.startswith("public/") and not template.startswith(("public/", "layouts/")):
            raise TemplateError(f"{parent} includes {template}: a public page includes only public/ and layouts/")
        if parent.startswith("layouts/") and template.startswith("private/"):
            raise TemplateError(f"{parent} includes {template}: layouts/ serve both zones and include no private page")
        return template


class Templates:
    """The templates of one service: the default root, and one folder of overrides for each virtual host."""

    def __init__(self, roots: Sequence[Path], globals_: Mapping[str, Any], *, check: bool = True) -> None:
        self._environment = ZoneEnvironment(
            loader=ZoneLoader(roots),
            autoescape=True,
            undefined=StrictUndefined,
            block_start_string="<%",
            block_end_string="%>",
            variable_start_string="<%=",
            variable_end_string="%>",
            comment_start_string="<%#",
            comment_end_string="%>",
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self._environment.globals.update(globals_)
        if check:
            self._check()

    def get(self, name: str) -> Template:
        """The compiled template. Raises TemplateNotFound."""
        return self._environment.get_template(name)

    def has(self, name: str) -> bool:
        """Whether there is such a template."""
        try:
            self._environment.get_template(name)
        except TemplateNotFound:
            return False
        return True

    def _check(self) -> None:
        graph = {name: self._references(name) for name in self._environment.list_templates()}
        for name in graph:
            self._depth(name, graph, ())

    def _references(self, name: str) -> list[str]:
        assert self._environment.loader is not None
        source = self._environment.loader.get_source(self._environment, name)[0]
        found = []
        for reference in meta.find_referenced_templates(self._environment.parse(source, name)):
            if reference is None:
                raise TemplateError(f"{name} includes a template whose name is computed")
            found.append(self._environment.join_path(reference, name))
        return found

    def _depth(self, name: str, graph: Mapping[str, list[str]], chain: tuple[str, ...]) -> None:
        if name in chain:
            raise TemplateError(f"{name} includes itself: {' > '.join((*chain, name))}")
        if len(chain) > MAX_INCLUDE_DEPTH:
            raise TemplateError(f"{chain[0]} includes more than {MAX_INCLUDE_DEPTH} deep")
        if name not in graph:
            raise TemplateError(f"{chain[-1]} includes {name}, which is not there")
        for reference in graph[name]:
            self._depth(reference, graph, (*chain, name))
