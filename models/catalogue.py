"""The catalogue and the policy: what an org offers and under which rules."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from models.contacts import Country, FormPhone
from models.fields import (
    FormText,
    Minutes,
    Name,
    PlainId,
    PlainIds,
    Request,
    WholeNumber,
    require_all,
    require_the_others,
)
from models.messages import OwnLanguage, QuietHours, ReminderHours, SmsNumber
from models.service import Duration
from models.times import Instant, LocalDate, Moment
from models.working_hours import WorkingHours

ResourceStatus = Literal["available", "unavailable"]


@cache
def _timezones() -> frozenset[str]:
    """The IANA names. `localtime` and its kin mean another zone on another machine, or none."""
    return frozenset(available_timezones() - {"localtime", "posixrules", "Factory"})


def _known_timezone(value: str) -> str:
    if value not in _timezones():
        raise PydanticCustomError("bad_timezone", "Give {field} as an IANA name such as Europe/Paris.")
    return value


Timezone = Annotated[str, Field(max_length=64), AfterValidator(_known_timezone)]


class TimeOff(Request):
    """A time in which a technician is away, half-open."""

    start: Moment
    end: Moment


MOST_TIMES_OFF = 200
TimesOff = Annotated[list[TimeOff], Field(max_length=MOST_TIMES_OFF)]


class PropertyCreate(Request):
    """Body of POST /properties. A unit takes the timezone of its building."""

    id: PlainId | None = None
    name: Name
    address: FormText = None
    area: PlainId | None = None
    parent_id: PlainId | None = None
    timezone: Timezone = "UTC"
    status: ResourceStatus = "available"
    unlisted: bool = False


class PropertyPatch(Request):
    """Body of PATCH /properties/{id}: only the fields that change. Null empties `address`, `area` and `parent_id`."""

    emptied_by_null = frozenset({"address", "area", "parent_id"})

    name: Name | None = None
    address: FormText = None
    area: PlainId | None = None
    parent_id: PlainId | None = None
    timezone: Timezone | None = None
    status: ResourceStatus | None = None
    unlisted: bool | None = None


class TechnicianCreate(Request):
    """Body of POST /technicians."""

    id: PlainId | None = None
    name: Name
    timezone: Timezone = "UTC"
    status: ResourceStatus = "available"
    areas: PlainIds = Field(default=[])
    skills: PlainIds = Field(default=[])
    working_hours: WorkingHours | None = None
    time_off: TimesOff = Field(default=[])


class TechnicianPatch(Request):
    """Body of PATCH /technicians/{id}: only the fields that change. Null empties `working_hours`.

    time_off: the whole list. time_off_remove and time_off_add: what leaves it and what joins it, whatever else is in
    it. To remove what is not in it, and to add what is, changes nothing.
    """

    emptied_by_null = frozenset({"working_hours"})

    name: Name | None = None
    timezone: Timezone | None = None
    status: ResourceStatus | None = None
    areas: PlainIds | None = None
    skills: PlainIds | None = None
    working_hours: WorkingHours | None = None
    time_off: TimesOff | None = None
    time_off_add: TimesOff | None = None
    time_off_remove: TimesOff | None = None


class Policy(BaseModel):
    """An org's rules, and how it is shown and called. Minutes are multiples of the grid; seconds are a hold's lifetime.

    country: two letters; of phones without a country code. sms_number, reminder_hours, quiet_hours, language: of the
    messages to customers; see models.messages.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra=require_all)

    default_duration_minutes: int = 60
    max_duration_minutes: int = 480
    allowed_duration_minutes: list[int] | None = None
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    hold_seconds: int = 300
    max_hold_seconds: int = 900
    holds_per_holder: int = 3
    min_lead_minutes: int = 0
    horizon_days: int = 90
    blackout_dates: list[date] = []
    cancel_window_minutes: int = 0
    max_buffer_minutes: int = 120
    public_holds_per_address: int | None = 10
    public_bookings_per_address_per_day: int | None = 30
    public_requests_per_minute: int | None = 300
    public_holds_most: int | None = 200
    public_max_duration_minutes: int | None = 240
    public_services_only: bool = False
    timezone: str = "UTC"
    country: str | None = None
    display_name: str | None = None
    phone: str | None = None
    sms_number: str | None = None
    reminder_hours: list[int] = [24]
    quiet_hours: list[str] | None = None
    language: OwnLanguage = "en"


