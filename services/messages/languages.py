"""The languages of messages: a file each, with the words of every kind of message and the names of days and months."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from string import Template
from typing import Final, get_args
from zoneinfo import ZoneInfo

from models.messages import MessageKind, OwnLanguage

TEXTS: Final = files("services.messages") / "texts"
LANGUAGES: Final[tuple[str, ...]] = get_args(OwnLanguage)
KINDS: Final[tuple[MessageKind, ...]] = get_args(MessageKind)


@dataclass(frozen=True, slots=True)
class KindWords:
    """What a kind of message says: the sentences of a text, the subject and the paragraphs of an e-mail."""

    subject: str
    sms: tuple[str, ...]
    mail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Language:
    """One language. when: the form of a day and time. event: the title of a visit in a calendar."""

    code: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    when: str
    event: str
    kinds: dict[MessageKind, KindWords]

    def moment(self, moment: datetime, zone: str, *, with_year: bool = False) -> str:
        """A time as people say it: weekday, date and time by the clock of a zone. In the hour that clocks repeat it
        names the offset too, because both would read the same."""
        local = moment.astimezone(ZoneInfo(zone))
        month = self.months[local.month - 1]
        said = Template(self.when).substitute(
            weekday=self.weekdays[local.weekday()],
            day=local.day,
            month=f"{month} {local.year}" if with_year else month,
            hour=f"{local:%H}",
            minute=f"{local:%M}",
        )
        return f"{said} ({_offset(local)})" if _is_repeated(local) else said


@cache
def language(code: str) -> Language:
    """The language of this code, one of LANGUAGES."""
    read = tomllib.loads((TEXTS / f"{code}.toml").read_text(encoding="utf-8"))
    kinds = {
        kind: KindWords(read[kind]["subject"], tuple(read[kind]["sms"]), tuple(read[kind]["mail"])) for kind in KINDS
    }
    return Language(code, tuple(read["weekdays"]), tuple(read["months"]), read["when"], read["event"], kinds)


@cache
def mail_layout() -> str:
    """The HTML around the paragraphs of an e-mail."""
    return (TEXTS / "mail.html").read_text(encoding="utf-8")


def _is_repeated(local: datetime) -> bool:
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return first < second


def _offset(local: datetime) -> str:
    return f"UTC{local:%z}"[:6] + ":" + f"{local:%z}"[3:5]
