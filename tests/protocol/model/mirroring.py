"""How an actor mirrors a document and settles a clash: the same for every change of a booking."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.model import scripts
from tests.protocol.model.state import NAMES, A, B, State, World, go

Step = tuple[str, State, str | None]
"""What happened, the state after it, and the fault that it shows (or None)."""

SETTLING = frozenset({"clash", "clash half read", "settling", "settling the second"})
FOREVER = "two bookings clash for ever: both were read anew, and they still do"


def mirror(world: World, state: State, actor: int, then: str, label: str = "mirror_booking") -> Step:
    """Mirror the booking and document that the actor keeps, then go to `then`. Settle a clash before.

    What the actor keeps besides goes on with it.
    """
    booking, doc, *rest = state.kept[actor]
    keep = rest[0] if rest else None
    after = scripts.mirror_booking(world, state, (booking, doc))
    if after is None:
        return f"{NAMES[actor]}: {label}, CLASH", go(state, actor, "clash", (then, keep)), None
    return f"{NAMES[actor]}: {label}", go(after, actor, then, keep), None


def settle(world: World, state: State, actor: int) -> Iterator[Step]:
    """Read both documents, not in one snapshot, and mirror both in one call; start over on another clash."""
    name, at, kept = NAMES[actor], state.at[actor], state.kept[actor]
    if at == "clash":
        yield f"{name}: reads A's document", go(state, actor, "clash half read", (kept, state.docs[A])), None
    elif at == "clash half read":
        then, doc = kept
        both = (A, doc), (B, state.docs[B])
        yield f"{name}: reads B's document", go(state, actor, "settling", (then, *both)), None
    elif world.control == "onebyone":
        yield settle_one(world, state, actor)
    else:
        then, *both = kept
        after = scripts.mirror_booking(world, state, *both)
        if after is None:
            yield clash_again(state, actor)
        else:
            yield f"{name}: settles both", go(after, actor, *then), None


def clash_again(state: State, actor: int) -> Step:
    then, *left = state.kept[actor]
    fault = FOREVER if all(state.docs[booking] == doc for booking, doc in left) else None
    return f"{NAMES[actor]}: settles, CLASH again", go(state, actor, "clash", then), fault


def settle_one(world: World, state: State, actor: int) -> Step:
    """The control: one by one, the inactive one first."""
    name, (then, *left) = NAMES[actor], state.kept[actor]
    first, *later = sorted(left, key=lambda pair: pair[1].slot is not None)
    after = scripts.mirror_booking(world, state, first)
    if after is None:
        return clash_again(state, actor)
    if later:
        return f"{name}: settles the first", go(after, actor, "settling the second", (then, *later)), None
    return f"{name}: settles the second", go(after, actor, *then), None
