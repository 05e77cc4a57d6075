"""Phone numbers and e-mail addresses as people paste them: what is kept of them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from models.booking import Customer
from models.contacts import Country, Email, Phone, e164, phone_digits
from models.faults import faults_of

UNSEEN = "\u202a\u202b\u202c\u202d\u202e\u200e\u200f\u2066\u2067\u2068\u2069\u200b\u200c\u200d\u2060\ufeff\ufe0d\ufe0f"
BLANKS = " \t\u00a0\u202f\u2009\u2007\u3000"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"


def taken(kind: Any, value: str) -> Any:
    return TypeAdapter(kind).validate_python(value, strict=True)


def code_of(kind: Any, value: str) -> str:
    with pytest.raises(ValidationError) as refused:
        taken(kind, value)
    (found,) = faults_of(refused.value)
    return found.code


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("\u202a+45 12 34 56 78\u202c", "+45 12 34 56 78"),  # copied from the contacts of a phone
        ("\u2068+354 555 1234\u2069", "+354 555 1234"),
        ("01\u202f23\u202f45\u202f67\u202f89", "01 23 45 67 89"),  # as French numbers are set
        ("+1\u00a0(202)\u00a0555\u20110100", "+1 (202) 555-0100"),
        ("020 7946 \u2013 0018", "020 7946 - 0018"),
        ("\t 555 0100 ", "555 0100"),
        ("tel:+1-202-555-0100", "+1-202-555-0100"),
        ("Tel. 12 34 56 78", "12 34 56 78"),
        ("12345678 ext. 5", "12345678 ext. 5"),
        ("+1 202 555 0100 x5", "+1 202 555 0100 x5"),
        ("555 0100 #5", "555 0100 #5"),
        ("+1-202-555-0100;ext=42", "+1-202-555-0100;ext=42"),
        ("\uff0b\uff14\uff15 \uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18", "+45 12345678"),
        ("\u0660\u0661\u0662\u0663\u0664\u0665\u0666", "0123456"),
        ("4512345678.0", "4512345678"),  # a spreadsheet's fraction
        ("+4512345678.0", "+4512345678"),
        ("12.34.56.78", "12.34.56.78"),
        ("112", "112"),  # an internal number
        ("+44 (0)20 7946 0018", "+44 (0)20 7946 0018"),
    ],
)
def test_a_phone_is_kept_as_it_was_typed_without_what_cannot_be_seen(pasted: str, kept: str) -> None:
    assert taken(Phone, pasted) == kept
    assert taken(Phone, kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        *("---", "+", "12", "ext. 5", "x55555", "call me", "12345678 or 87654321 ask for Kim", "1" * 16, "", " "),
        *("\u200b", "123\n456\x00", "=1234567", "4.512345678e9", "1-800-FLOWERS", "1234567 ext", "12 ext. 345678"),
    ],
)
def test_what_is_no_number_is_no_phone(text: str) -> None:
    assert code_of(Phone, text) == "bad_phone"


@given(st.data(), st.from_regex(r"\A\+?[0-9]{3,15}\Z"), st.sampled_from(["", " ext. 7", " x12", "#3"]))
def test_marks_blanks_and_dashes_between_the_digits_change_no_number(
    data: st.DataObject, number: str, extension: str
) -> None:
    unseen = st.text(alphabet=UNSEEN + BLANKS, max_size=2)
    noise = st.text(alphabet=UNSEEN + BLANKS + DASHES, max_size=1)
    spelled = "".join(data.draw(noise) + character for character in number) + extension + data.draw(unseen)
    if len(spelled) > 64:
        return
    kept = taken(Phone, spelled)
    assert phone_digits(kept) == phone_digits(number)
    assert e164(kept, "DK") == e164(number, "DK")
    assert not set(kept) & set(UNSEEN)
    assert kept == kept.strip()
    assert taken(Phone, kept) == kept


@given(st.text(max_size=70))
def test_every_text_is_a_phone_or_a_fault(text: str) -> None:
    try:
        assert 3 <= len(phone_digits(taken(Phone, text))) + 2 <= 17
    except ValidationError:
        return


@pytest.mark.parametrize(
    ("phone", "country", "international"),
    [
        ("+45 12 34 56 78", None, "+4512345678"),
        ("0045 12345678", None, "+4512345678"),
        ("12 34 56 78", "DK", "+4512345678"),
        ("12345678 ext. 5", "DK", "+4512345678"),
        ("+44 (0)20 7946 0018", "DK", "+442079460018"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("(202) 555-0100", "US", "+12025550100"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06 12345678", "IT", "+390612345678"),
        ("12 34 56 78", None, None),  # no country says whose it is
        ("112", "DK", None),
        ("555 0100", "US", None),  # without its area
        ("+999 123 456", None, None),
        ("+1 555 0100", None, None),
    ],
)
def test_a_phone_is_read_as_e164_where_that_is_possible(phone: str, country: str | None, international: str) -> None:
    assert e164(taken(Phone, phone), country) == international


@given(st.text(alphabet="+0123456789 ().-#x", min_size=1, max_size=30), st.sampled_from([None, "DK", "US", "IT", "AR"]))
def test_what_is_read_as_e164_reads_as_itself(text: str, country: str | None) -> None:
    international = e164(text, country)
    if international is not None:
        assert e164(international, None) == international


@pytest.mark.parametrize(
    "text",
    [
        " alice@example.com",
        "alice@example.com\u00a0",
        "alice@example.com\u200b",
        "\u202aalice\u2060@example.com\u202c\n",
    ],
)
def test_an_email_loses_its_outer_blanks_and_what_cannot_be_seen(text: str) -> None:
    assert taken(Email, text) == "alice@example.com"


@pytest.mark.parametrize("text", ["alice", "@", "a@", "a@b@c", "alice example@x.org", "a\x00@b.c", " ", "a\n@b.c"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert code_of(Email, text) == "bad_email"


@pytest.mark.parametrize("blank", ["", " ", "\u00a0\t", "\u200b", None])
def test_an_empty_field_of_a_form_is_left_out(blank: str | None) -> None:
    customer = Customer.model_validate({"name": "Alice", "phone": blank, "email": blank})
    assert customer.record("DK") == {"name": "Alice"}


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u00a0\u2060", "\t\n"])
def test_blanks_are_no_name(name: str) -> None:
    with pytest.raises(ValidationError):
        Customer.model_validate({"name": name})


def test_a_record_of_a_customer_may_be_sent_back() -> None:
    kept = Customer.model_validate({"name": "Alice", "phone": "12 34 56 78"}).record("DK")
    assert kept == {"name": "Alice", "phone": "12 34 56 78", "phone_e164": "+4512345678"}
    assert Customer.model_validate(kept).record("DK") == kept
    assert "phone_e164" not in Customer.model_validate({**kept, "phone": None}).record("DK")


def test_a_country_is_two_letters_of_a_country_that_has_telephones() -> None:
    assert taken(Country, "dk") == "DK"
    for wrong in ("XX", "Denmark", "D", "45", ""):
        assert code_of(Country, wrong) in ("bad_country", "too_long")
