"""Rules of the product that a control leaves out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.booking import Booking
from services.catalogue.reader import Catalogue
from services.catalogue.reads import Site
from services.claims.scripts import Scripts
from services.ledger.documents import difference, document_of
from services.ledger.expiry import Reservations


def claims_in(ask: dict[str, Any]) -> list[str]:
    """The claim keys of all choices that place_hold is asked for."""
    keys = []
    for start, technicians in ask["choices"]:
        end = start + ask["length"]
        spans = [("p", name, start, end) for name in (ask["property_id"], *ask.get("units", ()))]
        spans += [("t", name, start - ask["before"], end + ask["after"]) for name in technicians]
        keys += [f"{ask['prefix']}{kind}:{name}:{tick}" for kind, name, a, b in spans for tick in range(a, b)]
    return keys


def moves_take_held_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """A move takes slots that others hold."""

    def run(scripts: Scripts, name: str, keys: list[str], args: list[Any]) -> list[Any]:
        if name == "place_hold" and json.loads(args[0])["state"] == "moving":
            redis = scripts._scripts[name].registered_client
            held = [key for key in claims_in(json.loads(args[0])) if str(redis.get(key)).startswith("h|")]
            if held:
                redis.delete(*held)
        return real_run(scripts, name, keys, args)

    real_run = Scripts.run
    monkeypatch.setattr(Scripts, "run", run)


def no_check_whether_a_reservation_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The marks of a reservation decide, whatever MongoDB says."""
    monkeypatch.setattr(Reservations, "made_way", lambda *_asked: False)


def history_keeps_only_new_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """The history no longer leads back to the first answer."""
    monkeypatch.setattr(
        "services.bookings.rescheduling.difference",
        lambda old, new: (difference(old, new)[0], {}),
    )


def a_building_takes_no_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visit to a building claims the building alone."""
    known = Catalogue.site_on
    monkeypatch.setattr(Catalogue, "site_on", lambda *given: Site(known(*given).property))


def bookings_claim_the_first_of_a_crew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The document of a booking claims the first technician of a crew alone."""

    def first_alone(booking: Booking) -> dict[str, Any]:
        others = {f"technician:{who}" for who in booking.technician_ids[1:]}
        document = document_of(booking)
        return document | {"claims": [each for each in document["claims"] if each["resource"] not in others]}

    monkeypatch.setattr("services.ledger.store.document_of", first_alone)
