"""A conversation by text message: what it is about, and what was asked last."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Asked = Literal["property", "service", "time", "yes", "name", "visit", "drop"]
Purpose = Literal["book", "move", "drop"]


class Talk(BaseModel):
    """What the bot remembers of one phone between two messages. It holds no name and no text of the customer.

    asked: what the last answer asked for. options: what 1, 2 and 3 stand for, as `asked` needs it: ids, or times that
    the grammar reads. wanted: the day and time that were named before property and service were known.
    hold_id, start: the slot that is held until the customer says yes. booking_id: the visit that is moved or dropped;
    without a purpose the one that was booked last.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    purpose: Purpose | None = None
    asked: Asked | None = None
    options: tuple[str, ...] = ()
    property_id: str | None = None
    service_id: str | None = None
    wanted: str = ""
    hold_id: str | None = None
    start: datetime | None = None
    booking_id: str | None = None

    def but(self, **values: object) -> Talk:
        """The same with other values of some fields. What was asked before is forgotten unless it is given."""
        return self.model_copy(update={"asked": None, "options": (), **values})

    def at_rest(self) -> Talk:
        """What is left when nothing is asked any more."""
        return Talk(property_id=self.property_id, booking_id=self.booking_id)
