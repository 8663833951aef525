"""Templates: their delimiters, their sandbox, and the inclusion rules of hsp-webmail.md section 1.3."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jinja2 import TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import SecurityError

from hsp.zones.templates import MAX_INCLUDE_DEPTH, TemplateError, Templates

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write templates by their names: `write("default", **{"public/a.hsp": "..."})` is the root `default`."""

    def write_all(root: str = "default", **sources: str) -> Path:
        for name, source in sources.items():
            path = tmp_path / root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
        return tmp_path / root

    return write_all


def render(root: Path, name: str = "public/a.hsp", **context: Any) -> str:
    return Templates([root], {}).get(name).render(context)


# Language


def test_the_delimiters_are_those_of_hsp(write: Write) -> None:
    source = "<%# note %><% for x in xs %>[<%= x %>]<% endfor %> {{ x }} {% x %} {# x #} ${x}"
    assert render(write(**{"public/a.hsp": source}), xs=[1, 2]) == "[1][2] {{ x }} {% x %} {# x #} ${x}"


def test_everything_is_escaped(write: Write) -> None:
    root = write(**{"public/a.hsp": "<a title=\"<%= x %>\" b='<%= x %>'><%= x %></a>"})
    hostile = "<script>\"'&"
    assert render(root, x=hostile).count("&lt;script&gt;&#34;&#39;&amp;") == 3


def test_what_a_page_was_not_given_is_an_error_and_not_empty(write: Write) -> None:
    with pytest.raises(UndefinedError):
        render(write(**{"public/a.hsp": "<%= missing %>"}))


def test_a_broken_template_is_found_at_start(write: Write) -> None:
    with pytest.raises(TemplateSyntaxError):
        Templates([write(**{"private/a.hsp": "<% if x %>"})], {})


