"""The hold and booking protocol of docs/protocol.md, explored in every interleaving.

python -m tests.protocol.model.protocol                 all worlds (a quarter of an hour, 2 GB): every line says ok
python -m tests.protocol.model.protocol --quick         what the test suite explores
python -m tests.protocol.model.protocol noversion …     negative controls by name: each prints a shortest run to it
python -m tests.protocol.model.protocol controls        all of them
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from tests.protocol.model.customers import DOOMED, DOOMED_COLD, TWICE
from tests.protocol.model.explore import MISSING, STALE, Result, explore
from tests.protocol.model.mirroring import FOREVER
from tests.protocol.model.reservations import UNDONE
from tests.protocol.model.state import CANCEL, CONFIRM, EDIT, MOVE, MOVE_REPEAT, OTHER_MOVE, REPEAT, SWAP, A, B, World

SAME, APART = (0, 0), (0, 1)
CREW = ((0, 1, 2), (2, 3))
"""A visit of three resources, and one of two that shares one with it."""
HOLDS, A_BOOKS, B_BOOKS, BOTH_BOOK = frozenset[int](), frozenset({A}), frozenset({B}), frozenset({A, B})
ALONE = frozenset[int]()
CANCELLED, MOVED, REPEATED = frozenset({CANCEL}), frozenset({MOVE}), frozenset({REPEAT})
ONE_MORE = (ALONE, CANCELLED, MOVED, REPEATED)
MOVED_TWICE = frozenset({MOVE, OTHER_MOVE})
MOVED_AGAIN = frozenset({MOVE, MOVE_REPEAT})
SWAPPED, SWAPPED_AND_CANCELLED = frozenset({SWAP}), frozenset({SWAP, CANCEL})
CONFIRMED, EDITED_TOO = frozenset({CONFIRM}), frozenset({CONFIRM, EDIT})
TWO_MORE = (frozenset({CANCEL, MOVE}), frozenset({CANCEL, REPEAT}), frozenset({MOVE, REPEAT}))


class Control(NamedTuple):
    """A negative control: the rule that is left out, the smallest world that shows it, and the fault that follows."""

    left_out: str
    world: World
    fault: str


def control(name: str, left_out: str, fault: str, slots: tuple[int, int] = SAME, **world: Any) -> tuple[str, Control]:
    return name, Control(left_out, World(slots, control=name, **world), fault)


def reserved(actors: frozenset[int]) -> dict[str, Any]:
    """A reserves, and actors change it."""
    return {"direct": A_BOOKS, "reserves": True, "actors": actors}


def split(far: frozenset[int], **world: Any) -> dict[str, Any]:
    """Everyone books; Redis fails over, and these actors go on at the old master."""
    return {"direct": BOTH_BOOK, "failovers": 1, "far": far} | world


CONTROLS = dict(
    [
        control("noversion", "a mirror write ignores the version", STALE, actors=CANCELLED),
        control("clobber", "a mirror write replaces the mark of another booking", MISSING, actors=CANCELLED, losses=1),
        control("pinlapses", "a claim being confirmed may expire", DOOMED),
        control("polite", "a mirror write gives way to a hold", MISSING, losses=1),
        control("checkfirst", "the cold path checks before it claims", DOOMED_COLD, losses=1),
        control("coldrepeat", "a repeat trusts a cold hold unchecked", DOOMED_COLD, actors=REPEATED, losses=1),
        control(
            "againaborts", "a worker that joined a confirmation may take it back", DOOMED, actors=REPEATED, mishaps=1
        ),
        control("norenewal", "joining a confirmation sets no new deadline", DOOMED, actors=REPEATED, mishaps=1),
        control("anydeadline", "an abort does not name the deadline it knows", DOOMED, mishaps=1),
        control("activeonly", "a rebuild reads active bookings only", STALE, actors=CANCELLED, losses=1),
        control("notoken", "a rebuild ends without looking for its token", MISSING, losses=2),
        control("noindex", "MongoDB has no unique index", TWICE, losses=1),
        control(
            *("moverelay", "the relay frees a move's pin without naming its deadline", DOOMED, APART),
            actors=MOVED_AGAIN,
            mishaps=1,
        ),
        control(
            *("freesunseen", "a move's pin is given back before the mirror shows what was decided", DOOMED, APART),
            actors=MOVED_AGAIN,
        ),
        control("nokeep", "a reservation is confirmed without keeping its marks", DOOMED, **reserved(CONFIRMED)),
        control("keepunseen", "marks are kept of a version not mirrored yet", DOOMED, **reserved(EDITED_TOO)),
        control("expirebyid", "a reservation is expired whatever its version", UNDONE, **reserved(CONFIRMED)),
        control(
            *("oneposition", "two masters share one position in the log", MISSING, APART),
            **split(B_BOOKS, absent=A_BOOKS),
        ),
        control(
            *("unchecked", "a relay saves a position without asking which Redis serves", MISSING, APART),
            **split(B_BOOKS, absent=A_BOOKS, turns=True),
        ),
        control(
            *("keepstoken", "a rebuild that began before a failover may end after it", MISSING, APART),
            direct=BOTH_BOOK,
            absent=frozenset({A}),
            losses=1,
            failovers=1,
            lags=True,
        ),
        control(
            *("alone", "half a swap may be mirrored", DOOMED, APART), direct=BOTH_BOOK, actors=SWAPPED_AND_CANCELLED
        ),
        control(
            *("onebyone", "bookings that clash are mirrored one by one", FOREVER, APART),
            direct=BOTH_BOOK,
            actors=SWAPPED,
        ),
        control(
            *("swapunkept", "a reservation is swapped without keeping its marks", DOOMED, APART),
            **(reserved(SWAPPED) | {"direct": BOTH_BOOK}),
        ),
        control(
            *("firstonly", "a hold looks at one of its resources alone", DOOMED, APART),
            parts=CREW,
        ),
        control(
            *("firstmirrored", "a booking is mirrored on one of its resources alone", MISSING, APART),
            parts=CREW,
        ),
        # Not rules but known limits: what the protocol cannot promise.
        control("window", "an insert lands after its confirm window", DOOMED),
        control(
            *("flapping", "a relay turns to the old master and back in one round", MISSING, APART),
            **split(B_BOOKS, absent=A_BOOKS, turns=True),
        ),
        control("cutoff", "a worker cut off from a living Redis books directly", DOOMED, direct=A_BOOKS),
        control(
            "slow", "a change of a reservation takes longer than its marks are kept", DOOMED, **reserved(CONFIRMED)
        ),
    ]
)


def quick() -> Iterator[World]:
    """The worlds that every run of the test suite explores."""
    for slots, direct in product((SAME, APART), (HOLDS, A_BOOKS, B_BOOKS, BOTH_BOOK)):
        yield World(slots, direct, losses=1, mishaps=1)
        for actors in ONE_MORE[1:]:
            yield World(slots, direct, actors, mishaps=1)
    for actors in (CANCELLED, MOVED):
        yield World(APART, HOLDS, actors, losses=1)
    yield World(SAME, A_BOOKS, REPEATED, losses=1)
    yield World(APART, BOTH_BOOK, MOVED_AGAIN, mishaps=1)
    yield World(APART, BOTH_BOOK, MOVED_TWICE)
    for actors in (ALONE, CONFIRMED):
        yield World(SAME, mishaps=1, **reserved(actors))
    yield World(SAME, losses=1, **reserved(ALONE))
    yield World(SAME, **reserved(frozenset({CANCEL, CONFIRM})))
    yield World(APART, **reserved(MOVED))
    yield from swaps()
    yield from failovers()
    yield from crews()
    yield World(SAME, **(reserved(CONFIRMED) | {"direct": BOTH_BOOK}), mishaps=1)


def swaps() -> Iterator[World]:
    """Both bookings swap their slots, while one is cancelled or moved, or Redis is lost."""
    for direct in (HOLDS, BOTH_BOOK):
        yield World(APART, direct, SWAPPED, mishaps=1)
    for actors in (SWAPPED_AND_CANCELLED, frozenset({SWAP, MOVE})):
        yield World(APART, BOTH_BOOK, actors, mishaps=1)
    yield World(APART, BOTH_BOOK, SWAPPED, losses=1)
    yield World(APART, **(reserved(SWAPPED) | {"direct": BOTH_BOOK}), mishaps=1)


def crews() -> Iterator[World]:
    """A books three resources, B two, and they share one. A's booking may move from the three to the two."""
    for direct in (HOLDS, BOTH_BOOK):
        yield World(APART, direct, losses=1, mishaps=1, parts=CREW)
        for actors in ONE_MORE[1:]:
            yield World(APART, direct, actors, mishaps=1, parts=CREW)
    yield World(APART, BOTH_BOOK, MOVED_AGAIN, parts=CREW)
    yield World(APART, **reserved(CONFIRMED), parts=CREW)


