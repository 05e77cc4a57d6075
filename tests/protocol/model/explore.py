"""Breadth-first search over every interleaving: the run that it prints for a fault is a shortest one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from tests.protocol.model.state import AT_REST, OF_BOOKINGS, State, World, first_state, overdue
from tests.protocol.model.steps import steps

MISSING = "at rest, an active booking is not in the mirror"
STALE = "at rest, the mirror shows a booking that is not there"
STUCK = "no step is possible, but work is unfinished"


@dataclass
class Result:
    """The number of states, and for each kind of fault a shortest run that ends with it."""

    states: int = 0
    faults: dict[str, list[str]] = field(default_factory=dict)


def explore(world: World, until: str | None = None) -> Result:
    """Visit every state. With `until` stop at that kind of fault ("any": at the first fault)."""
    start = first_state(world)
    came: dict[State, tuple[State, str] | None] = {start: None}
    todo = deque([start])
    result = Result()
    while todo and not (result.faults if until == "any" else until in result.faults):
        state = todo.popleft()
        lonely = True
        for label, after, fault in steps(world, state):
            lonely = False
            if fault and fault not in result.faults:
                result.faults[fault] = [*run_to(came, state), label, fault]
            if after not in came:
                came[after] = (state, label)
                todo.append(after)
        fault = fault_at_rest(state) if at_rest(state) else STUCK if lonely else None
        if fault and fault not in result.faults:
            result.faults[fault] = [*run_to(came, state), fault]
    result.states = len(came)
    return result


def run_to(came: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    labels = []
    at = came[state]
    while at is not None:
        state, label = at
        labels.append(label)
        at = came[state]
    return labels[::-1]


def at_rest(state: State) -> bool:
    """No actor is at work, and Redis shows only bookings."""
    return (
        state.epoch
        and state.positioned
        and state.old is None
        and state.lagging is None
        and AT_REST.issuperset(state.at)
        and not any(pin.status for pin in state.pins)
        and all(doc is None or seen >= doc.version for doc, seen in zip(state.docs, state.relayed, strict=True))
        and all(mark is None or mark[0] in OF_BOOKINGS for mark in state.marks)
        and not any(overdue(state, doc) for doc in state.docs)
    )


def fault_at_rest(state: State) -> str | None:
    """The fault of a state at rest, whose marks must be exactly the active bookings."""
    active = [(booking, doc.slot) for booking, doc in enumerate(state.docs) if doc is not None and doc.slot is not None]
    wanted = {(resource, booking) for booking, slot in active for resource in state.parts[slot]}
    shown = {(resource, mark[1]) for resource, mark in enumerate(state.marks) if mark is not None}
    if wanted - shown:
        return MISSING
    return STALE if shown - wanted else None
