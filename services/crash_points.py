"""Named points at which a worker can be told to die, so that a drill can kill it exactly there.

Off unless HOLDFAST_CRASH_POINT names a point; then the process kills itself with SIGKILL, as a lost machine would.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

CrashPoints = Callable[[str], None]

POINTS = (
    *("before_begin", "after_begin", "after_insert", "after_finish", "after_place"),
    *("after_offer_intent", "after_offer_hold", "after_offer_published"),
    *("after_change", "after_move_claim", "after_move", "after_move_mirrored"),
)


def survive(_point: str) -> None:
    """The crash point of normal life: nothing happens."""


def crash_at(wanted: str) -> CrashPoints:
    """Gives a function that ends the process when it is called with the wanted point's name.

    Raises ValueError for a point that does not exist, since a drill that never strikes proves nothing.
    """
    if not wanted:
        return survive
    if wanted not in POINTS:
        raise ValueError(f"there is no crash point {wanted!r}; there are {', '.join(POINTS)}")

    def reach(point: str) -> None:
        if point == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return reach
