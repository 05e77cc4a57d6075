"""The calls of the client."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from urllib.parse import quote, urlencode

from scripts.client.errors import NoAnswer, Refused
from scripts.client.results import (
    Booking,
    Customer,
    Hold,
    KnownCustomer,
    Message,
    Occurrence,
    Reassigned,
    Service,
    Slot,
    User,
    Webhook,
)
from scripts.client.wire import LOST, Answer, Json, exchange, pause_seconds


@dataclass(frozen=True, slots=True)
class Client:
    """Calls one server with one API key, or with a manage token. Threads may share it.

    url: such as https://book.example.com. attempts: how often a request is sent at most. timeout_seconds: of one
    attempt. patience_seconds: the longest `Retry-After` that is waited for; after a longer one the refusal is raised.
    Each call raises Refused, or NoAnswer where no attempt was answered.
    """

    url: str
    key: str
    attempts: int = 6
    timeout_seconds: float = 10.0
    patience_seconds: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    def free(
        self,
        property_id: str,
        day: date,
        *,
        days: int = 1,
        technician_id: str | None = None,
        service_id: str | None = None,
    ) -> list[Slot]:
        """The free slots of a property on its local dates from `day` on."""
        asked = {"property_id": property_id, "from": day.isoformat(), "days": str(days)}
        named = {"technician_id": technician_id, "service_id": service_id}
        asked |= {name: value for name, value in named.items() if value is not None}
        slots = map(Slot.of, self._call("GET", f"/availability?{urlencode(asked)}")["slots"])
        return [slot for slot in slots if slot.state == "free"]

    def services(self) -> list[Service]:
        """What the org does on visits, by id; with the publishable key and a manage token the public ones alone."""
        return list(map(Service.of, self._all("services")))

    def users(self) -> list[User]:
        """The people who sign in, by id. For the role admin, as the other calls on them."""
        return list(map(User.of, self._all("users")))

    def add_user(self, user_id: str, name: str, email: str, password: str, role: Literal["desk", "admin"]) -> User:
        """Adds a person. If the reply is lost, the person is there, and the repeat raises Refused (already_exists)."""
        asked = {"id": user_id, "name": name, "email": email, "password": password, "role": role}
        return User.of(self._call("POST", "/users", asked))

    def change_user(
        self, user_id: str, *, password: str | None = None, role: str | None = None, status: str | None = None
    ) -> User:
        """Changes what is given, and ends the sessions of the person."""
        asked = {"password": password, "role": role, "status": status}
        return User.of(self._call("PATCH", f"/users/{quote(user_id)}", asked))

    def remove_user(self, user_id: str) -> None:
        """Removes a person, whose id stays taken."""
        self._call("DELETE", f"/users/{quote(user_id)}")

    def webhooks(self) -> list[Webhook]:
        """The addresses that hear of changes, without their secrets. For the role admin, as the other calls on them."""
        return list(map(Webhook.of, self._all("webhooks")))

    def add_webhook(self, url: str, kinds: Iterable[str]) -> Webhook:
        """Lets an https address hear of changes, and gives its secret. If the reply is lost, the repeat makes a further
        one: remove the first."""
        return Webhook.of(self._call("POST", "/webhooks", {"url": url, "kinds": list(kinds)}))

    def remove_webhook(self, webhook_id: str) -> None:
        """Removes a webhook. What was still to be sent to it is not sent."""
        self._call("DELETE", f"/webhooks/{quote(webhook_id)}")

    def messages(self, booking_id: str) -> list[Message]:
        """What the customer of a booking is sent, the newest first. For staff."""
        return list(map(Message.of, self._all("messages", booking_id=booking_id)))

    def hold(
        self,
        property_id: str,
        start: datetime,
        *,
        technician_id: str | None = None,
        service_id: str | None = None,
        duration_minutes: int | None = None,
        ttl_seconds: int | None = None,
        holder: str | None = None,
        fallback: Literal["none", "next_available"] = "none",
        suggest: int = 0,
    ) -> Hold:
        """Takes a slot for some minutes. start: aware. What is None comes from the service, or the org's policy."""
        asked = {
            "property_id": property_id,
            "start": start.isoformat(),
            "technician_id": technician_id,
            "service_id": service_id,
            "duration_minutes": duration_minutes,
            "ttl_seconds": ttl_seconds,
            "holder": holder,
            "fallback": fallback,
            "suggest": suggest,
        }
        return Hold.of(self._call("POST", "/hold", asked))

    def read_hold(self, hold_id: str) -> Hold:
        """The hold, and what became of it."""
        return Hold.of(self._call("GET", f"/hold/{quote(hold_id)}"))

    def release(self, hold_id: str) -> None:
        """Gives a slot back. A repeat is fine."""
        self._call("DELETE", f"/hold/{quote(hold_id)}")

    def book(
        self,
        hold_id: str,
        customer: Customer,
        *,
        description: str | None = None,
        if_expired: Literal["reject", "book_if_free"] = "reject",
    ) -> Booking:
        """Books what is held."""
        asked = {"hold_id": hold_id, "description": description, "if_expired": if_expired}
        return Booking.of(self._call("POST", "/book", {**asked, "customer": customer.json()}))

    def book_directly(
        self,
        property_id: str,
        start: datetime,
        customer: Customer,
        *,
        technician_id: str | None = None,
        service_id: str | None = None,
        duration_minutes: int | None = None,
        description: str | None = None,
    ) -> Booking:
        """Books a slot at once, for the roles bot, desk and admin. start: aware."""
        asked = {
            "property_id": property_id,
            "start": start.isoformat(),
            "technician_id": technician_id,
            "service_id": service_id,
            "duration_minutes": duration_minutes,
            "description": description,
        }
        return Booking.of(self._call("POST", "/book", {**asked, "customer": customer.json()}))

    def read_booking(self, booking_id: str) -> Booking:
        """The booking as it is now."""
        return Booking.of(self._call("GET", f"/bookings/{quote(booking_id)}"))

    def cancel(self, booking_id: str, *, reason: str | None = None) -> Booking:
        """Cancels a booking. A repeat is fine."""
        return Booking.of(self._call("POST", f"/bookings/{quote(booking_id)}/cancel", {"reason": reason}))

    def swap(self, booking_id: str, with_id: str) -> tuple[Booking, Booking]:
        """Lets the technicians of two bookings change places. For the roles desk and admin."""
        one, two = self._call("POST", f"/bookings/{quote(booking_id)}/swap", {"with": with_id})["bookings"]
        return Booking.of(one), Booking.of(two)

    def reassign(self, technician_id: str, from_: datetime, to: datetime, *, dry_run: bool = False) -> Reassigned:
        """Gives the visits of a technician to others, or shows the plan. For the roles desk and admin."""
        asked = {"from": from_.isoformat(), "to": to.isoformat(), "dry_run": dry_run}
        return Reassigned.of(self._call("POST", f"/technicians/{quote(technician_id)}/reassign", asked))

    def book_series(
        self,
        property_id: str,
        start: datetime,
        rrule: str,
        customer: Customer,
        *,
        technician_id: str | None = None,
        duration_minutes: int | None = None,
        only: Sequence[datetime] | None = None,
    ) -> tuple[str, list[Booking]]:
        """Books the visits of a rule, all or none; `only` those that begin then. Gives the id of the series too. For
        the roles desk and admin. start: aware."""
        asked = _series(property_id, start, rrule, technician_id, duration_minutes)
        asked |= {"customer": customer.json(), "only": None if only is None else [each.isoformat() for each in only]}
        made = self._call("POST", "/series", asked)
        return made["series_id"], list(map(Booking.of, made["bookings"]))

    def try_series(
        self,
        property_id: str,
        start: datetime,
        rrule: str,
        *,
        technician_id: str | None = None,
        duration_minutes: int | None = None,
    ) -> list[Occurrence]:
        """Which visits of a rule are free. Books nothing."""
        asked = _series(property_id, start, rrule, technician_id, duration_minutes)
        return list(map(Occurrence.of, self._call("POST", "/series", {**asked, "dry_run": True})["occurrences"]))

    def read_series(self, series_id: str) -> list[Booking]:
        """The visits of a series as they are now, by start."""
        return list(map(Booking.of, self._call("GET", f"/series/{quote(series_id)}")["bookings"]))

    def cancel_series(self, series_id: str, *, from_: datetime | None = None, reason: str | None = None) -> list[str]:
        """Cancels the visits that begin at or after a time, or that have not begun, and gives their ids."""
        asked = {"from": from_ and from_.isoformat(), "reason": reason}
        done = self._call("POST", f"/series/{quote(series_id)}/cancel", asked)
        return [visit["booking_id"] for visit in done["cancelled"]]

    def find_customers(self, q: str) -> list[KnownCustomer]:
        """At most 50 customers, by name, phone or e-mail address. For the roles desk and admin."""
        return [KnownCustomer.of(each) for each in self._call("GET", f"/customers?{urlencode({'q': q})}")["customers"]]

    def read_customer(self, customer_id: str) -> KnownCustomer:
        """One customer, with the last 50 visits."""
        return KnownCustomer.of(self._call("GET", f"/customers/{quote(customer_id)}"))

    def merge_customers(self, customer_id: str, into: str) -> KnownCustomer:
        """Makes two customers one, which has the id `into`."""
        return KnownCustomer.of(self._call("POST", f"/customers/{quote(customer_id)}/merge", {"into": into}))

    def _all(self, noun: str, **narrowed: str) -> list[Json]:
        """All entries of a list, page by page."""
        found: list[Json] = []
        asked = {"limit": "200", **narrowed}
        while True:
            page = self._call("GET", f"/{noun}?{urlencode(asked)}")
            found += page[noun]
            if page["next_cursor"] is None:
                return found
            asked["cursor"] = page["next_cursor"]

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        """The JSON of a reply, after as many attempts as it takes. All of them are one request to the server."""
        headers = {"Authorization": f"Bearer {self.key}"}
        if method == "POST":
            headers["Idempotency-Key"] = uuid.uuid4().hex
        given = None if body is None else {name: value for name, value in body.items() if value is not None}
        lost: Exception | None = None
        for attempt in range(self.attempts):
            is_last = attempt + 1 == self.attempts
            try:
                answer = exchange(self.url, method, path, given, headers, timeout_seconds=self.timeout_seconds)
            except LOST as error:
                lost, wait = error, None
            else:
                wait = answer.retry_after_seconds
                if is_last or not answer.is_worth_repeating or (wait or 0) > self.patience_seconds:
                    return _settled(answer)
            if not is_last:
                self.sleep(pause_seconds(attempt, wait))
        raise NoAnswer(f"{self.url} did not answer {self.attempts} times: {lost}") from lost


def _series(
    property_id: str, start: datetime, rrule: str, technician_id: str | None, duration_minutes: int | None
) -> Json:
    return {
        "property_id": property_id,
        "start": start.isoformat(),
        "rrule": rrule,
        "technician_id": technician_id,
        "duration_minutes": duration_minutes,
    }


def _settled(answer: Answer) -> Json:
    if answer.status >= 400:
        raise Refused(answer.status, answer.body, answer.retry_after_seconds)
    return answer.body
