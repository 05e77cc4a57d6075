"""place_hold: of several technicians those come who are free and have the least to do, all of a crew or none, and a
building takes its units along."""

from __future__ import annotations

from typing import Any

import pytest

from models.slot import Visit
from services.claims.hold_records import visit_of
from tests.claims.board import ALICE, BASE, Board, granted, record_of, visit

AT_THE_DESK = f"{ALICE} holder-1"
ALL = ["tech-1", "tech-2", "tech-3"]
BUILDING = visit(at="house", by="tech-1", units=("flat-1", "flat-2"))


def place_any(board: Board, hold_id: str, *choices: tuple[Any, ...], needed: int = 1, **fields: Any) -> list[Any]:
    """Any `needed` of some technicians, at one start after the other; by default of all three at BASE."""
    wanted = choices or ((BASE, ALL),)
    return board.place(hold_id, visit(at="prop-9"), choices=wanted, needed=needed, **fields)


def crew_of(board: Board, hold_id: str) -> tuple[str, ...]:
    return visit_of(board.redis.hget(board.names.hold(hold_id), "spans")).technician_ids


def occupy(board: Board, technician: str, *starts: int) -> None:
    """Holds of other properties, so many ticks after BASE."""
    for start in starts:
        board.place(f"{technician}-{start}", visit(start, at=f"{technician}-{start}", by=technician, length=1))


def test_the_first_comes_if_all_have_the_same_to_do(board: Board) -> None:
    granted(place_any(board, "h1"))
    assert crew_of(board, "h1") == ("tech-1",)


def test_the_one_with_the_fewest_visits_on_the_day_comes(board: Board) -> None:
    occupy(board, "tech-1", 10, 20)
    occupy(board, "tech-2", 10)
    occupy(board, "tech-3", 12, 14)
    granted(place_any(board, "h1"))
    assert crew_of(board, "h1") == ("tech-2",)


def test_a_booking_counts_as_a_hold_does(board: Board) -> None:
    board.mirror("bk_1", 1, visit(10, by="tech-1"))
    occupy(board, "tech-2", 10)
    granted(place_any(board, "h1"))
    assert crew_of(board, "h1") == ("tech-3",)


def test_visits_of_other_days_and_holds_that_ran_out_do_not_count(board: Board) -> None:
    occupy(board, "tech-1", -97, 96)
    board.place("over", visit(10, by="tech-1"))
    board.lapse("over")
    occupy(board, "tech-2", 20)
    granted(place_any(board, "h1"))
    assert crew_of(board, "h1") == ("tech-1",)


def test_two_of_three_come_the_least_busy_first(board: Board) -> None:
    occupy(board, "tech-1", 10, 20)
    occupy(board, "tech-2", 10)
    granted(place_any(board, "h1", needed=2))
    assert crew_of(board, "h1") == ("tech-3", "tech-2")


def test_those_who_are_needed_elsewhere_stay_out_of_the_crew(board: Board) -> None:
    occupy(board, "tech-1", 1)
    granted(place_any(board, "h1", needed=2))
    assert crew_of(board, "h1") == ("tech-2", "tech-3")


def test_too_few_free_technicians_are_refused_and_nothing_is_written(board: Board) -> None:
    occupy(board, "tech-1", 1)
    occupy(board, "tech-3", 2)
    before = board.dump()
    word, _cold, *obstacles = place_any(board, "h1", needed=2)
    assert word == "TAKEN"
    assert {each[0] for each in obstacles} == {"t:tech-1", "t:tech-3"}
    assert board.dump() == before


def test_a_start_with_too_few_free_ones_gives_way_to_the_next(board: Board) -> None:
    occupy(board, "tech-1", 1)
    crew = ["tech-1", "tech-2"]
    record = granted(place_any(board, "h1", (BASE, crew), (BASE + 2, crew), needed=2))
    assert (record["start"], crew_of(board, "h1")) == (str(BASE + 2), ("tech-1", "tech-2"))


def test_a_barred_technician_does_not_come(board: Board) -> None:
    granted(place_any(board, "h1", (BASE, ALL, ["tech-1", "tech-3"])))
    assert crew_of(board, "h1") == ("tech-2",)
    assert place_any(board, "h2", (BASE + 8, ALL, ["tech-1", "tech-3"]), needed=2)[0] == "TAKEN"


CREW = visit(by="tech-1", crew=("tech-2", "tech-3"), before=1, after=2)


