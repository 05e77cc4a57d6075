"""The provider's requests: signed, answered with TwiML, and quiet for a phone that wants no texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from pymongo.errors import DuplicateKeyError
from structlog.testing import capture_logs
from twilio.request_validator import RequestValidator

from models.catalogue import PropertyPatch
from models.errors import Forbidden, NotFound, StoreUnavailable
from models.sms import InboundText
from services.catalogue.documents import ensure_catalogue_indexes, org_of_number
from services.sms import sentences as say
from services.sms.inbound import HELP, NOTHING, START, STOP, Inbound, reply
from services.sms.store import Conversations
from services.texting.twilio import Requests
from tests.sms.conftest import PHONE
from tests.world import World, tomorrow

TOKEN = "a token of the provider"
URL = "https://example.com/sms/inbound"
NUMBER = "+4511111111"
DAY = f"{tomorrow():%Y-%m-%d}"


@pytest.fixture
def inbound(world: World) -> Inbound:
    services = world.services
    numbers = {NUMBER: world.org}.get
    return Inbound(
        services.texts.bot, services.texts.conversations, services.messages.opt_outs, numbers, Requests(TOKEN, URL)
    )


@pytest.fixture
def away(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes one step of the services fail as it does while its store is away, until the test ends."""

    def fails(step: str) -> None:
        part, _, name = step.partition(".")
        monkeypatch.setattr(getattr(world.services, part), name, Mock(side_effect=StoreUnavailable))

    return fails


def text(inbound: Inbound, body: str, sid: str, **changed: str) -> bytes:
    fields = {"MessageSid": sid, "From": PHONE, "To": NUMBER, "Body": body, "NumMedia": "0"} | changed
    signature = RequestValidator(TOKEN).compute_signature(URL, fields)
    return inbound.receive(InboundText.model_validate(fields), signature)


def test_a_text_is_answered_in_twiml(inbound: Inbound) -> None:
    assert text(inbound, "MENU", "SM1") == reply(say.MENU)
    assert reply("a < b & c").endswith(b"<Message>a &lt; b &amp; c</Message></Response>")


@pytest.mark.parametrize(
    "wrong", [{"signature": ""}, {"signature": "AAAA"}, {"signature": "\u00e6\n"}, {"Body": "BOOK"}]
)
def test_what_the_provider_did_not_sign_is_refused(inbound: Inbound, wrong: dict[str, str]) -> None:
    fields = {"MessageSid": "SM1", "From": PHONE, "To": NUMBER, "Body": "MENU"}
    signature = wrong.pop("signature", RequestValidator(TOKEN).compute_signature(URL, fields))
    with pytest.raises(Forbidden):
        inbound.receive(InboundText.model_validate(fields | wrong), signature)


def test_without_a_provider_nothing_is_taken(world: World) -> None:
    services = world.services
    opt_outs = services.messages.opt_outs
    closed = Inbound(services.texts.bot, services.texts.conversations, opt_outs, {}.get, Requests(None, URL))
    with pytest.raises(Forbidden):
        text(closed, "MENU", "SM1")


def test_a_number_of_no_org_is_not_found(inbound: Inbound) -> None:
    with pytest.raises(NotFound):
        text(inbound, "MENU", "SM1", To="+4599999999")


@pytest.mark.parametrize("sender", ["12345", "Shop", "", "+45"])
def test_a_sender_that_reads_no_answer_gets_none(inbound: Inbound, sender: str) -> None:
    assert text(inbound, "MENU", "SM1", From=sender) == NOTHING


@pytest.mark.parametrize("word", sorted(STOP))
def test_after_a_word_that_stops_texts_nothing_is_sent_until_start(inbound: Inbound, word: str) -> None:
    assert text(inbound, word.lower(), f"SM{word}") == NOTHING
    assert text(inbound, "MENU", "SM2") == NOTHING
    assert text(inbound, "BOOK", "SM3") == NOTHING
    assert text(inbound, "START", "SM4") == NOTHING
    assert text(inbound, "MENU", "SM5") == reply(say.MENU)


def test_a_word_that_stops_texts_lets_go_what_is_held_and_leaves_what_is_booked(world: World, inbound: Inbound) -> None:
    for number, body in enumerate((f"BOOK prop-1 {DAY} 10:00", "YES", "Alice", f"BOOK {DAY} 14:00")):
        text(inbound, body, f"SM{number}")
    assert text(inbound, "STOP", "SM-stop") == NOTHING
    assert [each["status"] for each in world.bookings()] == ["confirmed"]
    answer = text(inbound, f"BOOK prop-1 {DAY} 14:00", "SM-other", From="+4587654321")
    assert b"is kept for you" in answer


@pytest.mark.parametrize("word", sorted(HELP))
def test_the_provider_answers_for_help_itself(inbound: Inbound, word: str) -> None:
    assert text(inbound, word, f"SM{word}") == NOTHING


