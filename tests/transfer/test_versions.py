"""Versions of what an import changes."""

from __future__ import annotations

from tests.transfer.office import Office


def test_an_import_that_changes_a_property_raises_its_version(office: Office) -> None:
    desk, org = office.world.services.catalogue_desk, office.world.org
    office.world.services.db["properties"].update_many({"org": org}, {"$unset": {"version": 1}})
    for version in (2, 3):
        renamed = office.text("p.csv", f"id,name,address\nprop-1,$name {version},$address\n")
        assert office.run(properties=renamed, update=True) == []
        house = desk.get_property(org, "prop-1")
        assert (house.name, house.address, house.version) == (f"$name {version}", "$address", version)
    office.run(properties=renamed, update=True)
    assert desk.get_property(org, "prop-1").version == 3
