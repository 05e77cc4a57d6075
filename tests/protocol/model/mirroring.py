"""How an actor mirrors a document and settles a clash: the same for every change of a booking."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.model import scripts
from tests.protocol.model.state import NAMES, A, B, State, World, go

Step = tuple[str, State, str | None]
"""What happened, the state after it, and the fault that it shows (or None)."""

SETTLING = frozenset({"clash", "clash half read", "settling", "settling the second"})


def mirror(world: World, state: State, actor: int, then: str, label: str = "mirror_booking") -> Step:
    """Mirror the booking and document that the actor keeps, then go to `then`. Settle a clash before.

    What the actor keeps besides goes on with it.
    """
    booking, doc, *rest = state.kept[actor]
    keep = rest[0] if rest else None
    after = scripts.mirror_booking(world, state, booking, doc)
    if after is None:
        return f"{NAMES[actor]}: {label}, CLASH", go(state, actor, "clash", (then, keep)), None
    return f"{NAMES[actor]}: {label}", go(after, actor, then, keep), None


def settle(world: World, state: State, actor: int) -> Iterator[Step]:
    """Read both documents, not in one snapshot; mirror the inactive one first; start over on another clash."""
    name, at, kept = NAMES[actor], state.at[actor], state.kept[actor]
    if at == "clash":
        yield f"{name}: reads A's document", go(state, actor, "clash half read", (kept, state.docs[A])), None
    elif at == "clash half read":
        then, doc = kept
        both = sorted(((A, doc), (B, state.docs[B])), key=lambda pair: pair[1].slot is not None)
        yield f"{name}: reads B's document", go(state, actor, "settling", (then, *both)), None
    else:
        then, *left = kept
        after = scripts.mirror_booking(world, state, *left[0])
        if after is None:
            yield f"{name}: settles, CLASH again", go(state, actor, "clash", then), None
        elif left[1:]:
            yield f"{name}: settles the first", go(after, actor, "settling the second", (then, left[1])), None
        else:
            yield f"{name}: settles the second", go(after, actor, *then), None
