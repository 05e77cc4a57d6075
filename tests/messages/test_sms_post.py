"""Texts through the provider's API, held against a stand-in that checks requests, fails, stalls and loses answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.catalogue import Policy
from services.messages.composing import Composed
from services.messages.letters import Letter
from services.messages.sms_post import SmsPost
from services.messages.store import Message
from services.observability import Metrics
from services.outbox.entries import Again, Dead, Delivered, Suppressed
from services.texting.twilio import Account, NoAnswer, Twilio
from tests.messages.matters import matter, written
from tests.messages.provider import SID, TOKEN, Provider, provider
from tests.outbox.test_posting import drip, listener

TO, SENDER = "+4512345678", "+4570102030"
STATUS_URL = "https://visits.example.com/sms/status"
COMPOSED = Composed(
    org="demo",
    kind="confirmation",
    channel="sms",
    to=TO,
    letter=written(matter()),
    about="v1",
    version=1,
    policy=Policy(sms_number=SENDER),
    persons=(),
    wait_until=None,
)


class Numbers:
    """Opt-outs in memory."""

    def __init__(self) -> None:
        self.added: list[tuple[str, str]] = []

    def add(self, org: str, phone: str) -> None:
        self.added.append((org, phone))


class Posted:
    """A post over a stand-in, and what it is built from."""

    def __init__(self, there: Provider, account: Account | None = None, timeout: float = 10) -> None:
        self.there = there
        self.numbers, self.metrics = Numbers(), Metrics()
        opt_outs: Any = self.numbers
        self.post = SmsPost(Twilio(account or there.account, timeout), opt_outs, self.metrics, STATUS_URL)

    def carry(self, *next_: Any) -> Any:
        self.there.next = [*next_]
        return self.post.carry(COMPOSED, "msg_1")


@pytest.fixture
def posted() -> Iterator[Posted]:
    with provider() as there:
        yield Posted(there)


def begun(ago: timedelta = timedelta(), **changed: Any) -> Message:
    """The message as it was written down before an attempt whose end is not known."""
    made = Message(
        message_id="msg_1",
        org="demo",
        booking_id="bk_alice",
        kind="confirmation",
        channel="sms",
        about="v1",
        version=1,
        to=TO,
        text=COMPOSED.letter.kept,
        persons=[],
        began_at=datetime.now(UTC) - ago,
    )
    return replace(made, **changed)


def test_a_text_is_sent_with_its_sender_and_where_to_report(posted: Posted) -> None:
    assert posted.carry() == Delivered({"provider_id": f"SM{0:032x}", "segments": 1})
    [sent] = posted.there.taken
    assert (sent["To"], sent["From"], sent["Body"]) == (TO, SENDER, COMPOSED.letter.text)
    assert sent["StatusCallback"] == f"{STATUS_URL}?message_id=msg_1"
    assert posted.metrics.registry.get_sample_value("holdfast_sms_segments_total") == 1


def test_without_a_number_nothing_is_sent(posted: Posted) -> None:
    without = replace(COMPOSED, policy=Policy())
    assert posted.post.carry(without, "msg_1") == Suppressed({"reason": "no_sms_number"})
    assert posted.there.taken == []


def test_a_receiver_who_opted_out_is_noted(posted: Posted) -> None:
    assert posted.carry((400, 21610)) == Suppressed({"reason": "opted_out"})
    assert posted.numbers.added == [("demo", TO)]


@pytest.mark.parametrize(("status", "code"), [(400, 21211), (400, 21614), (422, 0)])
def test_a_text_that_is_refused_is_given_up(posted: Posted, status: int, code: int) -> None:
    assert posted.carry((status, code)) == Dead({"status": status, "code": code})


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 502, 503])
def test_what_is_not_about_the_text_is_tried_again(posted: Posted, status: int) -> None:
    assert posted.carry((status, 20003)) == Again({"status": status, "code": 20003})


def test_the_provider_says_how_long_to_wait(posted: Posted) -> None:
    outcome = posted.carry((429, 20429, ("Retry-After", "37")))
    assert outcome == Again({"status": 429, "code": 20429}, 37.0)


def test_a_redirect_is_not_followed(posted: Posted) -> None:
    assert posted.carry((302, 0, ("Location", "http://127.0.0.1:1/"))) == Dead({"status": 302, "code": 0})


@pytest.mark.parametrize("act", ["cut", "stall"])
def test_a_text_whose_answer_was_lost_is_found_again(act: str) -> None:
    with provider() as there:
        posted = Posted(there, timeout=0.5)
        assert isinstance(posted.carry(act), Again)
        found = posted.post.find(begun())
        assert found == Delivered({"provider_id": there.taken[0]["sid"]})
        assert len(there.taken) == 1


def test_a_text_with_the_secret_of_a_link_is_found_without_it(posted: Posted) -> None:
    """An org's own words may have the link in a text."""
    secret = "Move it: https://visits.example.com/visit#hfm_demo~bk_alice~abc"
    kept = "Move it: https://visits.example.com/visit"
    assert posted.post.carry(replace(COMPOSED, letter=Letter(secret, kept)), "msg_1")
    assert isinstance(posted.post.find(begun(text=kept)), Delivered)


def test_a_text_that_did_not_arrive_is_not_found(posted: Posted) -> None:
    posted.carry()
    assert posted.post.find(begun(text="Something else")) is None
    assert posted.post.find(begun(to="+4587654321")) is None
    assert posted.post.find(begun(ago=-timedelta(hours=1))) is None  # the same words, sent for another reason before
    assert posted.post.find(begun(to=None, text=None)) is None
    assert posted.there.asked == [TO, "+4587654321", TO]


def test_a_provider_that_is_away_is_tried_again() -> None:
    with provider() as there:
        url = there.url
    away = Posted(there, Account("AC1", "token", url))
    assert isinstance(away.carry(), Again)
    assert isinstance(away.post.find(begun()), Again)


def test_a_provider_that_answers_a_byte_at_a_time_is_cut_off() -> None:
    with listener(drip) as port:
        slow = Twilio(Account(SID, TOKEN, f"http://127.0.0.1:{port}"), 0.5)
        with pytest.raises(NoAnswer, match="TimeoutError"):
            slow.send(SENDER, TO, "Hello")
