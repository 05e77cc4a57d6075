"""Claims a slot for whoever asks: a hold, or a direct booking. One round trip to Redis in the normal case.

What the normal case is not: the catalogue changed (read it again and try once more); Redis was lost (claim first, then
ask MongoDB, and give the claim back if it is booked there); an overdue reservation is in the way (it expires here);
more candidates than one script should look at (in batches).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from models.access import IdempotencyClaim
from models.errors import Fault, InvalidRequest, Refusal, StoreUnavailable
from models.slot import Opening, SlotFields, Visit, Wish
from services.access.authentication import Access
from services.availability.candidates import Candidates
from services.catalogue.reader import Catalogue
from services.claims.claims import Claims
from services.claims.hold_records import HoldRecord
from services.claims.mirror import Mirror
from services.claims.placements import Obstacle, Placed, Placement, Stale, Taken
from services.holds.conflicts import obstacles_of, refusal
from services.ids import booking_id_for
from services.ledger.expiry import Reservations
from services.timetable.grid import Grid

MOST_ATTEMPTS = 20
BATCH_KEYS = 2000
"""Claim keys that one script call looks at: a few milliseconds of Redis at the most."""


Repeat = tuple[str, IdempotencyClaim]
"""An API key's id and the idempotency key that a request comes with."""


