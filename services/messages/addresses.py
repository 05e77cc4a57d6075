"""Where a message to a customer goes. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

from models.messages import MessageChannel

_SAFE: Final = r"[!#-'*+.\-/-9=?A-Z^-~]+"
"""What stands in a header as it is: printable ASCII without blanks, brackets, quotes and separators."""
_MAILBOX: Final = re.compile(rf"{_SAFE}@{_SAFE}\Z")
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}\Z")


def address_of(customer: dict[str, Any], channel: MessageChannel) -> str | None:
    """The phone as E.164, or the e-mail address, of a customer; None if there is none that can be written to.

    A domain in another alphabet is spelled as the mail system does. A name in one, which few mail servers take, is not
    written to; nor is a quoted one.
    """
    found = customer.get("phone_e164" if channel == "sms" else "email") or ""
    if channel == "sms":
        return found if _E164.match(found) else None
    name, _, domain = found.rpartition("@")
    try:
        spelled = f"{name}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return None
    return spelled if _MAILBOX.match(spelled) else None
