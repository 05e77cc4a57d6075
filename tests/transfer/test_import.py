"""What an import writes: all or nothing, never twice, and respected by holds at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.catalogue import PolicyPatch, PropertyPatch
from models.errors import SlotBooked, StoreUnavailable
from services.claims.mirror import Mirror
from services.ids import booking_id_for, move_pin
from services.stores.connections import connect_mongo, connect_redis
from services.transfer.booking_import import BookingImport, NotPrepared
from tests.servers import MongoServer, RedisServer
from tests.transfer.office import Office
from tests.world import PATIENT, World, rfc3339, services_over, tomorrow

PROPERTIES = 'id,name,address,timezone,status\nhouse-1,House,"Main St 1",Europe/Paris,unavailable\n'
TECHNICIANS = (
    "id,name,working_hours,time_off\n"
    'kim,Kim,"{""mon"": [[""08:00"", ""12:00""]]}","[{""start"": ""2026-12-05T10:00:00Z"", '
    '""end"": ""2026-12-06T10:00:00.1234Z""}]"\n'
)


def test_a_few_columns_are_enough_and_the_rest_has_the_defaults_of_the_api(office: Office) -> None:
    assert office.book(office.row()) == []
    (made,) = office.world.bookings()
    assert made["status"] == "confirmed"
    assert made["active"] is True
    assert (made["priority"], made["source"], made["version"]) == ("medium", "api", 1)
    assert (made["buffer_before_minutes"], made["buffer_after_minutes"]) == (0, 0)
    assert made["end"] == tomorrow(11)
    assert made["requested_start"] == tomorrow(10)
    assert [(entry["by"], entry["action"]) for entry in made["history"]] == [("system", "import")]
    assert len(made["claims"]) == 8
    assert office.output.strip() == "bookings: 1 written, 0 there already"


def test_a_phone_is_mended_and_read_as_that_of_a_request_is(office: Office) -> None:
    """A spreadsheet took the phone for a fraction. Another country by then makes no other booking of the row."""
    desk = office.world.services.catalogue_desk
    desk.patch_policy(office.world.org, PolicyPatch(country="DK"))
    row = office.row(customer_phone="12345678.0", customer_email=" alice@example.com\u200b")
    assert office.book(row) == []
    (made,) = office.world.bookings()
    typed = {"name": "Alice", "phone": "12345678", "email": "alice@example.com"}
    assert made["customer"] == typed | {"phone_e164": "+4512345678"}
    desk.patch_policy(office.world.org, PolicyPatch(country="NO"))
    assert office.book(row) == []
    assert office.output.strip() == "bookings: 0 written, 1 there already"


def test_imported_bookings_may_break_the_rules_of_the_policy(office: Office) -> None:
    times = ["2001-01-01T03:00:00Z", rfc3339(tomorrow(3)), rfc3339(tomorrow() + timedelta(days=3650))]
    assert office.book(*(office.row(reference=start, start=start) for start in times)) == []
    assert len(office.world.bookings(status="confirmed", active=True)) == 3


def test_a_dry_run_changes_nothing(office: Office) -> None:
    before = {name: list(office.world.services.db[name].find()) for name in ("bookings", "properties", "technicians")}
    keys = sorted(office.world.services.redis.scan_iter())
    problems = office.run(
        properties=office.text("p.csv", PROPERTIES),
        technicians=office.text("t.csv", TECHNICIANS),
        bookings=office.file("b.csv", [office.row(property_id="house-1", technician_id="kim")]),
        dry_run=True,
    )
    assert (problems, office.status) == ([], 0)
    assert "bookings: 1 to write" in office.output
    assert before == {name: list(office.world.services.db[name].find()) for name in before}
    assert keys == sorted(office.world.services.redis.scan_iter())


def test_one_bad_line_in_the_last_file_stops_all_files(office: Office) -> None:
    rows = [office.row(reference=str(hour), start=rfc3339(tomorrow(hour))) for hour in range(8, 18)]
    problems = office.run(
        properties=office.text("p.csv", PROPERTIES),
        bookings=office.file("b.csv", [*rows, office.row(reference="bad", start="never")]),
    )
    assert len(problems) == 1
    assert office.world.bookings() == []
    assert office.world.services.db["properties"].find_one({"id": "house-1", "org": office.world.org}) is None


def test_properties_and_technicians_are_written_and_bookings_may_refer_to_them(office: Office) -> None:
    files: dict[str, Any] = {
        "properties": office.text("p.csv", PROPERTIES),
        "technicians": office.text("t.csv", TECHNICIANS),
        "bookings": office.file("b.csv", [office.row(property_id="house-1", technician_id="kim")]),
    }
    epoch = office.world.services.redis.get(office.world.names.epoch)
    assert office.run(**files) == []
    desk = office.world.services.catalogue_desk
    house, kim = desk.get_property(office.world.org, "house-1"), desk.get_technician(office.world.org, "kim")
    assert (house.address, house.timezone, house.status) == ("Main St 1", "Europe/Paris", "unavailable")
    assert kim.working_hours == {"mon": [["08:00", "12:00"]]}
    assert kim.time_off[0].end.microsecond == 123_000
    assert office.world.services.redis.get(office.world.names.epoch) != epoch
    assert office.run(**files) == []
    assert office.output.splitlines() == [
        "properties: 0 written, 1 there already",
        "technicians: 0 written, 1 there already",
        "bookings: 0 written, 1 there already",
    ]


def test_update_changes_only_the_columns_of_the_file(office: Office) -> None:
    office.run(properties=office.text("p.csv", PROPERTIES))
    renamed = office.text("q.csv", "id,name\nhouse-1,Villa\nprop-1,House 1\n")
    assert office.run(properties=renamed) == [
        "q.csv:2: id: house-1 exists with another name; allow updates to change it."
    ]
    assert office.run(properties=renamed, update=True) == []
    assert office.output.strip() == "properties: 0 written, 1 changed, 1 there already"
    house = office.world.services.catalogue_desk.get_property(office.world.org, "house-1")
    assert (house.name, house.address, house.status, house.version) == ("Villa", "Main St 1", "unavailable", 2)


def test_the_same_file_again_writes_nothing_with_its_columns_in_any_order(office: Office) -> None:
    bare = office.row(reference="", start=rfc3339(tomorrow(14)))
    rows = [office.row(), bare]
    office.book(*rows)
    before = office.world.bookings()
    assert office.book(*(dict(reversed(row.items())) for row in rows)) == []
    assert office.output.strip() == "bookings: 0 written, 2 there already"
    assert office.world.bookings() == before


def test_a_booking_that_was_changed_since_its_import_stays_as_it_is(office: Office) -> None:
    office.book(office.row())
    (made,) = office.world.bookings()
    caller = office.world.caller("desk")
    office.world.services.booking_life.act(caller, made["_id"], "cancel")
    assert office.book(office.row()) == []
    assert office.output.strip() == "bookings: 0 written, 1 there already"
    assert office.world.bookings()[0]["status"] == "cancelled"


def test_a_reference_with_another_visit_is_a_problem(office: Office) -> None:
    office.book(office.row())
    problems = office.book(office.row(start=rfc3339(tomorrow(14)), customer_name="Bob"))
    assert len(problems) == 1
    assert "exists with another customer, start" in problems[0]


def test_another_orgs_booking_id_is_a_problem(office: Office) -> None:
    office.book(office.row())
    office.world.services.db["bookings"].update_many(
        {"org": office.world.org}, {"$set": {"org": office.world.other_org}}
    )
    assert "another org" in office.book(office.row())[0].replace(office.world.other_org, "")


def test_holds_respect_imported_bookings_at_once_and_past_ones_are_not_mirrored(office: Office) -> None:
    past = rfc3339(tomorrow() - timedelta(days=9))
    office.book(office.row(), office.row(reference="past", start=past, technician_id="tech-2"))
    assert len(office.world.marks()) == 8
    with pytest.raises(SlotBooked):
        office.world.services.holds.place(office.world.caller(), office.world.hold_request())


@pytest.mark.parametrize("names", [{}, {"reference": ""}, {"reference": "", "booking_id": "bk_" + "a" * 26}])
def test_a_row_cannot_end_the_hold_of_a_client(office: Office, names: dict[str, str]) -> None:
    world = office.world
    hold = world.services.holds.place(world.caller(), world.hold_request()).hold
    marks = world.marks()
    row = office.row(property_id="prop-2", technician_id="tech-2", hold_id=hold.hold_id, **names)
    assert [problem.split(": ")[1] for problem in office.book(row)] == ["hold_id"]
    assert world.services.holds.get(world.caller(), hold.hold_id).status == "held"
    assert world.marks() == marks
    assert world.bookings() == []


def test_a_row_cannot_end_a_pin(office: Office) -> None:
    """A person who knows how ids are derived could name a booking after a pin of another one."""
    pin = move_pin("bk_" + "a" * 26, 1, "digest")
    row = office.row(reference="", booking_id=booking_id_for(office.world.org, pin), hold_id=pin)
    assert [problem.split(": ")[1] for problem in office.book(row)] == ["hold_id"]


def test_the_name_of_a_pin_is_not_a_column(office: Office) -> None:
    assert "placed_as: Leave this column out" in office.book(office.row(placed_as="d_some"))[0]


def test_a_booking_is_imported_with_the_hold_that_it_was_made_of(office: Office) -> None:
    booking_id = booking_id_for(office.world.org, "h_alice")
    assert office.book(office.row(reference="", booking_id=booking_id, hold_id="h_alice")) == []
    assert [booking["hold_id"] for booking in office.world.bookings()] == ["h_alice"]


def test_the_id_of_a_hold_is_read_as_the_name_of_the_hold(office: Office) -> None:
    name = "h_" + "A" * 32
    row = office.row(reference="", booking_id=booking_id_for(office.world.org, name), hold_id=name + "B" * 20)
    assert office.book(row) == []
    assert [booking["hold_id"] for booking in office.world.bookings()] == [name]


def test_an_ended_booking_claims_nothing(office: Office) -> None:
    statuses = ("completed", "no_show", "cancelled", "expired")
    assert office.book(*(office.row(reference=status, status=status) for status in statuses)) == []
    assert len(office.world.bookings(active=False)) == 4
    assert office.world.marks() == {}
    office.world.services.holds.place(office.world.caller(), office.world.hold_request())


def test_a_reservation_is_imported_with_its_deadline(office: Office) -> None:
    until = rfc3339(tomorrow(8))
    assert office.book(office.row(status="pending", reserved_by="Front desk", reserved_until=until)) == []
    (made,) = office.world.bookings(status="pending", active=True)
    assert (made["reserved_by"], made["reserved_until"]) == ("Front desk", tomorrow(8))


def test_a_run_that_died_before_it_mirrored_is_completed_by_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(BookingImport, "_settle", dies)
        with pytest.raises(KeyboardInterrupt):
            office.book(office.row())
    assert len(office.world.bookings()) == 1
    assert office.world.marks() == {}
    assert office.book(office.row()) == []
    assert len(office.world.marks()) == 8


def test_without_redis_everything_is_written_and_the_relay_mirrors_it(world: World, tmp_path: object) -> None:
    world.services.relay.carry_over_changes()  # from now on its position in the log is saved
    away = connect_redis("redis://127.0.0.1:1/0")
    office = Office(world, tmp_path, redis=away)  # type: ignore[arg-type]
    rows = [office.row(reference=str(hour), start=rfc3339(tomorrow(hour))) for hour in (8, 10)]
    assert office.book(*rows) == []
    assert office.status == 0
    assert "the relay will mirror 2 bookings" in office.output
    assert len(world.bookings()) == 2
    away.close()
    world.services.relay.carry_over_changes()
    assert len(world.marks()) == 16


def test_a_batch_without_an_answer_is_written_by_the_next_run(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [office.row(reference=str(hour), start=rfc3339(tomorrow(hour))) for hour in (8, 10)]
    client = office.world.services.db.client
    fault = {"failCommands": ["insert"], "writeConcernError": {"code": 64, "errmsg": "waiting for replication"}}
    client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=fault)
    with pytest.raises(StoreUnavailable):
        office.book(*rows)
    # A later write of ours lets a majority have what this one wrote: only then the next run sees it for certain.
    office.world.services.db["later"].insert_one({})
    assert office.book(*rows) == []
    assert len(office.world.bookings()) == 2
    assert len(office.world.marks()) == 16


def test_a_database_without_the_index_is_refused(stores: tuple[RedisServer, MongoServer], tmp_path: object) -> None:
    redis, mongo = stores
    client, db = connect_redis(redis.url, PATIENT), connect_mongo(mongo.url, "holdfast_bare", PATIENT)
    world = World(services_over(client, db))
    try:
        db["bookings"].drop_index("one_booking_per_claim")
        with pytest.raises(NotPrepared):
            Office(world, tmp_path)  # type: ignore[arg-type]
    finally:
        world.services.access.close()
        db.client.drop_database("holdfast_bare")
        db.client.close()
        client.close()


def test_a_booking_that_is_mirrored_is_not_mirrored_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.book(office.row())
    monkeypatch.setattr(Mirror, "settle", None)
    assert office.book(office.row()) == []


def test_a_property_that_another_client_changed_meanwhile_stays_as_it_is(office: Office) -> None:
    desk = office.world.services.catalogue_desk
    path = office.text("p.csv", "id,name\nprop-1,House 1\nprop-2,House 2\n")

    def overtake(phase: str) -> None:
        if phase.startswith("writing"):
            desk.patch_property(office.world.org, "prop-1", PropertyPatch(name="Renamed"))

    problems = office.run(properties=path, on_phase=overtake)
    assert problems == ["p.csv:2: Not written, because another client has made a different property prop-1 meanwhile."]
    assert desk.get_property(office.world.org, "prop-1").name == "Renamed"
