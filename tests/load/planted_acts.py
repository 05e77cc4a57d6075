"""Runs in several acts to plant faults in: moved bookings, a reservation at its deadline, a waitlist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import BACKSTAGE, Evidence, claims_of
from tests.load.planted import GRID_SECONDS, answer, booked, document, evidence, slot

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
AHEAD = NOON.timestamp()
"""The calendar of these runs: their monotonic clock is 0 at noon."""


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def step(action: str, seconds: float, by: str = "desk:k1", /, **changes: tuple[Any, Any]) -> dict[str, Any]:
    """One entry of a history."""
    values = {name: {"from": before, "to": after} for name, (before, after) in changes.items()}
    return {"at": at(seconds), "by": by, "action": action, "changes": values}


def begin(booking: dict[str, Any], action: str = "book", seconds: float = 2.0) -> dict[str, Any]:
    """The booking with the first entry of its history."""
    return {**booking, "history": [step(action, seconds)], "description": ""}


def changed(booking: dict[str, Any], name: str, wanted: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The booking as MongoDB has it after a move by the request of that name."""
    visit = {**wanted, "start": datetime.fromisoformat(wanted["start"])}
    differs = {key: (booking[key], value) for key, value in visit.items() if booking[key] != value}
    text = f"run/{name}"
    entry = step("move", seconds, "desk:k1", description=(booking["description"], text), **differs)
    claims = [{"resource": resource, "tick": tick} for resource, tick in sorted(claims_of(visit, GRID_SECONDS))]
    version = booking["version"] + 1
    history = [*booking["history"], entry]
    return {**booking, **visit, "claims": claims, "version": version, "history": history, "description": text}


def move(
    name: str,
    booking_id: str,
    version: int | None,
    visit: dict[str, Any],
    *,
    seconds: float,
    status: int = 200,
    **reply: Any,
) -> Exchange:
    """An answered PATCH; a granted one answers the next version."""
    asked = {"booking_id": booking_id, "version": version, "visit": visit}
    answered = {"booking_id": booking_id, "version": (version or 0) + 1, **visit} if status == 200 else reply
    return Exchange("move", name, "desk", asked, seconds, seconds + 0.1, status, answered)


def moved_run() -> Evidence:
    """Bob moves booking 0 to noon and on to one; Carl, who names the first version too, is refused; so is Dora."""
    first, second, third, other = slot(600), slot(720), slot(780), slot(600, site="p1", who="t1")
    booking = changed(
        changed(begin(document("0", first, name="direct")), "5:move0", second, 3.0), "5:move1", third, 4.0
    )
    exchanges = [
        booked("0", first, by_hold=False),
        booked("1", other, at=2.1, by_hold=False),
        move("5:move0", "bk-0", 1, second, seconds=3.0),
        move("6:move0", "bk-0", 1, slot(840), seconds=3.1, status=412, code="version_conflict"),
        move("7:move0", "bk-0", 2, other, seconds=3.2, status=409, code="slot_booked"),
        move("5:move1", "bk-0", 2, third, seconds=4.0),
    ]
    exchanges[0].reply["version"] = exchanges[1].reply["version"] = 1
    run = evidence(exchanges, [booking, begin(document("1", other, name="direct"), seconds=2.1)])
    run.calendar_ahead = AHEAD
    return run


def reserved(tag: str, asked: dict[str, Any], *, seconds: float = 1.0) -> Exchange:
    return answer(f"{tag}:reserve", asked, at=seconds, client="desk", booking_id=f"bk-{tag}", version=1, **asked)


def reservation(tag: str, asked: dict[str, Any], *endings: dict[str, Any], status: str) -> dict[str, Any]:
    """A reservation whose deadline was brought near, to second 10, and what became of it."""
    made = begin(document(tag, asked, name="reserve", status=status), "reserve", 1.0)
    near = step("edit", 4.0, BACKSTAGE, reserved_until=(at(3600), at(10)))
    history = [made["history"][0], near, *endings]
    active = status in ("pending", "confirmed")
    return {**made, "history": history, "version": len(history), "active": active, "reserved_until": at(10)}


