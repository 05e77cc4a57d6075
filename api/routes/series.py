"""POST /series, and what is done with a series afterwards."""

from __future__ import annotations

from typing import Any

from api.http.endpoint import Ask, Recall, Reply, Routes
from api.routes.bookings import listed, shown
from api.routes.holds import SLOT_REFUSALS
from api.routes.slot_review import review_reservation
from models.access import STAFF
from models.booking import Booking
from models.dispatch import MovedVisit
from models.errors import NotFound, PropertyNotFound, RequestInProgress, ServiceNotFound, TechnicianNotFound
from models.series import (
    CancelledVisit,
    SeriesCancel,
    SeriesCancelled,
    SeriesChanged,
    SeriesMade,
    SeriesOccurrence,
    SeriesPatch,
    SeriesPreview,
    SeriesRecord,
    SeriesReply,
    SeriesRequest,
)
from models.shapes import ReplyShape
from services.series.making import MadeSeries

routes = Routes(
    "Series",
    "A series is a visit that comes again by a rule. Its visits are bookings, which are made together, all or none.",
)


RECORD, OCCURRENCE = ReplyShape(SeriesRecord), ReplyShape(SeriesOccurrence)


def _made(ask: Ask[Any], series: MadeSeries) -> dict[str, Any]:
    bookings = [shown(ask.caller, booking, listed=True) for booking in series.bookings]
    return {"series_id": series.series_id, "bookings": bookings}


def _as_then(ask: Ask[SeriesRequest], kept: dict[str, Any]) -> dict[str, Any]:
    return (
        kept if ask.given.dry_run else _made(ask, ask.services.series_making.first(ask.caller.org, kept["series_id"]))
    )


@routes.post(
    "/series",
    "Book a visit that comes again",
    roles=STAFF,
    body=SeriesRequest,
    review=review_reservation(),
    replies={201: SeriesMade, 200: SeriesPreview},
    refusals=(*SLOT_REFUSALS, RequestInProgress),
    recall=Recall(("series_id", "occurrences"), _as_then),
)
def make_series(ask: Ask[SeriesRequest]) -> Reply:
    """Books the visits of a rule, all or none: after a refusal, which names every visit in its way as `occurrences`,
    nothing is booked. With `dry_run` it says which visits are free, with 200, and books nothing."""
    if ask.given.dry_run:
        visits = ask.services.series_preview.preview(ask.caller, ask.given)
        return Reply(200, {"occurrences": [OCCURRENCE.of(visit) for visit in visits]})
    series = ask.services.series_making.make(ask.caller, ask.given, ask.idempotency)
    return Reply(201, _made(ask, series), series.replayed)


@routes.get("/series/{series_id}", "Read a series", roles=STAFF, replies={200: SeriesReply}, refusals=(NotFound,))
def read_series(ask: Ask[None], series_id: str) -> Reply:
    """Shows a series as it was asked for, and its visits as they are now, by start. A visit that was moved or cancelled
    by itself stays in it."""
    record, bookings = ask.services.series_desk.get(ask.caller, series_id)
    return Reply(200, {**RECORD.of(record), "bookings": listed(ask, bookings)})


@routes.post(
    "/series/{series_id}/cancel",
    "Cancel the visits of a series that follow",
    roles=STAFF,
    body=SeriesCancel,
    body_required=False,
    replies={200: SeriesCancelled},
    refusals=(NotFound,),
)
def cancel_series(ask: Ask[SeriesCancel], series_id: str) -> Reply:
    """Cancels each active visit from a time on, the earliest first. A visit that cannot be cancelled is in `left`. Send
    the same request again for visits that were left because the time of the request was over."""
    done, left = ask.services.series_desk.cancel(ask.caller, series_id, ask.given)
    return Reply(200, SeriesCancelled(cancelled=[_visit(booking) for booking in done], left=left))


@routes.patch(
    "/series/{series_id}",
    "Change the visits of a series that follow",
    roles=STAFF,
    body=SeriesPatch,
    review=review_reservation(),
    replies={200: SeriesChanged},
    refusals=(NotFound, PropertyNotFound, TechnicianNotFound, ServiceNotFound),
)
def change_series(ask: Ask[SeriesPatch], series_id: str) -> Reply:
    """Changes each active visit from a time on, the earliest first, as a change of that booking does. A visit that
    cannot be changed stays as it was and is in `left`. A repeat goes on where the first request stopped."""
    done, left = ask.services.series_desk.change(ask.caller, series_id, ask.given)
    return Reply(200, SeriesChanged(moves=[_moved(booking) for booking in done], left=left))


def _moved(booking: Booking) -> MovedVisit:
    fields = {name: getattr(booking, name) for name in ("booking_id", "property_id", "start", "end")}
    return MovedVisit(**fields, to_technician_id=booking.technician_id)


def _visit(booking: Booking) -> CancelledVisit:
    return CancelledVisit(**{name: getattr(booking, name) for name in CancelledVisit.model_fields})
