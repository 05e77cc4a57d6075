"""An export can be imported into an empty org without any change."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.booking import ReserveRequest
from models.booking_changes import BookingPatch
from models.catalogue import PropertyCreate, TechnicianCreate, TimeOff
from models.errors import StoreUnavailable
from models.service import ServiceCreate
from services.sheets.table import Span
from services.transfer.export import Export
from tests.transfer.office import Office
from tests.world import World, rfc3339, tomorrow

AREAS = ["north", "-1"]
TRICKY = "return\rhere"
WORSE = "=cmd|' /C calc'!A0\r\n\"quoted\", ' and ＋wide; æøå 漢字 🔧\ttab"


def fill(world: World) -> None:
    """Makes bookings of every status, in both ways, and texts that are hard for CSV."""
    services, desk, admin = world.services, world.caller("desk"), world.services.catalogue_desk
    admin.create_property(world.org, PropertyCreate(id="-1", name="=1+1", address="@home", timezone="Asia/Tokyo"))
    admin.create_property(world.org, PropertyCreate(id="hidden", name="Hidden", unlisted=True))
    off = [TimeOff.model_validate({"start": rfc3339(tomorrow(1)), "end": "2099-12-31T10:00:00.999Z"})]
    hours: Any = {"mon": [["08:00", "12:00"], ["13:00", "24:00"]], "sun": []}
    admin.create_technician(
        world.org, TechnicianCreate(id="t", name="+1", working_hours=hours, time_off=off, areas=AREAS)
    )
    admin.create_technician(world.org, TechnicianCreate(id="never", name="'t Hooft", working_hours={}, skills=AREAS))
    units = world.services.units
    units.create(world.org, PropertyCreate(id="-2", name="Flat", parent_id="hidden", area="north"))
    units.create(world.org, PropertyCreate(id="flat", name="Flat", parent_id="-1", status="unavailable"))
    boiler = ServiceCreate(id="boiler", name="=Boiler", duration_minutes=90, buffer_after_minutes=15, public=True)
    leak = ServiceCreate(id="leak", name="Leak", duration_minutes=30, skill="pipes", price_text="007")
    for service in (boiler, leak):
        world.services.service_desk.create(world.org, service)
    world.begin_visits()
    customer = {"name": "-Ann", "phone": "+45 (12) 34-56", "email": "ann@example.com"}
    bot = world.caller("bot")
    hold = services.holds.place(bot, world.hold_request(buffer_after_minutes=30)).hold
    services.bookings.book(bot, world.book_request(hold_id=hold.hold_id, customer=customer))
    for hour, action, text in ((1, "cancel", TRICKY), (3, "complete", WORSE), (5, "no_show", "'=1")):
        kept = {
            "internal_note": text,
            "metadata": {"$set": text.replace("\r", ""), "a.b": ""},
            "external_reference": "=1",
        }
        fields = {
            "service_id": "boiler",
            "description": text,
            "priority": "emergency",
        }
        request = world.direct_request(start=rfc3339(tomorrow(hour)), **fields, **kept)
        made = services.bookings.book(desk, request).booking
        services.booking_life.act(desk, made.booking_id, action)  # type: ignore[arg-type]
    crew = {"technician_id": None, "technician_ids": ["tech-2", "tech-3"], "start": rfc3339(tomorrow(7))}
    services.bookings.book(desk, world.direct_request(property_id="hidden", **crew))
    slot = {"property_id": "prop-2", "technician_id": "tech-2", "start": rfc3339(tomorrow())}
    reserved = services.bookings.reserve(desk, ReserveRequest.model_validate(slot | {"reserved_by": "=Bob"})).booking
    patch = BookingPatch.model_validate({"start": rfc3339(tomorrow(15)), "buffer_before_minutes": 15})
    services.booking_life.reschedule(desk, reserved.booking_id, patch, None)


def empty(world: World) -> None:
    """Removes all data of the org from both stores."""
    for name in ("bookings", "properties", "technicians", "services"):
        world.services.db[name].delete_many({"org": world.org})
    stem = world.names.prefix.replace("{", "\\{")
    for key in list(world.services.redis.scan_iter(match=stem + "*")):
        world.services.redis.delete(key)


def kept(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The documents by id, without the history and the name of a pin, which an import does not keep, without the id and
    the holder of the hold, which no file has, and without MongoDB's time of the last write."""
    lost = {"history", "placed_as", "hold_id", "held_as", "holder_digest", "changed"}
    return {
        document["_id"]: {name: value for name, value in document.items() if name not in lost} for document in documents
    }


