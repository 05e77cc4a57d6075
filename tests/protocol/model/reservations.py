"""A's reservation is confirmed, or an actor that meets it after its deadline expires it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.model import scripts
from tests.protocol.model.mirroring import Step, mirror
from tests.protocol.model.state import NAMES, A, State, World, go, overdue, write

REFUSED = "the owner of a live claim was refused by the unique index"
UNDONE = "a reservation that had been confirmed was expired"


def meet(world: World, state: State, actor: int) -> Step:
    """The mark of a reservation is in the way, so ask MongoDB whether it is overdue. Kept: the step to go on with."""
    name, doc = NAMES[actor], state.docs[A]
    go_on = state.kept[actor]
    if doc is None or overdue(state, doc):
        return f"{name}: reads an overdue reservation", go(state, actor, "expiring", (A, doc, go_on)), None
    if doc.slot is None:
        return f"{name}: reads one that has ended", go(state, actor, "mirroring the end", (A, doc, go_on)), None
    return f"{name}: reads a reservation", go(state, actor, "over"), None


def expire(world: World, state: State, actor: int) -> Step:
    """One update by id and version, so that of an expiry and a confirmation exactly one succeeds."""
    booking, read, go_on = state.kept[actor]
    doc, label = state.docs[booking], f"{NAMES[actor]}: expires the reservation"
    by_id = world.control == "expirebyid" and doc.slot is not None
    if doc.version != read.version and not by_id:
        return f"{label}, another version", go(state, actor, *go_on), None
    expired = doc._replace(version=doc.version + 1, slot=None, pending=False)
    after = go(write(state, booking, expired), actor, "mirroring the end", (booking, expired, go_on))
    return label, after, None if doc.pending else UNDONE


def mirror_end(world: World, state: State, actor: int) -> Step:
    booking, doc, (then, keep) = state.kept[actor]
    return mirror(world, go(state, actor, state.at[actor], (booking, doc, keep)), actor, then, "mirrors the expiry")


def kept(world: World, state: State, actor: int, then: str, keep: object = None) -> Step:
    """Before a confirmation: mirror the version of the reservation, then keep its marks from ending. Kept: the document
    that was read."""
    name, doc = NAMES[actor], state.kept[actor]
    if state.at[actor] == "read" and world.control != "keepunseen":
        copy = go(state, actor, "read", (A, doc, doc))
        return mirror(world, copy, actor, "keeping", "mirrors what it read")
    after = scripts.keep_reservation(state, A)
    if after is None:
        return f"{name}: keep_reservation, OVER", go(state, actor, "over"), None
    return f"{name}: keep_reservation", go(after, actor, then, doc), None


def change(world: World, state: State, actor: int, *, confirms: bool) -> Iterator[Step]:
    """A confirmation, or an edit of details: read, keep, one update by id and version, mirror."""
    at, name, doc = state.at[actor], NAMES[actor], state.docs[A]
    if at == "start" and doc is not None and doc.slot is not None and (doc.pending or not confirms):
        if not overdue(state, doc):  # else it expires
            keeps = confirms and world.control != "nokeep"
            yield f"{name}: reads", go(state, actor, "read" if keeps else "updating", doc), None
    elif at in ("read", "keeping"):
        yield kept(world, state, actor, "updating")
    elif at == "updating":
        yield from update(world, state, actor, confirms=confirms)
    elif at == "mirroring":
        yield mirror(world, state, actor, "over")


def update(world: World, state: State, actor: int, *, confirms: bool) -> Iterator[Step]:
    name, read, doc = NAMES[actor], state.kept[actor], state.docs[A]
    may_fail, spent = state.mishaps < world.mishaps, state.mishaps + 1
    if doc is None or doc.slot is None or doc.version != read.version:
        yield f"{name}: update finds another version", go(state, actor, "start"), None
        return
    made = doc._replace(version=doc.version + 1, pending=doc.pending and not confirms)
    written = write(state, A, made)
    yield f"{name}: update", go(written, actor, "mirroring", (A, made)), None
    if may_fail:
        yield f"{name}: update commits, reply lost", go(written, actor, "over", mishaps=spent), None
        yield f"{name}: update never arrives", go(state, actor, "over", mishaps=spent), None