class PublicPolicy(BaseModel):
    """What every caller may know of an org's rules: those that decide which slots it may ask for, and how it is called.

    grid_minutes: each start, duration and buffer is a multiple of it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra=require_all)

    grid_minutes: int
    timezone: str
    country: str | None
    display_name: str | None
    phone: str | None
    default_duration_minutes: int
    max_duration_minutes: int
    allowed_duration_minutes: list[int] | None
    hold_seconds: int
    max_hold_seconds: int
    min_lead_minutes: int
    horizon_days: int
    cancel_window_minutes: int
    public_max_duration_minutes: int | None
    public_services_only: bool

    @classmethod
    def of(cls, policy: Policy, grid_minutes: int) -> PublicPolicy:
        """The open part of a policy."""
        return cls.model_validate({**policy.model_dump(), "grid_minutes": grid_minutes})


PublicCount = Annotated[WholeNumber, Field(ge=1, le=1_000_000)]
"""What strangers with the publishable key may have; null is no limit."""

NULLABLE_POLICY = frozenset(
    {
        "allowed_duration_minutes",
        "country",
        "display_name",
        "phone",
        "sms_number",
        "quiet_hours",
        "public_holds_per_address",
        "public_bookings_per_address_per_day",
        "public_requests_per_minute",
        "public_holds_most",
        "public_max_duration_minutes",
    }
)


class PolicyPatch(Request):
    """Body of PATCH /policy: only the fields that change. Null means any, none or no limit, for NULLABLE_POLICY."""

    emptied_by_null = NULLABLE_POLICY

    default_duration_minutes: Duration | None = None
    max_duration_minutes: Duration | None = None
    allowed_duration_minutes: Annotated[list[Duration], Field(min_length=1, max_length=50)] | None = None
    buffer_before_minutes: Minutes | None = None
    buffer_after_minutes: Minutes | None = None
    hold_seconds: Annotated[WholeNumber, Field(ge=1, le=86_400)] | None = None
    max_hold_seconds: Annotated[WholeNumber, Field(ge=1, le=86_400)] | None = None
    holds_per_holder: Annotated[WholeNumber, Field(ge=1, le=1000)] | None = None
    min_lead_minutes: Annotated[WholeNumber, Field(ge=0, le=525_600)] | None = None
    horizon_days: Annotated[WholeNumber, Field(ge=1, le=730)] | None = None
    blackout_dates: Annotated[list[LocalDate], Field(max_length=1000)] | None = None
    cancel_window_minutes: Annotated[WholeNumber, Field(ge=0, le=525_600)] | None = None
    max_buffer_minutes: Minutes | None = None
    public_holds_per_address: PublicCount | None = None
    public_bookings_per_address_per_day: PublicCount | None = None
    public_requests_per_minute: PublicCount | None = None
    public_holds_most: PublicCount | None = None
    public_max_duration_minutes: Duration | None = None
    public_services_only: bool | None = None
    timezone: Timezone | None = None
    country: Country | None = None
    display_name: Name | None = None
    phone: FormPhone = None
    sms_number: SmsNumber | None = None
    reminder_hours: ReminderHours | None = None
    quiet_hours: QuietHours | None = None
    language: OwnLanguage | None = None


class Property(BaseModel):
    """Where technicians are sent to. With the publishable key it has no `address` and no `area`.

    area: who may be sent there; None for everybody. parent_id: the building of which it is a unit. unlisted: the
    publishable key reaches it by its id, but does not find it in the list. version: grows by one with each change, and
    with each unit that joins it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra=require_the_others)

    id: str
    name: str
    address: str | None = None
    area: str | None = None
    parent_id: str | None = None
    timezone: str = "UTC"
    status: ResourceStatus = "available"
    unlisted: bool = False
    version: int = 1


class Away(BaseModel):
    """A technician's time off as it is stored: aware UTC, half-open."""

    model_config = ConfigDict(frozen=True)

    start: Instant
    end: Instant


class Technician(BaseModel):
    """A person who visits properties. No working hours means always. With the publishable key `id` and `name` alone.

    areas, skills: where and for what the technician may be sent; an empty list means everywhere, everything.
    version: grows by one with each change.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    name: str
    timezone: str = "UTC"
    status: ResourceStatus = "available"
    areas: list[str] = []
    skills: list[str] = []
    working_hours: dict[str, list[list[str]]] | None = None
    time_off: list[Away] = []
    version: int = 1

    def __hash__(self) -> int:
        return hash(self.id)
