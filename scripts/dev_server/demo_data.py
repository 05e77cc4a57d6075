"""The demo org: a company that looks after houses in Reykjavík (UTC all year) and in Copenhagen, an area each.

Plain data in the form of API requests; `seed` writes it. Imports nothing of the product.
"""

from __future__ import annotations

import hmac
import json
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

ORG = "demo"
ORG_NAME = "Harbour & Vale Property Care"
POLICY = {"display_name": ORG_NAME, "phone": "+354 555 0142"}
ROLES = ("checkout", "desk", "bot", "admin")

REYKJAVIK = "Atlantic/Reykjavik"
COPENHAGEN = "Europe/Copenhagen"

AREAS = {REYKJAVIK: "reykjavik", COPENHAGEN: "copenhagen"}
BUILDING = "prop-113"

OFFICE_DAYS = ("mon", "tue", "wed", "thu", "fri")
ALL_DAYS = (*OFFICE_DAYS, "sat", "sun")

EXAMPLE_AHEAD = timedelta(days=30)  # within the booking horizon

Hours = dict[str, list[list[str]]]


def _property(plain_id: str, name: str, address: str, timezone: str) -> dict[str, Any]:
    return {"id": plain_id, "name": name, "address": address, "timezone": timezone, "area": AREAS[timezone]}


def _unit(number: int) -> dict[str, Any]:
    """A flat of the apartment building. Its area is that of the building."""
    return {
        "id": f"{BUILDING}-{number}",
        "name": f"Bryggjan Apartments, flat {number}",
        "address": f"Geirsgata 11, flat {number}, 101 Reykjavík, Iceland",
        "timezone": REYKJAVIK,
        "parent_id": BUILDING,
    }


def _technician(
    plain_id: str, name: str, timezone: str, skills: Sequence[str], working_hours: Hours | None
) -> dict[str, Any]:
    return {
        "id": plain_id,
        "name": name,
        "timezone": timezone,
        "areas": [AREAS[timezone]],
        "skills": list(skills),
        "working_hours": working_hours,
    }


def _service(
    plain_id: str,
    name: str,
    minutes: int,
    *,
    skill: str | None = None,
    travel: int = 15,
    price: str | None = None,
    public: bool = True,
) -> dict[str, Any]:
    return {
        "id": plain_id,
        "name": name,
        "duration_minutes": minutes,
        "buffer_before_minutes": travel,
        "buffer_after_minutes": travel,
        "skill": skill,
        "price_text": price,
        "public": public,
    }


def _each(days: tuple[str, ...], *shifts: tuple[str, str]) -> Hours:
    return {day: [list(shift) for shift in shifts] for day in days}


def demo_keys(secret: str) -> dict[str, str]:
    """An API key of the demo org for each role. They follow from the secret, so each run names the same keys."""
    digests = {role: hmac.digest(secret.encode(), b"holdfast/demo-key/" + role.encode(), "sha256") for role in ROLES}
    return {role: f"hf_{role}_{urlsafe_b64encode(digest[:24]).decode()}" for role, digest in digests.items()}


def demo_people(secret: str) -> list[dict[str, str]]:
    """Two people of the demo org who sign in. Their first passwords follow from the secret, as the keys do."""
    return [
        _person(secret, "dora", "Dóra Magnúsdóttir", "desk"),
        _person(secret, "anton", "Anton Vestergaard", "admin"),
    ]


def _person(secret: str, user_id: str, name: str, role: str) -> dict[str, str]:
    digest = hmac.digest(secret.encode(), b"holdfast/demo-person/" + user_id.encode(), "sha256")
    letters = b32encode(digest[:10]).decode().lower()
    password = "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))
    return {"id": user_id, "name": name, "email": f"{user_id}@demo.example", "role": role, "password": password}


def sms_token(secret: str) -> str:
    """What stands for the token of a provider of text messages, with which `scripts/sms_chat.py` signs."""
    return hmac.digest(secret.encode(), b"holdfast/demo-sms-token", "sha256").hex()


def example_of_a_hold(url: str, desk_key: str, today: date) -> str:
    """A shell command that holds the next free hour of a day a month ahead, so that it works for a month."""
    wish = {"property_id": "prop-101", "start": f"{today + EXAMPLE_AHEAD}T09:00:00Z", "fallback": "next_available"}
    return (
        f"curl -sw '\\n' {url}/hold -H 'Authorization: Bearer {desk_key}' "
        f"-H 'Content-Type: application/json' -d '{json.dumps(wish)}'"
    )