def test_each_member_of_a_crew_is_claimed_with_travel(board: Board) -> None:
    granted(board.place("h1", CREW))
    assert board.marks(CREW) == ["held|h1"] * (4 + 3 * 7)
    assert sorted(board.all_claims()) == sorted(board.claim_names(CREW))
    assert crew_of(board, "h1") == ("tech-1", "tech-2", "tech-3")


@pytest.mark.parametrize("member", ALL)
def test_one_member_who_is_needed_elsewhere_refuses_the_crew_and_nothing_is_written(board: Board, member: str) -> None:
    board.place("h0", visit(5, at="prop-2", by=member, length=2))
    before = board.dump()
    word, _cold, *obstacles = board.place("h1", CREW)
    assert (word, [each[0] for each in obstacles]) == ("TAKEN", [f"t:{member}"])
    assert board.dump() == before


def test_the_same_holder_gets_the_crew_back_in_any_order(board: Board) -> None:
    board.place("h1", CREW, owner=AT_THE_DESK)
    word, *flat = board.place("h2", visit(by="tech-3", crew=("tech-1", "tech-2"), before=1, after=2), owner=AT_THE_DESK)
    assert (word, record_of(flat)["hold_id"]) == ("OWN", "h1")


@pytest.mark.parametrize(
    "other",
    [
        visit(by="tech-1", crew=("tech-2",), before=1, after=2),
        visit(by="tech-1", before=1, after=2),
        visit(by="tech-1", crew=("tech-2", "tech-4"), before=1, after=2),
    ],
    ids=["fewer", "one alone", "another member"],
)
def test_another_crew_does_not_get_it_back(board: Board, other: Visit) -> None:
    board.place("h1", CREW, owner=AT_THE_DESK)
    assert board.place("h2", other, owner=AT_THE_DESK)[0] == "TAKEN"


def test_any_crew_of_the_right_size_comes_back(board: Board) -> None:
    place_any(board, "h1", needed=2, owner=AT_THE_DESK)
    word, *flat = place_any(board, "h2", needed=2, owner=AT_THE_DESK)
    assert (word, record_of(flat)["hold_id"]) == ("OWN", "h1")
    assert place_any(board, "h3", needed=1, owner=AT_THE_DESK)[0] == "TAKEN"


def test_a_building_is_held_with_all_its_units(board: Board) -> None:
    granted(board.place("h1", BUILDING))
    assert board.marks(BUILDING) == ["held|h1"] * 16
    assert visit_of(board.redis.hget(board.names.hold("h1"), "spans")) == BUILDING
    (event,) = board.events()
    assert (event["property_id"], event["units"], event["technician_ids"]) == ("house", "flat-1 flat-2", "tech-1")


def test_one_taken_unit_refuses_the_building_and_is_named(board: Board) -> None:
    board.place("h0", visit(3, at="flat-2", by="tech-2"))
    before = board.dump()
    word, _cold, *obstacles = board.place("h1", BUILDING)
    assert (word, [each[0] for each in obstacles]) == ("TAKEN", ["p:flat-2"])
    assert board.dump() == before


def test_a_held_building_refuses_its_unit_and_no_other_property(board: Board) -> None:
    board.place("h1", BUILDING)
    assert board.place("h2", visit(at="flat-1", by="tech-2"))[0] == "TAKEN"
    assert board.place("h3", visit(at="prop-2", by="tech-2"))[0] == "HELD"


def test_a_unit_leaves_its_neighbour_free(board: Board) -> None:
    board.place("h1", visit(at="flat-1", by="tech-1"))
    assert board.place("h2", visit(at="flat-2", by="tech-2"))[0] == "HELD"


@pytest.mark.parametrize("where", [CREW, BUILDING], ids=["a crew", "a building"])
def test_all_of_it_is_free_again_after_its_release(board: Board, where: Visit) -> None:
    board.place("h1", where)
    board.release("h1")
    assert board.all_claims() == {}
    assert board.place("h2", where)[0] == "HELD"


@pytest.mark.parametrize("where", [CREW, BUILDING], ids=["a crew", "a building"])
def test_all_of_it_is_booked_and_freed_with_its_booking(board: Board, where: Visit) -> None:
    board.place("h1", where)
    board.begin("h1")
    board.mirror("bk_1", 1, where, hold_id="h1")
    assert board.owners(where) == {"booked bk_1"}
    board.mirror("bk_1", 2, where, active=False, kind="cancel")
    assert board.all_claims() == {}
