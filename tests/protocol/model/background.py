"""The work beside the requests: the relay finishes what dead workers left, and a rebuild fills a lost mirror."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.protocol.model import scripts
from tests.protocol.model.mirroring import Step, mirror
from tests.protocol.model.reservations import expire, mirror_end
from tests.protocol.model.splits import exchanged
from tests.protocol.model.state import (
    CONFIRMING,
    DUE,
    MOVE_PINS,
    NAMES,
    PIN_NAMES,
    REBUILD,
    REPEAT,
    VOID,
    A,
    B,
    State,
    World,
    go,
    overdue,
    put,
    write,
)

ALL_MOVE_PINS = frozenset(MOVE_PINS.values())
POSITIONING = frozenset({"distrusting", "starting", "saving"})


def relay(world: World, state: State, actor: int) -> Iterator[Step]:
    at, kept, name = state.at[actor], state.kept[actor], NAMES[actor]
    if at == "idle":
        yield from follow(state, actor)
        for pin, registered in enumerate(state.pins):
            if registered.status == DUE:
                yield look_after(world, state, pin, actor)
        if overdue(state, state.docs[A]):
            label = f"{name}: reads an overdue reservation"
            yield label, go(state, actor, "expiring", (A, state.docs[A], ("idle", None))), None
    elif at == "expiring":
        yield expire(world, state, actor)
    elif at == "mirroring the end":
        yield mirror_end(world, state, actor)
    elif at in POSITIONING:
        yield position(world, state, actor)
    elif at == "relaying":
        label, after, fault = mirror(world, state, actor, "saving")
        if after.at[actor] == "saving" and not world.failovers:  # no other Redis can come between: one step
            after = position(world, after, actor)[1]
        yield label, after, fault
    elif at == "resolving":
        yield mirror(world, state, actor, "idle")
    elif at == "resolving a move":
        yield mirror(world, state, actor, "freeing")
    elif at == "releasing":
        yield f"{name}: abort_confirm, overdue", go(scripts.abort_overdue(world, state, *kept), actor, "idle"), None
    elif at == "freeing":
        freed = scripts.abort_move(world, state, *kept, by_relay=True)
        yield f"{name}: abort_confirm of a move's pin, overdue", go(freed, actor, "idle"), None


def follow(state: State, actor: int) -> Iterator[Step]:
    """Look for a change after the position of this Redis; without a position begin at the end of the log."""
    if not state.positioned:
        end = tuple(doc.version if doc else 0 for doc in state.docs)
        yield f"{NAMES[actor]}: takes the end of the log", go(state, actor, "distrusting", (state.run, end)), None
        return
    for booking, doc in enumerate(state.docs):
        if doc is not None and state.relayed[booking] < doc.version:
            label = f"{NAMES[actor]}: sees {NAMES[booking]}'s version {doc.version}"
            yield label, go(state, actor, "relaying", (booking, doc, (state.run, booking, doc.version))), None


def position(world: World, state: State, actor: int) -> Step:
    """Distrust the mirror and start at the end of the log, or save the position after a change was mirrored.

    Only for the Redis whose identity was read before; after a clash the relay looks at the change again.
    """
    name, at, kept = NAMES[actor], state.at[actor], state.kept[actor]
    if at == "distrusting":
        token = state.token and world.control == "keepstoken"
        return f"{name}: removes epoch", go(state, actor, "starting", kept, epoch=False, token=token), None
    run, *rest = kept
    if run != state.run and world.control != "oneposition":
        if world.control != "unchecked" or state.old is None:
            return f"{name}: finds another Redis", go(state, actor, "idle"), None
        here, there = exchanged(world, go(state, actor, "idle")), f"{name}: saves the position of the other Redis"
        return there, exchanged(world, saved(world, here, at, rest)), None
    return f"{name}: saves its position", saved(world, go(state, actor, "idle"), at, rest), None


def saved(world: World, state: State, at: str, rest: list[Any]) -> State:
    """What counts as carried over afterwards: one more change, or all before the end of the log."""
    if at == "saving":
        return state._replace(relayed=put(state.relayed, *rest))
    return state._replace(positioned=True, relayed=state.relayed if world.control == "oneposition" else rest[0])


def look_after(world: World, state: State, pin: int, actor: int) -> Step:
    """Resolve an overdue pin: ask MongoDB for its outcome, only after the deadline.

    Of a move's pin the booking is mirrored, as it is now, and what is left of the pin given back, moved or not. With
    `fence` the question is a write itself: an insert of nothing under the same `_id`, or one more version of the
    document that was to be moved. A write that comes later fails.
    """
    moves = pin in ALL_MOVE_PINS
    booking, attempt = (A if moves else pin), (pin, state.pins[pin].deadline)
    doc, label = state.docs[booking], f"{NAMES[actor]}: the pin of {PIN_NAMES[pin]} is overdue"
    if world.fence and moves and doc is not None and doc.slot is not None:
        fence = doc._replace(version=doc.version + 1)
        kept = (booking, fence, attempt)
        return f"{label}, fences its version", go(write(state, booking, fence), actor, "resolving a move", kept), None
    if doc is not None and doc != VOID:
        at = "resolving a move" if moves else "resolving"
        return f"{label}, there is a booking", go(state, actor, at, (booking, doc, attempt)), None
    after = go(state, actor, "releasing", attempt)
    if not world.fence or doc == VOID:
        return f"{label}, there is no booking", after, None
    fenced = after._replace(docs=put(after.docs, booking, VOID), relayed=put(after.relayed, booking, VOID.version))
    return f"{label}, fences its _id", fenced, None


def rebuild(world: World, state: State) -> Iterator[Step]:
    """Set a token, read every booking, mirror each by version, and set `epoch` only if the token is still there."""
    at, kept = state.at[REBUILD], state.kept[REBUILD]
    if at == "idle" and not state.epoch:
        yield "rebuild: sets its token", go(state, REBUILD, "reading", token=True), None
    elif at == "reading" and not (world.patient and unsettled(state)):
        found = [(booking, doc) for booking, doc in enumerate(state.docs) if doc is not None and doc != VOID]
        if world.control == "activeonly":
            found = [pair for pair in found if pair[1].slot is not None]
        found.sort(key=lambda pair: pair[1].slot is not None)
        yield "rebuild: reads MongoDB", go(state, REBUILD, "writing", tuple(found)), None
    elif at == "writing" and kept:
        after = scripts.mirror_booking(world, state, kept[0])
        label = f"rebuild: mirrors {NAMES[kept[0][0]]}"
        if after is None:
            yield f"{label}, CLASH", go(state, REBUILD, "clash", ("writing", kept[1:])), None
        else:
            yield label, go(after, REBUILD, "writing", kept[1:]), None
    elif at == "writing":
        ready = state.epoch or state.token or world.control == "notoken"
        yield "rebuild: finish_rebuild", go(state, REBUILD, "idle", epoch=ready, token=False), None


def unsettled(state: State) -> bool:
    """Whether a write is running whose pin is not in this Redis, because it began before the loss."""
    writers = ((A, A), (B, B), (REPEAT, A))
    inserting = any(state.at[who] == "inserting" and state.holds[hold].status != CONFIRMING for who, hold in writers)
    moving = any(state.at[who] == "updating" and not state.pins[pin].status for who, pin in MOVE_PINS.items())
    return inserting or moving
