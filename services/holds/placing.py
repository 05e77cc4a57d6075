"""Claims a slot for a hold, a direct booking or a move, usually in one round trip to Redis.

Exceptions to the one round trip: the catalogue changed (read it again and try once more); Redis was lost (claim first,
then ask MongoDB, and give the claim back if the slot is booked there); an overdue reservation is in the way (it expires
here); there are more candidates than one script may look at (a look at the spans first).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import islice
from time import monotonic

from models.errors import Fault, Refusal, StoreUnavailable
from models.slot import Choice, Visit, Wish
from services.availability.candidates import Candidates
from services.availability.possible import require_few_claims
from services.availability.search import free_in_mongo, look
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
from services.ledger.store import BookingStore
from services.stores.faults import last_start
from services.timetable.choices import Choices
from services.timetable.grid import Grid
from services.timetable.time_off import HiddenTimeOff

MOST_ATTEMPTS = 20
MOST_BATCHES = 3
"""Script calls after a look at the spans. The first one mostly gets what looked free a moment ago."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """No choice of a placement can be had; the obstacles stood in the way at the requested start.

    tried: the technicians of the choice there.
    """

    placement: Placement
    obstacles: list[Obstacle]
    tried: tuple[str, ...]


class Placing:
    """Finds and claims the first free visit for a request."""

    def __init__(
        self,
        *,
        claims: Claims,
        mirror: Mirror,
        catalogue: Catalogue,
        candidates: Candidates,
        store: BookingStore,
        reservations: Reservations,
        availability: Availability,
        hold_ids: HoldIds,
        grid: Grid,
    ) -> None:
        self._claims = claims
        self._mirror = mirror
        self._catalogue = catalogue
        self._candidates = candidates
        self._store = store
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
            wish = outcome.placement.wish
            raise self.refusal(request.org, request.asker, wish, outcome.tried, outcome.obstacles)
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
                if outcome.cold and placement.found.hidden.masks and not reloaded:
                    self._reload(request.org, None)
                    reloaded = True
                elif not self._reservations.made_way(request.org, outcome.obstacles):
                    return _blocked(placement, outcome.obstacles)
            elif not outcome.cold or self._survives_cold(placement, outcome):
                return outcome
        raise StoreUnavailable

    def refusal(self, org: str, asker: Asker, wish: Wish, tried: Collection[str], obstacles: list[Obstacle]) -> Refusal:
        """Why a wish cannot be had, with other free slots if it asks for them. tried: as in Blocked."""
        openings = self._availability.openings(org, wish, wish.suggest) if wish.suggest else []

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
        found = self._choices(request, snapshot, faults)
        counts = request.address_digest and request.state == "confirming"
        return Placement(
            request,
            found.wish,
            found,
            lifetime_ms=(asked or policy.hold_seconds) * 1000,
            limits=limits_of(policy),
            daily=policy.public_bookings_per_address_per_day if counts else None,
            epoch=snapshot.epoch,
        )

    def _choices(self, request: ClaimRequest, snapshot: Snapshot, faults: list[Fault]) -> Choices:
        now, exact = request.now, request.exact
        if exact is not None:
            # No rule is asked, but what was removed from the catalogue gets no visit, and a unit that is new does.
            site, _ = snapshot.resources(exact.property_id, exact.technician_ids)
            wish = Wish.exactly(replace(exact, units=site.units))
            require_few_claims(wish)
            return Choices(wish, [Choice(exact.start, exact.technician_ids)], HiddenTimeOff())
        wish = self._candidates.wish(
            snapshot, now, request.slot, request.role, standing=request.standing, faults=faults
        )
        found = self._candidates.choices(snapshot, now, wish)
        return found._replace(hidden=found.hidden.besides(request.claimed)) if request.claimed else found

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
        """One script call if it can look at all choices; else a look at the spans, and calls for what looks free.

        Raises StoreUnavailable when the calls or the time are used up while choices are left.
        """
        request, wish = placement.request, placement.wish
        if _needs_mongo_first(placement):
            free = free_in_mongo(self._store, request.org, wish, placement.found)
            if not free:
                obstacles = self.mirror_blockers(request.org, placement.first_visit)
                return self._granted_before(request) or Taken(obstacles)
            placement = _of(placement, free)
        choices = placement.found.choices
        is_plain = len(choices) == 1 and len(choices[0].technician_ids) == wish.needed
        if is_plain or len(list(islice(batches_of(wish, choices), 2))) == 1:
            return self._claims.place(placement)
        looked = look(
            *(self._mirror, request.org, wish, placement.found),
            holder=bool(request.holder_digest),
            spared=request.replaces,
        )
        # With nothing free the script still has its say about the idempotency key, the catalogue and the quotas.
        likely = looked.choices or [Choice(choices[0].start, choices[0].technician_ids[: wish.needed])]
        batches = list(islice(batches_of(wish, likely), MOST_BATCHES + 1))
        for batch in batches[:MOST_BATCHES]:
            if monotonic() > last_start.get():
                raise StoreUnavailable
            outcome = self._claims.place(_of(placement, batch))
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
            found = self._choices(request, self._catalogue.snapshot(request.org), [])
            if found.allow(record.visit) and (record.direct or not self._others_in_the_way(request.org, record)):
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


def _of(placement: Placement, choices: list[Choice]) -> Placement:
    """The attempt with some of its choices."""
    return replace(placement, found=placement.found._replace(choices=choices))


def _needs_mongo_first(placement: Placement) -> bool:
    """Whether MongoDB is asked before the claim too: where Redis knows no bookings, and where a claim that is given
    back after the check would have cost the client the hold that it replaces."""
    request = placement.request
    forgotten = "past" in placement.wish.lifted and request.state != "moving"  # Redis forgets visits that are over
    return forgotten or bool(request.replaces and placement.epoch is None)


def _blocked(placement: Placement, obstacles: list[Obstacle]) -> Blocked:
    wish, (start, technicians) = placement.wish, placement.found.choices[0]
    tried = technicians if start == wish.start else ()
    return Blocked(placement, with_time_off(obstacles, wish, tried, placement.found.hidden), tried)
