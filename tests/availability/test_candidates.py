"""The visits that a wish allows, and the refusal of those that it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from models.catalogue import Policy
from models.errors import (
    InvalidRequest,
    NoSlotAvailable,
    OutsideWorkingHours,
    PropertyNotFound,
    PropertyUnavailable,
    Refusal,
    TechnicianNotFound,
    TechnicianUnavailable,
    TooFarAhead,
    TooSoon,
)
from services.timetable.grid import Grid
from tests.calendars.calendar_world import NOON, Calendar, Shelf, every_day, house, off, technician, utc

OFFICE = every_day(("08:00", "12:00"), ("13:00", "17:00"))


def calendar(**shelf: Any) -> Calendar:
    return Calendar(Shelf(**shelf))


def faults(**fields: Any) -> set[tuple[str, str]]:
    policy = fields.pop("policy", Policy())
    with pytest.raises(InvalidRequest) as refused:
        calendar(policy_=policy).wish(fields.pop("start", "2026-12-05T10:00"), **fields)
    assert all(fault.message.endswith(".") for fault in refused.value.faults)
    return {(fault.field, fault.code) for fault in refused.value.faults}


class TestWish:
    def test_missing_fields_come_from_the_policy(self) -> None:
        policy = Policy(default_duration_minutes=45, buffer_before_minutes=15, buffer_after_minutes=30)
        wish = calendar(policy_=policy).wish("2026-12-05T10:00")
        assert (wish.length, wish.before, wish.after) == (3, 1, 2)
        assert wish.start == Grid(15).tick(utc("2026-12-05T10:00"))
        assert (wish.fallback, wish.suggest) == (False, 0)

    def test_given_values_count_and_so_does_a_buffer_of_zero(self) -> None:
        policy = Policy(buffer_before_minutes=15, buffer_after_minutes=30)
        wish = calendar(policy_=policy).wish(
            "2026-12-05T10:00",
            duration_minutes=90,
            buffer_before_minutes=0,
            buffer_after_minutes=0,
            fallback="next_available",
            suggest=3,
        )
        assert (wish.length, wish.before, wish.after, wish.fallback, wish.suggest) == (6, 0, 0, True, 3)

    def test_every_fault_is_named_at_once(self) -> None:
        policy = Policy(max_duration_minutes=480, allowed_duration_minutes=[60])
        found = faults(
            policy=policy,
            start="2026-11-30T10:07",
            duration_minutes=500,
            buffer_before_minutes=7,
            buffer_after_minutes=8,
        )
        assert found == {
            ("start", "off_grid"),
            ("start", "past_start"),
            ("duration_minutes", "off_grid"),
            ("duration_minutes", "too_long"),
            ("duration_minutes", "not_allowed"),
            ("buffer_before_minutes", "off_grid"),
            ("buffer_after_minutes", "off_grid"),
        }

    def test_a_start_may_be_now_but_not_before(self) -> None:
        assert calendar().wish("2026-12-01T12:00").start == Grid(15).tick(NOON)
        assert faults(start="2026-12-01T11:45") == {("start", "past_start")}

    def test_the_longest_duration_is_allowed_and_one_tick_more_is_not(self) -> None:
        policy = Policy(max_duration_minutes=120)
        assert calendar(policy_=policy).wish("2026-12-05T10:00", duration_minutes=120).length == 8
        assert faults(policy=policy, duration_minutes=135) == {("duration_minutes", "too_long")}

    def test_a_default_that_is_not_allowed_is_refused(self) -> None:
        assert faults(policy=Policy(allowed_duration_minutes=[30, 90])) == {("duration_minutes", "not_allowed")}

    def test_a_fine_grid_accepts_values_that_a_coarse_one_refuses(self) -> None:
        fine = replace(calendar(), grid=Grid(5))
        assert fine.wish("2026-12-05T10:05", duration_minutes=25).length == 5
        assert faults(start="2026-12-05T10:05", duration_minutes=25) == {
            ("start", "off_grid"),
            ("duration_minutes", "off_grid"),
        }

    def test_the_catalogue_is_not_asked(self) -> None:
        assert calendar().wish("2026-12-05T10:00", "nobody", property_id="nowhere").named == ("nobody",)


class TestPlainWish:
    def test_a_free_time_is_one_candidate(self) -> None:
        policy = Policy(buffer_before_minutes=15, buffer_after_minutes=30)
        one = calendar(policy_=policy, people=[technician(working_hours=OFFICE)])
        (visit,) = one.candidates_for(one.wish("2026-12-05T10:00"))
        assert (visit.property_id, visit.technician_id) == ("prop-1", "tech-1")
        assert visit.spans()[1] == ("technician:tech-1", visit.start - 1, visit.start + 4 + 2)

    def test_any_technician_is_everyone_who_fits_in_order_of_id(self) -> None:
        people = [
            technician(1),
            technician(2, status="unavailable"),
            technician(3, working_hours=every_day(("12:00", "24:00"))),
            technician(4, time_off=[off("2026-12-05T00:00", "2026-12-06T00:00")]),
            technician(5),
        ]
        assert calendar(people=people).visits("2026-12-05T10:00", None) == [("10:00", "tech-1"), ("10:00", "tech-5")]

    @pytest.mark.parametrize(
        ("refusal", "start", "shelf"),
        [
            (PropertyUnavailable, "2026-12-05T10:00", {"site": house(status="unavailable")}),
            (TechnicianUnavailable, "2026-12-05T10:00", {"people": [technician(status="unavailable")]}),
            (
                TechnicianUnavailable,
                "2026-12-05T10:00",
                {"people": [technician(time_off=[off("2026-12-05T10:30", "2026-12-05T10:40")])]},
            ),
            (OutsideWorkingHours, "2026-12-05T11:15", {"people": [technician(working_hours=OFFICE)]}),
            (OutsideWorkingHours, "2026-12-05T10:00", {"people": [technician(working_hours={})]}),
            (OutsideWorkingHours, "2026-12-05T10:00", {"policy_": Policy(blackout_dates=[date(2026, 12, 5)])}),
            (OutsideWorkingHours, "2026-12-04T23:15", {"policy_": Policy(blackout_dates=[date(2026, 12, 5)])}),
            (TooSoon, "2026-12-01T13:45", {"policy_": Policy(min_lead_minutes=120)}),
            (TooFarAhead, "2026-12-04T12:15", {"policy_": Policy(horizon_days=3)}),
        ],
    )
    def test_a_rule_that_forbids_it_is_named(self, refusal: type[Refusal], start: str, shelf: dict[str, Any]) -> None:
        for technician_id in ("tech-1", None):
            with pytest.raises(refusal):
                calendar(**shelf).visits(start, technician_id)

    @pytest.mark.parametrize(
        ("start", "shelf"),
        [
            ("2026-12-01T14:00", {"policy_": Policy(min_lead_minutes=120)}),
            ("2026-12-04T12:00", {"policy_": Policy(horizon_days=3)}),
            ("2026-12-04T23:00", {"policy_": Policy(blackout_dates=[date(2026, 12, 5)])}),
            ("2026-12-06T00:00", {"policy_": Policy(blackout_dates=[date(2026, 12, 5)])}),
            ("2026-12-05T11:00", {"people": [technician(working_hours=OFFICE)]}),
            ("2026-12-05T13:00", {"people": [technician(working_hours=OFFICE)]}),
            ("2026-12-05T09:00", {"people": [technician(time_off=[off("2026-12-05T10:00", "2026-12-05T11:00")])]}),
            ("2026-12-05T11:00", {"people": [technician(time_off=[off("2026-12-05T10:00", "2026-12-05T11:00")])]}),
            (
                "2026-12-05T23:30",
                {"people": [technician(working_hours=every_day(("00:00", "06:00"), ("20:00", "24:00")))]},
            ),
        ],
    )
    def test_the_last_time_that_a_rule_allows_is_allowed(self, start: str, shelf: dict[str, Any]) -> None:
        assert calendar(**shelf).visits(start) == [(start[11:], "tech-1")]

    def test_a_lead_that_ends_within_a_tick_rules_that_tick_out(self) -> None:
        late = replace(calendar(policy_=Policy(min_lead_minutes=60)), now=NOON + timedelta(seconds=1))
        with pytest.raises(TooSoon):
            late.visits("2026-12-01T13:00")
        assert late.visits("2026-12-01T13:15")

    def test_blackout_dates_are_in_the_zone_of_the_property_and_hours_in_that_of_the_technician(self) -> None:
        one = calendar(
            site=house("Asia/Kolkata"),
            people=[technician(timezone="America/New_York", working_hours=every_day(("08:00", "17:00")))],
            policy_=Policy(blackout_dates=[date(2026, 12, 5)]),
        )
        assert one.visits("2026-12-04T13:00") == [("13:00", "tech-1")]
        for start in ("2026-12-04T17:45", "2026-12-04T18:30", "2026-12-05T17:30"):
            with pytest.raises(OutsideWorkingHours, match="date"):
                one.visits(start)
        assert one.visits("2026-12-05T18:30") == [("18:30", "tech-1")]

    def test_travel_may_be_outside_working_hours_but_not_in_time_off(self) -> None:
        at_work = technician(working_hours=OFFICE, time_off=[off("2026-12-06T10:00", "2026-12-06T11:00")])
        one = calendar(people=[at_work], policy_=Policy(buffer_before_minutes=30, buffer_after_minutes=30))
        assert one.visits("2026-12-05T08:00")
        assert one.visits("2026-12-05T16:00")
        for start in ("2026-12-06T08:45", "2026-12-06T11:00"):
            with pytest.raises(TechnicianUnavailable):
                one.visits(start)

    def test_unknown_names_are_not_found(self) -> None:
        for fallback in ("none", "next_available"):
            with pytest.raises(PropertyNotFound):
                calendar().visits("2026-12-05T10:00", property_id="nowhere", fallback=fallback)
            with pytest.raises(TechnicianNotFound):
                calendar().visits("2026-12-05T10:00", "nobody", fallback=fallback)

    def test_an_org_without_technicians_has_none_available(self) -> None:
        with pytest.raises(TechnicianUnavailable):
            calendar(people=[]).visits("2026-12-05T10:00", None)


class TestSearch:
    def test_a_search_has_every_technician_at_each_start_to_the_end_of_the_propertys_day(self) -> None:
        one = calendar(site=house("Asia/Kathmandu"), people=[technician(1), technician(2)])
        # 18:15 in UTC is midnight in Kathmandu.
        assert one.visits("2026-12-05T17:45", None, fallback="next_available") == [
            ("17:45", "tech-1"),
            ("17:45", "tech-2"),
            ("18:00", "tech-1"),
            ("18:00", "tech-2"),
        ]

    def test_a_start_that_a_rule_forbids_is_no_candidate(self) -> None:
        people = [technician(1, working_hours=OFFICE), technician(2, working_hours=every_day(("16:15", "24:00")))]
        found = calendar(people=people).visits("2026-12-05T12:00", None, fallback="next_available")
        assert found[0] == ("13:00", "tech-1")
        assert ("16:00", "tech-1") in found
        assert ("16:15", "tech-1") not in found
        assert found[-1] == ("23:00", "tech-2")

    def test_a_visit_may_pass_midnight_within_working_hours(self) -> None:
        assert calendar().visits("2026-12-05T23:30", fallback="next_available")[-1] == ("23:45", "tech-1")

    def test_nothing_left_on_that_day_is_no_slot(self) -> None:
        one = calendar(people=[technician(working_hours=OFFICE)], policy_=Policy(horizon_days=5))
        for start in ("2026-12-05T16:15", "2026-12-20T10:00"):
            with pytest.raises(NoSlotAvailable):
                one.visits(start, fallback="next_available")

    def test_the_end_of_the_calendar_is_only_too_far_ahead(self) -> None:
        one = calendar(site=house("Pacific/Kiritimati"))
        with pytest.raises(NoSlotAvailable):
            one.visits("9999-12-31T23:45", fallback="next_available")
        with pytest.raises(TooFarAhead):
            one.visits("9999-12-31T23:45")

    def test_an_unavailable_status_has_its_own_error(self) -> None:
        with pytest.raises(PropertyUnavailable):
            calendar(site=house(status="unavailable")).visits("2026-12-05T10:00", fallback="next_available")
        for technician_id in ("tech-1", None):
            gone = calendar(people=[technician(status="unavailable")])
            with pytest.raises(TechnicianUnavailable):
                gone.visits("2026-12-05T10:00", technician_id, fallback="next_available")

    def test_a_search_covers_the_whole_of_a_long_day(self) -> None:
        long = replace(calendar(site=house("Europe/Berlin")), grid=Grid(5), now=utc("2026-10-20T12:00"))
        found = long.visits("2026-10-24T22:00", fallback="next_available")
        assert len(found) == 25 * 12
        assert found[-1] == ("22:55", "tech-1")
