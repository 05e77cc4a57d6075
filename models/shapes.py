"""Shows values as JSON of a reply model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from models.fields import members_that_may_be_absent


class ReplyShape:
    """Shows values as the JSON of one reply model; each value is an instance of the model or of a subclass.

    A subclass may have further members, which are not shown.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self._to_python = model.__pydantic_serializer__.to_python
        self._absent = members_that_may_be_absent(model)

    def of(self, value: BaseModel, without: set[str] | None = None) -> dict[str, Any]:
        """The reply, without the members that are null by default and without those that `without` names."""
        reply: dict[str, Any] = self._to_python(value, mode="json", by_alias=True, exclude=without)
        for name in self._absent:
            if name in reply and reply[name] is None:
                del reply[name]
        return reply
