"""One org on real servers and its twin in a ledger: both get the same requests and must give the same answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine

from models.access import IdempotencyClaim
from models.booking import BookRequest, ReserveRequest
from models.booking_changes import BookingPatch
from models.catalogue import PolicyPatch, PropertyPatch
from models.errors import Refusal
from models.hold import HoldRequest
from models.slot import Visit
from scripts.dev_server.child import wait_until
from services import Services
from services.claims.keys import digest, spans_text
from services.ids import HoldIds, booking_id_for, direct_pin
from tests.protocol.life_ledger import LEAD_MINUTES, LONGEST_TICKS, Record, Stores
from tests.protocol.life_patches import UNITS, visit_of
from tests.protocol.life_twin import Twin
from tests.redis_dump import dump
from tests.world import SECRET, World, name_of, rfc3339

CRASHES = {
    "hold": ["after_place"],
    "book_hold": ["before_begin", "after_begin", "after_insert", "after_finish"],
    "book": ["after_begin", "after_insert", "after_finish"],
    "act": ["after_change", "after_move_claim", "after_move", "after_move_mirrored"],
    "reschedule": ["after_move_claim", "after_move", "after_move_mirrored"],
}


class Died(Exception):
    """A worker died at a crash point and left everything as it was."""


class Crash:
    """A crash point of the services and of the twin: raises Died at the armed point."""

    armed = ""

    def __call__(self, point: str) -> None:
        if point == self.armed:
            raise Died


def outcome(work: Callable[[], Any]) -> tuple[str, Any]:
    """The outcome of a step: ok and its answer, or the name of what it raised."""
    try:
        return "ok", work()
    except (Refusal, Died) as end:
        return type(end).__name__, None


class Asking(RuleBasedStateMachine):
    """Sends each request to the services, then to the twin."""

    services: Services
    crash: Crash
    hours_ahead: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, tuple[Any, ...]]] = []
        self.holds: list[tuple[str, str]] = []
        self.ids: dict[str, str] = {}
        self.keys = 0
        self.looks = 0
        self.first: dict[str, Any] = {}

    def begin(self) -> None:
        services = self.services
        self.redis: Any = services.redis
        services.booking_life._store_clock = services.clock  # MongoDB's clock is right
        for name in ("bookings", "orgs", "properties", "technicians", "api_keys"):
            services.db[name].delete_many({})
        self.hours_ahead[0], self.crash.armed = 0, ""
        self.relay_catches_up()
        self.world = World(services)
        rules = PolicyPatch(
            min_lead_minutes=LEAD_MINUTES, max_duration_minutes=15 * LONGEST_TICKS, default_duration_minutes=15
        )
        services.catalogue_desk.patch_policy(self.world.org, rules)
        for building, units in UNITS.items():
            for unit in units:
                services.units.patch(self.world.org, unit, PropertyPatch(parent_id=building))
        self.callers = {role: self.world.caller(role) for role in ("desk", "bot")}
        self.base = services.grid.tick(datetime.now(UTC).replace(minute=0, second=0, microsecond=0)) + 5 * 4
        self.stores = Stores(services.clock(), services.grid.moment, self.crash)
        self.twin = Twin(self.stores, frozenset({self.callers["desk"].name}))
        self.rival = services.access.authenticate(self.world.rival_key)
        for start, ask in ((self.base, self._hold_of_a_rival), (self.base + 4, self._booking_of_a_rival)):
            ask({"property_id": "prop-1", "technician_id": "tech-1", "start": rfc3339(services.grid.moment(start))})
        self.rivals = self.marks_of_the_rival(), self.documents(self.world.other_org)
        for hours in (None, 1):
            self.request("book", ("desk", self.key(), ("prop-1", ("tech-1",), 2 if hours else 0, 1, 0, 0), hours))
        self.request("hold", ("bot", self.key(), ("prop-2", ("tech-2",), 2, 1, 0, 0)))

    def relay_catches_up(self) -> None:
        """The relay reads all that is in MongoDB's log. One look may find less: it never waits for MongoDB.

        An old token is saved anew even where nothing has changed behind it.
        """
        relay, saved = self.services.relay, self.services.db["relay_state"]
        end = relay._feed.end_of_log().token["_data"]

        def is_there() -> bool:
            saved.update_one({}, {"$set": {"at": datetime.now(UTC) - timedelta(hours=1)}})
            relay.carry_over_changes()
            return bool(saved.find_one()["token"]["_data"] >= end)

        assert wait_until(is_there, seconds=30)

    def marks_of_the_rival(self) -> dict[str, Any]:
        """All that the other org has in Redis, without its epoch, which changes with its catalogue."""
        found = dump(self.redis, self.world.other_org)
        return {key: value for key, value in found.items() if not key.endswith(":epoch")}

    def _hold_of_a_rival(self, slot: dict[str, Any]) -> None:
        self.services.holds.place(self.rival, HoldRequest.model_validate(slot))

    def _booking_of_a_rival(self, slot: dict[str, Any]) -> None:
        self.services.bookings.book(self.rival, BookRequest.model_validate(slot | {"customer": {"name": "Eve"}}))

    def request(self, what: str, given: tuple[Any, ...], dies: int = 11) -> None:
        """Ask both. dies: the number of the crash point at which both die. Later rules may repeat it."""
        self.set_the_time()
        points = CRASHES.get(what, [])
        self.crash.armed = points[dies] if dies < len(points) else ""
        self.requests.append((what, given))
        ended, answer = outcome(lambda: getattr(self, f"_ask_{what}")(*given))
        if what == "hold" and ended in ("ok", "Died"):
            given = (*given, answer or self._held_by_the_dead(given[2]))
        expected, twins = outcome(lambda: getattr(self, f"_ask_twin_{what}")(*given))
        assert ended == expected, (what, given, self.crash.armed)
        assert answer == twins or ended == "Died"
        self.crash.armed = ""

    def _ask_hold(self, by: str, key: str, visit: tuple[Any, ...]) -> str:
        request = HoldRequest.model_validate(self.slot(visit))
        placed = self.services.holds.place(self.callers[by], request, IdempotencyClaim(key, key))
        return name_of(placed.hold.hold_id)

    def _ask_twin_hold(self, by: str, key: str, visit: tuple[Any, ...], hold_id: str = "") -> str:
        if hold_id and (hold_id, by) not in self.holds:
            self.holds.append((hold_id, by))
            key_id, made = self.callers[by].key_id, self.visit(visit)
            self.ids[hold_id] = HoldIds(SECRET).seal(self.world.org, key_id, hold_id, made)
        return self.twin.hold(self.name(by), hold_id, f"{by} {key}", self.visit(visit))

    def _ask_book(self, by: str, key: str, visit: tuple[Any, ...], hours: int | None) -> str:
        fields, caller = self.slot(visit), self.callers[by]
        if hours:
            request = ReserveRequest.model_validate(fields | {"reserved_by": "Alice", "hours": hours})
            made = self.services.bookings.reserve(caller, request, IdempotencyClaim(key, key))
        else:
            direct = BookRequest.model_validate(fields | {"customer": {"name": "Alice"}})
            made = self.services.bookings.book(caller, direct, IdempotencyClaim(key, key))
        return self._answered(made)

    def _ask_twin_book(self, by: str, key: str, visit: tuple[Any, ...], hours: int | None) -> str:
        key_id = self.callers[by].key_id
        booking_id, name = booking_id_for(self.world.org, key_id, key), direct_pin(digest(key_id, key))
        return self.twin.book(self.name(by), name, f"{by} {key}", booking_id, self.visit(visit), hours)

    def _ask_book_hold(self, by: str, key: str, hold_id: str, _owner: str) -> str:
        request = self.world.book_request(hold_id=self.ids[hold_id])
        return self._answered(self.services.bookings.book(self.callers[by], request, IdempotencyClaim(key, key)))

    def _ask_twin_book_hold(self, by: str, key: str, hold_id: str, owner: str) -> str:
        booking_id = booking_id_for(self.world.org, hold_id)
        return self.twin.book_hold(self.name(by), hold_id, self.name(owner), f"{by} {key}", booking_id)

    def _answered(self, made: Any) -> str:
        """The id of the booking. A replayed answer must be the first answer; a booking that was found may differ."""
        known = self.first.get(made.booking.booking_id)
        if made.replayed and made.created and known:
            assert timeless(made.booking) == timeless(known)
        return str(made.booking.booking_id)

    def _ask_extend(self, by: str, hold_id: str, _owner: str) -> None:
        self.services.holds.extend(self.callers[by], self.ids[hold_id], 200)

    def _ask_twin_extend(self, by: str, hold_id: str, owner: str) -> None:
        self.twin.extend(self.name(by), hold_id, self.name(owner))

    def _ask_release(self, by: str, hold_id: str, _owner: str) -> None:
        self.services.holds.release(self.callers[by], self.ids[hold_id])

    def _ask_twin_release(self, by: str, hold_id: str, owner: str) -> None:
        self.twin.release(self.name(by), hold_id, self.name(owner))

    def _ask_act(self, by: str, booking_id: str, action: Any, expected: int | None) -> str:
        life = self.services.booking_life
        return life.act(self.callers[by], booking_id, action, None, expected).booking_id

    def _ask_twin_act(self, by: str, *given: Any) -> str:
        return self.twin.act(self.name(by), *given)

    def _ask_reschedule(self, by: str, booking_id: str, patch: dict[str, Any], expected: int | None) -> str:
        life, body = self.services.booking_life, BookingPatch.model_validate(self.in_minutes(patch))
        return life.reschedule(self.callers[by], booking_id, body, expected).booking_id

    def _ask_twin_reschedule(self, by: str, booking_id: str, patch: dict[str, Any], expected: int | None) -> str:
        moved = patch | ({"start": self.base + patch["start"]} if "start" in patch else {})
        return self.twin.reschedule(self.name(by), booking_id, moved, expected)

    def pinned(self, record: Record) -> str:
        """The name of a record's pin in Redis. Two changes of one version differ in their visits alone."""
        wanted = spans_text(record.visit.spans())
        names, pins = self.world.names, self.redis.zrange(self.world.names.pins, 0, -1)
        alikes = [pin for pin in pins if alike(pin) == alike(record.name)]
        (name,) = [pin for pin in alikes if self.redis.hget(names.hold(pin), "spans") == wanted]
        return str(name)

    def _held_by_the_dead(self, visit: tuple[Any, ...]) -> str:
        claim = next(iter(self.visit(visit).claims()))
        return str(self.redis.get(self.claim_key(*claim))).split("|")[1]

    def set_the_time(self) -> None:
        self.stores.now = self.services.clock()

    def key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    def name(self, by: str) -> str:
        return self.callers[by].name

    def booking(self, which: int) -> str:
        """The id of a booking, mostly of an active one."""
        active = [each.booking_id for each in self.stores.documents.values() if each.active]
        every = list(self.stores.documents)
        return (active if active and which % 4 else every)[which % len(active if active and which % 4 else every)]

    def version(self, booking_id: str, expected: str) -> int | None:
        version = self.stores.documents[booking_id].version
        return {"current": version, "stale": version - 1 or 99, "*": None}[expected]

    def visit(self, visit: tuple[Any, ...]) -> Visit:
        property_id, team, start, *lengths = visit
        return visit_of(property_id, team, self.base + start, *lengths)

    def slot(self, visit: tuple[Any, ...]) -> dict[str, Any]:
        names = ("property_id", "team", "start", "length", "before", "after")
        slot = self.in_minutes(dict(zip(names, visit, strict=True)))
        first, *crew = slot["technician_ids"]
        return slot if crew else slot | {"technician_ids": None, "technician_id": first}

    def in_minutes(self, fields: dict[str, Any]) -> dict[str, Any]:
        given = dict(fields)
        if "start" in given:
            given["start"] = rfc3339(self.services.grid.moment(self.base + given["start"]))
        if "team" in given:
            given["technician_ids"] = list(given.pop("team"))
        words = {"length": "duration_minutes", "before": "buffer_before_minutes", "after": "buffer_after_minutes"}
        for word, name in words.items():
            if word in given:
                given[name] = self.services.grid.minutes_of(given.pop(word))
        return given

    def claim_key(self, resource: str, tick: int) -> str:
        return self.world.names.claim(resource, tick)

    def documents(self, org: str) -> list[dict[str, Any]]:
        return list(self.services.db["bookings"].find({"org": org}).sort("_id", 1))


def alike(name: str) -> str:
    """A name without what the twin cannot know: the pin of a move ends in a digest of its target."""
    return name.rpartition(".")[0] if name.startswith("m_") else name


def timeless(booking: Any) -> Any:
    """A booking without claims, which no answer shows, and without the deadline, which a rule here changes."""
    return booking.changed(claims=(), reserved_until=None)
