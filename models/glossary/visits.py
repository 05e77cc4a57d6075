"""The words of holds, bookings, availability and the waitlist."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # A slot
    "property_id": "The id of the property that the visit goes to.",
    "technician_id": "The id of the technician. In a request without it, any technician who is free.",
    "technician_ids": "The ids of the technicians of the visit; `technician_id` is the first of them.",
    "service_id": "The id of the service: what is done on the visit. Left out where none was named.",
    "SlotOptions.service_id": (
        "The id of the service: what is done on the visit. It gives the lengths that are left out, and the skill that "
        "the technician needs. With the publishable key and a manage token a public one."
    ),
    "WaitRequest.service_id": (
        "The id of the service: what is done on the visit. It gives the duration if that is left out, the travel, and "
        "the skill that the technician needs. With the publishable key a public one."
    ),
    "VisitQuery.service_id": (
        "The id of the service: what is done on the visit. It gives the lengths that are left out, and the skill that "
        "the technician needs. With the publishable key and a manage token a public one."
    ),
    "BookingPatch.service_id": (
        "The id of the service. Another one brings its own duration and travel, unless they are sent too. Null: none."
    ),
    "Team.technician_ids": (
        "The ids of 1 to 4 different technicians, all of whom come, in place of `technician_id`. The first leads."
    ),
    "Team.technicians": ("How many technicians come, from 1 to 4: any who are free. Beside named ones their number."),
    "VisitChanges.technician_id": "The one technician who comes; not where several come already.",
    "VisitChanges.technician_ids": "The ids of the 1 to 4 different technicians who come. The first leads.",
    "AvailabilitySlot.technician_ids": (
        "The ids of all technicians who are free for this slot; empty if it is not free."
    ),
    "override": (
        "The rules that staff lift for this visit. A slot that is taken stays taken. With other keys than `desk` "
        "and `admin` it is refused. The history records it."
    ),
    "start": "When the visit begins, with an offset from UTC. It lies on the grid: a multiple of `grid_minutes`.",
    "end": "When the visit ends; the next one may begin at this moment.",
    "duration_minutes": (
        "How long the visit takes, in minutes. If it is left out, that of the service, else the default of the policy."
    ),
    "buffer_before_minutes": (
        "Minutes of travel before the visit, in which the technician is taken and the property is not. If it is "
        "left out, those of the service, else of the policy."
    ),
    "buffer_after_minutes": (
        "Minutes of travel after the visit, in which the technician is taken and the property is not. If it is left "
        "out, those of the service, else of the policy."
    ),
    "fallback": (
        "What to do if the slot is taken: `none` refuses; `next_available` searches on to the end of that local day."
    ),
    "suggest": "How many free alternatives a refusal names in `next_available`, from 0 to 5.",
    "requested_start": "The start that was asked for. It differs from `start` after a fallback.",
    "fallback_used": "Whether another start than the one asked for was taken, because of `fallback`.",
    "property_name": "The name of the property. With a manage token alone.",
    "property_address": "Where the property is. With a manage token alone.",
    "technician_names": "The names of the technicians who come. With a manage token alone.",
    "OwnBookingReply.timezone": "The IANA name of the property's time zone. With a manage token alone.",
    # A hold
    "hold_id": "The id of a hold. Who knows it can book what is held, so it is shown to its holder alone.",
    "path.hold_id": "The id of the hold, from the reply that made it.",
    "BlockReply.hold_id": "The id of the hold that stands in the way. For staff alone.",
    "BookDirectly.hold_id": (
        "A hold of the caller on this very slot. With it the booking also works while holds cannot be read."
    ),
    "WaitReply.hold_id": "The hold on the slot that is offered: book it with POST /book.",
    "holder": (
        "Who holds: a checkout session, a phone number or a user of the desk. The same holder gets its own hold "
        "again. With the publishable key it is a secret of the browser of 16 characters or more."
    ),
    "ttl_seconds": "For how many seconds the hold lives. If it is left out, `hold_seconds` of the policy.",
    "ExtendRequest.ttl_seconds": "For how many seconds the hold lives from now on.",
    "HoldReply.ttl_seconds": "For how many seconds the hold was asked to live.",
    "remaining_seconds": (
        "For how many seconds the hold still lives, counted from the time of the reply. 0 if it has ended."
    ),
    "replaces": "An own live hold that is released if this one is granted, and only then.",
    "HoldReply.status": (
        "`held` is live; `confirming` is being booked just now; `booked`, `released` and `expired` have ended."
    ),
    "HoldReply.booking_id": "The booking that the hold became.",
    "HoldReply.expires_at": "When the hold ends by itself.",
    "HoldsQuery.holder": "Only live holds of this holder that were placed with this key. Staff may leave it out.",
    "HoldsQuery.property_id": "Only holds of this property.",
    "HoldsQuery.technician_id": "Only holds of this technician.",
    "HoldsQuery.from": (
        "Only visits that end after this moment; without it and without a holder, those that are not over. A bare date "
        "is the first instant of that local date: of the property, else of the technician, else of the org."
    ),
    "HoldsQuery.to": "Only visits that begin before this moment. A bare date is meant as in `from`.",
    "holds": "The live holds of this page.",
    # A booking
    "booking_id": "The id of the booking.",
    "BlockReply.booking_id": "The id of the booking that stands in the way. For staff alone.",
    "WaitReply.booking_id": "The booking that the offer became.",
    "BookingReply.status": (
        "`pending` is reserved until `reserved_until`; `confirmed` is firm; `completed`, `no_show` (the customer "
        "was not there), `cancelled` and `expired` (a reservation that ran out) have ended."
    ),
    "MadeReply.status": "`confirmed`, or what became of the booking since if this is a repeat.",
    "BookingQuery.status": "Only bookings of this status. It may be repeated, for any of several.",
    "customer": "The person that the visit is for.",
    "BookingPatch.customer": "The person that the visit is for, whole: what is left out is removed.",
    "MadeReply.customer": "The person that the visit is for. With the publishable key it is null in a late repeat.",
    "ReserveRequest.customer": "The person that the visit is for. If it is left out, the name is `reserved_by`.",
    "WaitReply.customer": "The person who waits. For staff alone.",
    "Customer.name": "The name of the customer, on one line.",
    "CustomerReply.name": "The name of the customer.",
    "phone": "A phone number as people write it: 3 to 15 digits, and an extension if there is one.",
    "phone_e164": (
        "The phone in the form E.164, where it can be read. It is made from `phone`; what is sent is not read."
    ),
    "email": "An e-mail address.",
    "Customer.language": (
        "The language of messages to the customer, as two letters (ISO 639), such as `da`. If it is left out, or there "
        "are no texts in it, that of the policy."
    ),
    "CustomerReply.language": "The language of messages to the customer, where one was named.",
    "description": "What the visit is about, in the words of the customer.",
    "MadeReply.description": (
        "What the visit is about, in the words of the customer. With the publishable key it is null in a late repeat."
    ),
    "priority": "How urgent the visit is. It orders nothing by itself. With the publishable key at most `high`.",
    "internal_note": "A note that only staff see and change.",
    "metadata": "Up to 20 pairs of another system, which are only kept. For `bot`, `desk` and `admin`.",
    "external_reference": "The id of the visit in another system. For `bot`, `desk` and `admin`.",
    "ConfirmRequest.if_expired": (
        "What to do if the reservation has run out: `reject` refuses; `book_if_free` confirms it if its slot is free."
    ),
    "if_expired": (
        "What to do if the hold has run out: `reject` refuses; `book_if_free` books its slot if that is still free."
    ),
    "source": "Where it came from, by the role of its key: `web`, `desk`, `sms` or `api`.",
    "version": "Counts the changes, from 1. In quotes it is the `ETag`.",
    "created_at": "When it was made.",
    "updated_at": "When it was last changed.",
    "manage_token": (
        "A secret credential of this one booking: as `Authorization: Bearer` it reads, moves and cancels it. Only "
        "the reply that made the booking has it."
    ),
    "ManageTokenReply.manage_token": "The token that is valid from now on. No later reply shows it.",
    "reserved_by": "Who asked for the reservation.",
    "reserved_until": (
        "When the reservation ends by itself unless it is confirmed. In a booking that was never reserved it is "
        "left out."
    ),
    "hours": "For how many hours the slot is reserved, from 1 to 72.",
    "history": "Every change of the booking, the oldest first. For staff alone.",
    "HistoryEntry.at": "When the change was made.",
    "HistoryEntry.by": (
        "The role and key id of the caller, such as `desk:k_1`; `system` for what the service does by itself."
    ),
    "HistoryEntry.action": "What was done, in one word.",
    "HistoryEntry.changes": "Each field that changed, with its value before (`from`) and after (`to`).",
    "reason": "Why, in the words of the person who does it. It is kept in the history.",
    # Lists
    "limit": "How many entries a page has at most, from 1 to 200.",
    "cursor": "Where the page begins: `next_cursor` of the page before. Leave it out for the first page.",
    "next_cursor": "The `cursor` of the next page; null on the last one.",
    "next_updated_since": "On the last page: the `updated_since` from which to read on later.",
    "bookings": "The bookings of this page.",
    "CustomerWithBookings.bookings": "The customer's bookings of this page, past and coming, the latest start first.",
    "Erased.bookings": "How many bookings lost personal data just now.",
    "PersonReply.bookings": "All bookings of this person, by start.",
    "BookingQuery.property_id": "Only bookings of this property.",
    "BookingQuery.technician_id": "Only bookings of this technician.",
    "BookingQuery.from": (
        "Only bookings that start at this moment or later. A bare date is the first instant of that local date: of "
        "the property asked for, else of the technician, else of the org."
    ),
    "BookingQuery.to": "Only bookings that start before this moment. A bare date is meant as in `from`.",
    "overlapping": "Whether bookings that began earlier count too if they last beyond `from`.",
    "q": (
        "A search: the id of a booking or property, the beginnings of words of the customer's name, or the last "
        "four or more digits of the phone."
    ),
    "BookingQuery.external_reference": "Only bookings with this reference of another system.",
    "BookingQuery.updated_since": "Only bookings that were changed at this moment or later, the oldest change first.",
    # Availability
    "AvailabilityQuery.technician_id": (
        "Only slots of this technician. Without one, a slot is free if any is, or as many as `technicians` says."
    ),
    "AvailabilityQuery.from": "The first date to show, in the time zone of the property.",
    "AvailabilityQuery.days": "How many dates to show, from 1 to 14.",
    "DaysQuery.technician_id": (
        "Only starts of this technician. Without one, a start is free if any is, or as many as `technicians` says."
    ),
    "DaysQuery.from": "The first date to show, in the time zone of the property.",
    "DaysQuery.days": "How many dates to show, from 1 to 62.",
    "step_minutes": (
        "Only starts at such multiples of minutes after midnight, by the clock of the property. A multiple of "
        "`grid_minutes`."
    ),
    "except_booking_id": (
        "A booking that is in the way of nothing, because it is to be moved. It gives the service and the lengths that "
        "are left out. "
        "For staff; a manage token leaves out its own booking by itself."
    ),
    "DaysReply.days": "One entry for each date, in order.",
    "FreeDay.date": "The local date of the property.",
    "FreeDay.free": "How many starts on the grid are free.",
    "FreeDay.first": "The first start that is free; null if none is.",
    "slots": "One entry for each start on the grid, by start.",
    "AvailabilitySlot.state": (
        "`free` can be held now; `held` and `booked` are taken; `closed` is outside working hours or the rules of "
        "the policy, or no technician in question is sent there for that."
    ),
    # The waitlist
    "waitlist_id": "The id of the entry on the waitlist.",
    "WaitRequest.from": "The beginning of the window in which the visit may lie.",
    "WaitRequest.to": "The end of the window: the visit ends by then.",
    "WaitRequest.hours": (
        "The times of day, by the clock of the property, within which the visit lies, such as "
        '`[["08:00", "17:00"]]`. If they are left out, it may lie at any hour.'
    ),
    "WaitReply.hours": "The times of day within which the visit lies; left out if it may lie at any hour.",
    "WaitReply.from": "The beginning of the window in which the visit may lie.",
    "WaitReply.to": "The end of the window: the visit ends by then.",
    "WaitReply.technician_id": "The technician who was asked for, the first of a crew; null if any will do.",
    "WaitReply.technician_ids": "All of the crew that was asked for; left out if it was one or any.",
    "WaitReply.technicians": "How many technicians come; left out if it is one.",
    "WaitReply.status": (
        "`waiting` for a slot; `offered` a slot that is held until `expires_at`; `booked`; `lapsed` because the "
        "offer or the window ran out; `cancelled`."
    ),
    "WaitReply.start": "When the visit that is offered begins.",
    "WaitReply.end": "When the visit that is offered ends.",
    "WaitReply.expires_at": "When the offer ends.",
    "WaitQuery.property_id": "Only entries for this property.",
    "WaitQuery.status": "Only entries of this status.",
    "offer_minutes": (
        "For how many minutes an offer stands, from 1 to 1440. With the publishable key at most `max_hold_seconds`."
    ),
    "offered_technician_id": "The technician of the slot that is offered, the first of a crew.",
    "offered_technician_ids": "All technicians of the slot that is offered; left out if it is one.",
    "waitlist": "The entries of this page, in the order in which they are served.",
    "Erased.customers": "How many customers changed or are gone just now.",
    "PersonReply.customers": "The customers that this person is known as.",
    "Erased.waitlist": "How many entries of the waitlist lost personal data just now.",
    "PersonReply.waitlist": "All entries of this person on the waitlist, the oldest first.",
    # Customers
    "path.customer_id": "The id of the customer.",
    "customer_id": (
        "The id of the customer: one person or household, with one phone or, without a phone, one e-mail address. Null "
        "for a booking with neither, and for up to a second after the booking. For staff alone."
    ),
    "CustomerRecord.customer_id": "The id of the customer.",
    "customers": "The customers of this page.",
    "CustomersQuery.q": (
        "What a person types into a search box: the beginning of any word of the name, or of several words, whatever "
        "their case and accents; the last four or more digits of the phone, in any spelling; the beginning of the "
        "e-mail address."
    ),
    "CustomerRecord.name": "The name in the customer's newest booking, or what the office has entered since.",
    "CustomerRecord.phone": "The phone in the newest booking that has one, or what the office has entered since.",
    "CustomerRecord.email": "The e-mail address in the newest booking that has one, or what was entered since.",
    "notes": "What the office notes about the customer. For staff alone.",
    "CustomerRecord.visits": "How many bookings the customer has, without cancelled and expired ones.",
    "into": "The id of the customer that stays, and gets the bookings and notes of the other.",
}
