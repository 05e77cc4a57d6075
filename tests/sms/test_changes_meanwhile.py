"""Conversations about what changes meanwhile, and about times that clocks skip or repeat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import pytest

from models.booking_changes import BookingPatch
from models.catalogue import Property
from services.sms import sentences as say
from services.sms.around import Around, Sources
from tests.sms.conftest import Phone
from tests.sms.test_bot import DAY, booked
from tests.world import rfc3339, tomorrow


def test_a_visit_that_changes_while_it_is_moved_is_shown_as_it_stands(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    booked(phone)
    life = phone.world.services.booking_life
    moves = life.reschedule

    def meanwhile(*given: Any) -> Any:
        (stored,) = phone.world.bookings()
        at_noon = BookingPatch.model_validate({"start": rfc3339(tomorrow(12))})
        moves(phone.world.caller("desk"), stored["_id"], at_noon, None)
        return moves(*given)

    monkeypatch.setattr(life, "reschedule", meanwhile)
    at_noon = say.at(tomorrow(12).replace(tzinfo=None))
    assert phone.send(f"MOVE {DAY} 15:00") == say.changed(f"{at_noon} at House 1")
    monkeypatch.undo()
    assert phone.send(f"MOVE {DAY} 15:00").startswith("Moved: ")


def test_a_visit_that_is_over_cannot_be_moved_and_no_times_are_offered(phone: Phone) -> None:
    booked(phone)
    phone.send("MOVE")
    (stored,) = phone.world.bookings()
    phone.world.services.booking_life.act(phone.world.caller("desk"), stored["_id"], "cancel")
    assert "cancelled" in phone.send(f"{DAY} 15:00")


def test_no_to_what_was_booked_already_says_so(phone: Phone) -> None:
    """The answer to YES was lost, and the conversation stands where it stood before."""
    booked(phone)
    phone.send(f"BOOK {DAY} 14:00")
    conversations, org = phone.world.services.db["conversations"], phone.world.org
    before = conversations.find_one({"org": org})
    phone.send("YES")
    conversations.update_one({"org": org}, {"$set": {"talk": before["talk"]}})
    assert phone.send("NO") == say.booked_already(f"{say.at(tomorrow(14).replace(tzinfo=None))} at House 1")
    assert [each["status"] for each in phone.world.bookings()] == ["confirmed"] * 2


@pytest.mark.parametrize(
    ("wall", "instants"),
    [
        ("2027-03-28T01:59", ["00:59"]),
        ("2027-03-28T02:30", []),
        ("2027-03-28T03:00", ["01:00"]),
        ("2027-10-31T01:59", ["23:59"]),
        ("2027-10-31T02:30", ["00:30", "01:30"]),
        ("2027-10-31T03:00", ["02:00"]),
    ],
)
def test_a_local_time_is_one_moment_none_or_two(phone: Phone, wall: str, instants: list[str]) -> None:
    site = Property(id="p", name="House", timezone="Europe/Copenhagen", version=1)
    around = Around(cast("Sources", None), phone.world.caller("bot"), phone.number)
    assert [f"{each:%H:%M}" for each in around.moments(site, datetime.fromisoformat(wall))] == instants


@pytest.mark.parametrize(("moments", "answer"), [([], say.skipped), ([tomorrow(1), tomorrow(2)], say.twice)])
def test_a_time_that_is_no_moment_or_two_is_asked_again(
    phone: Phone, monkeypatch: pytest.MonkeyPatch, moments: list[datetime], answer: Callable[[datetime], str]
) -> None:
    monkeypatch.setattr(Around, "moments", lambda *_: moments)
    assert phone.send(f"BOOK prop-1 {DAY} 10:00") == answer(tomorrow(10))
    assert not phone.world.marks()
