"""Times as programs write them: taken where the meaning is certain, else refused with what to send."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from models.catalogue import TechnicianCreate
from models.faults import faults_of
from models.times import Instant, Moment

MOMENT = TypeAdapter[datetime](Moment)

OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1900, 1, 3), datetime(2200, 1, 1), timezones=OFFSETS)  # noqa: DTZ001  # zones are drawn


def taken(value: Any) -> datetime:
    return MOMENT.validate_python(value, strict=True)


def fault(value: Any) -> tuple[str, str]:
    """(code, sentence) of a time that is refused."""
    with pytest.raises(ValidationError) as refused:
        taken(value)
    (found,) = faults_of(refused.value)
    return found.code, found.message


@pytest.mark.parametrize(
    "text",
    [
        "2027-01-05T10:00Z",  # Java
        "2027-01-05T10:00+00:00",  # js-joda
        "2027-01-05T10:00:00+0000",  # PHP
        "2027-01-05T10:00:00+00",  # PostgreSQL
        "2027-01-05 10:00:00+00:00",  # str() in Python, pandas
        "2027-01-05 10:00:00 UTC",  # Ruby
        "2027-01-05 11:00:00 +0100",  # Ruby, git
        "2027-01-05 10:00Z",
        "2027-01-05t10:00:00z",
        "2027-01-05T10:00:00.0000000Z",  # .NET
        "2027-01-05T10:00:00.000Z",  # JavaScript
        "2027-01-04 22:30-11:30",
    ],
)
def test_a_time_is_taken_as_other_languages_write_it(text: str) -> None:
    assert taken(text) == datetime(2027, 1, 5, 10, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_reply_shows_a_time_of_any_year_to_the_second(at: datetime) -> None:
    shown = json.loads(TypeAdapter[datetime](Instant).dump_json(at))
    assert taken(shown) == at.replace(microsecond=0)
    assert len(shown) == len("2027-01-05T10:00:00Z")


@given(TIMES, st.sampled_from("Tt "), st.sampled_from([":", "", "hour"]), st.booleans(), st.booleans())
def test_every_way_to_write_a_time_means_the_same(
    at: datetime, between: str, colon: str, seconds: bool, blank: bool
) -> None:
    offset = at.strftime("%z")
    if colon == "hour" and not offset.endswith("00"):
        colon = ""
    shown = offset[:3] + ("" if colon == "hour" else colon + offset[3:])
    at = at if seconds else at.replace(second=0, microsecond=0)
    clock = at.strftime("%H:%M:%S.%f" if seconds else "%H:%M")
    found = taken(f"{at:%Y-%m-%d}{between}{clock}{' ' * blank}{shown}")
    assert (found, found.utcoffset()) == (at, timedelta())


@given(TIMES)
def test_a_plus_that_a_query_did_not_escape_is_still_a_plus(at: datetime) -> None:
    text = at.isoformat()
    ((_, unescaped),) = parse_qsl(f"from={text}")
    ((_, escaped),) = parse_qsl(f"from={quote(text)}")
    assert taken(unescaped) == taken(escaped) == at


@given(st.text(alphabet="0123456789-:+TZ .", max_size=32))
def test_a_text_is_a_time_or_a_fault(text: str) -> None:
    try:
        found = {str(taken(text).tzinfo)}
    except ValidationError as refused:
        found = {each.code for each in faults_of(refused)}
    assert found < {"UTC", "bad_time", "naive_time"}


@pytest.mark.parametrize("text", ["2027-01-05T10:00", "2027-01-05 10:00:00", "2027-01-05T10:00:00.5"])
def test_a_time_without_an_offset_asks_for_it_and_says_how_a_query_writes_it(text: str) -> None:
    code, sentence = fault(text)
    assert code == "naive_time"
    assert "offset" in sentence
    assert "%2B" in sentence


@pytest.mark.parametrize(
    ("value", "needed"),
    [
        ("2027-01-05", "a time and an offset"),
        ("2027-01-05T10:00:00+01:00[Europe/Paris]", "without the name of a zone"),
        ("2027-01-05T10:00Z[UTC]", "without the name of a zone"),
        ("2027-02-30T10:00Z", "there is no such time"),
        ("2027-01-05T24:00Z", "there is no such time"),
        ("20270105T100000Z", "RFC 3339"),
        ("2027-01-05T10Z", "RFC 3339"),
        ("5 Jan 2027 10:00", "RFC 3339"),
        (1799143200, "RFC 3339"),
        (None, "RFC 3339"),
        ("2027-01-05T10:00:00 1:00", "RFC 3339"),
        ("2027-01-05T10:00:00+01:0", "RFC 3339"),
        ("2027-01-05T10:00:00Z\n", "RFC 3339"),
        ("2027-01-05T10:00:00EST", "RFC 3339"),
    ],
)
def test_a_time_whose_meaning_is_open_is_refused_with_what_to_send(value: Any, needed: str) -> None:
    code, sentence = fault(value)
    assert (code, needed in sentence) == ("bad_time", True), sentence


@pytest.mark.parametrize(
    ("shift", "needed"),
    [
        (["22:00", "02:00"], "22:00 to 24:00 on this day and 00:00 to 02:00 on the next day"),
        (["17:30", "08:15"], "17:30 to 24:00 on this day and 00:00 to 08:15 on the next day"),
        (["18:00", "00:00"], "24:00"),
        (["00:00", "00:00"], "24:00"),
        (["08:00", "08:00"], "after its beginning"),
    ],
)
def test_a_shift_over_midnight_says_how_to_split_it(shift: list[str], needed: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TechnicianCreate.model_validate({"name": "Nina", "working_hours": {"mon": [shift]}})
    (found,) = faults_of(refused.value)
    assert (found.field, found.code, needed in found.message) == ("working_hours.mon.0", "bad_shift", True), found


def test_an_end_of_23_59_is_the_end_of_the_day() -> None:
    made = TechnicianCreate.model_validate({"name": "Nina", "working_hours": {"mon": [["00:00", "23:59"]]}})
    assert made.working_hours == {"mon": [["00:00", "24:00"]]}
