"""The pages of the reference: an index, and a page for each tag of the document."""

from __future__ import annotations

from typing import Any

from api.pages.docs.fields import forms_of, objects
from api.pages.docs.kinds import objects_in
from api.pages.docs.markup import Child, Markup, element, joined, prose
from api.pages.docs.operations import badge, operation

Json = dict[str, Any]
Named = tuple[str, str, Json]
"""Method, path and declaration of an operation."""

INDEX = "/docs"
WITHOUT_SCRIPTS = "Without scripts everything is here, except for the forms that send requests."


def reference(document: Json, head: str) -> dict[str, bytes]:
    """The HTML of each page by its path. head: the elements that load styles, script and icon."""
    groups = {tag["name"]: _of_tag(document, tag["name"]) for tag in document["tags"]}
    paths = {name: f"{INDEX}/{name.lower().replace(' ', '-')}" for name in groups}
    found = {INDEX: _page(document["info"]["title"], head, paths, INDEX, _index(document, groups, paths))}
    for tag in document["tags"]:
        name = tag["name"]
        main = _tag_page(tag, groups[name], document["components"]["schemas"])
        found[paths[name]] = _page(name, head, paths, paths[name], main)
    return found


def _of_tag(document: Json, name: str) -> list[Named]:
    return [
        (method.upper(), path, declared)
        for path, methods in document["paths"].items()
        for method, declared in methods.items()
        if name in declared["tags"]
    ]


def _tag_page(tag: Json, operations: list[Named], schemas: Json) -> Child:
    named = [name for _, _, declared in operations for name in _named_objects(declared, schemas)]
    contents = element(
        "ul", (_line(method, path, declared, "") for method, path, declared in operations), class_="list"
    )
    listed = objects(dict.fromkeys(named), schemas)
    return [
        element("h1", tag["name"]),
        element("p", prose(tag["description"]), class_="lead"),
        element("nav", contents, aria_label="Operations on this page"),
        _tools(),
        [operation(method, path, declared, schemas) for method, path, declared in operations],
        [element("h2", "Objects", id="objects"), *listed] if listed else None,
    ]


def _named_objects(declared: Json, schemas: Json) -> list[str]:
    """The objects in replies, and in the fields of a body. A body's own fields stand with its operation."""
    shown = [each.get("content", {}) for status, each in declared["responses"].items() if status < "400"]
    bodies = declared.get("requestBody", {}).get("content", {}).values()
    return objects_in(shown) + [name for body in bodies for name in objects_in(forms_of(body["schema"], schemas))]


def _tools() -> Markup:
    """Where the script puts the field for a key."""
    return element("div", element("noscript", element("p", WITHOUT_SCRIPTS)), id="tools")


def _index(document: Json, groups: dict[str, list[Named]], paths: dict[str, str]) -> Child:
    info = document["info"]
    about = {tag["name"]: tag["description"] for tag in document["tags"]}
    return [
        element("h1", f"{info['title']} {info['version']}"),
        element("p", info["summary"], class_="lead"),
        element("p", prose(info["description"])),
        element("p", "The same as a document for programs: ", element("a", "/openapi.json", href="/openapi.json"), "."),
        element("h2", "Credentials"),
        element("dl", map(_scheme, document["components"]["securitySchemes"].items()), class_="fields"),
        [_group(name, about[name], group, paths[name]) for name, group in groups.items()],
        element("h2", "Problems", id="problems"),
        objects(["Problem"], document["components"]["schemas"]),
        element("dl", map(_code, document["components"]["examples"].items()), class_="fields"),
    ]


def _group(name: str, about: str, group: list[Named], path: str) -> Markup:
    lines = element("ul", (_line(method, at, declared, path) for method, at, declared in group), class_="list")
    heading = element("h2", element("a", name, href=path))
    return element("section", heading, element("p", prose(about)), lines, class_="group")


def _line(method: str, at: str, declared: Json, page: str) -> Markup:
    link = element("a", declared["summary"], href=f"{page}#{declared['operationId']}")
    return element("li", badge(method), " ", element("code", at, class_="path"), " ", link)


def _scheme(named: tuple[str, Json]) -> Markup:
    name, scheme = named
    return element("div", element("dt", element("code", name)), element("dd", prose(scheme["description"])))


def _code(named: tuple[str, Json]) -> Markup:
    code, example = named
    problem = example["value"]
    title = [element("code", code), " ", element("span", f"{problem['status']} {problem['title']}", class_="kind")]
    return element("div", element("dt", title), element("dd", problem["detail"]), id=code)


def _page(title: str, head: str, paths: dict[str, str], own: str, main: Child) -> bytes:
    links = {"Overview": INDEX, **paths}
    items = [
        element("li", element("a", name, href=path, aria_current="page" if path == own else None))
        for name, path in links.items()
    ]
    top = element("header", element("a", "Holdfast API", href=INDEX, class_="brand"), class_="top")
    body = element(
        "body",
        element("a", "Skip to the content", href="#main", class_="skip"),
        element(
            "div",
            top,
            element("nav", element("ul", items), class_="tags", aria_label="Parts of the reference"),
            element("main", main, id="main"),
            class_="reference",
        ),
    )
    meta = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title} · Holdfast API"),
        Markup(head),
    ]
    return f"<!doctype html>\n{joined(element('html', element('head', meta), body, lang='en'))}\n".encode()
