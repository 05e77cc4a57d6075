"""The words of series."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "series_id": "The series that the booking is a visit of. In a booking of no series it is left out.",
    "SeriesMade.series_id": "The id of the series.",
    "SeriesRecord.series_id": "The id of the series.",
    "path.series_id": "The id of the series.",
    "BookingQuery.series_id": "Only visits of this series.",
    "rrule": (
        "The rule by which the visit comes again, as RFC 5545 writes it, in the local time of the property. It has an "
        "end, COUNT or UNTIL, and names at most 104 visits, of which `start` is the first. FREQ is DAILY, WEEKLY, "
        "MONTHLY or YEARLY; INTERVAL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS and WKST may follow."
    ),
    "SeriesRecord.rrule": "The rule of the series; null if the series was imported.",
    "SeriesRecord.property_id": "The property that the series was booked for.",
    "SeriesRecord.start": "The start of the first visit, as it was asked for.",
    "SeriesRequest.start": (
        "When the first visit begins, with an offset from UTC. It lies on the grid, and the rule names its date."
    ),
    "SeriesRequest.customer": "The person that the visits are for. A dry run needs none.",
    "SeriesMade.bookings": "The visits of the series, by start.",
    "SeriesReply.bookings": "The visits of the series as they are now, by start; those that have ended too.",
    "only": "The starts of the visits that are wanted. If it is left out, all that the rule names.",
    "SeriesRequest.dry_run": "Whether to look only. Then nothing is booked.",
    "occurrences": "The visits that the rule names, by start; of a refusal those that could not be booked.",
    "SeriesOccurrence.start": "When the visit would begin. Where clocks skip its time, the first moment after that.",
    "SeriesOccurrence.end": "When the visit would end.",
    "SeriesOccurrence.state": (
        "`free`; `taken`, because a hold or another visit is in the way; `closed`, because a rule forbids it, or "
        "clocks skip its time."
    ),
    "SeriesOccurrence.code": "The code of the refusal that this visit would get; left out if it is free.",
    "SeriesOccurrence.next_available": (
        "One slot that was free instead: with another technician at that time, else the next one. It is left out if "
        "none was found within seven days, or in the time of the request."
    ),
    "SeriesCancel.from": (
        "Visits that begin at or after this time. A bare date is the first instant of that local date of the property. "
        "If it is left out, all visits that have not begun."
    ),
    "cancelled": "The visits that this request has cancelled, by start.",
    "left": "The visits that stay as they were, by start.",
    "LeftVisit.code": "The code of the refusal that this visit got; `store_unavailable` if it was not reached.",
    "LeftVisit.detail": "A sentence about the reason.",
    "SeriesPatch.from": (
        "Active visits that begin at or after this time. A bare date is the first instant of that local date of the "
        "property."
    ),
    "SeriesPatch.time": "At which time of day the visits begin, by the clock of the property. Each keeps its date.",
    "SeriesChanged.moves": "The visits that are now as the request wants them, by start.",
}
