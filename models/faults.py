"""pydantic's findings as faults of ours: each kind has its code and its sentence here, and nowhere else.

A sentence begins with a capital, ends with a full stop, and says what to give instead. `{field}` stands for the name of
the field, and other names in braces for what pydantic knows of the finding.
"""

from __future__ import annotations

from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from models.errors import Fault

MOST_FAULTS = 100
LONGEST_FIELD = 120

_OBJECT = "Give {field} as a JSON object."

SENTENCES: dict[str, tuple[str, str]] = {
    "missing": ("missing", "Give {field}, which is required."),
    "none_of": ("missing", "Give {needed}."),
    "extra_forbidden": ("unknown_field", "Leave out {field}, which is not known here."),
    "json_invalid": ("malformed_json", "Send the body as JSON that is complete and correct."),
    "literal_error": ("not_allowed", "Give {field} as {expected}."),
    "greater_than_equal": ("out_of_range", "Give {field} as {ge} or more."),
    "less_than_equal": ("out_of_range", "Give {field} as {le} or less."),
    "string_too_short": ("too_short", "Give {field} with {min_length} or more characters."),
    "string_too_long": ("too_long", "Give {field} with {max_length} or fewer characters."),
    "too_short": ("too_short", "Give {field} with {min_length} or more entries."),
    "too_long": ("too_long", "Give {field} with {max_length} or fewer entries."),
    "string_type": ("wrong_type", "Give {field} as text."),
    "int_type": ("wrong_type", "Give {field} as a whole number."),
    "bool_type": ("wrong_type", "Give {field} as true or false."),
    "list_type": ("wrong_type", "Give {field} as a list."),
    "dict_type": ("wrong_type", _OBJECT),
    "model_type": ("wrong_type", _OBJECT),
}
"""pydantic's word for a finding -> our code and sentence. The models' own findings bring both with them, except for
`none_of`: of the fields that a body needs it has none."""


class Findings(NamedTuple):
    """faults: in pydantic's order; the first hundred of them. fields: the first name of every field with a fault."""

    faults: list[Fault]
    fields: frozenset[str]


def findings_of(error: ValidationError) -> Findings:
    """Our faults for pydantic's."""
    found = error.errors(include_url=False, include_input=False)
    names = frozenset(str(each["loc"][0]) if each["loc"] else "body" for each in found)
    return Findings([_fault(each) for each in found[:MOST_FAULTS]], names)


def faults_of(error: ValidationError) -> list[Fault]:
    """As `findings_of`, the faults alone."""
    return findings_of(error).faults


def unknown_field(name: str) -> Fault:
    """The fault of a field or parameter that nothing here is called."""
    code, sentence = SENTENCES["extra_forbidden"]
    return Fault(name[:LONGEST_FIELD], code, _filled(sentence, name[:LONGEST_FIELD]))


def _fault(found: ErrorDetails) -> Fault:
    name = ".".join(str(part) for part in found["loc"] if part != "[key]")[:LONGEST_FIELD]
    code, sentence = SENTENCES.get(found["type"], (found["type"], found["msg"]))
    for word, value in found.get("ctx", {}).items():
        sentence = sentence.replace(f"{{{word}}}", str(value))
    return Fault(name or "body", code, _filled(sentence, name or "the body"))


def _filled(sentence: str, name: str) -> str:
    return sentence.replace("{field}", name)