PROPERTIES = [
    _property("prop-101", "Skúlagata Harbour House", "Skúlagata 28, 101 Reykjavík, Iceland", REYKJAVIK),
    _property("prop-102", "Laugavegur Apartments", "Laugavegur 114, 105 Reykjavík, Iceland", REYKJAVIK),
    _property("prop-103", "Vesturgata Row House", "Vesturgata 17, 101 Reykjavík, Iceland", REYKJAVIK),
    _property("prop-104", "Grandi Boathouse Offices", "Grandagarður 31, 101 Reykjavík, Iceland", REYKJAVIK),
    _property("prop-105", "Hlíðar Family Homes", "Barmahlíð 40, 105 Reykjavík, Iceland", REYKJAVIK),
    _property("prop-106", "Sundaborg Storage", "Sundaborg 9, 104 Reykjavík, Iceland", REYKJAVIK),
    _property("prop-107", "Islands Brygge Lofts", "Islands Brygge 45, 2300 København S, Denmark", COPENHAGEN),
    _property("prop-108", "Vesterbro Courtyard", "Istedgade 62, 1650 København V, Denmark", COPENHAGEN),
    _property("prop-109", "Nørrebro Corner House", "Jægersborggade 21, 2200 København N, Denmark", COPENHAGEN),
    _property("prop-110", "Østerbro Terrace", "Classensgade 33, 2100 København Ø, Denmark", COPENHAGEN),
    _property(
        "prop-111", "Christianshavn Canal Flats", "Overgaden neden Vandet 12, 1414 København K, Denmark", COPENHAGEN
    ),
    _property("prop-112", "Valby Workshops", "Valby Langgade 88, 2500 Valby, Denmark", COPENHAGEN),
    # A building with flats: a visit to the building takes all of them.
    _property(BUILDING, "Bryggjan Apartments", "Geirsgata 11, 101 Reykjavík, Iceland", REYKJAVIK),
    *map(_unit, range(1, 6)),
]

TECHNICIANS = [
    # Office hours with a break at noon.
    _technician(
        "tech-3",
        "Sigrún Hauksdóttir",
        REYKJAVIK,
        ("heating", "plumbing"),
        _each(OFFICE_DAYS, ("08:00", "12:00"), ("13:00", "17:00")),
    ),
    # An early bird with a short Friday.
    _technician(
        "tech-5",
        "Mikkel Bruun",
        COPENHAGEN,
        ("electricity", "locks", "carpentry"),
        {**_each(("mon", "tue", "wed", "thu"), ("06:30", "15:00")), "fri": [["06:30", "12:30"]]},
    ),
    # On call for everything: without working hours a technician always works, and without skills can do all.
    _technician("tech-7", "Ólafur Kristjánsson", REYKJAVIK, (), None),
    # Four days, and every Saturday morning.
    _technician(
        "tech-8",
        "Freja Lindholm",
        COPENHAGEN,
        ("heating", "plumbing", "painting"),
        {**_each(("tue", "wed", "thu", "fri"), ("09:00", "17:30")), "sat": [["09:00", "13:00"]]},
    ),
    # Afternoons and evenings, every day.
    _technician(
        "tech-11", "Jón Birgisson", REYKJAVIK, ("locks", "electricity", "painting"), _each(ALL_DAYS, ("14:00", "22:00"))
    ),
    # Nights, by video, and so everywhere.
    {
        **_technician(
            "tech-14", "Amira Haddad", COPENHAGEN, ("advice",), _each(ALL_DAYS, ("00:00", "06:00"), ("20:00", "24:00"))
        ),
        "areas": [],
    },
]

SERVICES = [
    _service("boiler-check", "Boiler check", 90, skill="heating", price="140 euros, parts not included"),
    _service("leak", "Leaking tap or pipe", 60, skill="plumbing", price="90 euros for the first hour"),
    _service("lock-change", "Lock change", 45, skill="locks", price="From 120 euros with a new cylinder"),
    _service("electrical-inspection", "Electrical inspection", 120, skill="electricity", price="180 euros"),
    _service("painting-quote", "Quote for painting", 30, skill="painting", price="Free of charge"),
    _service("window-repair", "Window or door repair", 75, skill="carpentry", price="From 110 euros"),
    _service("night-advice", "Advice by video at night", 30, skill="advice", travel=0, price="35 euros"),
    # For the office alone; anybody can do them.
    _service("move-out", "Inspection after a tenant has moved out", 60, public=False),
    _service("key-handover", "Handover of keys", 15, travel=0, public=False),
]
