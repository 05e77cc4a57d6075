"""Named points at which a worker can be made to die, so that a test can kill it exactly there.

Off unless HOLDFAST_CRASH_POINT names a point. Then the process kills itself with SIGKILL, which leaves what a lost
machine would leave.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

CrashPoints = Callable[[str], None]

POINTS = (
    *("before_begin", "after_begin", "after_batch", "after_insert", "after_finish", "after_place"),
    *("after_offer_intent", "after_offer_hold", "after_offer_published"),
    *("after_series_claim", "after_series_write", "after_series"),
    *("after_change", "after_move_claim", "after_move", "after_move_mirrored"),
    *("after_swap_claims", "after_swap_written", "after_swap", "after_swap_mirrored"),
    *("after_news", "after_entries", "after_entry_lease", "after_entry_sent", "after_entry_end"),
    *("after_message_begun", "after_message_left"),
)


def survive(_point: str) -> None:
    """What production uses: does nothing at any point."""


def crash_at(wanted: str) -> CrashPoints:
    """A function that kills the process when it is called with the name `wanted`; `survive` where that is empty.

    Raises ValueError for a point that does not exist, because a test that never reaches it would prove nothing.
    """
    if not wanted:
        return survive
    if wanted not in POINTS:
        raise ValueError(f"there is no crash point {wanted!r}; there are {', '.join(POINTS)}")

    def reach(point: str) -> None:
        if point == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return reach
