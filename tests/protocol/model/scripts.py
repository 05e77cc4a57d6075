"""The Redis scripts in the model: each is one atomic change. Their names are those of services/claims/lua."""

from __future__ import annotations

from tests.protocol.model.state import (
    BOOKED,
    COLD,
    CONFIRMING,
    DUE,
    HELD,
    KEPT,
    MOVING,
    OF_BOOKINGS,
    PENDING,
    Doc,
    Hold,
    Mark,
    State,
    World,
    firm_at,
    marks_at,
    put,
    put_on,
    register,
    unregister,
)

NONE = -1


def drop_claims(marks: tuple[Mark | None, ...], owner: int, *states: str) -> tuple[Mark | None, ...]:
    """Remove only the claims that still have the mark of the owner; the others have a new owner."""
    return tuple(None if mark and mark[1] == owner and mark[0] in states else mark for mark in marks)


def place_hold(world: World, state: State, hold: int, slot: int, kind: str) -> State | None:
    """None: taken. A direct booking is placed as `confirming` at once, registered with a deadline."""
    there = marks_at(state, slot)
    if any(there[:1] if world.control == "firstonly" else there):
        return None
    placed = state._replace(marks=put_on(state.marks, state.parts[slot], (kind, hold)))
    if kind == CONFIRMING:
        return placed._replace(holds=put(state.holds, hold, Hold(CONFIRMING)), pins=register(state, hold))
    doomed = not state.epoch and firm_at(state, slot)
    return placed._replace(holds=put(state.holds, hold, Hold(HELD if state.epoch else COLD, doomed)))


def begin_confirm(world: World, state: State, hold: int) -> State | None:
    """Pin a live hold (BEGUN), or join a confirmation that is running (AGAIN). None: no such hold, or it has ended.

    Both set a new deadline, because the relay must not release the pin during an attempt.
    """
    status, slot = state.holds[hold].status, world.slots[hold]
    if status == CONFIRMING:
        return state if world.control == "norenewal" else state._replace(pins=register(state, hold))
    if status != HELD or {*marks_at(state, slot)} != {(HELD, hold)}:
        return None
    return state._replace(
        marks=put_on(state.marks, state.parts[slot], (CONFIRMING, hold)),
        holds=put(state.holds, hold, Hold(CONFIRMING)),
        pins=register(state, hold),
    )


def attempt(world: World, state: State, begun: State, hold: int) -> int:
    """The deadline that begin_confirm answers: an abort of this attempt must name it. AGAIN: none.

    A worker that joined cannot know the outcome of the earlier attempt, so it never releases the pin.
    """
    joined = state.holds[hold].status == CONFIRMING
    return NONE if joined and world.control != "againaborts" else begun.pins[hold].deadline


def abort_confirm(world: World, state: State, hold: int, deadline: int) -> State:
    """After a definite refusal: held again if the hold still has its claims, else released.

    Only under the deadline of one's own attempt: with a later one, another attempt's insert may yet commit.
    (The model does not see a lifetime that is over: such a hold is held and expires at once.)
    """
    current, slot = state.pins[hold].deadline, world.slots[hold]
    if state.holds[hold].status != CONFIRMING or (deadline != current and world.control != "anydeadline"):
        return state
    if {*marks_at(state, slot)} != {(CONFIRMING, hold)} or hold in world.direct:
        return end_hold(state, hold)
    return state._replace(
        marks=put_on(state.marks, state.parts[slot], (HELD, hold)),
        holds=put(state.holds, hold, Hold(HELD)),
        pins=unregister(state, hold),
    )


def end_hold(state: State, hold: int) -> State:
    """End a hold: remove its own claims, close its record and its pin."""
    return state._replace(
        marks=drop_claims(state.marks, hold, HELD, CONFIRMING),
        holds=put(state.holds, hold, Hold()),
        pins=unregister(state, hold),
    )


def release_hold(state: State, hold: int) -> State:
    """The cold path releases what is left of its own claim. It does not touch a hold that is being confirmed."""
    return end_hold(state, hold) if state.holds[hold].status in (HELD, COLD) else state


