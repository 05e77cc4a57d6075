"""Services, areas, skills and the units of buildings in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.catalogue import PropertyCreate, PropertyPatch
from models.errors import SlotBooked, StoreUnavailable
from services.bookings.units import Units
from tests.transfer.office import Office

HOUSES = """id,name,timezone,parent_id,area
house,House,Europe/Paris,,north
flat-1,Flat 1,,house,
flat-2,Flat 2,Europe/Paris,house,
"""
NO_BUILDING = "parent_id: Give the id of a property that is no unit"


def stored(office: Office, plain_id: str) -> dict[str, object]:
    found = office.world.services.catalogue_desk.get_property(office.world.org, plain_id)
    return found.model_dump(include={"parent_id", "timezone", "area", "status"})


def test_units_come_with_their_building_and_take_its_timezone(office: Office) -> None:
    path = office.text("p.csv", HOUSES)
    assert office.run(properties=path) == []
    assert office.output.strip() == "properties: 3 written, 0 there already"
    for flat in ("flat-1", "flat-2"):
        assert stored(office, flat) == {
            "parent_id": "house",
            "timezone": "Europe/Paris",
            "area": None,
            "status": "available",
        }
    assert office.world.services.catalogue.snapshot(office.world.org).units_of("house") == ("flat-1", "flat-2")
    assert office.run(properties=path) == []
    assert office.output.strip() == "properties: 0 written, 3 there already"


def test_a_unit_of_a_building_that_is_there_already(office: Office) -> None:
    assert office.run(properties=office.text("p.csv", "id,name,parent_id\nflat-1,Flat,prop-1\n")) == []
    assert stored(office, "flat-1")["parent_id"] == "prop-1"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("id,name,parent_id\nflat,Flat,nowhere\n", NO_BUILDING),
        ("id,name,parent_id\nflat,Flat,flat\n", NO_BUILDING),
        ("id,name,parent_id\nflat,Flat,house\nhouse,House,\n", NO_BUILDING),
        ("id,name,parent_id\nflat,Flat,prop-1\nroom,Room,flat\n", NO_BUILDING),
        ("id,name,parent_id,timezone\nflat,Flat,prop-1,Asia/Tokyo\n", "timezone: Give timezone as UTC"),
        ("id,name,parent_id,status\nhouse,House,,closed\nflat,Flat,house,available\n", "p.csv:2: status: "),
        ("id,name,area\nflat,Flat,a b\n", "area: Give area as 1 to 64 letters"),
    ],
)
def test_what_is_wrong_with_a_unit_is_one_problem_and_nothing_is_written(
    office: Office, text: str, problem: str
) -> None:
    (found,) = office.run(properties=office.text("p.csv", text))
    assert problem in found
    assert office.world.services.db["properties"].count_documents({"org": office.world.org}) == 3


def test_a_building_with_a_visit_ahead_gets_no_unit(office: Office) -> None:
    office.book(office.row())
    path = office.text("p.csv", "id,name,parent_id\nflat-1,Flat,prop-1\nflat-2,Flat,prop-2\n")
    (problem,) = office.run(properties=path)
    assert problem == "p.csv:2: Not written: A visit or a hold lies ahead. Please move, cancel or release it first."
    assert (office.status, stored(office, "flat-2")["parent_id"]) == (1, "prop-2")
    assert office.world.services.db["properties"].count_documents({"org": office.world.org, "id": "flat-1"}) == 0


def test_an_update_moves_a_unit_by_the_rules_of_the_api(office: Office) -> None:
    path = office.text("p.csv", "id,name,parent_id\nprop-2,House 2,prop-1\n")
    (problem,) = office.run(properties=path)
    assert "prop-2 exists with another parent_id; allow updates" in problem
    assert office.run(properties=path, update=True) == []
    assert stored(office, "prop-2")["parent_id"] == "prop-1"
    office.book(office.row())
    back = office.text("p.csv", "id,name,parent_id\nprop-2,Renamed,\n")
    (problem,) = office.run(properties=back, update=True)
    assert "Not written: A visit or a hold lies ahead." in problem
    assert office.output.splitlines()[-2] == "properties: 0 written, 0 there already"
    assert stored(office, "prop-2")["parent_id"] == "prop-1"


def test_an_update_of_a_buildings_timezone_reaches_its_units(office: Office) -> None:
    office.world.services.units.create(office.world.org, PropertyCreate(id="flat", name="Flat", parent_id="prop-1"))
    assert (
        office.run(properties=office.text("p.csv", "id,name,timezone\nprop-1,House 1,Asia/Tokyo\n"), update=True) == []
    )
    assert stored(office, "flat")["timezone"] == "Asia/Tokyo"


def test_an_import_that_died_while_it_made_a_unit_finishes_it(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise SystemExit

    path = office.text("p.csv", HOUSES)
    with monkeypatch.context() as dying:
        dying.setattr(Units, "_require_joinable", die)
        with pytest.raises(SystemExit):
            office.run(properties=path)
    assert stored(office, "flat-1")["status"] == "unavailable"
    assert office.run(properties=path) == []
    assert office.output.strip() == "properties: 2 written, 1 there already"
    assert stored(office, "flat-1")["status"] == "available"


def test_export_writes_buildings_before_their_units(office: Office) -> None:
    units = office.world.services.units
    units.create(office.world.org, PropertyCreate(id="a-flat", name="Flat", parent_id="prop-3"))
    units.patch(office.world.org, "prop-1", PropertyPatch(parent_id="prop-3"))
    rows = Path(office.export("properties")["properties"]).read_text().splitlines()
    assert [row.partition(",")[0] for row in rows[1:]] == ["prop-2", "prop-3", "a-flat", "prop-1"]


def test_services_are_written_and_changed(office: Office) -> None:
    text = "id,name,duration_minutes,skill,price_text,public\nboiler,Boiler check,90,heating,From 120 euros,TRUE\n"
    assert office.run(services=office.text("s.csv", text)) == []
    desk, org = office.world.services.service_desk, office.world.org
    made = desk.get(org, "boiler")
    assert (made.duration_minutes, made.skill, made.public, made.buffer_after_minutes) == (90, "heating", True, 0)
    assert office.world.services.catalogue.snapshot(org).service("boiler") == made
    (problem,) = office.run(services=office.text("s.csv", text.replace("90", "60")))
    assert "boiler exists with another duration_minutes; allow updates" in problem
    assert office.run(services=office.text("s.csv", text.replace("90", "60")), update=True) == []
    assert (desk.get(org, "boiler").duration_minutes, desk.get(org, "boiler").version) == (60, 2)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ("leak,Leak,50,", "duration_minutes: Give duration_minutes as a multiple of 15."),
        ("leak,Leak,,", "duration_minutes: Give duration_minutes, which is required."),
        ("leak,Leak,soon,", "duration_minutes: Give duration_minutes as"),
        ("leak,Leak,60,20", "buffer_after_minutes: Give buffer_after_minutes as a multiple of 15."),
    ],
)
def test_problems_of_services_are_reported(office: Office, cells: str, problem: str) -> None:
    text = f"id,name,duration_minutes,buffer_after_minutes\n{cells}\n"
    (found,) = office.run(services=office.text("s.csv", text))
    assert problem in found


def test_a_service_that_is_longer_than_the_policy_allows_comes_in(office: Office) -> None:
    text = "id,name,duration_minutes\nrenovation,Renovation,600\n"
    assert office.run(services=office.text("s.csv", text)) == []


def test_areas_and_skills_are_json(office: Office) -> None:
    text = 'id,name,areas,skills\nkim,Kim,"[""north"", ""south""]",\n'
    assert office.run(technicians=office.text("t.csv", text)) == []
    kim = office.world.services.catalogue_desk.get_technician(office.world.org, "kim")
    assert (kim.areas, kim.skills) == (["north", "south"], [])
    (problem,) = office.run(technicians=office.text("t.csv", text.replace("south", "a b")))
    assert "areas.1: " in problem


def test_redis_away_stops_an_import_of_units_and_a_repeat_finishes_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_org: str) -> None:
        raise StoreUnavailable

    path = office.text("p.csv", HOUSES)
    with monkeypatch.context() as cut:
        cut.setattr(office.transfer.catalogue._announcing, "_announce", away)
        with pytest.raises(StoreUnavailable):
            office.run(properties=path)
    assert office.run(properties=path) == []
    assert stored(office, "flat-2")["status"] == "available"


def house_of_flats(office: Office) -> None:
    assert office.run(properties=office.text("p.csv", HOUSES)) == []


def claims_in(office: Office, name: str) -> set[str]:
    """The resources that the booking of a customer claims, in MongoDB and in Redis."""
    (document,) = office.world.bookings(**{"customer.name": name})
    claimed = {f"{each['resource']}:{each['tick']}" for each in document["claims"]}
    assert claimed <= office.world.marks().keys()
    return {each["resource"] for each in document["claims"]}


def test_an_imported_visit_to_a_building_takes_its_units(office: Office) -> None:
    house_of_flats(office)
    assert office.book(office.row(property_id="house", customer_name="Ann")) == []
    places = {"property:house", "property:flat-1", "property:flat-2"}
    assert claims_in(office, "Ann") == {*places, "technician:tech-1"}
    desk, world = office.world.caller("desk"), office.world
    with pytest.raises(SlotBooked):
        world.services.holds.place(desk, world.hold_request(property_id="flat-2", technician_id="tech-2"))


@pytest.mark.parametrize("first", ["house", "flat-2"])
def test_a_building_and_its_unit_at_one_time_are_an_overlap(office: Office, first: str) -> None:
    house_of_flats(office)
    other = {"house": "flat-2", "flat-2": "house"}[first]
    rows = [
        office.row(property_id=first),
        office.row(property_id=other, technician_id="tech-2", reference="order-2"),
    ]
    (problem,) = office.book(*rows)
    assert "because line 2 takes property flat-2 from" in problem
    assert office.book(rows[0]) == []
    (problem,) = office.book(rows[1])
    assert "takes property flat-2 from" in problem


def test_a_building_in_the_same_files_has_its_units_in_the_check(office: Office) -> None:
    rows = [office.row(property_id="house"), office.row(property_id="flat-1", technician_id="tech-2", reference="2")]
    path = office.file("bookings.csv", rows)
    (problem,) = office.run(properties=office.text("p.csv", HOUSES), bookings=path)
    assert "takes property flat-1 from" in problem


def test_a_visit_with_too_many_claims_is_a_problem(office: Office) -> None:
    flats = "".join(f"flat-{number},Flat,house\n" for number in range(63))
    path = office.text("p.csv", f"id,name,parent_id\nhouse,House,\n{flats}")
    assert office.run(properties=path) == []
    (problem,) = office.book(office.row(property_id="house", duration_minutes=480))
    assert "property_id: Give a property with fewer units" in problem


def test_an_import_that_loses_to_a_visit_of_a_unit_names_that_visit(office: Office) -> None:
    house_of_flats(office)
    world, desk = office.world, office.world.caller("desk")

    def overtake(phase: str) -> None:
        if phase == "writing bookings":
            world.services.bookings.book(desk, world.direct_request(property_id="flat-1", technician_id="tech-2"))

    (problem,) = office.book(office.row(property_id="house"), on_phase=overtake)
    (booking,) = world.bookings()
    assert f"because booking {booking['_id']} has taken the slot meanwhile" in problem


CREW = '["tech-1", "tech-2"]'


def test_a_crew_comes_from_a_file_with_all_its_claims(office: Office) -> None:
    assert office.book(office.row(technician_ids=CREW, customer_name="Ann")) == []
    assert claims_in(office, "Ann") == {"property:prop-1", "technician:tech-1", "technician:tech-2"}
    (document,) = office.world.bookings()
    assert document["technician_ids"] == ["tech-1", "tech-2"]


@pytest.mark.parametrize(
    ("crew", "problem"),
    [
        ('["tech-2", "tech-1"]', "Give technician_ids with technician_id as its first."),
        ('["tech-1", "tech-1"]', "Give each technician in technician_ids only once."),
        ('["tech-1", "nobody"]', "Give a technician that exists; there is no technician nobody."),
        ("tech-1", "technician_ids: "),
        ("[]", "technician_ids: "),
    ],
)
def test_what_is_wrong_with_a_crew_is_one_problem(office: Office, crew: str, problem: str) -> None:
    (found,) = office.book(office.row(technician_ids=crew))
    assert problem in found


def test_two_crews_that_share_a_member_overlap(office: Office) -> None:
    rows = [
        office.row(technician_ids=CREW),
        office.row(property_id="prop-2", technician_id="tech-3", technician_ids='["tech-3", "tech-2"]', reference="2"),
    ]
    (problem,) = office.book(*rows)
    assert "takes technician tech-2 from" in problem
