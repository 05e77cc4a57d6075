"""What goes into the claims of Redis and what comes out: requests and outcomes, in this room's own words."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, Literal

from models.access import IdempotencyClaim, Role
from models.slot import Claim, SlotFields, Visit, Wish
from services.claims.hold_records import HoldRecord
from services.claims.keys import Mark
from services.timetable.choices import Choices

REMEMBERED_MS = 3_600_000
"""How long a hold is remembered after its end. The HTTP contract promises an hour."""
PUBLIC_REMEMBERED_MS = 600_000
"""The same for a hold of the publishable key that was released or ran out: strangers must not fill Redis. The key under
which it was placed is kept no longer."""
KEY_KEPT_MS = 86_400_000
"""How long an idempotency key is kept. The HTTP contract promises 24 hours."""
REQUEST_MS = 2_000
"""No request takes longer. One that began earlier has lost its worker, and a repeat takes over what it had begun."""
LOST_REQUEST_MS = 5_000
"""`REQUEST_MS` with time to spare: how long Redis keeps what a running request must not lose."""
DIRECT_LIFETIME_SECONDS = 60
"""The lifetime in the record of a direct booking or a move. Its pin ends by a decision, not by this."""
PIN_BACKSTOP_MS = 3_600_000
"""After this time Redis itself drops a pin that no relay has resolved."""


attempt_name: Final[Callable[[], str]] = partial(secrets.token_hex, 6)
"""Makes a new name for one call. A script that finds the name in a record knows that the call was sent twice."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who learns why a slot cannot be had. holder_digest: of its own holds and bookings; '' if it names no holder."""

    role: Role
    holder_digest: str = ""


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Who wants which slot, and on which terms.

    hold_id: the name under which the claims will stand: a hold's id, or the name of a pin.
    key_id: of the API key that will own the claims. role: of the caller, which decides how long the visit may be.
    joined_by: the role of the key for which the relay asks; None if the caller asks for itself.
    holder_digest: who may ask for its hold again, and whose quota counts it; '' if no holder is named.
    address_digest: of the client's address where the publishable key's shares count the claims (see quotas), else ''.
    now: the moment as of which the rules apply.
    lifetime_seconds: None means the policy's. bounded: the policy's longest lifetime limits it.
    replaces: the name of an own live hold that is let go if and only if this one is granted; '' if there is none.
    state: held, or pinned at once: confirming for a direct booking, moving for a booking that exists. Its own marks are
    no obstacle to a move. booking_id: that booking's id in MongoDB. swaps_with: the id of another booking, whose marks
    are no obstacle either, because the two swap; '' if they do not. claimed: what a booking that moves has already.
    standing: the slot fields that the booking or the hold has already, see Candidates.wish. exact: the very visit, to
    which no rule applies.
    """

    org: str
    hold_id: str
    key_id: str
    role: Role
    slot: SlotFields
    now: datetime
    joined_by: Role | None = None
    lifetime_seconds: int | None = None
    bounded: bool = False
    holder_digest: str = ""
    address_digest: str = ""
    idempotency: IdempotencyClaim | None = None
    replaces: str = ""
    state: Literal["held", "confirming", "moving"] = "held"
    booking_id: str = ""
    swaps_with: str = ""
    claimed: tuple[Claim, ...] = ()
    standing: Set[str] = frozenset()
    exact: Visit | None = None

    @property
    def asker(self) -> Asker:
        return Asker(self.role, self.holder_digest)


@dataclass(frozen=True, slots=True)
class Placement:
    """One attempt to claim the visit of the first choice that can be had.

    wish: the request in ticks. found: what it may become.
    limits: how many live holds each share may have, by the policy's word (see quotas). daily: how many bookings the
    client's address may make on a UTC day, if the claims are of such a booking; None for any number. epoch: of the
    catalogue that all this comes from.
    """

    request: ClaimRequest
    wish: Wish
    found: Choices
    lifetime_ms: int
    limits: dict[str, int]
    daily: int | None
    epoch: str | None
    attempt: str = field(default_factory=attempt_name)

    @property
    def first_visit(self) -> Visit:
        """The visit of the first choice with those whom it prefers."""
        start, technicians = self.found.choices[0]
        return self.wish.at(start, technicians[: self.wish.needed])


@dataclass(frozen=True, slots=True)
class Placed:
    """A claim set that the request has.

    how: new; own, because the same holder had it already; replay, because the same idempotency key had it.
    cold: Redis was lost and is not rebuilt, so MongoDB has to be asked whether the slot is booked.
    """

    record: HoldRecord
    how: Literal["new", "own", "replay"]
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Stale:
    """The catalogue changed after it was read. Nothing was claimed. epoch: the current one; None: Redis was lost."""

    epoch: str | None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A mark that stood in the way. kind and id: of the resource. hold: the record of the hold or pin whose mark it is;
    None for a booking. holder_digest: of the holder that the hold has or the booking's hold had; '' if there is none.
    """

    kind: str
    id: str
    mark: Mark
    hold: HoldRecord | None = None
    holder_digest: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """No choice can be had. obstacles: what stood in the way at the requested start. cold: as in Placed."""

    obstacles: list[Obstacle]
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Pinned:
    """Claims that wait for their outcome in MongoDB. record.deadline_ms names this attempt.

    first: this attempt set the pin. Only such an attempt may take it back while the outcome is open.
    now_ms: the time of this attempt, by Redis' clock. repeated: this idempotency key was here before.
    """

    record: HoldRecord
    first: bool
    now_ms: int
    repeated: bool = False


WhyNot = Literal["unknown", "booked", "released", "expired", "overtaken"]
"""Why a hold cannot be confirmed: Redis does not remember it; it has this status; or MongoDB gave its slot to another
booking."""


@dataclass(frozen=True, slots=True)
class NotPinned:
    """A hold that cannot be confirmed. record: None if unknown. repeated: this idempotency key was here before."""

    why: WhyNot
    record: HoldRecord | None = None
    repeated: bool = False


Aborted = Literal["held", "released", "untouched"]
"""What became of a pin that was to be taken back: the hold lives on, it ended, or it is another attempt's."""

Released = Literal["released", "confirming", "booked", "unknown"]
"""What became of a hold that was to be released: it is released now or was before; it is being booked, or is booked;
Redis does not remember it."""
