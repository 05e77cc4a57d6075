"""How what services return looks as JSON: plain dicts with times as `2026-12-05T10:00:00Z`, made from reply models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel
from werkzeug.datastructures import Headers

from models.booking import Booking, PublicBooking
from models.fields import members_that_may_be_absent
from models.hold import HoldReply
from models.waitlist import WaitReply

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Json = dict[str, Any]


class FinalResponse(Response):
    """A response that is sent as it was made.

    Werkzeug copies the headers of every reply and looks for relative addresses to complete in them: a tenth of our time
    on a hold. Ours are whole when they are made.
    """

    def __init__(self, body: bytes, status: int, headers: list[tuple[str, str]], content_type: str = "") -> None:
        super().__init__(body, status, headers, content_type=content_type)
        if status in (204, 304):
            for name in ("Content-Type", "Content-Length"):
                del self.headers[name]
        else:
            self.headers["Content-Length"] = str(len(body))

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:  # noqa: ARG002  # werkzeug's signature
        return self.headers


class ReplyShape:
    """Shows values as the JSON of one reply model; each value is an instance of the model or of a subclass.

    A subclass may have further members, which are not shown.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self._to_python = model.__pydantic_serializer__.to_python
        self._absent = members_that_may_be_absent(model)

    def of(self, value: BaseModel, without: set[str] | None = None) -> Json:
        """The reply, without the members that are null by default and without those that `without` names."""
        reply: Json = self._to_python(value, mode="json", by_alias=True, exclude=without)
        for name in self._absent:
            if name in reply and reply[name] is None:
                del reply[name]
        return reply


HOLD = ReplyShape(HoldReply)
BOOKING = ReplyShape(PublicBooking)
WAITING = ReplyShape(WaitReply)


def booking_reply(booking: Booking, *, manage_token: str | None = None, with_history: bool = False) -> Json:
    """The BookingReply of a booking. manage_token: only for the reply that made it; with_history: only for staff."""
    reply = BOOKING.of(booking, None if with_history else {"history"})
    if manage_token is not None:
        reply["manage_token"] = manage_token
    return reply
