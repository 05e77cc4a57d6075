"""What a schema of the document allows, in words."""

from __future__ import annotations

from typing import Any

from api.pages.docs.markup import Child, between, element
from models.fields import ID_PATTERN

Json = dict[str, Any]

OBJECTS = "#/components/schemas/"
_NULL: Json = {"type": "null"}
_FORMATS = {"date-time": "time", "date": "date"}
_PLAIN = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}


def kind_of(schema: Json, *, nullable: bool) -> list[Child]:
    """The kind of a value. nullable: whether null is worth a word; a field that may be left out takes it anyway."""
    options = schema.get("anyOf", [schema])
    shown = [option for option in options if nullable or option != _NULL]
    words: list[Child] = []
    for option in shown:
        words += [" or "] if words else []
        words += _one(option, nullable=nullable)
    return words


def objects_in(schema: Any) -> list[str]:
    """The names of the objects that a schema speaks of, in their order."""
    if isinstance(schema, list):
        return [name for each in schema for name in objects_in(each)]
    if not isinstance(schema, dict):
        return []
    own = [schema["$ref"].removeprefix(OBJECTS)] if "$ref" in schema else []
    return own + [name for each in schema.values() for name in objects_in(each)]


def _one(schema: Json, *, nullable: bool) -> list[Child]:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(OBJECTS)
        return [element("a", name, href=f"#{name}")]
    if "const" in schema:
        return [element("code", _written(schema["const"]))]
    if "enum" in schema:
        return between([element("code", _written(value)) for value in schema["enum"]], ", ")
    kind = schema.get("type")
    if kind == "array":
        most = schema.get("maxItems")
        bound = f", at most {most}" if most is not None else ""
        return ["list of ", *kind_of(schema.get("items", {}), nullable=nullable), bound]
    if kind == "object" or kind is None:
        return ["object"]
    return [_text(schema) if kind == "string" else f"{_PLAIN[kind]}{_range(schema)}"]


def _text(schema: Json) -> str:
    if schema.get("pattern") == ID_PATTERN:
        return "id"
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    length = f", {least} to {most} characters" if least > 1 and most else f", at most {most} characters" if most else ""
    return _FORMATS.get(schema.get("format", ""), "text") + length


def _range(schema: Json) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f", {least} to {most}"
    return f", {least} or more" if least is not None else f", {most} or less" if most is not None else ""


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
