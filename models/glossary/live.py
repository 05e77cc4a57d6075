"""The words of the live feed and the board."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "EventsQuery.property_id": (
        "Only what happens at this property, and when its technicians are elsewhere. Needed with the publishable key "
        "and with a manage token."
    ),
    "EventsQuery.technician_id": "Only what happens with this technician. For the office and the bot.",
    "last_event_id": (
        "The `id` of the last event that you have: the stream goes on behind it. If the server no longer has it, or "
        "more than 1,000 events follow it, the stream says `reset`."
    ),
    "BoardQuery.from": "From when; a bare date begins in the time zone of the org.",
    "BoardQuery.to": "Until when, at most 31 days later.",
    "stream_id": "The live event behind which `/events` brings what this reply does not show yet.",
    "BoardReply.technicians": "All technicians of the org by id.",
    "BoardReply.properties": "The properties of these visits and holds by id.",
    "BoardProperty.has_units": "Whether it is a building with units.",
    "BoardTechnician.closed": "When the technician can have no visit, by start.",
    "ClosedSpan.start": "When it begins.",
    "ClosedSpan.end": "When it ends.",
    "BoardReply.visits": "The bookings of any status that overlap the asked time, by start.",
    "BoardReply.holds": "The live holds that overlap the asked time.",
    "ref": "The name of the hold in live events, which is no credential.",
}