def reserved_run() -> Evidence:
    """Reservation 0 runs out at second 10 and Bob has its slot; 1 is confirmed before; Carl is too late for both."""
    first, second = slot(600), slot(660)
    expire = step("expire", 10.0, "system", status=("pending", "expired"))
    confirm = step("confirm", 8.0, status=("pending", "confirmed"))
    exchanges = [
        reserved("0", first),
        reserved("1", second),
        answer("5:confirm", {"booking_id": "bk-1"}, at=8.0, status=200, booking_id="bk-1", version=3, **second),
        answer("6:hold", first, at=9.0, status=409, code="slot_booked"),
        booked("7", first, at=10.02, by_hold=False),
        answer("8:direct", first, at=10.3, status=409, code="slot_booked"),
        answer("9:direct", second, at=10.3, status=409, code="slot_booked"),
        answer("4:confirm", {"booking_id": "bk-0"}, at=10.6, status=409, code="invalid_transition"),
    ]
    bookings = [
        reservation("0", first, expire, status="expired"),
        reservation("1", second, confirm, status="confirmed"),
        begin(document("7", first, name="direct"), seconds=10.02),
    ]
    run = evidence(exchanges, bookings)
    run.deadlines = {"bk-0": 10.0, "bk-1": 10.0}
    run.calendar_ahead = AHEAD
    return run


def entry(tag: str, asked: dict[str, Any], *steps: dict[str, Any], status: str, joined: float) -> dict[str, Any]:
    """An entry of the waitlist as MongoDB has it, with the last offer of its history."""
    values: dict[str, Any] = {"hold_id": None, "offered_until": None, "booking_id": None}
    for each in steps:
        values |= {name: change["to"] for name, change in each["changes"].items()}
    start = datetime.fromisoformat(asked["start"])
    history = [step("join", joined), *steps]
    wish = {name: asked[name] for name in ("property_id", "technician_id", "duration_minutes")}
    window = {"from": start, "to": start + timedelta(minutes=asked["duration_minutes"]), "created_at": at(joined)}
    name = {"name": f"run/{tag}:join", "phone": "+15550100"}
    known = {"_id": f"wl-{tag}", "org": "demo", "offer_minutes": 1, "version": len(history), "history": history}
    return {**known, **wish, **window, **values, "customer": name, "status": status}


def offered(tag: str, seconds: float) -> list[dict[str, Any]]:
    """The steps of an offer."""
    intent = step("intend", seconds, "system", hold_id=(None, f"hold-{tag}"))
    return [intent, step("offer", seconds, "system", offered_until=(None, at(seconds + 60)))]


def join(tag: str, asked: dict[str, Any], *, seconds: float) -> Exchange:
    return answer(f"{tag}:join", asked, at=seconds, waitlist_id=f"wl-{tag}", status=201)


def look(tag: str, asked: dict[str, Any], *, seconds: float) -> Exchange:
    """A look at an entry while a slot is offered to it."""
    offer = {"waitlist_id": f"wl-{tag}", "hold_id": f"hold-{tag}", "offered_technician_id": asked["technician_id"]}
    shown = {**asked, **offer, "expires_at": at(seconds + 60).isoformat()}
    seen = answer(f"{tag}:look", {"waitlist_id": f"wl-{tag}"}, at=seconds, status=200, **shown)
    seen.reply["status"] = "offered"
    return seen


def waiting_run() -> Evidence:
    """Alice cancels at second 10; Bob is offered the slot and leaves, Carl is offered it next and books, Dora waits."""
    wish = slot(600)
    exchanges = [
        booked("0", wish, at=1.0, by_hold=False),
        join("5", wish, seconds=2.0),
        join("6", wish, seconds=2.1),
        join("7", wish, seconds=2.2),
        answer("0:cancel", {"booking_id": "bk-0"}, at=10.0, status=200, client="desk", booking_id="bk-0"),
        look("5", wish, seconds=11.5),
        answer("5:leave", {"waitlist_id": "wl-5"}, at=12.0, status=204),
        look("6", wish, seconds=13.5),
        booked("6", wish, at=14.0),
        answer("8:direct", wish, at=15.0, status=409, client="desk", code="slot_booked"),
    ]
    end = step("cancel", 10.05, status=("confirmed", "cancelled"))
    first = begin(document("0", wish, name="direct", status="cancelled"), seconds=1.0)
    first |= {"history": [*first["history"], end], "version": 2}
    second = {**begin(document("6", wish), seconds=14.05), "hold_id": "hold-6"}
    run = evidence(exchanges, [first, second])
    run.entries = [
        entry("5", wish, *offered("5", 11.0), step("cancel", 12.05), status="cancelled", joined=2.05),
        entry(
            "6", wish, *offered("6", 13.0), step("book", 15.0, booking_id=(None, "bk-6")), status="booked", joined=2.15
        ),
        entry("7", wish, status="waiting", joined=2.25),
    ]
    run.offer_events = [{"id": f"wl-{tag}", "hold_id": f"hold-{tag}"} for tag in ("5", "6")]
    run.calendar_ahead = AHEAD
    return run
