"""Claims a slot for a hold, a direct booking or a move, usually in one round trip to Redis.

Exceptions to the one round trip: the catalogue changed (read it again and try once more); Redis was lost (claim first,
then ask MongoDB, and give the claim back if the slot is booked there); an overdue reservation is in the way (it expires
here); there are more candidates than one script may look at (a look at the spans first).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from time import monotonic

from models.errors import Fault, Refusal, StoreUnavailable
from models.slot import Visit, Wish
from services.availability.candidates import Candidates, Choices
from services.availability.search import look
from services.availability.slots import Availability
from services.catalogue.reader import Catalogue, Snapshot
from services.claims.batches import batches_of
from services.claims.claims import Claims
from services.claims.hold_records import HoldRecord
from services.claims.mirror import Mirror
from services.claims.placements import Asker, ClaimRequest, Obstacle, Placed, Placement, Stale, Taken
from services.claims.quotas import limits_of
from services.holds.conflicts import obstacles_of, refusal, with_time_off
from services.ids import HoldIds, booking_id_for
from services.ledger.expiry import Reservations
from services.stores.faults import last_start
from services.timetable.grid import Grid
from services.timetable.time_off import HiddenTimeOff

MOST_ATTEMPTS = 20
MOST_BATCHES = 3
"""Script calls after a look at the spans. The first one mostly gets what looked free a moment ago."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """No visit of a placement is free; the obstacles stood in the way at the requested start."""

    placement: Placement
    obstacles: list[Obstacle]


class Placing:
    """Finds and claims the first free visit for a request."""

    def __init__(
        self,
        *,
        claims: Claims,
        mirror: Mirror,
        catalogue: Catalogue,
        candidates: Candidates,
        reservations: Reservations,
        availability: Availability,
        hold_ids: HoldIds,
        grid: Grid,
    ) -> None:
        self._claims = claims
        self._mirror = mirror
        self._catalogue = catalogue
        self._candidates = candidates
        self._reservations = reservations
        self._availability = availability
        self._hold_ids = hold_ids
        self._grid = grid

    def claim(self, request: ClaimRequest) -> Placed:
        """Claims one of the visits that the request allows, or refuses with all that is known about why.

        Raises what `attempt` raises, and SlotHeld, SlotBooked or NoSlotAvailable.
        """
        outcome = self.attempt(request)
        if isinstance(outcome, Blocked):
            placement = outcome.placement
            raise self.refusal(request.org, request.asker, placement.wish, placement.visits, outcome.obstacles)
        return outcome

    def attempt(self, request: ClaimRequest) -> Placed | Blocked:
        """Claims one of the visits that the request allows, or says what is in the way.

        Each try reads one snapshot of the catalogue and decides all by it. A hold that the request's idempotency key
        has is found even if today's rules would refuse it.
        Raises InvalidRequest, every refusal of Candidates, and what Claims.place raises.
        """
        reloaded = False
        for _ in range(MOST_ATTEMPTS):
            snapshot = self._catalogue.snapshot(request.org)
            if monotonic() > last_start.get():
                break
            try:
                placement = self._placement(request, snapshot)
            except StoreUnavailable:
                raise
            except Refusal:
                granted = self._granted_before(request)
                if granted:
                    return granted
                if reloaded or self._is_current(snapshot):
                    raise
                reloaded = True
                continue
            outcome = self._first_free(placement)
            if isinstance(outcome, Stale):
                self._reload(request.org, outcome.epoch)
            elif isinstance(outcome, Taken):
                if outcome.cold and placement.hidden.masks and not reloaded:
                    self._reload(request.org, None)
                    reloaded = True
                elif not self._reservations.made_way(request.org, outcome.obstacles):
                    return _blocked(placement, outcome.obstacles)
            elif not outcome.cold or self._survives_cold(placement, outcome):
                return outcome
        raise StoreUnavailable

    def refusal(self, org: str, asker: Asker, wish: Wish, visits: list[Visit], obstacles: list[Obstacle]) -> Refusal:
        """Why none of some visits can be had, with other free slots if the wish asks for them."""
        openings = self._availability.openings(org, wish, wish.suggest) if wish.suggest else []
        tried = {visit.technician_id for visit in visits if visit.start == wish.start}

        def id_of(hold: HoldRecord) -> str:
            return self._hold_ids.seal(org, hold.key_id, hold.hold_id, hold.visit)

        return refusal(wish, asker, tried, obstacles, openings=openings, grid=self._grid, id_of=id_of)

    def mirror_blockers(self, org: str, visit: Visit, *, besides: str | None = None) -> list[Obstacle]:
        """Mirrors the bookings in a visit's way that only MongoDB knew, and names them.

        An overdue reservation among them expires. besides: the id of a booking that is not in the way, being one's own.
        """
        blockers = self._reservations.blockers(org, visit)
        others = [booking for booking in blockers if booking.booking_id != besides]
        for booking in others:
            self._mirror.settle(booking)
        return obstacles_of(visit, others)

    def _placement(self, request: ClaimRequest, snapshot: Snapshot) -> Placement:
        """The request under one snapshot. Raises InvalidRequest with all faults, and every refusal of Candidates."""
        policy, asked = snapshot.policy, request.lifetime_seconds
        faults = []
        if request.bounded and asked and asked > policy.max_hold_seconds:
            text = f"Give ttl_seconds as {policy.max_hold_seconds} or less."
            faults.append(Fault("ttl_seconds", "too_long", text))
        wish, (visits, hidden) = self._choices(request, snapshot, faults)
        counts = request.address_digest and request.state == "confirming"
        return Placement(
            request,
            wish,
            visits,
            hidden.besides(request.claimed) if request.claimed else hidden,
            lifetime_ms=(asked or policy.hold_seconds) * 1000,
            limits=limits_of(policy),
            daily=policy.public_bookings_per_address_per_day if counts else None,
            epoch=snapshot.epoch,
        )

    def _choices(self, request: ClaimRequest, snapshot: Snapshot, faults: list[Fault]) -> tuple[Wish, Choices]:
        now, exact = request.now, request.exact
        if exact is not None:
            # No rule is asked, but what was removed from the catalogue gets no visit.
            snapshot.resources(request.slot.property_id, request.slot.technician_id)
            return Wish.exactly(exact), Choices([exact], HiddenTimeOff(exact.start, {}))
        wish = self._candidates.wish(
            snapshot, now, request.slot, request.role, standing=request.standing, faults=faults
        )
        return wish, self._candidates.choices(snapshot, now, wish)

    def _granted_before(self, request: ClaimRequest) -> Placed | None:
        """The hold that this request was granted when it came before under its idempotency key."""
        if request.state != "held" or request.idempotency is None:
            return None
        granted = self._claims.recall(request.org, request.key_id, request.idempotency)
        return granted if granted and not granted.cold else None

    def _reload(self, org: str, epoch: str | None) -> None:
        """Forgets what this process remembers of an org; the next use reads it again, under the given epoch."""
        self._catalogue.forget(org, epoch)

    def _is_current(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot is today's catalogue. If it is not, or nothing shows that it is, it is forgotten."""
        current = self._mirror.epoch(snapshot.org)
        if current is not None and current == snapshot.epoch:
            return True
        self._reload(snapshot.org, current)
        return False

    def _first_free(self, placement: Placement) -> Placed | Stale | Taken:
        """One script call if it can look at all visits; else a look at the spans, and calls for what looks free.

        Raises StoreUnavailable when the calls or the time are used up while visits are left.
        """
        visits = placement.visits
        if _needs_mongo_first(placement):
            visits = self._reservations.free_of(placement.request.org, visits)
            if not visits:
                obstacles = self.mirror_blockers(placement.request.org, placement.visits[0])
                return self._granted_before(placement.request) or Taken(obstacles)
            placement = replace(placement, visits=visits)
        if len(visits) == 1 or len(list(islice(batches_of(visits), 2))) == 1:
            return self._claims.place(placement)
        request, wish = placement.request, placement.wish
        looked = look(
            self._mirror,
            request.org,
            wish,
            visits,
            placement.hidden,
            holder=bool(request.holder_digest),
            spared=request.replaces,
        )
        # With nothing free the script still has its say about the idempotency key, the catalogue and the quotas.
        batches = list(islice(batches_of(looked.visits or visits[:1]), MOST_BATCHES + 1))
        for batch in batches[:MOST_BATCHES]:
            if monotonic() > last_start.get():
                raise StoreUnavailable
            outcome = self._claims.place(replace(placement, visits=batch))
            if not isinstance(outcome, Taken):
                return outcome
        if len(batches) > MOST_BATCHES:
            raise StoreUnavailable
        return Taken(self._claims.identified(request.org, looked.obstacles))

    def _survives_cold(self, placement: Placement, placed: Placed) -> bool:
        """Whether a claim made while the mirror was not whole is good. A doomed one is given back.

        Claim first, then check: between a check and a claim a booking may come. A repeat that finds its hold unchecked
        checks it too, because the first request may have died before its check.
        """
        request, record = placement.request, placed.record
        try:
            self._reload(request.org, None)
            _, (visits, hidden) = self._choices(request, self._catalogue.snapshot(request.org), [])
            allowed = record.visit in visits and not hidden.besides(request.claimed).bars(record.visit)
            if allowed and (record.direct or not self._others_in_the_way(request.org, record)):
                if not record.direct:
                    self._claims.trust(request.org, record, request.idempotency)
                return True
        except BaseException:
            self._give_back(request.org, placed)
            raise
        self._give_back(request.org, placed)
        return False

    def _others_in_the_way(self, org: str, record: HoldRecord) -> bool:
        own = booking_id_for(org, record.hold_id)  # of a repeat whose hold became a booking meanwhile
        return bool(self.mirror_blockers(org, record.visit, besides=own))

    def _give_back(self, org: str, placed: Placed) -> None:
        record = placed.record
        if record.direct:
            self._claims.abort(org, record.hold_id, deadline_ms=record.deadline_ms, restore=False)
        else:
            self._claims.release(org, record.hold_id, record.key_id, staff=False, forget=True)


def _needs_mongo_first(placement: Placement) -> bool:
    """Whether MongoDB is asked before the claim too: where Redis knows no bookings, and where a claim that is given
    back after the check would have cost the client the hold that it replaces."""
    request = placement.request
    forgotten = "past" in placement.wish.lifted and request.state != "moving"  # Redis forgets visits that are over
    return forgotten or bool(request.replaces and placement.epoch is None)


def _blocked(placement: Placement, obstacles: list[Obstacle]) -> Blocked:
    wished = [visit for visit in placement.visits if visit.start == placement.wish.start]
    return Blocked(placement, with_time_off(obstacles, wished, placement.hidden))
