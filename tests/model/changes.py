"""What changes A's booking: a cancel and a reschedule."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model import scripts
from tests.model.customers import REFUSED, TWICE
from tests.model.mirroring import Step, mirror
from tests.model.state import A, State, World, booked_at, go, write


def cancel(world: World, state: State, actor: int) -> Iterator[Step]:
    """MongoDB first, then the mirror."""
    doc = state.docs[A]
    if state.at[actor] == "start" and doc is not None and doc.slot is not None:
        written = write(state, A, doc.version + 1, None)
        yield "cancel: update", go(written, actor, "mirroring", (A, written.docs[A])), None
    elif state.at[actor] == "mirroring":
        yield mirror(world, state, actor, "over")


def move(world: World, state: State, actor: int) -> Iterator[Step]:
    """Claim the new ticks, one update decides, mirror, give back what is left of the claim."""
    at, doc = state.at[actor], state.docs[A]
    if at == "start" and doc is not None and doc.slot is not None:
        to = 1 - doc.slot
        claimed = scripts.claim_move(state, A, to)
        if claimed is None:
            yield "move: its place is taken", go(state, actor, "over"), None
        else:
            yield "move: claims", go(claimed, actor, "updating", (doc.version, to)), None
    elif at == "updating":
        yield from update(world, state, actor)
    elif at == "looking":
        other = booked_at(state, state.kept[actor], A)
        kept = None if other is None else (other, state.docs[other])
        yield "move: reads the blocker", go(state, actor, "freeing" if kept is None else "healing", kept), None
    elif at in ("mirroring", "healing"):
        yield mirror(world, state, actor, "freeing")
    elif at == "freeing":
        yield "move: frees what is left of its claim", go(scripts.free_move(state), actor, "over"), None


def update(world: World, state: State, actor: int) -> Iterator[Step]:
    """One update_one on id, version and active: true."""
    version, to = state.kept[actor]
    doc, other = state.docs[A], booked_at(state, to, A)
    may_fail, spent = state.mishaps < world.mishaps, state.mishaps + 1
    if doc is None or doc.slot is None or doc.version != version:
        yield "move: update finds another version", go(state, actor, "freeing"), None
        return
    if other is not None and world.control != "noindex":
        yield "move: update refused", go(state, actor, "looking", to), None if state.lost else REFUSED
    else:
        written, fault = write(state, A, version + 1, to), None if other is None else TWICE
        yield "move: update", go(written, actor, "mirroring", (A, written.docs[A])), fault
        if may_fail:
            yield "move: update commits, reply lost", go(written, actor, "over", mishaps=spent), fault
    if may_fail:
        yield "move: update never arrives, answered unknown", go(state, actor, "over", mishaps=spent), None
        yield "move: update definitely refused", go(state, actor, "freeing", mishaps=spent), None
