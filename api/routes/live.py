"""GET /events and GET /board: what happens in an org, as it happens."""

from __future__ import annotations

from typing import Any

from api.http.endpoint import EVERY_KEY, Ask, Reply, Routes
from api.routes.bookings import listed
from models.access import STAFF, Role
from models.errors import PropertyNotFound, TechnicianNotFound
from models.hold import HoldReply
from models.live import BoardProperty, BoardQuery, BoardReply, BoardTechnician, EventsQuery
from models.shapes import ReplyShape

routes = Routes(
    "Live",
    "What happens in an org, as it happens: a stream of changes, and the board from which they lead on.",
)

EVENT_STREAM = "text/event-stream; charset=utf-8"
AS_IT_IS = "no-store, no-transform"
UNBUFFERED = (("X-Accel-Buffering", "no"),)

HOLD, TECHNICIAN, PROPERTY = ReplyShape(HoldReply), ReplyShape(BoardTechnician), ReplyShape(BoardProperty)


@routes.get(
    "/events",
    "Follow what changes, as Server-Sent Events",
    roles=EVERY_KEY | {Role.CUSTOMER},
    query=EventsQuery,
    query_headers={"last_event_id": "Last-Event-ID"},
    replies={200: None},
    refusals=(PropertyNotFound, TechnicianNotFound),
    content_type=EVENT_STREAM,
)
def follow_events(ask: Ask[EventsQuery]) -> Reply:
    """Sends `hello` first, with the server's time and the event id at which the stream begins, then an event for each
    change, named `hold`, `release`, `book`, `cancel`, `move` or `change`. `reset` means that events were missed: load
    everything anew. `bye` means that the server ends: come again. A hold that runs out has no event; it ends at its
    `expires_at`. By property for every key, and for a manage token that of its own visit; by technician for the office
    and the bot; without both, for the office, all of the org."""
    stream = ask.services.feed.open(ask.caller, ask.given)
    return Reply(200, cache=AS_IT_IS, headers=UNBUFFERED, live=stream)


@routes.get(
    "/board",
    "Read a day board, to be kept up to date by `/events`",
    roles=STAFF,
    query=BoardQuery,
    replies={200: BoardReply},
)
def read_board(ask: Ask[BoardQuery]) -> Reply:
    """Shows technicians with the times in which they can have no visit, and the visits and live holds that overlap the
    asked time, at most 31 days, with the properties where they are. Follow `/events` with `stream_id` as
    `Last-Event-ID` to keep it up to date."""
    board = ask.services.board.read(ask.caller, ask.given)
    shown: dict[str, Any] = {
        "stream_id": board.stream_id,
        "timezone": board.timezone,
        "technicians": [TECHNICIAN.of(each) for each in board.technicians],
        "properties": [PROPERTY.of(each) for each in board.properties],
        "visits": listed(ask, board.visits),
        "holds": [HOLD.of(each) for each in board.holds],
    }
    return Reply(200, shown)
