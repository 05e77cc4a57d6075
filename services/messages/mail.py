"""An e-mail as it leaves: plain text, page and entry for a calendar. Pure."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from services.messages.letters import Letter

CALENDAR_FILE = "visit.ics"


def mail_of(letter: Letter, *, to: str, sender: str, message_id: str, at: datetime) -> EmailMessage:
    """The e-mail of a letter. message_id: of the message; a repeat of it has the same Message-ID.

    No header can be injected: values are put in by the library, which refuses line breaks, and addresses are parsed.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(display_name=" ".join(letter.sender_name.split()), addr_spec=sender)
    mail["To"] = Address(addr_spec=to)
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    calendar = letter.calendar
    if calendar is not None:
        content = calendar.content.decode()
        mail.add_alternative(content, subtype="calendar", params={"method": calendar.method})
        mail.add_attachment(calendar.content, maintype="application", subtype="ics", filename=CALENDAR_FILE)
    return mail