def failovers() -> Iterator[World]:
    """A replica becomes the master: without its latest writes, or while requests go on at the old master."""
    for direct in (HOLDS, BOTH_BOOK):
        yield World(SAME, direct, failovers=1, lags=True)
        yield World(APART, direct, CANCELLED, failovers=1, lags=True, absent=B_BOOKS)
        yield World(APART, direct, failovers=1, far=B_BOOKS, absent=A_BOOKS)
    yield World(APART, BOTH_BOOK, failovers=1, far=B_BOOKS, absent=A_BOOKS, turns=True)
    yield World(APART, BOTH_BOOK, losses=1, failovers=1, lags=True, absent=A_BOOKS)
    yield World(SAME, **split(B_BOOKS))
    yield World(APART, **split(CANCELLED, actors=CANCELLED, absent=B_BOOKS))


def whole() -> Iterator[World]:
    """All worlds: one more actor with a loss and a mishap together, or two more actors with either."""
    for slots, direct in product((SAME, APART), (HOLDS, A_BOOKS, B_BOOKS, BOTH_BOOK)):
        for actors in ONE_MORE:
            yield World(slots, direct, actors, losses=1, mishaps=1)
        for actors in TWO_MORE:
            yield World(slots, direct, actors, mishaps=1)
    for slots, actors in product((SAME, APART), TWO_MORE):
        yield World(slots, HOLDS, actors, losses=1)
    for actors in (MOVED_AGAIN, MOVED_TWICE):
        yield World(APART, HOLDS, actors, mishaps=1)
    yield World(APART, A_BOOKS, frozenset({MOVE, OTHER_MOVE, EDIT}))
    for actors in (CONFIRMED, MOVED, EDITED_TOO, frozenset({MOVE, CONFIRM})):
        yield World(SAME, mishaps=1, **reserved(actors))
        yield World(APART, mishaps=1, **reserved(actors))
    yield World(SAME, losses=1, **reserved(CONFIRMED))


