"""/technicians/{technician_id}/calendar: a calendar's secret address; …/calendar.ics: the calendar behind it."""

from __future__ import annotations

from flask import request

from api.http.conditions import entity_tags
from api.http.endpoint import Ask, Reply, Routes
from models.access import STAFF
from models.calendar import CalendarQuery, CalendarReply
from models.errors import TechnicianNotFound
from services.calendars.icalendar_text import calendar_tag

routes = Routes("Calendars", "A technician's visits as an iCalendar feed at a secret address, for calendar programs.")

CALENDAR_TYPE = "text/calendar; charset=utf-8"
ASK_EACH_TIME = "private, no-cache"
"""A calendar may be kept, and is asked about each time: it mostly has not changed, and then it is not sent."""


# No idempotency key: the first answer, kept for a day, would be the secret in Redis. A repeat makes a new address; one
# whose answer was lost is known to no client.
@routes.post(
    "/technicians/{technician_id}/calendar",
    "Make the address of a technician's calendar; the one before is dead at once",
    roles=STAFF,
    replies={201: CalendarReply},
    refusals=(TechnicianNotFound,),
    idempotency="none",
)
def make_calendar(ask: Ask[None], technician_id: str) -> Reply:
    """Makes the secret address of the feed. The address before it ends at once. The reply is never repeated, so it
    takes no idempotency key."""
    made = ask.services.calendar_feeds.issue(ask.caller.org, technician_id)
    url = f"/technicians/{technician_id}/calendar.ics?token={made.token}"
    shown = CalendarReply(technician_id=technician_id, calendar_url=url, created_at=made.created_at)
    return Reply(201, shown)


@routes.delete(
    "/technicians/{technician_id}/calendar",
    "Revoke the address of a technician's calendar",
    roles=STAFF,
    replies={204: None},
    refusals=(TechnicianNotFound,),
)
def revoke_calendar(ask: Ask[None], technician_id: str) -> Reply:
    """Ends the address of the feed. A repeat is fine."""
    ask.services.calendar_feeds.revoke(ask.caller.org, technician_id)
    return Reply(204)


@routes.get(
    "/technicians/{technician_id}/calendar.ics",
    "A technician's visits as iCalendar; the token stands for a key",
    roles=None,
    keyless="secret",
    query=CalendarQuery,
    replies={200: None, 304: None},
    content_type=CALENDAR_TYPE,
)
def read_calendar(ask: Ask[CalendarQuery], technician_id: str) -> Reply:
    """Shows the visits as iCalendar (RFC 5545). The token in the address is the credential; there is no API key. A
    calendar that has not changed is answered with 304."""
    feeds = ask.services.calendar_feeds
    calendar = feeds.read(technician_id, ask.given.token, called_off=ask.given.cancelled == "1")
    tag = calendar_tag(calendar)
    headers = (("ETag", f'"{tag}"'), ("Content-Disposition", f'inline; filename="{technician_id}.ics"'))
    asked = request.headers.get("If-None-Match", "")
    if asked.strip() == "*" or tag in entity_tags(asked):
        return Reply(304, cache=ASK_EACH_TIME, headers=headers)
    return Reply(200, feeds.text(calendar), cache=ASK_EACH_TIME, headers=headers)
