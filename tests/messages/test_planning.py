"""Visits of before get the reminders that their org wants now: each once, a few visits at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from models.booking import Booking
from models.catalogue import PolicyPatch
from services.messages import planning
from tests.messages.sending import ALICE
from tests.outbox.sending import book, cancel, entries, follow
from tests.world import World, tomorrow


class Died(Exception):
    """The relay died here."""


def policy(world: World, **changed: object) -> None:
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch.model_validate(changed))


def plan(world: World) -> None:
    """Rounds of the relay until nothing is left to plan."""
    planned = world.services.relay._news._reminders
    planned._looked = float("-inf")
    follow(world)
    while planned._waiting:
        follow(world)


def reminders(world: World, channel: str = "sms") -> list[tuple[str, datetime]]:
    found = entries(world, kind="reminder", channel=channel)
    return sorted((each["booking_id"], each["due"]) for each in found)


def before(booking: Booking, *hours: int) -> list[tuple[str, datetime]]:
    return sorted((booking.booking_id, booking.start - timedelta(hours=each)) for each in hours)


def test_a_policy_that_changes_plans_reminders_of_visits_that_were_booked_before(alone: World) -> None:
    policy(alone, reminder_hours=[2])
    plan(alone)
    first, second = book(alone, 10, customer=ALICE), book(alone, 14, customer=ALICE)
    plan(alone)
    assert reminders(alone) == sorted(before(first, 2) + before(second, 2))
    policy(alone, reminder_hours=[3, 1])
    follow(alone)
    assert len(reminders(alone)) == 2  # it looks now and then
    plan(alone)
    assert reminders(alone) == sorted(before(first, 3, 2, 1) + before(second, 3, 2, 1))
    assert reminders(alone, "email") == reminders(alone)
    policy(alone, reminder_hours=[2])
    plan(alone)
    plan(alone)
    assert len(reminders(alone)) == 6


def test_a_reminder_whose_moment_has_passed_is_not_planned(alone: World) -> None:
    policy(alone, reminder_hours=[])
    plan(alone)
    booking = book(alone, 10, customer=ALICE)
    follow(alone)
    policy(alone, reminder_hours=[336, 2])
    plan(alone)
    assert reminders(alone) == before(booking, 2)


def test_a_first_start_plans_reminders_of_visits_that_lie_ahead(alone: World) -> None:
    policy(alone, reminder_hours=[2])
    booking, other = book(alone, 10, customer=ALICE), book(alone, 14, customer=ALICE)
    cancel(alone, other)
    plan(alone)
    assert reminders(alone) == before(booking, 2)
    assert {each["kind"] for each in entries(alone)} == {"reminder"}


def test_a_channel_that_is_on_again_plans_for_what_was_booked_meanwhile(alone: World) -> None:
    policy(alone, reminder_hours=[2])
    plan(alone)
    source = alone.services.relay._news._reminders._source
    alone.services.messages.store.began([])
    booking = book(alone, 10, customer=ALICE)
    source.__dict__.pop("began")
    plan(alone)
    assert reminders(alone) == before(booking, 2)
    assert "confirmation" not in {each["kind"] for each in entries(alone)}


def test_a_relay_looks_at_a_few_visits_at_a_time_and_goes_on_where_another_died(
    alone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "AT_ONCE", 2)
    policy(alone, reminder_hours=[])
    plan(alone)
    bookings = [book(alone, hour, customer=ALICE) for hour in (8, 10, 12, 14, 16)]
    follow(alone)
    policy(alone, reminder_hours=[2])
    planned = alone.services.relay._news._reminders
    planned._looked = float("-inf")
    follow(alone)
    assert len(reminders(alone)) == 2

    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as dying:
        dying.setattr(planned._plans, "save", die)
        with pytest.raises(Died):
            follow(alone)
    assert len(reminders(alone)) == 4
    planned._waiting.clear()  # another relay
    plan(alone)
    assert reminders(alone) == sorted(each for booking in bookings for each in before(booking, 2))


def test_orgs_take_turns(alone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "AT_ONCE", 1)
    policy(alone, reminder_hours=[2])
    for hour in (10, 12, 14):
        book(alone, hour, customer=ALICE)
    planned = alone.services.relay._news._reminders
    follow(alone)
    follow(alone)
    assert set(planned._waiting) == {alone.org}  # the other org, without visits, had its turn
    assert len(reminders(alone)) == 1


def test_the_plan_reads_along_the_starts_of_an_org(alone: World) -> None:
    bookings = [book(alone, hour) for hour in (8, 10, 12)]
    following = alone.services.relay._news._reminders._bookings
    now = tomorrow(9)
    assert [each.booking_id for each in following.ahead(alone.org, now, None, 5)] == [
        each.booking_id for each in bookings[1:]
    ]
    behind = (bookings[1].start, bookings[1].booking_id)
    assert [each.start for each in following.ahead(alone.org, now, behind, 5)] == [bookings[2].start]
