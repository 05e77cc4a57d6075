"""Rules about swaps: two bookings exchange their technicians, both or neither, each as often as it was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import Break, Document, Evidence, grouped

Half = tuple[Document, int, Document]
"""A booking, a version of it that a swap made, and the entry of its history."""


def _halves(evidence: Evidence) -> list[Half]:
    return [
        (booking, version, entry)
        for booking in evidence.bookings
        for version, entry in enumerate(booking.get("history", []), 1)
        if entry["action"] == "swap"
    ]


def _other(entry: Document) -> tuple[str, int]:
    """The id and the version of the other half."""
    other = entry["changes"]["with"]["to"]
    return str(other["booking_id"]), int(other["version"])


def _pair(swap: Exchange) -> frozenset[str]:
    return frozenset({str(swap.asked["booking_id"]), str(swap.asked["with"])})


def _versions(swap: Exchange) -> set[tuple[str, int]]:
    return {(str(each["booking_id"]), int(each["version"])) for each in swap.reply["bookings"]}


def no_swap_is_half(evidence: Evidence) -> Iterator[Break]:
    """Each half of a swap has its other half, and the two exchanged their technicians."""
    halves = {(booking["_id"], version): (booking, entry) for booking, version, entry in _halves(evidence)}
    for (name, version), (booking, entry) in halves.items():
        other, theirs = halves.get(_other(entry), (None, None))
        if other is None or theirs is None or _other(theirs) != (name, version):
            yield f"version {version} of {name} is half a swap", [booking]
            continue
        mine, its = (each["changes"]["technician_id"] for each in (entry, theirs))
        if (mine["from"], mine["to"]) != (its["to"], its["from"]):
            yield f"{name} and {other['_id']} did not exchange their technicians", [booking, other]


def swaps_are_recorded(evidence: Evidence) -> Iterator[Break]:
    """Every 200 to a swap is in both histories, and no two requests made one version."""
    made = {(booking["_id"], version) for booking, version, _ in _halves(evidence)}
    granted = {swap.logical: swap for swap in evidence.of("swap") if swap.ok}
    claimed: dict[tuple[str, int], Exchange] = {}
    for swap in granted.values():
        for version in sorted(_versions(swap)):
            if version not in made:
                yield f"{swap.logical} was answered 200 and is in no history", [swap]
            if version in claimed:
                yield f"{swap.logical} and {claimed[version].logical} made one version", [swap, claimed[version]]
            claimed[version] = swap


def refused_swaps_change_nothing(evidence: Evidence) -> Iterator[Break]:
    """No two bookings swapped more often than that was asked for and not refused."""
    asked = grouped(evidence.of("swap"), lambda swap: swap.logical).values()
    wanted = Counter(_pair(group[0]) for group in asked if any(swap.ok or swap.unknown for swap in group))
    made = Counter(frozenset({str(booking["_id"]), _other(entry)[0]}) for booking, _, entry in _halves(evidence))
    for pair, halves in made.items():
        if halves > 2 * wanted[pair]:
            yield f"{' and '.join(sorted(pair))} swapped {halves // 2} times, {wanted[pair]} asked for that", []


def repeated_swaps_agree(evidence: Evidence) -> Iterator[Break]:
    """Every answer to one swap names the same versions."""
    granted = [swap for swap in evidence.of("swap") if swap.ok]
    for logical, group in grouped(granted, lambda swap: swap.logical).items():
        if any(_versions(swap) != _versions(group[0]) for swap in group):
            yield f"{logical} was answered with several versions", [*group]
