"""What messages are about, and all of them in all languages as one text. `python -m tests.messages.matters` writes the
golden files anew; read their difference before you keep it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from models.catalogue import Policy, Property
from models.messages import MessageChannel, MessageKind
from services.ids import ManageTokens
from services.messages.languages import KINDS, LANGUAGES, language
from services.messages.letters import Letter, Letters, Matter
from services.messages.templates import Templates
from services.texting.gsm7 import segments
from tests.messages.lives import ALICE, MADE, START, cancelled, made

GOLDEN = Path(__file__).parent / "golden"
SITE = Property(
    id="prop-1", name="Æblehuset – nr. 3", address="Ægisgata 5, 101 Reykjavík", timezone="Europe/Copenhagen"
)
POLICY = Policy(display_name="Harbour & Vale", phone="+354 555 0100")
SECRET = "a secret that is only good for tests, 32+"


def letters(folder: Path | None = None, public_url: str | None = "https://visits.example.com") -> Letters:
    return Letters(Templates(folder), ManageTokens(SECRET), public_url, "visits@example.com")


def matter(kind: MessageKind = "confirmation", code: str = "en", **changed: Any) -> Matter:
    booking = cancelled(made()) if kind == "cancelled" else made()
    made_of = Matter(
        org="demo",
        kind=kind,
        customer={**ALICE, "name": "Jón Þór <b>"},
        site=SITE,
        start=START,
        service="Boiler check",
        policy=POLICY,
        language=language(code),
        booking=None if kind == "waitlist_offer" else booking,
        before=START - timedelta(days=1) if kind == "moved" else None,
        until=MADE + timedelta(hours=30) if kind in ("waitlist_offer", "reservation_deadline") else None,
    )
    return replace(made_of, **changed)


def written(made_of: Matter, channel: MessageChannel = "sms", folder: Path | None = None) -> Letter:
    return letters(folder).write(made_of, channel)


def everything(code: str) -> str:
    """All messages in a language: the text with its segments, then the e-mail."""
    found = []
    for kind in KINDS:
        for more in (0, 3) if kind in ("confirmation", "moved", "cancelled") else (0,):
            about = matter(kind, code, more=more)
            text, mail = written(about), written(about, "email")
            head = f"== {kind}" + (f", {more} more" if more else "")
            found.append(f"{head}\n{text.text}\n[{segments(text.text)}]\n-- {mail.subject}\n{mail.kept}\n")
    return "\n".join(found)


if __name__ == "__main__":
    for each in LANGUAGES:
        (GOLDEN / f"{each}.txt").write_text(everything(each), encoding="utf-8")
