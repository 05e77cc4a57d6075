"""The provider's signature, held against the provider's own library."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from services.texting.twilio import is_signed, signature

TOKEN = "12345678901234567890123456789012"
URL = "https://visits.example.com/sms/status?message_id=msg_1"
FIELDS = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+4512345678", "Body": "Tak & farvel – ú"}

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = st.text(
    st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), min_size=1, max_size=20
)


@given(st.dictionaries(NAMES, TEXTS, max_size=12), NAMES)
def test_it_equals_that_of_the_provider(fields: dict[str, str], path: str) -> None:
    url = f"https://visits.example.com/{path}"
    ours = signature(TOKEN, url, fields)
    assert ours == RequestValidator(TOKEN).compute_signature(url, fields)
    assert RequestValidator(TOKEN).validate(url, fields, ours)


def test_a_signed_request_is_taken() -> None:
    assert is_signed(TOKEN, URL, FIELDS, RequestValidator(TOKEN).compute_signature(URL, FIELDS))


def test_anything_else_is_not() -> None:
    right = signature(TOKEN, URL, FIELDS)
    assert not is_signed(TOKEN, URL, {**FIELDS, "MessageStatus": "failed"}, right)
    assert not is_signed(TOKEN, URL.replace("visits", "evil"), FIELDS, right)
    assert not is_signed("another token", URL, FIELDS, right)
    for wrong in ("", right[:-1], right.lower(), "é" * 28, "\udcff"):
        assert not is_signed(TOKEN, URL, FIELDS, wrong)