class Placing:
    """Finds and claims the first free visit for a wish, or refuses with all that is known about why."""

    def __init__(
        self,
        *,
        claims: Claims,
        mirror: Mirror,
        catalogue: Catalogue,
        access: Access,
        candidates: Candidates,
        reservations: Reservations,
        openings: Callable[[str, Wish, int], list[Opening]],
        grid: Grid,
    ) -> None:
        self._claims = claims
        self._mirror = mirror
        self._catalogue = catalogue
        self._access = access
        self._candidates = candidates
        self._reservations = reservations
        self._openings = openings
        self._grid = grid

    def claim(
        self,
        org: str,
        fields: SlotFields,
        prepare: Callable[[Wish, list[Visit], str | None], Placement],
        faults: Callable[[], list[Fault]] = list,
        repeat: Repeat | None = None,
        *,
        standing: Collection[str] = (),
        clear: Callable[[list[Obstacle]], bool] = lambda _obstacles: False,
    ) -> Placed:
        """Claims one of the visits that the fields allow.

        prepare: makes the placement from the wish and its visits, and the epoch under which both were read.
        faults: what else is wrong with the request under today's policy, so that all of it is named at once.
        repeat: by which a hold is known that was granted before, even if today's rules would refuse it.
        standing: the fields that a booking has already, see Candidates.wish.
        clear: whether something of one's own was in the way and is no longer.

        Raises every refusal of Candidates, SlotHeld, SlotBooked, NoSlotAvailable, and what Claims.place raises.
        """
        reloaded = False
        for _ in range(MOST_ATTEMPTS):
            epoch = self._catalogue.epoch(org)
            try:
                wish = self._wish(org, fields, faults(), standing)
                visits = self._candidates.visits(org, wish)
                placement = prepare(wish, visits, epoch)
            except StoreUnavailable:
                raise
            except Refusal:
                granted = self._claims.recall(org, *repeat) if repeat else None
                if granted and not granted.cold:
                    return granted
                if reloaded or self._is_current(org, epoch):
                    raise
                reloaded = True
                continue
            outcome = self._first_free(placement)
            if isinstance(outcome, Stale):
                self.reload(org, outcome.epoch)
            elif isinstance(outcome, Taken):
                if not self._reservations.made_way(org, outcome.obstacles) and not clear(outcome.obstacles):
                    raise self.refuse(org, wish, visits, outcome.obstacles)
            elif not outcome.cold or self._survives_cold(org, placement, outcome, fields, standing):
                return outcome
        raise StoreUnavailable

    def refuse(self, org: str, wish: Wish, visits: list[Visit], obstacles: list[Obstacle]) -> Exception:
        """The refusal for a wish none of whose visits can be had."""
        openings = self._openings(org, wish, wish.suggest) if wish.suggest else []
        tried = {visit.technician_id for visit in visits if visit.start == wish.start}
        return refusal(wish, tried, obstacles, openings, self._grid)

    def mirror_blockers(self, org: str, visit: Visit, *, besides: str | None = None) -> list[Obstacle]:
        """Mirrors the bookings that MongoDB has in a visit's way, which the mirror had missed, and names them.

        An overdue reservation among them expires. besides: a booking that is not in the way, being one's own.
        """
        blockers = self._reservations.blockers(org, visit)
        others = [booking for booking in blockers if booking.booking_id != besides]
        for booking in others:
            self._mirror.settle(booking)
        return obstacles_of(visit, others)

    def reload(self, org: str, epoch: str | None) -> None:
        """Forgets what this process remembers of an org; it is read again under the given epoch."""
        self._access.forget(org)
        self._catalogue.forget(org, epoch)

    def _wish(self, org: str, fields: SlotFields, faults: list[Fault], standing: Collection[str]) -> Wish:
        try:
            wish = self._candidates.wish(org, fields, standing=standing)
        except InvalidRequest as refusal:
            raise InvalidRequest(*refusal.faults, *faults) from None
        if faults:
            raise InvalidRequest(*faults)
        return wish

    def _is_current(self, org: str, epoch: str | None) -> bool:
        """Whether a refusal came from today's catalogue; if not, or if nobody can tell, that is forgotten."""
        current = self._mirror.epoch(org)
        if current is not None and current == epoch:
            return True
        self.reload(org, current)
        return False

    def _first_free(self, placement: Placement) -> Placed | Stale | Taken:
        if len(placement.visits) == 1:
            return self._claims.place(placement)
        first: Taken | None = None
        for visits in _batches(placement.visits):
            outcome = self._claims.place(replace(placement, visits=visits))
            if not isinstance(outcome, Taken):
                return outcome
            first = first or outcome
        return first or Taken([])

    def _survives_cold(
        self, org: str, placement: Placement, placed: Placed, fields: SlotFields, standing: Collection[str]
    ) -> bool:
        """Whether a claim made while the mirror was not whole is good; a doomed one is given back.

        Claim first, then check: whoever checks first may be overtaken by a booking between the two. A repeat that finds
        its hold unchecked checks it as well, for nobody knows whether the first one came to it.
        """
        record = placed.record
        try:
            self.reload(org, None)
            wish = self._candidates.wish(org, fields, standing=standing)
            allowed = record.visit in self._candidates.visits(org, wish)
            if allowed and (record.direct or not self._others_in_the_way(org, record)):
                if not record.direct:
                    self._claims.trust(org, record, placement.idempotency)
                return True
        except BaseException:
            self._give_back(org, placed)
            raise
        self._give_back(org, placed)
        return False

    def _others_in_the_way(self, org: str, record: HoldRecord) -> bool:
        own = booking_id_for(org, record.hold_id)  # of a repeat whose hold has been booked since
        return bool(self.mirror_blockers(org, record.visit, besides=own))

    def _give_back(self, org: str, placed: Placed) -> None:
        record = placed.record
        if record.direct:
            self._claims.abort(org, record.hold_id, deadline_ms=record.deadline_ms, restore=False)
        else:
            self._claims.release(org, record.hold_id, record.key_id, staff=False, forget=True)


def _batches(visits: list[Visit]) -> Iterator[list[Visit]]:
    """Cuts a long list of candidates so that no script call looks at more claim keys than BATCH_KEYS."""
    technicians = len({visit.technician_id for visit in visits[:BATCH_KEYS]})
    width = visits[0].before + visits[0].end - visits[0].start + visits[0].after
    starts = max(1, BATCH_KEYS // (technicians + 1) - width)
    size = starts * technicians
    for at in range(0, len(visits), size):
        yield visits[at : at + size]