@pytest.mark.parametrize("word", sorted(START))
def test_a_phone_that_starts_is_shown_the_words(inbound: Inbound, word: str) -> None:
    assert text(inbound, word, f"SM{word}") == reply(say.MENU)


def test_letters_outside_the_alphabet_of_texts_are_spelled_with_it(inbound: Inbound, world: World) -> None:
    world.services.catalogue_desk.patch_property(world.org, "prop-1", PropertyPatch(name="Skúlagata \u2013 Höfn"))
    answer: Any = text(inbound, f"BOOK prop-1 {DAY} 10:00", "SM1").decode()
    assert "Skulagata - H\u00f6fn" in answer


@pytest.mark.parametrize(
    ("before", "step", "wish"),
    [
        ((), "holds.place", f"BOOK prop-1 {DAY} 10:00"),
        ((f"BOOK prop-1 {DAY} 10:00", "YES"), "bookings.book", "Alice"),
        ((f"BOOK prop-1 {DAY} 10:00",), "holds.release", "NO"),
        ((f"BOOK prop-1 {DAY} 10:00", "YES", "Alice"), "booking_life.reschedule", f"MOVE {DAY} 15:00"),
        ((f"BOOK prop-1 {DAY} 10:00", "YES", "Alice", "DROP"), "booking_life.act", "YES"),
    ],
    ids=["hold", "book", "no", "move", "drop"],
)
def test_while_a_store_is_away_the_text_is_asked_for_again_and_then_counts(
    inbound: Inbound, monkeypatch: pytest.MonkeyPatch, away: Callable[[str], None], before: Any, step: str, wish: str
) -> None:
    for number, body in enumerate(before):
        text(inbound, body, f"SM{number}")
    with monkeypatch.context():
        away(step)
        assert text(inbound, wish, "SM-wish") == reply(say.LATER)
    monkeypatch.undo()
    assert text(inbound, wish, "SM-wish") != reply(say.LATER)


def test_no_says_that_the_slot_is_let_go_only_when_it_is(
    world: World, inbound: Inbound, monkeypatch: pytest.MonkeyPatch, away: Callable[[str], None]
) -> None:
    text(inbound, f"BOOK prop-1 {DAY} 10:00", "SM1")
    away("holds.release")
    assert text(inbound, "NO", "SM2") == reply(say.LATER)
    assert world.marks()
    monkeypatch.undo()
    assert text(inbound, "NO", "SM3") == reply(say.LET_GO)
    assert not world.marks()


def test_without_mongodb_a_text_is_asked_for_again_and_a_stop_can_be_sent_again(
    world: World, inbound: Inbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Conversations, "answer", Mock(side_effect=StoreUnavailable))
    assert text(inbound, "MENU", "SM1") == reply(say.LATER)
    with pytest.raises(StoreUnavailable):
        text(inbound, "STOP", "SM2")


@pytest.mark.parametrize("body", ["", " \n "])
def test_a_picture_without_words_is_asked_for_words(inbound: Inbound, body: str) -> None:
    assert text(inbound, body, "SM1", NumMedia="1", MediaUrl0="https://example.com/a.jpg") == reply(say.NO_WORDS)


@pytest.mark.parametrize("body", ["x" * 1600, "\U0001f600" * 800, "a1-b " * 320, "\U0001f44d", "BOOK " + "x" * 1595])
def test_a_long_or_strange_text_gets_a_short_answer(inbound: Inbound, body: str) -> None:
    for number, before in enumerate(("MENU", "BOOK", "prop-1", f"{DAY} 10:00")):
        text(inbound, before, f"SM-before{number}")
        assert 0 < len(text(inbound, body, f"SM{number}")) < 400


def test_a_number_of_several_orgs_is_the_oldest_ones(world: World) -> None:
    db = world.services.db
    orgs = db.client.get_database(f"{db.name}_shared")
    orgs["orgs"].insert_many(
        [
            {"_id": name, "created_at": tomorrow(hour), "policy": {"sms_number": NUMBER}}
            for name, hour in (("later", 2), ("first", 1))
        ]
    )
    with capture_logs() as lines:
        ensure_catalogue_indexes(orgs)
    assert [line["orgs"] for line in lines] == [["first", "later"]]
    assert org_of_number(orgs, NUMBER) == "first"
    orgs["orgs"].delete_one({"_id": "later"})
    ensure_catalogue_indexes(orgs)
    with pytest.raises(DuplicateKeyError):
        orgs["orgs"].insert_one({"_id": "later", "policy": {"sms_number": NUMBER}})
    orgs["orgs"].insert_many([{"policy": {"sms_number": None}}, {"policy": {"sms_number": None}}, {"policy": {}}])
    db.client.drop_database(orgs.name)
