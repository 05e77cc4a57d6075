"""The provider's requests: signed, answered with TwiML, and quiet for a phone that wants no texts."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from models.catalogue import PropertyPatch
from models.errors import Forbidden, NotFound
from models.sms import InboundText
from services.sms import sentences as say
from services.sms.inbound import HELP, NOTHING, START, STOP, Inbound, reply
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
