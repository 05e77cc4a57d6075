"""What goes into a script about a hold and what comes out: the words between claims.py and its callers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Literal

from models.access import IdempotencyClaim
from models.slot import Visit
from services.claims.hold_records import HoldRecord
from services.claims.keys import Mark

REMEMBERED_MS = 3_600_000
"""How long a hold is remembered after its end: the HTTP contract promises an hour."""
KEY_KEPT_MS = 86_400_000
"""How long an idempotency key is kept: the HTTP contract promises 24 hours."""
REQUEST_MS = 2_000
"""No request takes longer: one begun before that has lost its worker, and a repeat takes over what it had begun."""
LOST_REQUEST_MS = 5_000
"""The same with time to spare: for so long Redis keeps what a request must not lose while it runs."""
DIRECT_LIFETIME_MS = 60_000
"""What the record of a direct booking or a move says of its lifetime; its pin ends by a decision."""
PIN_BACKSTOP_MS = 3_600_000
"""When Redis itself drops a pin that no relay ever resolved."""


def attempt_name() -> str:
    """A name for one call, by which it is known again should the connection make us send it twice."""
    return secrets.token_hex(6)


@dataclass(frozen=True, slots=True)
class Placement:
    """One attempt to claim the first free one of some visits.

    visits: in the order to try, all on one property and of one length; requested: the start tick that was asked for.
    holder_key and quota: which quota counts this hold and how many it allows (0 = any).
    state: held, or pinned at once: confirming for a direct booking, moving for a booking that exists, whose own marks
    are no obstacle. booking_id is that booking's in MongoDB.
    """

    org: str
    hold_id: str
    owner: str
    visits: list[Visit]
    requested: int
    lifetime_ms: int
    epoch: str | None
    holder_digest: str = ""
    quota: int = 0
    idempotency: IdempotencyClaim | None = None
    state: Literal["held", "confirming", "moving"] = "held"
    booking_id: str = ""
    attempt: str = field(default_factory=attempt_name)


@dataclass(frozen=True, slots=True)
class Placed:
    """A claim set that was taken, or found to be one's own already.

    how: new, own (the same holder asked before) or replay (the same idempotency key).
    cold: Redis was lost and has not been rebuilt, so MongoDB has to be asked whether the slot is booked.
    """

    record: HoldRecord
    how: Literal["new", "own", "replay"]
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Stale:
    """The catalogue changed since it was read: nothing was claimed."""

    epoch: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A mark that stood in the way, and on which resource."""

    kind: str
    id: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Taken:
    """No candidate is free; these stood in the way at the requested start."""

    obstacles: list[Obstacle]


@dataclass(frozen=True, slots=True)
class Begun:
    """What begin_confirm found. again: the same idempotency key was here before. now_ms is Redis' clock."""

    outcome: Literal["MISSING", "FOREIGN", "BEGUN", "AGAIN", "BOOKED", "RELEASED", "EXPIRED", "BLOCKED"]
    record: HoldRecord | None = None
    again: bool = False
    now_ms: int = 0


@dataclass(frozen=True, slots=True)
class Extended:
    """What extend_hold found. left_ms: for LIMIT, how much lifetime from now could still be asked for."""

    outcome: Literal["MISSING", "FOREIGN", "LIMIT", "EXTENDED", "CONFIRMING", "BOOKED", "RELEASED", "EXPIRED"]
    record: HoldRecord | None = None
    now_ms: int = 0
    left_ms: int = 0
