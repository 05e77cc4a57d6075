"""The schemas of the document, made from the models of bodies and replies.

Three things that pydantic's own schemas lack: a description of each field (`models.glossary`), the words that code
generators understand, and a whole schema for each form of a body that has several.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from pydantic_core import to_json

from api.http.endpoint import Endpoint
from api.openapi.schemas import Problem
from api.openapi.webhooks import EVENTS
from models.fields import Form, Request
from models.glossary import WORDS, described

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/{model}"
_BOUNDS = {"ge": "minimum", "le": "maximum"}
_NULL: Json = {"type": "null"}


def schemas_of(endpoints: Iterable[Endpoint]) -> tuple[dict[type[BaseModel], Json], Json]:
    """Each model's reference, and all schemas by name."""
    models: list[type[BaseModel]] = [Problem, *dict.fromkeys(EVENTS.values())]
    for endpoint in endpoints:
        named = [endpoint.body, endpoint.form, *endpoint.replies.values()]
        models += [model for model in named if model is not None and model not in models]
    # As for validation, so that what a request may leave out is not required.
    mapping, definitions = models_json_schema([(model, "validation") for model in models], ref_template=SCHEMAS)
    lineages = {model.__name__: _lineage(model) for model in _every_model(BaseModel)}
    schemas = {name: _whole(lineages.get(name, [name]), schema) for name, schema in definitions["$defs"].items()}
    for model in models:
        if issubclass(model, Request) and model.forms:
            schemas |= _forms(model.__name__, schemas[model.__name__], model.forms)
    return {model: mapping[model, "validation"] for model in models}, schemas


def properties_of(query: type[BaseModel]) -> tuple[Json, list[str]]:
    """The parameters of a query with their schemas, and the names of those that are required."""
    schema = query.model_json_schema()
    properties = {
        name: _parameter(_lineage(query), name, _standard(each)) for name, each in schema["properties"].items()
    }
    return properties, schema.get("required", [])


def _parameter(models: list[str], name: str, schema: Json) -> Json:
    """A query parameter can be left out, but there is no way to write null."""
    options = [option for option in schema.get("anyOf", []) if option != _NULL]
    if len(options) == 1:
        schema = {**{word: value for word, value in schema.items() if word != "anyOf"}, **options[0]}
    return _field(models, name, schema)


def _every_model(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Each model there is. Those inside other models have no other trace than their name."""
    for model in base.__subclasses__():
        yield model
        yield from _every_model(model)


def _lineage(model: type[BaseModel]) -> list[str]:
    """The names of a model and its bases, the nearest first."""
    return [each.__name__ for each in model.__mro__]


def _whole(models: list[str], schema: Json) -> Json:
    """A schema with a description of every field, and without defaults.

    A generator of code takes a field with a default for one that is always there, so the description names it.
    """
    schema = _standard(schema)
    for name, field in schema.get("properties", {}).items():
        about = _field(models, name, field)
        default = about.pop("default", None)
        if default is not None and name not in schema.get("required", ()):
            about["description"] += f" If it is left out, it is {_shown(default)}."
        schema["properties"][name] = about
    return schema


def _field(models: list[str], name: str, schema: Json) -> Json:
    about = {word: value for word, value in schema.items() if word != "title"}
    return {**about, "description": schema.get("description") or described(models, name)}


def _shown(default: Any) -> str:
    return f"`{to_json(default).decode()}`" if default not in ("", [], {}) else "empty"


def _standard(schema: Any) -> Any:
    """JSON Schema's own words for the bounds that pydantic writes as `ge` and `le` behind a validator; and a field
    that may be left out needs no `default: null`, which is often no value that may be given."""
    if isinstance(schema, dict):
        said = {name: value for name, value in schema.items() if (name, value) != ("default", None)}
        return {_BOUNDS.get(name, name): _standard(value) for name, value in said.items()}
    return [_standard(item) for item in schema] if isinstance(schema, list) else schema


def _forms(name: str, schema: Json, forms: tuple[Form, ...]) -> Json:
    """A body of several forms: `name` is one of them, and each is a whole schema of its own."""
    found = {form.name: _form(schema, form) for form in forms}
    either = [{"$ref": SCHEMAS.format(model=form.name)} for form in forms]
    return {**found, name: {"title": name, "description": schema["description"], "anyOf": either}}


def _form(schema: Json, form: Form) -> Json:
    own = deepcopy(schema)
    own |= {"title": form.name, "description": form.about, "required": [*form.needs, *schema.get("required", [])]}
    for name, field in own["properties"].items():
        field["description"] = described([form.name], name) if f"{form.name}.{name}" in WORDS else field["description"]
    for name in form.needs:
        own["properties"][name] = _not_null(own["properties"][name])
    for name in form.on:
        own["properties"][name] = {"const": True, "description": own["properties"][name]["description"]}
    for name in form.without:
        own["properties"][name] = {**_NULL, "description": own["properties"][name]["description"]}
    return own


def _not_null(schema: Json) -> Json:
    options = [option for option in schema.pop("anyOf") if option != _NULL]
    return {**options[0], **schema} if len(options) == 1 else {**schema, "anyOf": options}
