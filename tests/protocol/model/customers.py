"""The requests of customers: hold, book a hold, book directly, and A's repeat at another worker."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.model import scripts
from tests.protocol.model.mirroring import Step, mirror
from tests.protocol.model.reservations import REFUSED, expire, meet, mirror_end
from tests.protocol.model.state import (
    COLD,
    CONFIRMING,
    HELD,
    KEPT,
    NAMES,
    PENDING,
    VOID,
    A,
    Doc,
    Hold,
    State,
    World,
    booked_at,
    firm_at,
    go,
    marks_at,
    overdue,
    put,
    write,
)

DOOMED = "a hold was granted on a booked slot"
DOOMED_COLD = "Redis lost: a hold was granted though its slot was booked before its claim"
TWICE = "two active bookings on one slot"


def customer(world: World, state: State, who: int) -> Iterator[Step]:
    at, slot, name = state.at[who], world.slots[who], NAMES[who]
    if at == "start" and who in world.direct:
        placed = scripts.place_hold(world, state, who, slot, CONFIRMING)
        if placed is None:
            yield taken(world, state, who, f"{name}: place_hold confirming")
        else:
            yield f"{name}: place_hold confirming", go(placed, who, "inserting", placed.pins[who].deadline), None
        if world.control == "cutoff":
            yield (
                f"{name}: cannot reach Redis, books with MongoDB alone",
                go(state, who, "inserting", scripts.NONE),
                None,
            )
    elif at == "start" and not state.epoch and world.control == "checkfirst":
        yield f"{name}: checks MongoDB first", go(state, who, "over" if firm_at(state, slot) else "checked"), None
    elif at in ("start", "checked"):
        yield place(world, state, who)
    elif at == "holding":
        nothing = (f"{name}: begin_confirm, no such hold", go(state, who, "over"), None)
        yield begin(world, state, who, who) or nothing
    else:
        yield from worker(world, state, who, who)


def place(world: World, state: State, who: int) -> Step:
    slot, label = world.slots[who], f"{NAMES[who]}: place_hold"
    placed = scripts.place_hold(world, state, who, slot, HELD)
    if placed is None:
        return taken(world, state, who, label)
    if state.epoch:
        promised = not state.lost or world.patient
        return label, go(placed, who, "holding"), DOOMED if promised and firm_at(state, slot) else None
    if state.at[who] == "checked":
        return grant(placed, who, who, slot, f"{label} after its check")
    return f"{label}, cold", go(placed, who, "asking"), None


def taken(world: World, state: State, who: int, label: str) -> Step:
    """Refuse the request. Where a reservation is in the way, first ask MongoDB whether it still is."""
    if any(mark and mark[0] in (PENDING, KEPT) for mark in marks_at(state, world.slots[who])):
        return f"{label}, meets a reservation", go(state, who, "meeting", ("start", None)), None
    return f"{label}, taken", go(state, who, "over"), None


def grant(state: State, actor: int, hold: int, slot: int, label: str) -> Step:
    """Acknowledge a cold hold. It is a fault if a booking was there before the claim and still is."""
    record = state.holds[hold]
    fault = DOOMED_COLD if record.doomed and firm_at(state, slot) else None
    if record.status == COLD:
        state = state._replace(holds=put(state.holds, hold, Hold(HELD)))
    return label, go(state, actor, "holding" if actor == hold else "over"), fault


def begin(world: World, state: State, actor: int, hold: int) -> Step | None:
    begun = scripts.begin_confirm(world, state, hold)
    if begun is None:
        return None
    deadline = scripts.attempt(world, state, begun, hold)
    return f"{NAMES[actor]}: begin_confirm", go(begun, actor, "inserting", deadline), None


def worker(world: World, state: State, actor: int, booking: int) -> Iterator[Step]:
    """The later steps of a hold or a booking, the same for the first request and for its repeat."""
    at, slot, name = state.at[actor], world.slots[booking], NAMES[actor]
    if at == "asking":
        other = booked_at(state, slot)
        if other is None:
            yield grant(state, actor, booking, slot, f"{name}: checks MongoDB, free")
        elif overdue(state, state.docs[other]):
            kept = (other, state.docs[other], ("asking", None))
            yield f"{name}: checks MongoDB, an overdue reservation", go(state, actor, "expiring", kept), None
        else:
            yield f"{name}: checks MongoDB, booked", go(state, actor, "blocked", (other, state.docs[other])), None
    elif at == "meeting":
        yield meet(world, state, actor)
    elif at == "expiring":
        yield expire(world, state, actor)
    elif at == "mirroring the end":
        yield mirror_end(world, state, actor)
    elif at == "blocked":
        yield mirror(world, state, actor, "giving back", "mirrors the blocker")
    elif at == "giving back":
        yield f"{name}: release_hold", go(scripts.release_hold(state, booking), actor, "over"), None
    elif at == "inserting":
        yield from insert(world, state, actor, booking)
    elif at == "looking":
        yield look(state, actor, booking, slot)
    elif at == "healing":
        yield mirror(world, state, actor, "aborting", "mirrors the blocker")
    elif at == "aborting":
        after = scripts.abort_confirm(world, state, booking, state.kept[actor])
        kept_hold = actor == booking and after.holds[booking].status == HELD
        yield f"{name}: abort_confirm", go(after, actor, "holding" if kept_hold else "over"), None
    elif at == "mirroring":
        yield mirror(world, state, actor, "over")


def look(state: State, actor: int, booking: int, slot: int) -> Step:
    """Find what blocked the insert. If it is gone, or an overdue reservation that now expires, insert again."""
    deadline, label = state.kept[actor], f"{NAMES[actor]}: reads the blocker"
    other = booked_at(state, slot, booking)
    if other is None:
        return f"{label}, gone", go(state, actor, "inserting", deadline), None
    if overdue(state, state.docs[other]):
        kept = (other, state.docs[other], ("inserting", deadline))
        return f"{label}, an overdue reservation", go(state, actor, "expiring", kept), None
    return label, go(state, actor, "healing", (other, state.docs[other], deadline)), None if state.lost else REFUSED


def insert(world: World, state: State, actor: int, booking: int) -> Iterator[Step]:
    """The write that decides: done, met itself, refused by the index, refused for another reason, or unknown."""
    name, slot, mine = NAMES[actor], world.slots[booking], state.docs[booking]
    other = booked_at(state, slot, booking)
    deadline = state.kept[actor]
    may_fail, spent = state.mishaps < world.mishaps, state.mishaps + 1
    if mine is not None:
        # An earlier attempt of the same booking committed, or the fence of the relay took the _id.
        after = go(state, actor, "over") if mine == VOID else go(state, actor, "mirroring", (booking, mine))
        yield f"{name}: insert meets its own _id", after, None
    elif other is not None and world.control != "noindex":
        broken = not state.lost and not overdue(state, state.docs[other])
        yield f"{name}: insert refused", go(state, actor, "looking", deadline), REFUSED if broken else None
    else:
        made = Doc(1, slot, pending=world.reserves and booking == A)
        written, fault = write(state, booking, made), None if other is None else TWICE
        yield f"{name}: insert", go(written, actor, "mirroring", (booking, written.docs[booking])), fault
        if may_fail:
            yield f"{name}: insert commits, reply lost", go(written, actor, "over", mishaps=spent), fault
    if may_fail:
        yield f"{name}: insert never arrives, answered unknown", go(state, actor, "over", mishaps=spent), None
        yield f"{name}: insert definitely refused", go(state, actor, "aborting", deadline, mishaps=spent), None


def repeat(world: World, state: State, actor: int) -> Iterator[Step]:
    """A's client sends the same hold, or the same booking, to another worker before it has an answer."""
    if state.at[actor] != "start":
        yield from worker(world, state, actor, A)
        return
    if state.holds[A].status == COLD and world.control == "coldrepeat":
        yield grant(state, actor, A, world.slots[A], "A's repeat: place_hold replays the first answer")
    elif state.holds[A].status == COLD:
        yield "A's repeat: place_hold answers own, not yet checked", go(state, actor, "asking"), None
    begun = begin(world, state, actor, A)
    if begun is not None:
        yield begun
