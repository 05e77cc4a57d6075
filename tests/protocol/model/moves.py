"""A request moves A's booking to the other slot; its repeat in another worker or another request may move it too."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.model import scripts
from tests.protocol.model.customers import TWICE
from tests.protocol.model.mirroring import Step, mirror
from tests.protocol.model.reservations import REFUSED
from tests.protocol.model.state import (
    MOVE,
    MOVE_PINS,
    MOVE_REPEAT,
    MOVING,
    NAMES,
    A,
    State,
    World,
    booked_at,
    go,
    marks_at,
    overdue,
    register,
    write,
)


def move(world: World, state: State, actor: int) -> Iterator[Step]:
    """Pin the new slot, decide by one update, mirror, and release what is left of the pin."""
    at, name = state.at[actor], NAMES[actor]
    if at == "start":
        yield from read(state, actor)
    elif at == "claiming":
        yield claim(world, state, actor)
    elif at == "clearing":
        doc, pin, deadline = state.kept[actor]
        copy = go(state, actor, at, (A, doc, (doc, pin, deadline)))
        yield mirror(world, copy, actor, "giving back the earlier", "mirrors what it read")
    elif at == "giving back the earlier":
        doc, pin, deadline = state.kept[actor]
        after = scripts.abort_move(world, state, pin, deadline)
        yield f"{name}: abort_confirm of an earlier version's pin", go(after, actor, "claiming", doc), None
    elif at == "updating":
        yield from update(world, state, actor)
    elif at == "looking":
        yield look(state, actor)
    elif at in ("mirroring", "healing"):
        yield mirror(world, state, actor, "freeing")
    elif at == "overtaken":
        kept_on = (A, state.docs[A], state.kept[actor])
        yield f"{name}: reads what it is now", go(state, actor, "mirroring", kept_on), None
    elif at == "freeing":
        after = scripts.abort_move(world, state, MOVE_PINS[actor], state.kept[actor])
        yield f"{name}: abort_confirm", go(after, actor, "over"), None


def read(state: State, actor: int) -> Iterator[Step]:
    """Read the booking. A repeat names the version that the first request named."""
    name, doc = NAMES[actor], state.docs[A]
    first = state.pins[MOVE_PINS[MOVE]]
    if doc is None or doc.slot is None or overdue(state, doc) or (actor == MOVE_REPEAT and not first.deadline):
        return
    if actor == MOVE_REPEAT and doc.version != first.version:
        yield f"{name}: another version, it was made or cannot be", go(state, actor, "over"), None
    else:
        yield f"{name}: reads", go(state, actor, "claiming", doc), None


def claim(world: World, state: State, actor: int) -> Step:
    name, doc, mine = NAMES[actor], state.kept[actor], MOVE_PINS[actor]
    to = 1 - doc.slot
    for pin in set(MOVE_PINS.values()):
        if state.pins[pin].status and state.pins[pin].version == doc.version:
            if actor != MOVE_REPEAT or pin != mine:
                return f"{name}: place_hold moving, the same change is in progress", go(state, actor, "over"), None
            # The first worker counts as dead, but may be alive.
            begun = state._replace(pins=register(state, pin))
            attempt = (doc, begun.pins[pin].deadline, False)
            return f"{name}: begin_confirm, AGAIN", go(begun, actor, "updating", attempt), None
    placed = scripts.place_moving(state, A, mine, doc.version, to)
    if placed:
        attempt = (doc, placed.pins[mine].deadline, True)
        return f"{name}: place_hold moving", go(placed, actor, "updating", attempt), None
    pins = [mark[1] for mark in marks_at(state, to) if mark and mark[0] == MOVING]
    if pins and state.pins[pins[0]].version < doc.version:
        left = (doc, pins[0], state.pins[pins[0]].deadline)
        return f"{name}: place_hold moving, an earlier version's pin is there", go(state, actor, "clearing", left), None
    return f"{name}: place_hold moving, taken", go(state, actor, "over"), None


def update(world: World, state: State, actor: int) -> Iterator[Step]:
    """One update on id, version and active: true. A worker that joined an attempt keeps the pin until it is decided."""
    name, (read, deadline, first) = NAMES[actor], state.kept[actor]
    doc, to = state.docs[A], 1 - read.slot
    other = booked_at(state, to, A)
    may_fail, spent = state.mishaps < world.mishaps, state.mishaps + 1
    undecided = "freeing" if first else "over"
    if doc is None or doc.slot is None or doc.version != read.version:
        # No change of this version is possible. But another worker may have made this very change and not mirrored it.
        after = "freeing" if world.control == "freesunseen" else "overtaken"
        yield f"{name}: update finds another version", go(state, actor, after, deadline), None
        return
    if other is not None and world.control != "noindex":
        # Its own mark from before a swap that is not mirrored is no claim on the slot.
        pinned = {*marks_at(state, to)} == {(MOVING, MOVE_PINS[actor])}
        broken = REFUSED if pinned and not state.lost else None
        yield f"{name}: update refused", go(state, actor, "looking", state.kept[actor]), broken
    else:
        made, fault = doc._replace(version=doc.version + 1, slot=to), None if other is None else TWICE
        written = write(state, A, made)
        yield f"{name}: update", go(written, actor, "mirroring", (A, made, deadline)), fault
        if may_fail:
            yield f"{name}: update commits, reply lost", go(written, actor, "over", mishaps=spent), fault
    if may_fail:
        yield f"{name}: update never arrives, answered unknown", go(state, actor, "over", mishaps=spent), None
        yield f"{name}: update definitely refused", go(state, actor, undecided, deadline, mishaps=spent), None


def look(state: State, actor: int) -> Step:
    """Find what blocked the update. If it is gone, update again."""
    name, (read, deadline, first) = NAMES[actor], state.kept[actor]
    other = booked_at(state, 1 - read.slot, A)
    if other is None:
        return f"{name}: reads the blocker, gone", go(state, actor, "updating", state.kept[actor]), None
    if not first:
        return f"{name}: reads the blocker", go(state, actor, "over"), None
    return f"{name}: reads the blocker", go(state, actor, "healing", (other, state.docs[other], deadline)), None