def stronger() -> Iterator[World]:
    """Worlds with a possible further rule: a fence ends the limit `window`, a patient rebuild the one after a loss."""
    for slots, actors in product((SAME, APART), ONE_MORE):
        yield World(slots, HOLDS, actors, mishaps=1, control="window", fence=True)
    for actors in (ALONE, REPEATED):
        yield World(SAME, HOLDS, actors, losses=1, patient=True)


def report(world: World, result: Result, seconds: float) -> None:
    verdict = "ok" if not result.faults else "FAULT"
    print(f"{verdict:6}{result.states:>10,} states {seconds:6.1f} s  {world}", flush=True)
    for run in result.faults.values():
        print(*(f"        {number:2} {label}" for number, label in enumerate(run[:-1], 1)), sep="\n")
        print(f"        => {run[-1]}")


def main(names: list[str]) -> int:
    """Explore and print. 0: the protocol has no fault, and each control that was named shows its fault."""
    chosen = [*CONTROLS] if names == ["controls"] else [name for name in names if name != "--quick"]
    unknown = [name for name in chosen if name not in CONTROLS]
    if unknown:
        print("no such control:", *unknown, "\nthere are:", *CONTROLS)
        return 2
    as_expected = True
    for name in chosen:
        left_out, world, fault = CONTROLS[name]
        print(f"{name}: {left_out}")
        as_expected &= fault in explore_and_report(world, until=fault).faults
    if not chosen:
        for world in (*(quick() if names else whole()), *stronger()):
            as_expected &= not explore_and_report(world).faults
    return 0 if as_expected else 1


def explore_and_report(world: World, until: str | None = None) -> Result:
    began = time.monotonic()
    result = explore(world, until)
    report(world, result, time.monotonic() - began)
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
