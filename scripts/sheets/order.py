"""One import as it was asked for: what both of its readings need to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scripts.sheets.problems import Problems
from scripts.sheets.progress import Progress
from services.transfer.wiring import Carrying


@dataclass(frozen=True, slots=True)
class Order:
    """now: when bookings are made whose row does not say; update: whether what is in the catalogue may be changed."""

    carrying: Carrying
    org: str
    now: datetime
    update: bool
    problems: Problems
    progress: Progress
