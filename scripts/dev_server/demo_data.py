"""The demo org: a company that looks after houses in Reykjavík (UTC all year) and in Copenhagen.

Plain data in the form of API requests; `seed` writes it. Imports nothing of the product.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import date, timedelta
from typing import Any

ORG = "demo"
ORG_NAME = "Harbour & Vale Property Care"
ROLES = ("checkout", "desk", "bot", "admin")

REYKJAVIK = "UTC"
COPENHAGEN = "Europe/Copenhagen"

OFFICE_DAYS = ("mon", "tue", "wed", "thu", "fri")
ALL_DAYS = (*OFFICE_DAYS, "sat", "sun")

EXAMPLE_AHEAD = timedelta(days=30)  # within the booking horizon

Hours = dict[str, list[list[str]]]


def _property(plain_id: str, name: str, address: str, timezone: str) -> dict[str, Any]:
    return {"id": plain_id, "name": name, "address": address, "timezone": timezone}


def _technician(plain_id: str, name: str, timezone: str, working_hours: Hours | None) -> dict[str, Any]:
    return {"id": plain_id, "name": name, "timezone": timezone, "working_hours": working_hours}


def _each(days: tuple[str, ...], *shifts: tuple[str, str]) -> Hours:
    return {day: [list(shift) for shift in shifts] for day in days}


def demo_keys(secret: str) -> dict[str, str]:
    """An API key of the demo org for each role. They follow from the secret, so each run names the same keys."""
    digests = {role: hmac.digest(secret.encode(), b"holdfast/demo-key/" + role.encode(), "sha256") for role in ROLES}
    return {role: f"hf_{role}_{urlsafe_b64encode(digest[:24]).decode()}" for role, digest in digests.items()}


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
]

TECHNICIANS = [
    # Office hours with a break at noon.
    _technician("tech-3", "Sigrún Hauksdóttir", REYKJAVIK, _each(OFFICE_DAYS, ("08:00", "12:00"), ("13:00", "17:00"))),
    # An early bird with a short Friday.
    _technician(
        "tech-5",
        "Mikkel Bruun",
        COPENHAGEN,
        {**_each(("mon", "tue", "wed", "thu"), ("06:30", "15:00")), "fri": [["06:30", "12:30"]]},
    ),
    # On call: without working hours a technician always works.
    _technician("tech-7", "Ólafur Kristjánsson", REYKJAVIK, None),
    # Four days, and every Saturday morning.
    _technician(
        "tech-8",
        "Freja Lindholm",
        COPENHAGEN,
        {**_each(("tue", "wed", "thu", "fri"), ("09:00", "17:30")), "sat": [["09:00", "13:00"]]},
    ),
    # Afternoons and evenings, every day.
    _technician("tech-11", "Jón Birgisson", REYKJAVIK, _each(ALL_DAYS, ("14:00", "22:00"))),
    # Nights.
    _technician("tech-14", "Amira Haddad", COPENHAGEN, _each(ALL_DAYS, ("00:00", "06:00"), ("20:00", "24:00"))),
]