def booked_marks(world: World) -> dict[str, str]:
    return {claim: mark for claim, mark in world.marks().items() if mark.startswith("booked")}


def test_an_import_into_an_empty_org_restores_the_exported_one(office: Office) -> None:
    world = office.world
    fill(world)
    desk, org = world.services.catalogue_desk, world.org
    services = world.services.service_desk
    catalogue = desk.list_properties(org), desk.list_technicians(org), services.page(org, public=False)
    bookings, marks = kept(world.bookings()), booked_marks(world)
    assert {booking["status"] for booking in bookings.values()} == {
        *("confirmed", "pending", "completed", "no_show", "cancelled")
    }
    assert {booking["version"] for booking in bookings.values()} == {1, 2}
    files = office.export()
    empty(world)
    assert office.run(**files) == []
    assert (desk.list_properties(org), desk.list_technicians(org), services.page(org, public=False)) == catalogue
    assert kept(world.bookings()) == bookings
    assert booked_marks(world) == marks
    assert {entry["action"] for booking in world.bookings() for entry in booking["history"]} == {"import"}
    again = office.export(folder="again")
    assert [Path(again[kind]).read_bytes() for kind in files] == [Path(files[kind]).read_bytes() for kind in files]


def test_no_file_has_the_id_of_a_hold_by_which_anybody_finds_its_booking(office: Office) -> None:
    fill(office.world)
    (hold_id,) = {booking["hold_id"] for booking in office.world.bookings()} - {None}
    files = {kind: Path(path).read_text() for kind, path in office.export().items()}
    assert hold_id not in "".join(files.values())
    assert "hold_id" in files["bookings"].partition("\n")[0].split(",")


def test_a_visit_ahead_may_name_a_service_that_was_removed(office: Office) -> None:
    world = office.world
    world.services.service_desk.create(world.org, ServiceCreate(id="gone", name="Gone", duration_minutes=60))
    world.services.bookings.book(world.caller("desk"), world.direct_request(service_id="gone"))
    world.services.service_desk.remove(world.org, "gone", None)
    files = office.export()
    empty(world)
    assert office.run(**files) == []
    assert [booking["service_id"] for booking in world.bookings()] == ["gone"]


def test_a_restored_booking_can_be_changed(office: Office) -> None:
    fill(office.world)
    files = office.export()
    empty(office.world)
    office.run(**files)
    services, desk = office.world.services, office.world.caller("desk")
    (reserved,) = office.world.bookings(status="pending")
    confirmed = services.booking_life.act(desk, reserved["_id"], "confirm", None, reserved["version"])
    assert (confirmed.status, confirmed.version) == ("confirmed", reserved["version"] + 1)


def test_an_import_into_the_same_org_writes_nothing(office: Office) -> None:
    fill(office.world)
    before = office.world.bookings()
    assert office.run(**office.export()) == []
    assert office.world.bookings() == before
    assert office.output.splitlines()[-1] == f"bookings: 0 written, {len(before)} there already"


def test_a_span_of_days_is_half_open(office: Office) -> None:
    days = [datetime(2026, 12, day, 10, tzinfo=UTC) for day in (1, 2, 3)]
    office.book(*(office.row(reference=str(day), start=rfc3339(day)) for day in days))
    span = Span(datetime(2026, 12, 2, tzinfo=UTC), datetime(2026, 12, 3, 10, tzinfo=UTC))
    path = office.export("bookings", span=span)["bookings"]
    assert [line.split(",")[6] for line in Path(path).read_text().splitlines()[1:]] == ["2026-12-02T10:00:00Z"]


def test_an_incomplete_file_never_has_its_name(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.book(office.row())
    first = Path(office.export("bookings")["bookings"]).read_text()

    def fails(*_: object) -> Any:
        yield from ()
        raise StoreUnavailable

    monkeypatch.setattr(Export, "bookings", fails)
    with pytest.raises(StoreUnavailable):
        office.export("bookings")
    assert [path.name for path in (office.folder / "out").iterdir()] == ["bookings.csv"]
    assert (office.folder / "out" / "bookings.csv").read_text() == first


def test_only_the_owner_may_read_an_export(office: Office) -> None:
    path = Path(office.export("bookings")["bookings"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_export_has_no_data_of_another_org(office: Office) -> None:
    files = office.export()
    assert "rival" not in "".join(Path(path).read_text() for path in files.values())
