"""Conversations: a visit is booked, moved and cancelled by text, and no text is a dead end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.booking_changes import BookingPatch
from models.catalogue import PropertyPatch
from models.errors import BookingNotFound
from models.service import ServiceCreate
from services.sms import sentences as say
from tests.sms.conftest import Phone
from tests.world import World, rfc3339, tomorrow

DAY = f"{tomorrow():%Y-%m-%d}"
AT_TEN = say.at(tomorrow(10).replace(tzinfo=None))


def booked(phone: Phone, name: str = "Alice Jensen") -> str:
    """Books tomorrow at ten, by text. Gives the last answer."""
    for text in ("BOOK prop-1", f"{DAY} 10:00", "YES"):
        answer = phone.send(text)
    return phone.send(name) if answer == say.NAME else answer


def test_a_visit_is_booked_in_five_texts(phone: Phone) -> None:
    assert phone.send("Hello") == say.MENU
    assert phone.send("BOOK") == say.WHICH_PROPERTY
    assert phone.send("prop-1").startswith("Free: 1 ")
    assert phone.send(f"{DAY} 10:00").startswith(f"{AT_TEN} at House 1 is kept for you until ")
    assert phone.send("yes") == say.NAME
    assert phone.send("Alice Jensen") == f"Booked: {AT_TEN} at House 1. Send MOVE or DROP to change it."
    (stored,) = phone.world.bookings()
    assert (stored["customer"]["name"], stored["customer"]["phone"]) == ("Alice Jensen", phone.number)
    assert (stored["source"], stored["history"][0]["by"]) == ("sms", "bot:sms")


def test_property_day_and_time_may_stand_in_one_text(phone: Phone) -> None:
    assert phone.send(f"Book prop-2 {DAY} 10:00 please").startswith(f"{AT_TEN} at House 2 is kept")


def test_the_property_and_the_name_of_the_last_visit_are_known(phone: Phone) -> None:
    booked(phone)
    assert phone.send(f"BOOK {DAY} 14:00").startswith(say.at(tomorrow(14).replace(tzinfo=None)))
    assert phone.send("YES").startswith("Booked: ")
    assert {each["customer"]["name"] for each in phone.world.bookings()} == {"Alice Jensen"}


def test_a_word_of_the_name_finds_a_property_or_several(phone: Phone) -> None:
    phone.send("BOOK")
    assert phone.send("nowhere") == say.NO_SUCH_PROPERTY
    assert phone.send("house") == "Which one? 1 House 1, 2 House 2, 3 House 3"
    assert phone.send("2").startswith("Free: ")
    assert phone.send("1").split(" is kept")[0].endswith("at House 2")


def test_the_service_is_chosen_by_number_or_name(phone: Phone) -> None:
    desk = phone.world.services.service_desk
    for name in ("Boiler check", "Leak"):
        desk.create(phone.world.org, ServiceCreate(id=name[:4].lower(), name=name, duration_minutes=90, public=True))
    assert phone.send(f"BOOK prop-1 {DAY} 10:00") == "What is to be done at House 1? 1 Boiler check, 2 Leak"
    assert phone.send("7") == say.NOT_AN_OPTION
    assert phone.send("leak").startswith(f"{AT_TEN} at House 1 is kept")
    phone.send("YES")
    phone.send("Alice")
    (stored,) = phone.world.bookings()
    assert stored["service_id"] == "leak"
    assert stored["end"] - stored["start"] == timedelta(minutes=90)


def test_a_taken_time_brings_three_others_that_can_be_held(phone: Phone) -> None:
    world = phone.world
    for number in (1, 2, 3):
        fields = {"property_id": f"prop-{number}", "technician_id": f"tech-{number}"}
        world.services.bookings.book(world.caller("desk"), world.direct_request(start=rfc3339(tomorrow(10)), **fields))
    answer = phone.send(f"BOOK prop-1 {DAY} 10:00")
    assert answer.startswith(f"{AT_TEN} is taken. Free: 1 ")
    assert "is kept for you" in phone.send("3")


def test_another_time_replaces_the_one_that_is_held(phone: Phone) -> None:
    phone.send(f"BOOK prop-1 {DAY} 10:00")
    phone.send(f"{DAY} 12:00")
    other = Phone(phone.world, "+4587654321")
    assert other.send(f"BOOK prop-1 {DAY} 10:00").startswith(f"{AT_TEN} at House 1 is kept")


def test_no_lets_the_slot_go(phone: Phone) -> None:
    phone.send(f"BOOK prop-1 {DAY} 10:00")
    assert phone.send("No.") == say.LET_GO
    assert phone.send("YES") == say.NOTHING_TO_CONFIRM
    other = Phone(phone.world, "+4587654321")
    assert other.send(f"BOOK prop-1 {DAY} 10:00").startswith(f"{AT_TEN} at House 1 is kept")


def lose_redis(world: World) -> None:
    for key in world.services.redis.scan_iter(f"{world.names.epoch.rpartition(':')[0]}:*"):
        world.services.redis.delete(key)


def test_a_hold_that_is_lost_is_booked_if_its_time_is_free(phone: Phone) -> None:
    phone.send(f"BOOK prop-1 {DAY} 10:00")
    phone.send("YES")
    lose_redis(phone.world)
    assert phone.send("Alice Jensen").startswith(f"Booked: {AT_TEN} at House 1.")
    (stored,) = phone.world.bookings()
    assert stored["start"] == tomorrow(10)


def test_a_hold_that_is_lost_and_whose_time_is_taken_brings_times_near_it(phone: Phone) -> None:
    phone.send(f"BOOK prop-1 {DAY} 10:00")
    lose_redis(phone.world)
    booked(Phone(phone.world, "+4587654321"))
    assert phone.send("YES") == say.NAME
    assert phone.send("Bob").startswith(f"{AT_TEN} is taken. Free: 1 ")


def test_a_hold_that_the_office_released_brings_new_times(phone: Phone) -> None:
    phone.send(f"BOOK prop-1 {DAY} 10:00")
    world = phone.world
    (talk,) = world.services.db["conversations"].find({"org": world.org})
    world.services.holds.release(world.caller("desk"), talk["talk"]["hold_id"])
    phone.send("YES")
    assert phone.send("Alice").startswith(say.RAN_OUT + " 1 ")
    assert not world.bookings()


@pytest.mark.parametrize("wish", [f"{DAY} 12:00", f"BOOK prop-1 {DAY} 12:00"])
def test_after_a_hold_has_ended_another_time_can_be_held(phone: Phone, wish: str) -> None:
    phone.send(f"BOOK prop-1 {DAY} 10:00")
    world = phone.world
    (talk,) = world.services.db["conversations"].find({"org": world.org})
    world.services.holds.release(world.caller("desk"), talk["talk"]["hold_id"])
    assert phone.send(wish).startswith(f"{say.at(tomorrow(12).replace(tzinfo=None))} at House 1 is kept")


@pytest.mark.parametrize("name", ["", "\u200b", "Alice\x00"])
def test_a_name_that_cannot_be_written_is_asked_again(phone: Phone, name: str) -> None:
    for text in (f"BOOK prop-1 {DAY} 10:00", "YES", "YES", name):
        answer = phone.send(text)
    assert answer == say.NAME
    assert phone.send("Alice").startswith("Booked: ")


def test_yes_to_several_times_asks_for_one_of_them(phone: Phone) -> None:
    phone.send("BOOK prop-1")
    assert phone.send("YES") == say.NOT_AN_OPTION


def test_a_sign_that_is_like_a_digit_is_no_choice(phone: Phone) -> None:
    phone.send("BOOK prop-1")
    assert phone.send("\u00b2").startswith("Which day")


def test_a_second_yes_books_nothing_more(phone: Phone) -> None:
    booked(phone)
    assert phone.send("YES") == f"That is booked already: {AT_TEN} at House 1."
    assert phone.send(f"BOOK prop-1 {DAY} 10:00").startswith("You have a visit at that time already")
    assert len(phone.world.bookings()) == 1


def test_a_visit_is_moved(phone: Phone) -> None:
    booked(phone)
    assert phone.send("MOVE").startswith("Free: 1 ")
    assert phone.send(f"{DAY} 15:00") == f"Moved: {say.at(tomorrow(15).replace(tzinfo=None))} at House 1."
    assert phone.send("STATUS").startswith(f"Your visits: {say.at(tomorrow(15).replace(tzinfo=None))}")


def test_one_of_several_visits_is_cancelled(phone: Phone) -> None:
    booked(phone)
    phone.send(f"BOOK {DAY} 14:00")
    phone.send("YES")
    assert phone.send("DROP").startswith("Which visit? 1 ")
    assert phone.send("1") == f"Cancel {AT_TEN} at House 1? Send YES to cancel it or NO to keep it."
    assert phone.send("YES") == f"Cancelled: {AT_TEN} at House 1. Send BOOK for another one."
    assert phone.send("STATUS") == f"Your visits: {say.at(tomorrow(14).replace(tzinfo=None))} at House 1"


def test_which_visit_is_asked_until_it_is_named(phone: Phone) -> None:
    booked(phone)
    phone.send(f"BOOK {DAY} 14:00")
    phone.send("YES")
    assert phone.send("MOVE").startswith("Which visit? 1 ")
    assert phone.send(f"{DAY} 16:00") == say.NOT_AN_OPTION
    phone.send("1")
    assert phone.send(f"{DAY} 16:00").startswith("Moved: ")


def test_a_visit_is_not_in_the_way_of_its_own_move(phone: Phone) -> None:
    booked(phone)
    near = say.at(tomorrow(10, 15).replace(tzinfo=None))
    assert phone.send(f"MOVE {DAY} between 10:00 and 10:45").startswith(f"Free: 1 {near}")


def test_a_visit_is_moved_to_a_time_in_one_text(phone: Phone) -> None:
    booked(phone)
    assert phone.send(f"Move it to {DAY} 15:00").startswith(f"Moved: {say.at(tomorrow(15).replace(tzinfo=None))}")


def test_what_is_neither_yes_nor_no_asks_again_before_a_visit_is_cancelled(phone: Phone) -> None:
    booked(phone)
    asked = phone.send("DROP")
    assert phone.send("perhaps") == asked
    assert phone.send("YES").startswith("Cancelled: ")


def test_yes_on_the_next_day_cancels_nothing(phone: Phone) -> None:
    booked(phone)
    phone.send("DROP")
    conversations = phone.world.services.db["conversations"]
    (talk,) = conversations.find({"org": phone.world.org})
    conversations.update_one({"_id": talk["_id"]}, {"$set": {"at": talk["at"] - timedelta(hours=13)}})
    assert phone.send("YES").startswith("That is booked already")
    assert [each["status"] for each in phone.world.bookings()] == ["confirmed"]


def test_many_long_services_are_asked_in_a_short_text(phone: Phone) -> None:
    for number in range(9):
        made = ServiceCreate(id=f"s{number}", name=f"{number} {'long ' * 30}", duration_minutes=60, public=True)
        phone.world.services.service_desk.create(phone.world.org, made)
    assert len(phone.send("BOOK prop-1")) < 480


def test_a_visit_is_kept_after_no(phone: Phone) -> None:
    booked(phone)
    phone.send("DROP")
    assert phone.send("NO") == say.NOTHING_CHANGED
    assert [each["status"] for each in phone.world.bookings()] == ["confirmed"]


def test_a_phone_sees_its_own_visits_alone(phone: Phone) -> None:
    booked(phone)
    other = Phone(phone.world, "+4587654321")
    for text in ("STATUS", "MOVE", "DROP"):
        assert other.send(text) == say.NO_VISITS


@pytest.mark.parametrize(
    ("before", "text"), [("DROP", "YES"), ("MOVE", f"{DAY} 15:00"), (None, "YES")], ids=["cancel", "move", "read"]
)
def test_a_visit_that_has_another_phone_by_now_is_not_changed_or_shown(
    phone: Phone, before: str | None, text: str
) -> None:
    booked(phone)
    if before:
        phone.send(before)
    (stored,) = phone.world.bookings()
    bob = BookingPatch.model_validate({"customer": {"name": "Bob", "phone": "+4587654321"}})
    phone.world.services.booking_life.reschedule(phone.world.caller("desk"), stored["_id"], bob, None)
    assert phone.send(text) == BookingNotFound.sentence
    (after,) = phone.world.bookings()
    assert (after["status"], after["start"]) == ("confirmed", stored["start"])


def test_a_date_that_may_be_two_is_asked_and_chosen(phone: Phone) -> None:
    phone.send("BOOK prop-1")
    asked = phone.send("3/4/2027 10:00")
    assert asked == "Which day do you mean? 1 Thu 4 Mar at 10:00, 2 Sat 3 Apr at 10:00"


def test_what_is_not_understood_is_asked(phone: Phone) -> None:
    phone.send("BOOK prop-1")
    assert phone.send("not tomorrow") == f'We did not understand "not". {say.WHEN}'


def test_a_phone_that_stops_lets_go_what_it_holds(phone: Phone) -> None:
    services, org = phone.world.services, phone.world.org
    phone.send(f"BOOK prop-1 {DAY} 10:00")
    services.texts.conversations.answer(
        org, phone.number, "SM-stop", lambda talk: (services.texts.bot.stop(org, phone.number, talk), "")
    )
    other = Phone(phone.world, "+4587654321")
    assert other.send(f"BOOK prop-1 {DAY} 10:00").startswith(f"{AT_TEN} at House 1 is kept")


def test_answers_fit_into_one_text_message(phone: Phone) -> None:
    for text in (
        "BOOK",
        "prop-1",
        "1",
        "YES",
        "A" * 90,
        "STATUS",
        "MOVE",
        "2",
        "DROP",
        "NO",
        "MENU",
        "10",
        "12/05 10:00",
    ):
        assert len(phone.send(text)) <= 160, text


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "America/New_York"])
def test_times_are_those_of_the_property(world: World, phone: Phone, zone: str) -> None:
    world.services.catalogue_desk.patch_property(world.org, "prop-1", PropertyPatch(timezone=zone))
    assert phone.send(f"BOOK prop-1 {DAY} 10:00").startswith(f"{AT_TEN} at House 1")
