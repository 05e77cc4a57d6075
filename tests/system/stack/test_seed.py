"""The demo org: complete, valid for the API, and written only where it is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import mongomock
import pytest

from models.access import Role
from models.catalogue import Policy, PropertyCreate, PropertyPatch, TechnicianCreate
from models.errors import Unauthenticated
from models.service import ServiceCreate
from scripts.dev_server.demo_data import PROPERTIES, ROLES, SERVICES, TECHNICIANS, demo_keys, demo_people
from scripts.dev_server.seed import seed
from services.access.authentication import Access
from services.access.passwords import Passwords
from services.access.people import People
from services.catalogue.checks import hours_faults, service_grid_faults, service_limit_faults
from services.catalogue.reader import Catalogue
from tests.catalogue.desks import desk_over

INSTALLED = "a secret of one installation, of more than 32 characters"
KEYS, PEOPLE = demo_keys(INSTALLED), demo_people(INSTALLED)


class Installation:
    """The parts of the services that `seed` uses, and those that read the demo org afterwards."""

    def __init__(self) -> None:
        self.db: Any = mongomock.MongoClient(tz_aware=True)["holdfast"]
        self.now = datetime(2026, 12, 1, tzinfo=UTC)
        self.catalogue = Catalogue(self.db)
        self.access = Access(self.db, "s" * 32, self.clock)

    def clock(self) -> datetime:
        return self.now

    def everything(self) -> list[object]:
        return [list(self.db[name].find()) for name in sorted(self.db.list_collection_names())]


@pytest.fixture
def installation() -> Installation:
    installation = Installation()
    assert seed(installation, KEYS, PEOPLE) == "demo"
    return installation


def test_there_are_properties_in_two_cities_each_with_its_area_and_timezone(installation: Installation) -> None:
    found = [installation.catalogue.property("demo", f"prop-{number}") for number in range(101, 114)]
    assert {(each.area, each.timezone) for each in found} == {
        ("reykjavik", "Atlantic/Reykjavik"),
        ("copenhagen", "Europe/Copenhagen"),
    }
    assert len({each.address for each in found}) == 13
    assert (found[0].timezone, found[0].status) == ("Atlantic/Reykjavik", "available")


def test_one_building_has_five_units_of_its_area(installation: Installation) -> None:
    snapshot = installation.catalogue.snapshot("demo")
    units = snapshot.units_of("prop-113")
    assert units == tuple(f"prop-113-{number}" for number in range(1, 6))
    assert {snapshot.resources(each, ["tech-7"])[0].property.area for each in units} == {"reykjavik"}


def test_there_are_six_technicians_of_whom_one_always_works_and_one_goes_everywhere(installation: Installation) -> None:
    found = installation.catalogue.technicians("demo")
    assert list(found) == sorted(f"tech-{number}" for number in (3, 5, 7, 8, 11, 14))
    assert [each.id for each in found.values() if each.working_hours is None] == ["tech-7"]
    assert [each.id for each in found.values() if not each.areas] == ["tech-14"]
    hours = [str(each.working_hours) for each in found.values()]
    assert len(set(hours)) == 6


def test_in_each_city_somebody_can_do_each_service(installation: Installation) -> None:
    snapshot = installation.catalogue.snapshot("demo")
    offered = [snapshot.service(each["id"]) for each in SERVICES]
    assert [each.id for each in offered if not each.public] == ["move-out", "key-handover"]
    assert len(offered) == 9
    for service in offered:
        for area in ("reykjavik", "copenhagen"):
            assert [
                each.id
                for each in snapshot.technicians()
                if (not each.areas or area in each.areas)
                and (service.skill is None or not each.skills or service.skill in each.skills)
            ], (service.id, area)


def test_one_secret_gives_the_same_keys_and_another_secret_gives_others() -> None:
    first, second = demo_keys("s" * 32), demo_keys("t" * 32)
    assert demo_keys("s" * 32) == first
    assert set(first.values()).isdisjoint(second.values())
    assert {role for role, key in first.items() if key.startswith(f"hf_{role}_")} == set(ROLES)


def test_the_demo_data_would_pass_the_api() -> None:
    for each in PROPERTIES:
        PropertyCreate.model_validate(each)
    for each in SERVICES:
        fields = ServiceCreate.model_validate(each).model_dump()
        assert service_grid_faults(fields, 15) + service_limit_faults(fields, Policy()) == []
    assert [hours_faults(TechnicianCreate.model_validate(each).working_hours) for each in TECHNICIANS] == [[]] * 6


def test_each_key_works_for_its_role(installation: Installation) -> None:
    roles = {role: installation.access.authenticate(key).role for role, key in KEYS.items()}
    assert roles == {role: Role(role) for role in KEYS}


def test_a_second_run_changes_nothing(installation: Installation) -> None:
    before = installation.everything()
    installation.now = datetime(2026, 12, 2, tzinfo=UTC)
    seed(installation, KEYS, PEOPLE)
    assert installation.everything() == before


def test_people_sign_in_with_what_follows_from_the_secret_alone(installation: Installation) -> None:
    people = People(installation.db, Passwords(), installation.clock)
    for each in PEOPLE:
        person = people.by_email(each["email"])
        assert person is not None
        assert (person.org, person.user.role) == ("demo", each["role"])
        assert Passwords().fits(each["password"], person.password)
    passwords = [[each["password"] for each in demo_people(secret)] for secret in ("s" * 32, "t" * 32, "s" * 32)]
    assert passwords[0] == passwords[2]
    assert set(passwords[0]).isdisjoint(passwords[1])


def test_what_users_changed_stays_changed(installation: Installation) -> None:
    desk = desk_over(installation.db, installation.clock, installation.catalogue)
    desk.patch_property("demo", "prop-101", PropertyPatch(status="unavailable"))
    installation.access.revoke_key("demo", installation.access.authenticate(KEYS["bot"]).key_id)
    seed(installation, KEYS)
    assert desk.get_property("demo", "prop-101").status == "unavailable"
    with pytest.raises(Unauthenticated):
        installation.access.authenticate(KEYS["bot"])


def test_new_keys_are_added_to_those_that_exist(installation: Installation) -> None:
    seed(installation, {"desk": "hf_desk_new"})
    assert installation.access.authenticate("hf_desk_new").role is Role.DESK
    assert installation.access.authenticate(KEYS["desk"]).role is Role.DESK
