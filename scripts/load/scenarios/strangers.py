"""`strangers`: visitors with the publishable key hoard, book and wait beside the staff. Then comes an overload."""

from __future__ import annotations

import random
from dataclasses import replace

from scripts.load.players import plays
from scripts.load.players.person import Person
from scripts.load.scenarios.pressure import pressure
from scripts.load.scenarios.stage import HOURS, LATER, Scenario, World, person

PAIRS, TECHNICIANS = 12, 150
"""Properties with a technician each; and technicians, so many that one search could cost a lot."""

POLICY = {"public_holds_per_address": 5, "public_holds_most": 12, "public_bookings_per_address_per_day": 3}
WISHED, BOOKED, HOARDED, STAFFED, FREE = 0, 1, 2, 6, 10
"""The first pair of each part of the calendar: no two parts touch."""

WAITER, BOOKER = "127.0.0.7", "127.0.0.6"
HOARDERS = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
FREED, HOARDING = 0.2, 2.0  # seconds into the last act: offers are made before the holds fill the share of all
SECONDS = 3.5

JOINED = LATER // 2  # the tags of those who join begin here
WEB = {"role": "web", "repeat": "once"}


def _few(requests: int, most: int) -> int:
    """The size of a part: a tenth of the clients, and so many at most."""
    return max(1, min(most, requests // 10))


def _before(world: World, requests: int, _rng: random.Random) -> list[Person]:
    """The desk books what strangers will wish for; one stranger books as much as it can."""
    desk = [
        person(world, number, world.numbered_slot(WISHED * HOURS + number), role="desk", play=plays.at_the_desk)
        for number in range(_few(requests, 8))
    ]
    books = [
        person(world, 100 + number, world.numbered_slot(BOOKED * HOURS + number), address=BOOKER, **WEB)
        for number in range(_few(requests, 20))
    ]
    return [*desk, *books]


def _wishes(world: World, requests: int, _rng: random.Random) -> list[Person]:
    """One stranger waits for all that is booked, and for what is free."""
    how = {"address": WAITER, "play": plays.wishes, **WEB}
    taken = [
        person(world, JOINED + number, world.numbered_slot(WISHED * HOURS + number), **how)
        for number in range(_few(requests, 8))
    ]
    free = world.numbered_slot(FREE * HOURS)
    return [*taken, person(world, JOINED + 100, free, subject={"free": True}, **how)]


def _frees(world: World) -> list[Person]:
    """The desk cancels what is waited for."""
    return [
        person(
            world, int(each.tag), each.asked, role="desk", play=plays.cancels, subject=each.reply, begins_after=FREED
        )
        for each in world.made("direct")
    ]


def _one(world: World, number: int, rng: random.Random) -> Person:
    """A client of the last act: half of them are strangers."""
    tag, turn = LATER + number, number // 4
    moment = rng.uniform(0, SECONDS)
    if number % 4 < 2:
        slot = world.numbered_slot(STAFFED * HOURS + (2 * turn + number % 4) % (4 * HOURS))
        return person(world, tag, slot, role=("desk", "sms")[number % 4], begins_after=moment)
    slot = world.numbered_slot(HOARDED * HOURS + number % (4 * HOURS))
    stranger = person(world, tag, slot, address=HOARDERS[turn % len(HOARDERS)], begins_after=moment, **WEB)
    if turn % 5 == 0:
        return replace(stranger, play=plays.overreaches)
    return replace(stranger, play=plays.holds, begins_after=max(HOARDING, moment))


def _people(world: World, requests: int, rng: random.Random) -> list[Person]:
    freed = _frees(world)[:requests]
    return freed + [_one(world, number, rng) for number in range(requests - len(freed))]


STRANGERS = Scenario(
    "strangers", "strangers hoard, book and wait beside the staff; then comes an overload", PAIRS, TECHNICIANS,
    _people, prologue=(_before, _wishes), policy=POLICY, measures=pressure,
)  # fmt: skip
