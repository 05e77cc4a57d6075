"""Lists of fields: of bodies, of objects in replies, and of parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.pages.docs.kinds import OBJECTS, kind_of, objects_in
from api.pages.docs.markup import Markup, between, element, prose

Json = dict[str, Any]


def parameters(declared: list[Json]) -> Markup | None:
    """What stands in the path, the query and the headers of an operation."""
    if not declared:
        return None
    return element("dl", (_parameter(each) for each in declared), class_="fields")


def forms_of(schema: Json, schemas: Json) -> list[Json]:
    """The schemas of a body: one, or one for each of its forms."""
    body = schemas[schema["$ref"].removeprefix(OBJECTS)]
    return [schemas[each["$ref"].removeprefix(OBJECTS)] for each in body["anyOf"]] if "anyOf" in body else [body]


def body_fields(schema: Json, schemas: Json) -> list[Markup]:
    """The fields of a body, and where it has several forms, what each of them needs."""
    forms = forms_of(schema, schemas)
    if len(forms) == 1:
        return [_fields(forms[0]["properties"], forms[0].get("required", ()), sent=False)]
    together: Json = {}
    for form in forms:
        for name, field in form["properties"].items():
            if together.get(name, {"type": "null"}).get("type") == "null":
                together[name] = field
    always = set.intersection(*(set(form.get("required", ())) for form in forms))
    return [element("ul", map(_form, forms), class_="forms"), _fields(together, always, sent=False)]


def objects(names: Iterable[str], schemas: Json) -> list[Markup]:
    """Each object once, and the objects within it."""
    found: dict[str, Json] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = schemas[name]
            waiting += objects_in(schemas[name])
    return [_object(name, schema) for name, schema in sorted(found.items())]


def _object(name: str, schema: Json) -> Markup:
    about = schema.get("description", "").partition("\n\n")[0]
    listed = _fields(schema.get("properties", {}), schema.get("required", ()), sent=True)
    return element(
        "section", element("h3", name), element("p", prose(about)) if about else None, listed, id=name, class_="object"
    )


def _form(form: Json) -> Markup:
    needed = [element("code", name) for name in form.get("required", ())]
    return element("li", prose(form["description"]), " Required: ", between(needed, ", "), ".")


def _fields(fields: Json, required: Iterable[str], *, sent: bool) -> Markup:
    """sent: by the server. What may be absent is never null there, and null in a request is as good as absent."""
    needed = set(required)

    def mark(name: str) -> str | None:
        if sent:
            return None if name in needed else "may be absent"
        return "required" if name in needed else None

    return element(
        "dl",
        (
            _entry(
                element("code", name),
                field,
                nullable=sent and name in needed,
                mark=mark(name),
                about=field.get("description", ""),
            )
            for name, field in sorted(fields.items(), key=lambda each: not sent and each[0] not in needed)
        ),
        class_="fields",
    )


def _parameter(declared: Json) -> Markup:
    name = element("code", declared["name"], data_in=declared["in"])
    mark = f"{declared['in']}, required" if declared.get("required") else str(declared["in"])
    return _entry(name, declared["schema"], nullable=False, mark=mark, about=declared["description"])


def _entry(name: Markup, schema: Json, *, nullable: bool, mark: str | None, about: str) -> Markup:
    kind = element("span", kind_of(schema, nullable=nullable), class_="kind")
    marked = element("span", mark, class_="mark") if mark else None
    return element("div", element("dt", name, " ", kind, " ", marked), element("dd", prose(about)))
