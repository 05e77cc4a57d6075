"""A request swaps the slots of both bookings.

Each has what the other wants, so there is nothing to pin. What each needs beyond that is pinned as in a move.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.model import scripts
from tests.protocol.model.customers import DOOMED
from tests.protocol.model.mirroring import Step
from tests.protocol.model.state import NAMES, A, B, State, World, firm_on, go, overdue, put


def swap(world: World, state: State, actor: int) -> Iterator[Step]:
    """Mirror both as they were read, decide by one transaction, mirror both in one call."""
    at, name, kept = state.at[actor], NAMES[actor], state.kept[actor]
    if at == "start" and all(doc and doc.slot is not None and not overdue(state, doc) for doc in state.docs):
        yield f"{name}: reads A", go(state, actor, "half read", state.docs[A]), None
    elif at == "half read":
        both = (A, kept), (B, state.docs[B])
        yield f"{name}: reads B", go(state, actor, "showing", both), None
    elif at == "showing":
        yield mirror_both(world, state, actor, "updating" if world.control == "swapunkept" else "keeping")
    elif at == "keeping":
        yield keep(state, actor)
    elif at == "updating":
        yield from exchange(world, state, actor)
    elif at == "overtaken":
        now = (A, state.docs[A]), (B, state.docs[B])
        yield f"{name}: reads what they are now", go(state, actor, "mirroring both", now), None
    elif at == "mirroring both":
        yield mirror_both(world, state, actor, "over")


def mirror_both(world: World, state: State, actor: int, then: str) -> Step:
    both = state.kept[actor]
    after = scripts.mirror_booking(world, state, *both)
    if after is None:
        return f"{NAMES[actor]}: mirror_booking of both, CLASH", go(state, actor, "clash", (then, both)), None
    return f"{NAMES[actor]}: mirror_booking of both", go(after, actor, then, both), None


def keep(state: State, actor: int) -> Step:
    (_, first), _ = state.kept[actor]
    label = f"{NAMES[actor]}: keep_reservation"
    if first.slot is None or not first.pending:
        return f"{NAMES[actor]}: has no reservation", go(state, actor, "updating", state.kept[actor]), None
    after = scripts.keep_reservation(state, A)
    if after is None:
        return f"{label}, OVER", go(state, actor, "over"), None
    return label, go(after, actor, "updating", state.kept[actor]), None


def exchange(world: World, state: State, actor: int) -> Iterator[Step]:
    """One transaction on the versions of both."""
    name, ((_, one), (_, two)) = NAMES[actor], state.kept[actor]
    may_fail, spent = state.mishaps < world.mishaps, state.mishaps + 1
    if state.docs != (one, two) or one.slot is None or two.slot is None:
        yield f"{name}: the transaction finds another version", go(state, actor, "overtaken"), None
        return
    versions = one.version + 1, two.version + 1
    first = one._replace(version=versions[0], slot=two.slot, swapped=versions)
    second = two._replace(version=versions[1], slot=one.slot, swapped=versions[::-1])
    written = state._replace(docs=put(put(state.docs, A, first), B, second))
    yield f"{name}: commits", go(written, actor, "mirroring both", ((A, first), (B, second))), None
    if may_fail:
        yield f"{name}: commits, reply lost", go(written, actor, "over", mishaps=spent), None
        yield f"{name}: the commit never arrives", go(state, actor, "over", mishaps=spent), None


def looks(world: World, state: State) -> Iterator[Step]:
    """A third customer asks for either slot, at any moment."""
    for resource, mark in enumerate(state.marks):
        if mark is None and state.epoch and firm_on(state, (resource,)) and (not state.lost or world.patient):
            yield f"a third customer: place_hold of resource {resource}", state, DOOMED
