"""What is refused at whatever time: visits that nobody, or too few, may make. Pure: no store, no clock."""

from __future__ import annotations

from typing import Final, Protocol

from models.errors import (
    Fault,
    Forbidden,
    InvalidRequest,
    PropertyUnavailable,
    Refusal,
    TechnicianNotEligible,
    TechnicianUnavailable,
)
from models.slot import MOST_CLAIMS, Wish
from services.timetable.rules import Rules

BUILDING = "This property is a building with several units. Please choose a unit, or call us."
NOBODY_IS_SENT = "None of the technicians is sent there for that. Please call us."
TOO_FEW_ARE_SENT = "Not enough technicians are sent there for that. Please call us."
_TOO_FEW: Final = {
    (False, False): None,
    (False, True): "One of these technicians is not available. Please choose another one.",
    (True, False): "No technician is available at the moment.",
    (True, True): "Not enough technicians are available at the moment.",
}
"""By whether any will do, and whether several are needed."""


class Wanted(Protocol):
    """What is asked for, in whatever request."""

    @property
    def property_id(self) -> str: ...
    @property
    def named(self) -> tuple[str, ...]: ...
    @property
    def needed(self) -> int: ...
    @property
    def service_id(self) -> str | None: ...


def impossible(rules: Rules, wish: Wish) -> Refusal:
    """Why rules that are not `possible` allow a wish at no time."""
    if wish.discreet and wish.units:
        return Forbidden(BUILDING)
    if rules.site.status != "available":
        return PropertyUnavailable()
    if not rules.eligible:
        return not_eligible(wish, for_staff=wish.for_staff)
    return TechnicianUnavailable(_TOO_FEW[not wish.named, wish.needed > 1])


def require_few_claims(wish: Wish) -> None:
    """Raises InvalidRequest for visits with more claims than one document and one script have room for."""
    if wish.size > MOST_CLAIMS:
        fault = (
            f"Give a property with fewer units, or a shorter visit: one of all units has at most {MOST_CLAIMS} claims."
        )
        raise InvalidRequest(Fault("property_id", "too_large", fault))


def not_eligible(wanted: Wanted, *, for_staff: bool) -> Refusal:
    """The refusal where too few of the technicians in question may be sent. for_staff: with the word that lifts the
    rule."""
    sentence = (
        TechnicianNotEligible.sentence if wanted.named else NOBODY_IS_SENT if wanted.needed == 1 else TOO_FEW_ARE_SENT
    )
    return TechnicianNotEligible(sentence + (' Or send override: ["eligibility"].' if for_staff else ""))
