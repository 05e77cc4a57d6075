"""The field types that requests and replies share, and the two base classes of all models that clients see.

A request is strict: what its JSON Schema refuses is refused here, and nothing more. A sentence that refuses a value
holds `{field}` where the field's name belongs; `models.faults` puts it in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

ID_PATTERN = r"^(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}|\.[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}|\.\.[A-Za-z0-9._-]{1,62})$"
"""1 to 64 of these characters, but not `.` or `..`: clients and proxies take those out of a path."""
ID_SENTENCE = "Give {field} as 1 to 64 letters, digits, dots, hyphens or underscores, and not as one or two dots."


class Form(NamedTuple):
    """One of several forms of a body, which the document shows as a whole schema of its own.

    name: of the schema. about: a sentence on it. needs: the fields that this form requires besides those that the body
    always does. without: the fields that it does not have. on: the flags that are true in it.
    """

    name: str
    about: str
    needs: tuple[str, ...]
    without: tuple[str, ...] = ()
    on: tuple[str, ...] = ()


class Request(BaseModel):
    """Base of what clients send: strict, and an unknown field is a fault. Null is as good as left out.

    emptied_by_null: the fields of a change for which null is a value, because it empties them.
    forms: the forms of a body that has several.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    emptied_by_null: ClassVar[frozenset[str]] = frozenset()
    forms: ClassVar[tuple[Form, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if isinstance(given, dict) and None in given.values():
            return {name: value for name, value in given.items() if value is not None or not cls._may_be_left_out(name)}
        return given

    @classmethod
    def _may_be_left_out(cls, name: str) -> bool:
        field = cls.model_fields.get(name)
        return field is not None and not field.is_required() and name not in cls.emptied_by_null

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(schema)
        properties = handler.resolve_ref_schema(described).get("properties", {})
        for name, field in cls.model_fields.items():
            if not field.is_required():
                shown = field.alias or name
                properties[shown] = _or_null(properties[shown])
        return described


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    options = schema.get("anyOf", [])
    if {"type": "null"} in options:
        return schema
    about: dict[str, Any] = {name: schema[name] for name in ("title", "default") if name in schema}
    alone = {name: value for name, value in schema.items() if name not in about}
    return {"anyOf": [*(options or [alone]), {"type": "null"}], **about}


def members_that_may_be_absent(model: type[BaseModel]) -> tuple[str, ...]:
    """The members that a reply leaves out instead of showing null: those whose default is None."""
    return tuple(
        name for name, field in model.model_fields.items() if not field.is_required() and field.default is None
    )


def require_all(schema: dict[str, Any]) -> None:
    """For the schema of a reply that has every member, null or not."""
    schema["required"] = list(schema["properties"])


def require_the_others(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """For the schema of a reply in which only the members with the default None may be absent."""
    absent = {model.model_fields[name].alias or name for name in members_that_may_be_absent(model)}
    for name, field in model.model_computed_fields.items():
        schema["properties"][name] = TypeAdapter(field.return_type).json_schema() | {"description": field.description}
    schema["required"] = [name for name in schema["properties"] if name not in absent]


class Shown(BaseModel):
    """Base of what clients are sent. A reply has every member, except that one with the default None may be absent."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, json_schema_extra=require_the_others)


@dataclass(frozen=True, slots=True)
class Matches:
    """Annotates text that must match a pattern, and says in a sentence of ours what to give instead.

    The pattern is in Rust's syntax, where `$` is the end of the text; pydantic checks it without a call into Python.
    code: of the fault. described: the JSON Schema names the pattern. alone: a value that is no text gets the same code
    and sentence; otherwise the type before this annotation is checked first.
    """

    pattern: str
    code: str
    sentence: str
    described: bool = True
    alone: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        matching = core_schema.custom_error_schema(
            core_schema.str_schema(pattern=self.pattern), self.code, custom_error_message=self.sentence
        )
        return matching if self.alone else core_schema.chain_schema([handler(source), matching])

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(schema)
        return {**described, "pattern": self.pattern} if self.described else described


@dataclass(frozen=True, slots=True)
class ShapedAs:
    """Annotates a plain dict whose members are those of a TypedDict, for pydantic and for the JSON Schema."""

    shape: type

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(self.shape)


def _whole_number(value: Any) -> Any:
    # JSON Schema calls 60.0 an integer; strict pydantic does not. Booleans stay refused by the strict int behind this.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


PlainId = Annotated[str, Matches(ID_PATTERN, "bad_id", ID_SENTENCE, alone=True)]
"""An id: nothing in it can break out of a key, a path or a query."""

WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
"""An integer as JSON means it: 60 and 60.0, never true."""

Minutes = Annotated[WholeNumber, Field(ge=0, le=1440)]

_CONTROLS = r"\x7f-\x9f\u2028-\u202e\u2066-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff"
_SELECTORS = r"\ufe00-\ufe0f"
_UNSEEN = (
    r"\x20\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u202f\u205f-\u2065"
    rf"\u2800\u3000\u3164{_SELECTORS}\uffa0\ufff0-\ufff8\ufffc"
)
INVISIBLE = rf"\s\x00-\x1f{_CONTROLS}{_UNSEEN}"
"""For a class of characters in a pattern: all that cannot be seen."""
# These stand in no pattern that clients read, because many programs read patterns in units of 16 bits.
_UNSEEN_FURTHER = r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
_SELECTORS_FURTHER = r"\U000e0100-\U000e01ef"
_NAME_PATTERN = rf"^[^\x00-\x1f{_CONTROLS}]*[^\x00-\x1f{_CONTROLS}{_UNSEEN}][^\x00-\x1f{_CONTROLS}]*$"
# Pasted text comes between marks of direction, or behind a byte order mark. Around a name they change nothing.
_PASTED = r"\u202a-\u202e\u2066-\u2069\ufeff"
_BEFORE = re.compile(rf"\A[\s{_PASTED}{_UNSEEN}{_UNSEEN_FURTHER}{_SELECTORS_FURTHER}]+")
# A selector chooses the shape of the character before it, so behind that it stays.
_BEHIND = re.compile(rf"\A(?:(?![{_SELECTORS}])[\s{_PASTED}{_UNSEEN}{_UNSEEN_FURTHER}])+")

Printable = Matches(
    rf"^[^\x00-\x08\x0b\x0c\x0e-\x1f{_CONTROLS}]*$",
    "bad_text",
    "Give {field} without characters that control how text is stored or shown; line breaks and tabs are fine.",
)
"""Annotates text of several lines. Controls confuse logs and terminals; marks of direction make it read as another."""

OneLine = Matches(
    _NAME_PATTERN,
    "bad_text",
    "Give {field} as one line of visible text, without control characters.",
)


def _trimmed(value: Any) -> Any:
    # The end is looked at from behind: a pattern that ends in `$` would try each blank of a long text anew.
    return _BEHIND.sub("", _BEFORE.sub("", value)[::-1])[::-1] if isinstance(value, str) else value


def _without_repeats(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


PlainIds = Annotated[list[PlainId], Field(max_length=50), AfterValidator(_without_repeats)]
"""At most 50 ids. A repeated one counts once."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200), OneLine, BeforeValidator(_trimmed)]
"""A name of a person or a thing. Blanks and unseen characters around it are dropped."""
Text = Annotated[str, StringConstraints(max_length=4000), Printable]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=320), Printable]

NoneIfBlank = BeforeValidator(lambda value: None if isinstance(value, str) and not _trimmed(value) else value)
"""Annotates a field that a form may hold empty: a text in which nothing can be seen is as good as null."""
ReferenceText = Annotated[str, StringConstraints(min_length=1, max_length=64), OneLine, BeforeValidator(_trimmed)]
"""The name of a thing in another system. Blanks around it are dropped."""
_FORM_REFERENCE = WithJsonSchema({"type": "string", "maxLength": 64})  # no shortest length: an empty text is taken
Reference = Annotated[Annotated[ReferenceText, _FORM_REFERENCE] | None, NoneIfBlank]
FormText = Annotated[Annotated[str, StringConstraints(max_length=320), Printable] | None, NoneIfBlank]
