"""The reference at /docs: all of the OpenAPI document, as HTML that needs no script."""

from __future__ import annotations

import gzip
import re
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest

from api.app import _document, app_over
from api.pages.docs.kinds import OBJECTS, kind_of
from api.pages.docs.markup import element, joined, prose
from api.pages.docs.reference import reference
from tests.pages.test_answers import POLICY
from tests.world import World

DOCUMENT: dict[str, Any] = _document()
PAGES = reference(DOCUMENT, "")
MOST_BYTES = 20_000
OPERATIONS = [
    (method.upper(), path, declared)
    for path, methods in DOCUMENT["paths"].items()
    for method, declared in methods.items()
]


class Reader(HTMLParser):
    """ids: of a page. links: where it leads. texts: what stands within each element with an id, also further down."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.texts: dict[str, str] = {}
        self._open: list[tuple[str, str]] = []
        self.feed(html)
        assert [tag for tag, _ in self._open] == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "a":
            self.links.append(given["href"] or "")
        if tag not in ("meta", "link"):
            self._open.append((tag, given.get("id") or ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, name in self._open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data


@cache
def read(path: str) -> Reader:
    return Reader(PAGES[path].decode())


def page_of(declared: dict[str, Any]) -> Reader:
    return read(f"/docs/{declared['tags'][0].lower().replace(' ', '-')}")


def names_in(schema: Any) -> set[str]:
    """The fields of a body, of all its forms."""
    found = DOCUMENT["components"]["schemas"][schema["$ref"].removeprefix(OBJECTS)]
    return set().union(*map(names_in, found["anyOf"])) if "anyOf" in found else set(found["properties"])


def test_there_is_an_index_and_a_page_for_each_tag() -> None:
    tags = [tag["name"].lower().replace(" ", "-") for tag in DOCUMENT["tags"]]
    assert list(PAGES) == ["/docs", *(f"/docs/{tag}" for tag in tags)]


@pytest.mark.parametrize(
    ("method", "path", "declared"), OPERATIONS, ids=[each[2]["operationId"] for each in OPERATIONS]
)
def test_each_operation_is_shown_whole(method: str, path: str, declared: dict[str, Any]) -> None:
    text = page_of(declared).texts[declared["operationId"]]
    said = [method, path, declared["summary"], *(each["name"] for each in declared["parameters"])]
    said += [
        code for each in declared["responses"].values() for code in re.findall(r"\(`(\w+)`\)", each["description"])
    ]
    for content in declared.get("requestBody", {}).get("content", {}).values():
        said += names_in(content["schema"])
        said += [example["summary"] for example in content["examples"].values()]
    assert [word for word in said if word not in text] == []
    assert f"#{declared['operationId']}" in "".join(read("/docs").links)


@pytest.mark.parametrize("path", PAGES)
def test_every_link_leads_somewhere(path: str) -> None:
    page = read(path)
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        where, _, name = link.partition("#")
        if where == "/openapi.json":
            continue
        assert not name or name in read(where or path).ids, link
        assert (where or path) in PAGES, link


@pytest.mark.parametrize("path", PAGES)
def test_each_object_that_replies_show_is_described_where_it_is_named(path: str) -> None:
    page = read(path)
    for name in {link.removeprefix("#") for link in page.links if re.match(r"#[A-Z]", link)}:
        fields = DOCUMENT["components"]["schemas"][name].get("properties", {})
        assert [field for field in fields if field not in page.texts[name]] == []


def test_every_code_of_a_refusal_is_explained() -> None:
    index = read("/docs")
    for code, example in DOCUMENT["components"]["examples"].items():
        assert example["value"]["detail"] in index.texts[code]


def test_a_page_and_all_that_it_loads_is_small(fake_world: World) -> None:
    client = app_over(fake_world.services).test_client()
    zipped = {"Accept-Encoding": "gzip"}
    for path in PAGES:
        page = client.get(path, headers=zipped)
        html = gzip.decompress(page.data).decode()
        loaded = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', html))
        assert len(loaded) == 3
        files = sum(len(client.get(each, headers=zipped).data) for each in loaded)
        assert len(page.data) + files <= MOST_BYTES, path


def test_a_page_answers_without_a_key_and_may_load_from_its_own_server_alone(fake_world: World) -> None:
    client = app_over(fake_world.services).test_client()
    for path in PAGES:
        reply = client.get(path)
        assert (reply.status_code, reply.content_type) == (200, "text/html; charset=utf-8")
        assert reply.headers["Content-Security-Policy"] == POLICY
        assert (reply.headers["Referrer-Policy"], reply.headers["X-Content-Type-Options"]) == ("no-referrer", "nosniff")
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", reply.text)
        assert '<html lang="en">' in reply.text
        assert reply.text.count("<h1>") == 1
    assert client.get("/docs/nothing").status_code == 404


def test_text_is_escaped_and_markup_is_not() -> None:
    made = element("p", "a < b & c", element("a", '"', href='"><script>'), None, ["x", element("b", "y")], class_="z")
    assert made == '<p class="z">a &lt; b &amp; c<a href="&quot;&gt;&lt;script&gt;">"</a>x<b>y</b></p>'
    assert joined(prose("Say `a < b` and *stop* <now>.")) == (
        "Say <code>a &lt; b</code> and <em>stop</em> &lt;now&gt;."
    )


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 0, "maximum": 5}, "whole number, 0 to 5"),
        ({"type": "integer", "minimum": 1}, "whole number, 1 or more"),
        ({"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]}, "text, at most 9 characters or null"),
        ({"type": "string", "minLength": 10, "maxLength": 20}, "text, 10 to 20 characters"),
        ({"type": "string", "format": "date-time"}, "time"),
        ({"type": "array", "items": {"$ref": f"{OBJECTS}Away"}, "maxItems": 2}, "list of Away, at most 2"),
        ({"enum": ["a", "b"]}, "a, b"),
        ({"const": True}, "true"),
        ({"type": "object"}, "object"),
    ],
)
def test_a_schema_is_said_in_words(schema: dict[str, Any], words: str) -> None:
    assert re.sub(r"<[^>]+>", "", joined(kind_of(schema, nullable=True))) == words
