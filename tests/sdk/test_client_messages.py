"""scripts.client lists what a customer is sent, on a real server whose relay plans it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from scripts.client import Client, Customer
from scripts.dev_server.child import wait_until
from tests.sdk.conftest import PROPERTY
from tests.system.stack.whole_server import WholeServer


def test_the_office_sees_what_a_customer_is_sent(server: WholeServer, next_start: Callable[[], datetime]) -> None:
    client = Client(server.dev["url"], server.dev["keys"]["desk"])
    made = client.book_directly(PROPERTY, next_start(), Customer("Zoë Quirk", "+1 202 555 0149"))
    assert wait_until(lambda: client.messages(made.booking_id) != [], seconds=20)
    confirmation = next(each for each in client.messages(made.booking_id) if each.kind == "confirmation")
    assert (confirmation.channel, confirmation.to, confirmation.status) == ("sms", "+12025550149", "held")
    assert "Your visit is booked for " in (confirmation.text or "")
    client.cancel(made.booking_id)
