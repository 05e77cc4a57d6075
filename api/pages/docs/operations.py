"""One operation: what is sent, what comes back, and what may be refused."""

from __future__ import annotations

import json
from typing import Any

from api.pages.docs.fields import body_fields, parameters
from api.pages.docs.kinds import OBJECTS
from api.pages.docs.markup import Markup, between, element, prose

Json = dict[str, Any]

JSON, PROBLEM = "application/json", "application/problem+json"


def operation(method: str, path: str, declared: Json, schemas: Json) -> Markup:
    """The section of an operation. Its id is that of the operation, so that it can be linked."""
    asked = parameters(declared["parameters"])
    return element(
        "section",
        element("h2", declared["summary"]),
        element("p", badge(method), " ", element("code", path, class_="path"), class_="call"),
        element("p", prose(declared["description"])),
        [element("h3", "Parameters"), asked] if asked else None,
        _body(declared.get("requestBody"), schemas),
        element("h3", "Replies"),
        [_reply(statuses, each) for statuses, each in _replies(declared["responses"])],
        element("h3", "Refusals"),
        element("ul", _refusals(declared["responses"]), class_="refusals"),
        element("div", class_="try"),
        id=declared["operationId"],
        class_="operation",
        data_method=method,
        data_path=path,
        data_media=next(iter(declared.get("requestBody", {}).get("content", {})), None),
    )


def badge(method: str) -> Markup:
    """The method of an operation."""
    return element("span", method, class_=f"method {method.lower()}")


def _body(declared: Json | None, schemas: Json) -> list[Markup] | None:
    if declared is None:
        return None
    [(media, content)] = declared["content"].items()
    optional = None if declared["required"] else " It may be left out."
    examples = [_example(f"Example: {each['summary']}", each["value"], "body") for each in content["examples"].values()]
    form = None if media == JSON else element("p", "Sent as ", element("code", media), ".")
    about = element("p", prose(declared["description"]), optional)
    return [
        element("h3", "Body"),
        about,
        *([form] if form else []),
        *body_fields(content["schema"], schemas),
        *examples,
    ]


def _replies(responses: Json) -> list[tuple[str, Json]]:
    """What may come back, with all statuses of the same reply."""
    found: list[tuple[str, Json]] = []
    for status, each in responses.items():
        if status >= "400":
            continue
        if found and found[-1][1].get("content") == each.get("content"):
            found[-1] = (f"{found[-1][0]}, {status}", each)
        else:
            found.append((status, each))
    return found


def _reply(statuses: str, declared: Json) -> Markup:
    content = declared.get("content", {})
    named = content.get(JSON, {}).get("schema", {}).get("$ref", "").removeprefix(OBJECTS)
    link = [" ", element("a", named, href=f"#{named}")] if named else None
    other = [f" {media}" for media in content if media != JSON]
    example = content.get(JSON, {}).get("example")
    return element(
        "div",
        element("p", element("b", statuses), link, other, " ", prose(declared["description"])),
        None if example is None else _example("Example", example),
        class_="reply",
    )


def _example(summary: str, value: Any, place: str = "reply") -> Markup:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return element(
        "details", element("summary", summary), element("pre", element("code", text)), class_=f"example {place}"
    )


def _refusals(responses: Json) -> list[Markup]:
    found = []
    for status, each in responses.items():
        if status < "400":
            continue
        codes = [element("a", code, href=f"/docs#{code}") for code in each["content"][PROBLEM]["examples"]]
        found.append(element("li", element("b", status), " ", between(codes, ", ")))
    return found