ESCAPES = [
    "<%= ''.__class__ %>",
    "<%= ''.__class__.__mro__[1].__subclasses__() %>",
    "<%= x.__init__.__globals__ %>",
    "<%= x['__class__'] %>",
    "<%= x|attr('__class__') %>",
    "<%= ''.format.__self__ %>",
    "<%= '{0.__class__}'.format(x) %>",
    "<%= '{a.__init__}'.format_map({'a': x}) %>",
    "<%= x.verb.__func__ %>",
    "<%= x.verb.__globals__['os'] %>",
    "<%= x._private %>",
    "<%= items.append(1) %>",
    "<%= items.clear() %>",
    "<%= mapping.update({'a': 1}) %>",
    "<%= mapping.pop('a') %>",
    "<%= self.__init__.__globals__ %>",
    "<%= cycler.__init__.__globals__.os.popen('id').read() %>",
    "<%= joiner.__init__.__globals__ %>",
    "<%= lipsum.__globals__ %>",
    "<%= namespace.__init__.__globals__ %>",
    "<%= range(100000000) %>",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_the_sandbox_holds(write: Write, source: str) -> None:
    class Thing:
        _private = "secret"

        def verb(self) -> str:
            return ""

    items, mapping = [0], {"a": 0}
    root = write(**{"public/a.hsp": source})
    try:
        text = render(root, x=Thing(), items=items, mapping=mapping)
    except (SecurityError, UndefinedError, OverflowError):
        text = ""
    assert text == ""
    assert (items, mapping) == ([0], {"a": 0})


def test_the_control_of_the_sandbox_works(write: Write) -> None:
    assert render(write(**{"public/a.hsp": "<%= x.upper() %> <%= '{}'.format(x) %>"}), x="a") == "A a"


# Inclusion


def test_depth_sixteen_is_allowed_and_seventeen_is_not(write: Write) -> None:
    def chain(length: int) -> dict[str, str]:
        names = [f"public/t{n}.hsp" for n in range(length + 1)]
        links = {name: f'<% include "{after}" %>' for name, after in pairwise(names)}
        return {**links, names[-1]: "end"}

    assert MAX_INCLUDE_DEPTH == 16
    assert render(write("good", **chain(16)), "public/t0.hsp") == "end"
    with pytest.raises(TemplateError, match="16 deep"):
        Templates([write("bad", **chain(17))], {})


@pytest.mark.parametrize(
    "link", ['<% include "{}" %>', '<% extends "{}" %>', '<% import "{}" as x %>', '<% from "{}" import x %>']
)
def test_circles_are_refused(write: Write, link: str) -> None:
    with pytest.raises(TemplateError, match="includes itself"):
        Templates([write("one", **{"public/a.hsp": link.format("public/a.hsp")})], {})
    pair = {"public/a.hsp": link.format("public/b.hsp"), "public/b.hsp": link.format("public/a.hsp")}
    with pytest.raises(TemplateError, match="includes itself"):
        Templates([write("two", **pair)], {})


@pytest.mark.parametrize(
    "source",
    [
        "<% include x %>",
        '<% include "public/" ~ x %>',
        '<% include ["public/b.hsp", x] %>',
        "<% extends x %>",
        "<% import x as y %>",
        '<% include "public/b.hsp" if x else "private/c.hsp" %>',
    ],
)
def test_a_computed_name_is_refused(write: Write, source: str) -> None:
    with pytest.raises(TemplateError, match="computed"):
        Templates([write(**{"public/a.hsp": source, "public/b.hsp": "", "private/c.hsp": ""})], {})


@pytest.mark.parametrize(
    ("page", "included", "allowed"),
    [
        ("public/a.hsp", "public/b.hsp", True),
        ("public/a.hsp", "layouts/b.hsp", True),
        ("public/a.hsp", "private/b.hsp", False),
        ("private/a.hsp", "private/b.hsp", True),
        ("private/a.hsp", "layouts/b.hsp", True),
        ("private/a.hsp", "public/b.hsp", True),
        ("layouts/a.hsp", "layouts/b.hsp", True),
        ("layouts/a.hsp", "private/b.hsp", False),
    ],
)
@pytest.mark.parametrize(
    "link",
    ['<% include "{}" %>', '<% extends "{}" %>', '<% include ["{}"] %>', '<% from "{}" import x with context %>'],
)
def test_another_folder_is_included_in_the_private_zone_only(
    write: Write, page: str, included: str, allowed: bool, link: str
) -> None:
    root = write(**{page: link.format(included), included: "<% set x = 1 %>"})
    if allowed:
        Templates([root], {}).get(page).render()
    else:
        with pytest.raises(TemplateError, match="includes"):
            Templates([root], {})


def test_layouts_are_no_back_door_to_the_private_zone(write: Write) -> None:
    sources = {
        "public/a.hsp": '<% extends "layouts/b.hsp" %>',
        "layouts/b.hsp": '<% include "private/c.hsp" %>',
        "private/c.hsp": "",
    }
    with pytest.raises(TemplateError):
        Templates([write(**sources)], {})


@pytest.mark.parametrize(
    "name",
    [
        "../secret.hsp",
        "public/../../secret.hsp",
        "public/../private/c.hsp",
        "public/..\\secret.hsp",
        "public//etc/secret.hsp",
        "/etc/passwd",
        "etc/secret.hsp",
        "public/a.txt",
        "public/a",
        "a.hsp",
        "",
        "public/",
        "public/.hsp/..",
        "public/a.hsp\0",
        "PUBLIC/a.hsp",
    ],
)
def test_no_other_file_is_reached(write: Write, tmp_path: Path, name: str) -> None:
    root = write(**{"public/a.hsp": "", "private/c.hsp": "", "secret.hsp": "secret"})
    (tmp_path / "secret.hsp").write_text("secret")
    (root / "public" / "a.txt").write_text("secret")
    templates = Templates([root], {})
    with pytest.raises(TemplateNotFound):
        templates.get(name)
    assert not templates.has(name)


def test_an_absolute_name_is_not_followed(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret.hsp").write_text("secret")
    templates = Templates([write(**{"public/a.hsp": ""})], {})
    with pytest.raises(TemplateNotFound):
        templates.get(f"public/{tmp_path}/secret.hsp")


def test_a_missing_include_is_found_at_start(write: Write) -> None:
    with pytest.raises(TemplateError, match="not there"):
        Templates([write(**{"public/a.hsp": '<% include "public/b.hsp" %>'})], {})


# Virtual hosts


def test_a_virtual_host_overrides_what_it_has_and_falls_back_for_the_rest(write: Write) -> None:
    default = write("default", **{"public/a.hsp": "default a", "public/b.hsp": "default b", "layouts/l.hsp": "plain"})
    brand = write("brand", **{"public/a.hsp": 'brand a <% include "layouts/l.hsp" %>'})
    host, plain = Templates([brand, default], {}), Templates([default], {})
    assert host.get("public/a.hsp").render() == "brand a plain"
    assert host.get("public/b.hsp").render() == "default b"
    assert plain.get("public/a.hsp").render() == "default a"


def test_an_override_is_held_to_the_same_rules(write: Write) -> None:
    default = write("default", **{"public/a.hsp": "", "private/c.hsp": ""})
    brand = write("brand", **{"public/a.hsp": '<% include "private/c.hsp" %>'})
    with pytest.raises(TemplateError):
        Templates([brand, default], {})


def test_globals_are_there_in_every_template(write: Write) -> None:
    templates = Templates(
        [write(**{"public/a.hsp": '<%= product %><% include "layouts/b.hsp" %>', "layouts/b.hsp": "<%= product %>"})],
        {"product": "x"},
    )
    assert templates.get("public/a.hsp").render() == "xx"