def abort_overdue(world: World, state: State, pin: int, deadline: int) -> State:
    """abort_confirm of the relay: only if the deadline is over and is the one that it read before it asked MongoDB."""
    return abort_confirm(world, state, pin, deadline) if state.pins[pin].status == DUE else state


def place_moving(state: State, booking: int, pin: int, version: int, slot: int) -> State | None:
    """place_hold as `moving`: pin the target of a version of a booking. None: taken. The booking's own marks are no
    obstacle and stay."""
    there = marks_at(state, slot)
    if any(mark is not None and (mark[0] not in OF_BOOKINGS or mark[1] != booking) for mark in there):
        return None
    free = tuple(resource for resource in state.parts[slot] if state.marks[resource] is None)
    marks = put_on(state.marks, free, (MOVING, pin))
    named = put(state.pins, pin, state.pins[pin]._replace(version=version, slot=slot))
    placed = state._replace(marks=marks, pins=named)
    return placed._replace(pins=register(placed, pin))


def abort_move(world: World, state: State, pin: int, deadline: int, *, by_relay: bool = False) -> State:
    """abort_confirm of the pin of a move: release what is left of it, if the caller knows its deadline."""
    named = state.pins[pin].deadline == deadline or (by_relay and world.control == "moverelay")
    if not state.pins[pin].status or not named:
        return state
    return state._replace(marks=drop_claims(state.marks, pin, MOVING), pins=unregister(state, pin))


def keep_reservation(state: State, booking: int) -> State | None:
    """Keep the mark of a reservation while it is changed. None: OVER, by the clock of Redis."""
    if state.over:
        return None
    marks = (mark and ((KEPT, booking) if mark == (PENDING, booking) else mark) for mark in state.marks)
    return state._replace(marks=tuple(marks))


def mirror_booking(world: World, state: State, *versions: tuple[int, Doc]) -> State | None:
    """Mirror these versions of one booking or of both, in one call. None: CLASH, nothing changed.

    A clash is the mark of a booking that stays where it is, or half a swap. Of a reservation that is over nothing is
    marked.
    """
    newer = {booking: doc for booking, doc in versions if follows(world, state, booking, doc)}
    if any(is_half(world, state, booking, dict(versions)) for booking in newer):
        return None
    to = {booking: None if doc.pending and state.over else doc.slot for booking, doc in newer.items()}
    wanted = [resource for slot in to.values() if slot is not None for resource in state.parts[slot]]
    others = {state.marks[resource] for resource in wanted}
    staying = any(there and there[0] in OF_BOOKINGS and there[1] not in newer for there in others)
    if (staying and world.control != "clobber") or len(wanted) > len({*wanted}):
        return None
    marks = state.marks
    for booking in newer:
        slot, mine = state.mirrored[booking][1], {(kind, booking) for kind in OF_BOOKINGS}
        shown = state.parts[slot] if slot is not None else ()
        marks = tuple(None if number in shown and mark in mine else mark for number, mark in enumerate(marks))
    mirrored = state.mirrored
    for booking, slot in to.items():
        resources = state.parts[slot] if slot is not None else ()
        if world.control == "firstmirrored":
            resources = resources[:1]
        if world.control == "polite":
            resources = tuple(each for each in resources if (state.marks[each] or ("", booking))[1] == booking)
        marks = put_on(marks, resources, (PENDING if newer[booking].pending else BOOKED, booking))
        mirrored = put(mirrored, booking, (newer[booking].version, slot))
    state = state._replace(marks=marks, mirrored=mirrored)
    for booking, _ in versions:
        state = finish_hold(state, booking)
    return state


def follows(world: World, state: State, booking: int, doc: Doc) -> bool:
    return doc.version > state.mirrored[booking][0] or world.control == "noversion"


def is_half(world: World, state: State, booking: int, asked: dict[int, Doc]) -> bool:
    """Whether a swap made this version or an earlier one that is not mirrored, and the other booking is known only as
    it was before."""
    (made, needed), other = asked[booking].swapped, 1 - booking
    known = max(state.mirrored[other][0], asked[other].version if other in asked else 0)
    return made > state.mirrored[booking][0] and known < needed and world.control != "alone"


def finish_hold(state: State, booking: int) -> State:
    """The last part of mirror_booking: close the hold that became this booking."""
    return end_hold(state, booking) if state.holds[booking].status else state
