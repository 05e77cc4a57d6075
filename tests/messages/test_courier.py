"""What leaves: decided when it is sent, from the booking as it is then, and each thing once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.customers import PersonRequest
from services.outbox.entries import Again, Dead, Delivered, NotYet, OfferMade, Suppressed
from tests.messages.lives import LATER
from tests.messages.sending import ALICE, Office, entry_of
from tests.series.making import make
from tests.waitlist.waiting import give_back, join, seen, take, tend
from tests.world import World, rfc3339, tomorrow

TOMORROW = f"{tomorrow():%A} {tomorrow().day} {tomorrow():%B}"
NOTHING_NEW = Suppressed({"reason": "nothing_new"})


@pytest.fixture
def office(world: World, tmp_path: Path) -> Office:
    return Office(world, tmp_path)


def test_a_booking_is_confirmed_by_text_and_e_mail(office: Office) -> None:
    office.book()
    assert office.send("confirmation") == Delivered({"provider_id": "SM1"})
    assert isinstance(office.send("confirmation", channel="email"), Delivered)
    text, mail = office.post.messages
    assert (text.to, mail.to) == ("+4512345678", "alice@example.com")
    assert text.letter.text == f"Your visit is booked for {TOMORROW} at 10:00, House 1."
    assert "https://visits.example.com/visit#hfm_" in mail.letter.text
    assert mail.letter.calendar is not None


def test_what_has_left_does_not_leave_again(office: Office) -> None:
    office.book()
    office.send("confirmation")
    assert office.send("confirmation") == Delivered({})
    assert len(office.post.messages) == 1
    kept = office.world.services.db["messages"].find_one({"org": office.world.org})
    assert kept is not None
    assert (kept["sent"], kept["provider_id"]) == (True, "SM1")


def test_a_move_within_the_minute_goes_into_the_confirmation(office: Office) -> None:
    booking = office.book()
    office.move(booking, start=rfc3339(tomorrow(15)))
    assert isinstance(office.send("confirmation"), Delivered)
    assert office.texts() == [f"Your visit is booked for {TOMORROW} at 15:00, House 1."]
    assert office.send("moved") == NOTHING_NEW


def test_a_later_move_is_told(office: Office) -> None:
    booking = office.aged(office.book(), 120)
    office.send("confirmation")
    office.move(booking, start=rfc3339(tomorrow(15)))
    assert isinstance(office.send("moved"), Delivered)
    assert office.texts()[1] == f"Your visit on {TOMORROW} at 10:00 has moved to {TOMORROW} at 15:00, House 1."


def test_what_is_undone_within_the_minute_is_not_told(office: Office) -> None:
    booking = office.aged(office.book(), 120)
    office.send("confirmation")
    moved = office.move(booking, start=rfc3339(tomorrow(15)))
    office.move(moved, start=rfc3339(tomorrow(10)))
    assert (office.send("moved", 2), office.send("moved", 3)) == (NOTHING_NEW, NOTHING_NEW)
    assert len(office.texts()) == 1


def test_a_booking_that_is_cancelled_at_once_is_not_told(office: Office) -> None:
    office.act(office.book(), "cancel")
    assert office.send("confirmation") == NOTHING_NEW
    assert office.send("cancelled") == NOTHING_NEW
    assert office.texts() == []


def test_a_cancelled_visit_gets_no_reminder(office: Office) -> None:
    office.policy(reminder_hours=[2])
    office.act(office.book(), "cancel")
    assert office.send("reminder") == Suppressed({"reason": "outdated"})


def test_the_reminder_moves_with_the_visit(office: Office) -> None:
    office.policy(reminder_hours=[2])
    booking = office.book()
    office.move(booking, start=rfc3339(tomorrow(15)))
    numbers = sorted(
        each.version for each in office.planned.values() if (each.kind, each.channel) == ("reminder", "sms")
    )
    assert office.send("reminder", numbers[0]) == Suppressed({"reason": "outdated"})
    assert isinstance(office.send("reminder", numbers[1]), Delivered)
    assert office.texts() == [f"Reminder of your visit on {TOMORROW} at 15:00, House 1."]


def test_a_reminder_that_the_policy_no_longer_wants_is_not_sent(office: Office) -> None:
    office.policy(reminder_hours=[2])
    office.book()
    office.policy(reminder_hours=[])
    assert office.send("reminder") == Suppressed({"reason": "outdated"})


def test_a_reminder_after_the_visit_began_is_too_late(office: Office) -> None:
    office.policy(reminder_hours=[2])
    office.book()
    office.now = tomorrow(10)
    assert office.send("reminder") == Suppressed({"reason": "too_late"})


def test_news_of_yesterday_is_too_late(office: Office) -> None:
    office.aged(office.book(), 25 * 3600)
    assert office.send("confirmation") == Suppressed({"reason": "too_late"})


class TestQuietHours:
    @pytest.fixture
    def night(self, office: Office) -> Office:
        office.policy(quiet_hours=["22:00", "07:00"], reminder_hours=[2])
        return office

    def test_a_reminder_waits(self, night: Office) -> None:
        night.book()
        night.now = tomorrow(6)
        assert night.send("reminder") == NotYet(tomorrow(7))
        night.now = tomorrow(7)
        assert isinstance(night.send("reminder"), Delivered)

    def test_what_the_office_does_waits_and_what_the_customer_does_is_answered(self, night: Office) -> None:
        booking = night.aged(night.book(), 120)
        night.now = datetime.combine(night.now.date(), datetime.min.time(), UTC) + timedelta(hours=23)
        assert isinstance(night.send("confirmation"), Delivered)
        changed = night.aged(night.move(booking, start=rfc3339(tomorrow(15))), 120)
        until = night.now + timedelta(hours=8)
        assert night.send("moved") == NotYet(until)
        night.act(changed, "cancel", "bot")
        assert isinstance(night.send("cancelled"), Delivered)
        night.now = until
        assert night.send("moved") == NOTHING_NEW


def test_a_phone_that_opted_out_gets_no_text_until_it_opts_in(office: Office) -> None:
    opt_outs, org = office.parts.opt_outs, office.world.org
    opt_outs.add(org, "+4512345678")
    opt_outs.add(org, "+4512345678")
    office.book()
    assert office.send("confirmation") == Suppressed({"reason": "opted_out"})
    opt_outs.remove(org, "+4512345678")
    assert not opt_outs.includes(org, "+4512345678")
    assert isinstance(office.send("confirmation"), Delivered)
    assert not opt_outs.includes(office.world.other_org, "+4512345678")
    opt_outs.add(org, "+4512345678")
    assert "12345678" not in repr(list(office.world.services.db["opt_outs"].find()))


def test_a_customer_reads_the_own_language_else_that_of_the_org(office: Office) -> None:
    office.policy(language="da")
    office.book(hour=8, customer={**ALICE, "language": "is"})
    office.send("confirmation")
    office.planned.clear()
    office.book(hour=12, customer={**ALICE, "language": "fr"})
    office.send("confirmation")
    assert [text.split()[0] for text in office.texts()] == ["Heimsokn", "Dit"]


def test_a_failure_is_tried_again_and_says_what_is_so_then(office: Office) -> None:
    booking = office.book()
    office.post.next = [Again({"error": "x"})]
    assert office.send("confirmation") == Again({"error": "x"})
    office.move(booking, start=rfc3339(tomorrow(15)))
    assert isinstance(office.send("confirmation"), Delivered)
    assert office.send("moved") == NOTHING_NEW
    assert office.texts()[1] == f"Your visit is booked for {TOMORROW} at 15:00, House 1."


def test_a_text_that_left_without_an_answer_is_not_sent_twice(office: Office) -> None:
    office.book()
    office.post.next = [Again({"error": "NoAnswer"})]
    office.send("confirmation")
    [entry] = [each for each in office.planned.values() if (each.kind, each.channel) == ("confirmation", "sms")]
    office.post.left[entry.entry_id] = Delivered({"provider_id": "SM9"})
    assert office.send("confirmation") == Delivered({"provider_id": "SM9"})
    assert len(office.post.messages) == 1


@pytest.mark.parametrize(("point", "times"), [("after_message_begun", 1), ("after_message_left", 2)])
def test_a_courier_that_dies_is_followed_by_another(office: Office, point: str, times: int) -> None:
    """Where a post cannot tell what left, as with e-mail, a message may leave twice: if nobody noted that it did."""

    def die(at: str) -> None:
        if at == point:
            raise SystemExit

    office.book()
    office.crash = die
    with pytest.raises(SystemExit):
        office.send("confirmation", channel="email")
    office.crash = lambda _: None
    assert isinstance(office.send("confirmation", channel="email"), Delivered)
    assert len(office.post.messages) == times


def test_two_couriers_at_once_say_one_thing_once(office: Office) -> None:
    """Two entries that would say the same: the first has begun when the second comes."""
    booking = office.aged(office.book(), 120)
    office.send("confirmation")
    office.move(office.aged(office.move(booking, start=rfc3339(tomorrow(14))), 120), start=rfc3339(tomorrow(15)))
    office.post.next = [Again({})]
    office.send("moved", 2)
    assert office.send("moved", 3) == NOTHING_NEW
    assert isinstance(office.send("moved", 2), Delivered)


def test_a_text_that_is_given_up_says_nothing_more(office: Office) -> None:
    office.book()
    office.post.next = [Dead({"code": 21211})]
    assert office.send("confirmation") == Dead({"code": 21211})


def test_a_series_is_one_message_that_counts_the_others(office: Office) -> None:
    world = office.world
    made = make(world.services, world.caller("desk"), customer=ALICE).bookings
    first = made[0]
    for booking in reversed(made):
        office.plan(booking)
    outcomes = [
        office.courier().send(entry_of(each, office.now))
        for each in office.planned.values()
        if (each.kind, each.channel) == ("confirmation", "sms")
    ]
    assert sum(isinstance(each, Delivered) for each in outcomes) == 1
    assert outcomes.count(Suppressed({"reason": "said_of_an_earlier_visit"})) == 3
    assert office.texts() == [
        f"Your visit is booked for {TOMORROW} at 10:00, House 1. Further visits in the series: 3."
    ]
    office.planned.clear()
    office.aged(first, 120)
    office.move(first, start=rfc3339(tomorrow(15)))
    office.send("moved")
    assert office.texts()[1].endswith(f"has moved to {TOMORROW} at 15:00, House 1.")


def test_an_offer_is_told_while_it_stands(office: Office) -> None:
    world = office.world
    booked = take(world)
    entry = join(world, customer={**ALICE, "language": "da"})
    give_back(world, booked)
    tend(world)
    offered = seen(world, entry)
    assert offered.offered_until is not None
    office.hear_of_offer(OfferMade(offered, office.now, LATER))
    assert isinstance(office.send("waitlist_offer"), Delivered)
    assert office.texts()[0].startswith("En tid er blevet ledig")
    office.now = offered.offered_until
    later = replace(next(iter(office.planned.values())), kind="waitlist_offer", channel="email")
    assert office.courier().send(entry_of(later, office.now)) == Suppressed({"reason": "too_late"})


def test_an_erased_customer_gets_nothing_and_leaves_nothing(office: Office) -> None:
    booking = office.aged(office.book(), 120)
    office.send("confirmation")
    services, admin = office.world.services, office.world.caller("admin")
    held = services.personal_data.export_person(admin, PersonRequest(phone=ALICE["phone"]))
    assert [(each.kind, each.to, each.status) for each in held.messages] == [("confirmation", "+4512345678", "sent")]
    office.move(booking, start=rfc3339(tomorrow(15)))
    erased = services.personal_data.erase_person(admin, PersonRequest(phone=ALICE["phone"]))
    assert erased.messages == 1
    assert office.send("moved") == Suppressed({"reason": "no_address"})
    kept: Any = repr(list(services.db["messages"].find({"org": office.world.org})))
    assert not [trace for trace in ("Alice", "12345678", "alice@", "House 1") if trace in kept]
    assert services.personal_data.erase_person(admin, PersonRequest(phone=ALICE["phone"])).messages == 0


def test_one_booking_is_erased_from_its_messages(office: Office) -> None:
    booking = office.book()
    office.book(hour=14)
    for each in list(office.planned.values()):
        if each.kind == "confirmation" and each.channel == "sms":
            office.courier().send(entry_of(each, office.now))
    admin = office.world.caller("admin")
    assert office.world.services.personal_data.erase_booking(admin, booking.booking_id).messages == 1
