"""A request cancels A's booking."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.model.mirroring import Step, mirror
from tests.protocol.model.state import A, State, World, go, overdue, write


def cancel(world: World, state: State, actor: int) -> Iterator[Step]:
    """Change MongoDB first, then the mirror."""
    doc = state.docs[A]
    if state.at[actor] == "start" and doc is not None and doc.slot is not None and not overdue(state, doc):
        made = doc._replace(version=doc.version + 1, slot=None, pending=False)
        yield "cancel: update", go(write(state, A, made), actor, "mirroring", (A, made)), None
    elif state.at[actor] == "mirroring":
        yield mirror(world, state, actor, "over")
