"""Makes files of any size for measurements of an import.

    python -m scripts.sheets.sample DIR --bookings 1000000      a file of each kind in DIR

Each of 500 technicians has a property, one of ten areas, a skill, and eight visits of an hour on each day. The last day
lies some days ahead.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

PAIRS = 500
AREAS = 10
SERVICES = ("heating", "plumbing", "locks", "electricity", "painting")
HOURS = (8, 9, 10, 11, 13, 14, 15, 16)
DAYS_AHEAD = 12
PRIORITIES = ("low", "medium", "high", "emergency")

HEADER = (
    *("reference", "property_id", "technician_id", "start", "duration_minutes", "customer_name", "customer_phone"),
    *("customer_email", "description", "priority"),
)


def bookings(count: int, today: datetime) -> Iterator[tuple[str, ...]]:
    """`count` rows, the latest first. today: midnight, aware UTC."""
    for number in range(count):
        turn, pair = divmod(number, PAIRS)
        back, slot = divmod(turn, len(HOURS))
        start = today + timedelta(days=DAYS_AHEAD - back, hours=HOURS[slot])
        yield (
            *(f"order-{number}", f"sample-{pair}", f"sample-{pair}", f"{start:%Y-%m-%dT%H:%M:%SZ}", "60"),
            *(f"Customer {number}", f"+45 {number % 10**8:08}", f"customer{number}@example.com"),
            *("Boiler, leaks; key at the neighbour's", PRIORITIES[number % 4]),
        )


def write(folder: Path, count: int, today: datetime) -> None:
    """Writes the four files, with `count` bookings."""
    folder.mkdir(parents=True, exist_ok=True)
    properties = ((f"sample-{each}", f"House {each}", f"area-{each % AREAS}") for each in range(PAIRS))
    _write(folder / "properties.csv", ("id", "name", "area"), properties)
    technicians = (
        (f"sample-{each}", f"Tech {each}", f'["area-{each % AREAS}"]', f'["{SERVICES[each % len(SERVICES)]}"]')
        for each in range(PAIRS)
    )
    _write(folder / "technicians.csv", ("id", "name", "areas", "skills"), technicians)
    services = ((each, each.capitalize(), "60", each, "true") for each in SERVICES)
    _write(folder / "services.csv", ("id", "name", "duration_minutes", "skill", "public"), services)
    _write(folder / "bookings.csv", HEADER, bookings(count, today))


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="sample", description="Make CSV files for measurements of an import.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--bookings", type=int, default=100_000, metavar="N", help="bookings to make (%(default)s)")
    options = parser.parse_args(arguments)
    write(options.folder, options.bookings, datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
