"""Plans the reminders of visits that lie ahead, where their org wants others than were planned when they were booked.

So a policy that changes, and a channel that gets a sender, are good for all visits. Each call looks at a few visits, so
that news does not wait. A reminder is one entry of the outbox whatever plans it, and one whose moment has passed is not
planned.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from models.catalogue import Policy
from services.clock import Clock
from services.ledger.following import Following
from services.messages.reminder_plans import Plan, ReminderPlans, Wanted
from services.messages.source import MessageSource
from services.outbox.store import OutboxStore

LOOK_EVERY_SECONDS: Final = 15.0
"""How often it looks which orgs want other reminders."""
AT_ONCE: Final = 100
"""Visits that one call looks at."""


class ReminderPlanning:
    """One relay at a time plans. policies: of all orgs, by org. policy: of one, as it is now."""

    def __init__(
        self,
        *,
        source: MessageSource,
        plans: ReminderPlans,
        bookings: Following,
        outbox: OutboxStore,
        policies: Callable[[], dict[str, Policy]],
        policy: Callable[[str], Policy],
        clock: Clock,
    ) -> None:
        self._source = source
        self._plans = plans
        self._bookings = bookings
        self._outbox = outbox
        self._policies = policies
        self._policy = policy
        self._clock = clock
        self._waiting: deque[str] = deque()
        self._looked = float("-inf")

    def tend(self) -> None:
        """Plans for some visits of one org; the orgs take turns. Raises StoreUnavailable; a later call then does the
        same again."""
        if not self._source.began:
            return
        if not self._waiting and time.monotonic() - self._looked >= LOOK_EVERY_SECONDS:
            self._looked = time.monotonic()
            self._waiting.extend(self._unplanned())
        if self._waiting and not self._plan_some(org := self._waiting.popleft()):
            self._waiting.append(org)

    def _unplanned(self) -> list[str]:
        """The orgs whose visits do not have all the reminders yet that are wanted."""
        plans = self._plans.all()
        wanted = {org: self._wanted(policy) for org, policy in self._policies().items()}
        return [org for org, each in wanted.items() if (plan := plans.get(org)) is None or _is_open(plan, each)]

    def _wanted(self, policy: Policy) -> Wanted:
        return Wanted(policy.reminder_hours, dict(self._source.began))

    def _plan_some(self, org: str) -> bool:
        """Whether all visits of the org that lie ahead have been looked at."""
        now, policy = self._clock(), self._policy(org)
        wanted, plan = self._wanted(policy), self._plans.find(org)
        if plan is None or plan.wanted != wanted:
            plan = Plan(wanted)
        behind = (plan.start, plan.booking_id) if plan.start else None
        bookings = self._bookings.ahead(org, now, behind, AT_ONCE)
        self._outbox.insert([entry for each in bookings for entry in self._source.reminders(each, policy, now)])
        done = len(bookings) < AT_ONCE
        last = bookings[-1] if bookings else None
        self._plans.save(org, Plan(wanted, last.start if last else plan.start, last.booking_id if last else "", done))
        return done


def _is_open(plan: Plan, wanted: Wanted) -> bool:
    return not plan.done or plan.wanted != wanted
