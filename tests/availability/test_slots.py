"""States of slots, free alternatives, and when availability reads a changed catalogue again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from pydantic_core import to_json

from models.access import Role
from models.availability import AvailabilityQuery, AvailabilityReply
from models.catalogue import Policy
from models.errors import InvalidRequest, PropertyNotFound, StoreUnavailable, TechnicianNotFound
from services.availability.slots import Asked
from tests.calendars.calendar_world import ORG, Board, Calendar, Shelf, every_day, house, off, technician, utc

DAY = "2026-12-05"
PLACE = "property:prop-1"
FIRST, SECOND = "technician:tech-1", "technician:tech-2"


def calendar(**shelf: Any) -> Calendar:
    return Calendar(Shelf(**shelf))


def two_people() -> Calendar:
    return calendar(people=[technician(1), technician(2)])


def at(shown: Calendar, start: str, **query: Any) -> tuple[str, list[str]]:
    """State and technicians of the slot that starts at HH:MM on DAY."""
    (slot,) = [slot for slot in shown.days(DAY, **query) if f"{slot.start:%H:%M}" == start]
    return slot.state, slot.technician_ids


class TestStates:
    def test_an_empty_day_is_free_for_everyone(self) -> None:
        slots = two_people().days(DAY)
        assert len(slots) == 96
        assert {slot.state for slot in slots} == {"free"}
        assert all(slot.technician_ids == ["tech-1", "tech-2"] for slot in slots)
        assert all(slot.end - slot.start == timedelta(hours=1) for slot in slots)

    def test_the_reply_has_the_documented_form(self) -> None:
        query = AvailabilityQuery.model_validate({"property_id": "prop-1", "from": DAY})
        reply = calendar(site=house("Asia/Kolkata")).availability.days(ORG, query, Asked(Role.DESK))
        AvailabilityReply.model_validate_json(to_json(reply))
        assert (reply["timezone"], reply["grid_minutes"]) == ("Asia/Kolkata", 15)

    @pytest.mark.parametrize("state", ["held", "booked"])
    def test_a_mark_on_the_property_blocks_every_technician(self, state: str) -> None:
        shown = two_people()
        shown.board.mark(PLACE, shown.ticks(f"{DAY}T10:00", f"{DAY}T11:00"), state)
        states = shown.states(DAY)
        taken = ["09:15", "09:30", "09:45", "10:00", "10:15", "10:30", "10:45"]
        assert [start for start, found in states.items() if found == state] == taken
        assert set(states.values()) == {"free", state}

    def test_a_slot_is_free_while_one_technician_is(self) -> None:
        shown = two_people()
        shown.board.mark(FIRST, shown.ticks(f"{DAY}T10:00", f"{DAY}T11:00"), "booked")
        assert at(shown, "09:00") == ("free", ["tech-1", "tech-2"])
        assert at(shown, "10:00") == ("free", ["tech-2"])
        assert at(shown, "10:00", technician_id="tech-1") == ("booked", [])
        shown.board.mark(SECOND, shown.ticks(f"{DAY}T10:30", f"{DAY}T11:30"), "held")
        assert at(shown, "10:00") == ("held", [])
        assert at(shown, "11:00") == ("free", ["tech-1"])

    def test_it_is_held_only_if_waiting_could_free_the_property_and_one_technician(self) -> None:
        shown = two_people()
        ten = shown.ticks(f"{DAY}T10:00", f"{DAY}T11:00")
        shown.board.mark(PLACE, ten[:2], "held")
        shown.board.mark(FIRST, ten[:1], "booked")
        shown.board.mark(SECOND, ten[2:], "held")
        assert at(shown, "10:00") == ("held", [])
        shown.board.mark(SECOND, ten[3:], "booked")
        assert at(shown, "10:00") == ("booked", [])

    def test_a_hold_and_a_booking_on_one_resource_are_booked(self) -> None:
        shown = calendar()
        ten = shown.ticks(f"{DAY}T10:00", f"{DAY}T11:00")
        shown.board.mark(PLACE, ten[:2], "held")
        shown.board.mark(PLACE, ten[2:], "booked")
        assert at(shown, "10:00") == ("booked", [])
        assert at(shown, "09:30") == ("held", [])

    def test_travel_takes_the_technicians_time_and_not_the_propertys(self) -> None:
        # The worked case of the design: a visit of 30 minutes at 10:00 with 15 before and after.
        shown = calendar(policy_=Policy(default_duration_minutes=30, buffer_before_minutes=15, buffer_after_minutes=15))
        shown.board.mark(FIRST, shown.ticks(f"{DAY}T09:45", f"{DAY}T10:45"), "booked")
        shown.board.mark(PLACE, shown.ticks(f"{DAY}T10:00", f"{DAY}T10:30"), "booked")
        states = shown.states(DAY)
        booked = [start for start, state in states.items() if state == "booked"]
        assert booked == ["09:15", "09:30", "09:45", "10:00", "10:15", "10:30", "10:45"]
        assert (states["09:00"], states["11:00"]) == ("free", "free")
        elsewhere = replace(shown, shelf=replace(shown.shelf, people=[technician(1), technician(2)]))
        assert at(elsewhere, "10:30") == ("free", ["tech-2"])

    def test_rules_close_a_slot_even_when_it_is_booked(self) -> None:
        shown = calendar(
            people=[technician(working_hours=every_day(("08:00", "12:00"), ("13:00", "17:00")))],
            policy_=Policy(min_lead_minutes=60, horizon_days=5),
        )
        shown.board.mark(PLACE, shown.ticks(f"{DAY}T00:00", f"{DAY}T09:00"), "booked")
        states = shown.states(DAY)
        assert (states["07:45"], states["08:45"], states["11:00"], states["11:15"]) == (
            "closed",
            "booked",
            "free",
            "closed",
        )
        today = shown.states("2026-12-01")
        assert [today[start] for start in ("11:00", "12:00", "13:00")] == ["closed", "closed", "free"]
        last = shown.states("2026-12-06")
        assert [last[start] for start in ("11:00", "13:00")] == ["free", "closed"]

    def test_blackout_dates_time_off_and_status_close_slots(self) -> None:
        away = technician(time_off=[off(f"{DAY}T10:00", f"{DAY}T11:00")])
        shown = calendar(people=[away], policy_=Policy(blackout_dates=[date(2026, 12, 6)]))
        closed = [start for start, state in shown.states(DAY).items() if state == "closed"]
        late = ["23:15", "23:30", "23:45"]
        assert closed == ["09:15", "09:30", "09:45", "10:00", "10:15", "10:30", "10:45", *late]
        assert set(shown.states("2026-12-06").values()) == {"closed"}
        for gone in (
            {"site": house(status="unavailable")},
            {"people": [technician(status="unavailable")]},
            {"people": []},
        ):
            slots = calendar(**gone).days(DAY)
            assert {(slot.state, tuple(slot.technician_ids)) for slot in slots} == {("closed", ())}

    def test_a_technician_who_does_not_fit_cannot_make_a_slot_held(self) -> None:
        shown = calendar(people=[technician(1), technician(2, working_hours={})])
        shown.board.mark(FIRST, shown.ticks(f"{DAY}T10:00", f"{DAY}T11:00"), "booked")
        assert at(shown, "10:00") == ("booked", [])


class TestDates:
    @pytest.mark.parametrize(
        ("zone", "day", "count"),
        [
            ("Europe/Berlin", "2026-03-29", 92),
            ("Europe/Berlin", "2026-10-25", 100),
            ("America/New_York", "2026-11-01", 100),
            ("America/Sao_Paulo", "2018-11-04", 92),
            ("Australia/Lord_Howe", "2026-10-04", 94),
            ("Asia/Kathmandu", "2026-12-05", 96),
            ("Pacific/Apia", "2011-12-30", 0),
        ],
    )
    def test_a_date_has_the_slots_of_its_hours(self, zone: str, day: str, count: int) -> None:
        before = utc(f"{day}T00:00") - timedelta(days=3)
        slots = replace(calendar(site=house(zone)), now=before).days(day)
        assert len(slots) == count
        assert {slot.state for slot in slots} <= {"free"}
        assert len({slot.start for slot in slots}) == count

    def test_several_dates_follow_each_other_without_a_gap(self) -> None:
        slots = replace(calendar(site=house("Europe/Berlin")), now=utc("2026-10-20T00:00")).days("2026-10-23", days=4)
        assert len(slots) == 96 + 96 + 100 + 96
        assert slots[0].start == utc("2026-10-22T22:00")
        assert {after.start - before.start for before, after in pairwise(slots)} == {timedelta(minutes=15)}

    def test_dates_at_the_ends_of_the_calendar_are_closed_or_have_no_slots(self) -> None:
        for first in ("0001-01-01", "9999-12-31", "9998-12-31"):
            slots = calendar(site=house("Pacific/Kiritimati")).days(first, days=14)
            assert {slot.state for slot in slots} <= {"closed"}

    def test_a_date_that_is_closed_reads_no_marks(self) -> None:
        shown = calendar()
        shown.days("2030-01-01", days=14)
        assert (shown.board.reads, shown.board.epoch_reads) == ([], 1)

    def test_all_dates_together_are_one_read(self) -> None:
        shown = calendar(
            people=[technician(working_hours=every_day(("10:00", "12:00"))), technician(2, working_hours={})]
        )
        shown.days(DAY, days=2, buffer_after_minutes=15)
        ticks = shown.ticks("2026-12-05T00:00", "2026-12-07T01:15")
        assert shown.board.reads == [([PLACE, FIRST, SECOND], ticks[0], ticks[-1] + 1)]


class TestQuery:
    def test_unknown_names_are_not_found(self) -> None:
        with pytest.raises(PropertyNotFound):
            calendar().days(DAY, property_id="nowhere")
        with pytest.raises(TechnicianNotFound):
            calendar().days(DAY, technician_id="nobody")

    def test_lengths_obey_the_policy(self) -> None:
        with pytest.raises(InvalidRequest) as refused:
            calendar().days(DAY, duration_minutes=500, buffer_before_minutes=7)
        assert {(fault.field, fault.code) for fault in refused.value.faults} == {
            ("duration_minutes", "off_grid"),
            ("duration_minutes", "too_long"),
            ("buffer_before_minutes", "off_grid"),
        }


class TestCatalogueThatChanged:
    def test_a_new_epoch_reads_it_again(self) -> None:
        shown = Calendar(Shelf(after_reload={"people": [technician(2)]}), Board(epochs=["epoch-2"]))
        assert at(shown, "10:00") == ("free", ["tech-2"])
        assert shown.shelf.reloads == ["epoch-2"]

    def test_a_refusal_by_an_old_catalogue_is_checked_again(self) -> None:
        shown = Calendar(Shelf(people=[], after_reload={"people": [technician(9)]}), Board(epochs=["epoch-2"]))
        assert at(shown, "10:00", technician_id="tech-9") == ("free", ["tech-9"])

    def test_a_closed_property_in_an_old_catalogue_is_checked_again(self) -> None:
        shown = Calendar(
            Shelf(site=house(status="unavailable"), after_reload={"site": house()}), Board(epochs=["epoch-2"])
        )
        assert at(shown, "10:00")[0] == "free"

    def test_a_change_between_two_dates_starts_over(self) -> None:
        shown = Calendar(
            Shelf(after_reload={"people": [technician(2)]}), Board(epochs=["epoch-1", "epoch-2", "epoch-2", "epoch-2"])
        )
        found = shown.availability.openings(ORG, shown.wish(f"{DAY}T23:30", None), 5)
        assert {opening.technician_id for opening in found} == {"tech-2"}

    def test_a_catalogue_that_keeps_changing_still_gets_an_answer(self) -> None:
        shown = Calendar(board=Board(epochs=[f"epoch-{number}" for number in range(2, 99)]))
        assert at(shown, "10:00")[0] == "free"
        assert len(shown.board.reads) == 3

    def test_an_unreachable_store_is_not_asked_again(self) -> None:
        class Away(Board):
            def read_spans(self, *_: Any) -> Any:
                self.epoch_reads += 1
                raise StoreUnavailable

        shown = Calendar(board=Away())
        with pytest.raises(StoreUnavailable):
            shown.days(DAY)
        assert shown.board.epoch_reads == 1


class TestColdMirror:
    def test_bookings_come_from_mongodb(self) -> None:
        shown = Calendar(board=Board(epochs=[None]))
        ten = shown.ticks(f"{DAY}T10:00", f"{DAY}T11:00")
        shown.board.booked = {(PLACE, tick) for tick in ten} | {(FIRST, tick) for tick in ten}
        shown.board.mark(PLACE, shown.ticks(f"{DAY}T14:00", f"{DAY}T15:00"), "held")
        assert (at(shown, "10:00")[0], at(shown, "14:00")[0], at(shown, "16:00")[0]) == ("booked", "held", "free")

    def test_the_catalogue_in_memory_is_not_trusted(self) -> None:
        shelf = Shelf(epoch_=None, after_reload={"site": house(status="unavailable")})
        shown = Calendar(shelf, Board(epochs=[None]))
        assert set(shown.states(DAY).values()) == {"closed"}
        assert shelf.reloads == [None]

    def test_a_warm_mirror_needs_no_read_of_mongodb(self) -> None:
        shown = calendar()
        shown.days(DAY)
        assert (shown.board.store_reads, len(shown.board.reads), shown.board.epoch_reads) == (0, 1, 0)
