"""The words of properties, technicians, services, the policy, calendars and API keys."""

from __future__ import annotations

_SERVICES = ("Service", "ServiceCreate", "ServicePatch")
_MINUTES = {
    "duration_minutes": "How long a visit for it takes, in minutes: at most `max_duration_minutes` of the policy.",
    "buffer_before_minutes": "Minutes of travel before it. 0 unless it is set.",
    "buffer_after_minutes": "Minutes of travel after it. 0 unless it is set.",
}

WORDS: dict[str, str] = {
    # Properties and technicians
    "id": "The id. In a request you may choose it; if it is left out, one is made.",
    "properties": "The properties of this page.",
    "technicians": "The technicians of this page.",
    "path.property_id": "The id of the property.",
    "path.technician_id": "The id of the technician.",
    "name": "The name, as people are to see it.",
    "address": "Where the property is. The publishable key does not see it.",
    "timezone": "The IANA name of the time zone in which local dates and hours are meant, such as `Europe/Paris`.",
    "status": "Whether visits can be booked: `available` or `unavailable`.",
    "area": (
        "The area of the property. Technicians whose `areas` name others are not sent there; without an area, "
        "everybody may be. The publishable key does not see it."
    ),
    "parent_id": (
        "The building of which this is a unit. A unit has the time zone of its building, is unavailable when the "
        "building is, and has its area unless it has one. A unit has no units."
    ),
    "areas": "The areas to which the technician may be sent, each once; an empty list means everywhere.",
    "skills": "What the technician can do, each once; an empty list means everything.",
    "unlisted": "Whether the publishable key finds the property by its id alone, and not in the list.",
    "working_hours": (
        'The shifts of each weekday in local time, such as `{"mon": [["08:00", "17:00"]]}`. A day that is left out '
        "is a day off; without working hours the technician is always there. Midnight at the end of a day is "
        "`24:00`."
    ),
    "time_off": "The times in which the technician is away.",
    "time_off_add": "The times that join the technician's time off, whatever else is in it.",
    "time_off_remove": "The times that leave the technician's time off, each by its `start` and `end`.",
    "visits": "The visits that lie in the time off of the request with their travel, by start, at most 200.",
    "CatalogueQuery.status": "Lists only those with this status.",
    "CatalogueQuery.q": (
        "Lists only those in which each of these words begins a word of the id, the name or the address. Case and "
        "accents do not count. With the publishable key addresses are not searched."
    ),
    "TimeOff.start": "When the time off begins.",
    "TimeOff.end": "When the time off ends.",
    "Away.start": "When the time off begins.",
    "Away.end": "When the time off ends.",
    # Services
    "services": "The services of this page.",
    "path.service_id": "The id of the service.",
    "skill": "The skill that a technician must have for it; without one, everybody can do it.",
    "price_text": "What it costs, in words for customers.",
    "public": "Whether the publishable key and manage tokens see it and may book it.",
    "ServiceQuery.q": (
        "Lists only those in which each of these words begins a word of the id or the name. Case and accents do not "
        "count."
    ),
    **{f"{model}.{name}": text for model in _SERVICES for name, text in _MINUTES.items()},
    # The policy
    "grid_minutes": "The step of the time grid. Starts, durations and buffers are multiples of it.",
    "default_duration_minutes": "How long a visit takes if nothing is said, in minutes. 60 unless it is set.",
    "max_duration_minutes": "The longest visit, in minutes. 480 unless it is set.",
    "allowed_duration_minutes": "The only durations that a visit may have, in minutes; null for any.",
    "Policy.buffer_before_minutes": "Minutes of travel before a visit if nothing is said.",
    "Policy.buffer_after_minutes": "Minutes of travel after a visit if nothing is said.",
    "PolicyPatch.buffer_before_minutes": "Minutes of travel before a visit if nothing is said.",
    "PolicyPatch.buffer_after_minutes": "Minutes of travel after a visit if nothing is said.",
    "max_buffer_minutes": "The longest buffer that a request may ask for, in minutes. 120 unless it is set.",
    "hold_seconds": "For how many seconds a hold lives if nothing is said. 300 unless it is set.",
    "max_hold_seconds": "For how many seconds a hold lives at most, with all extensions. 900 unless it is set.",
    "holds_per_holder": "How many live holds one holder may have. 3 unless it is set.",
    "min_lead_minutes": "How many minutes before its start a visit can be booked at the latest. 0 unless it is set.",
    "horizon_days": "How many days ahead a visit can be booked. 90 unless it is set.",
    "blackout_dates": "Local dates on which no visit can be booked.",
    "cancel_window_minutes": "How many minutes before its start a customer can change or cancel a visit at the latest.",
    "public_holds_per_address": (
        "How many live holds of the publishable key one client address may have; null for no limit."
    ),
    "public_bookings_per_address_per_day": (
        "How many bookings one client address may make with the publishable key on one UTC date; null for no limit."
    ),
    "public_requests_per_minute": (
        "How many requests a minute one client address may send with the publishable key; null for no limit."
    ),
    "public_holds_most": "How many live holds of the publishable key there may be in the whole org; null for no limit.",
    "public_max_duration_minutes": (
        "The longest visit with the publishable key, in minutes; null for the limit of all keys."
    ),
    "public_services_only": "Whether the publishable key can book services only.",
    "Policy.timezone": "The IANA name of the time zone of the org, such as `Europe/Paris`.",
    "PolicyPatch.timezone": "The IANA name of the time zone of the org, such as `Europe/Paris`.",
    "PublicPolicy.timezone": "The IANA name of the time zone of the org, such as `Europe/Paris`.",
    "country": "The country of phone numbers without a country code, as two letters (ISO 3166); null if there is none.",
    "display_name": "The name of the org as customers know it.",
    "Policy.phone": "The phone of the org, for its customers.",
    "PolicyPatch.phone": "The phone of the org, for its customers.",
    "PublicPolicy.phone": "The phone of the org, for its customers.",
    "sms_number": "The number that texts to customers are sent from, as E.164; null for no texts.",
    "reminder_hours": "How many hours before a visit its reminders are sent, up to five; an empty list for none.",
    "quiet_hours": (
        "From when to when reminders and notices wait, by the property's clock, such as `22:00` and `07:00`; null for "
        "never. The answer to what a customer just did does not wait."
    ),
    "language": "The language of messages to customers who have named none: `en`, `da` or `is`.",
    # Calendars
    "calendar_url": "The path of the feed with its secret token. No later reply shows it.",
    "token": "The secret token of the feed.",
    "cancelled": "`0` leaves cancelled and expired visits out of the feed.",
    # API keys
    "key_id": "The public id of the key, as histories and logs name it.",
    "key": "The key itself. No later reply shows it.",
    "keys": "The keys of this page.",
    "role": "What the key may do: `checkout` is publishable, `bot`, `desk` and `admin` are secret.",
    "ApiKey.name": "What the key is for; null if nobody said.",
    "KeyRequest.name": "What the key is for, to be recognised in the list.",
    "origins": (
        "The origins of the web pages that may use a publishable key, such as `https://www.example.com`; null or "
        "left out for every page."
    ),
    "ApiKey.expires_at": "When the key ends; null if it has no end.",
    "revoked": "Whether the key was revoked.",
    "overlap_seconds": "For how many seconds the old key stays valid beside the new one, up to 30 days.",
}
