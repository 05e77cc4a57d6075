"""Time off that a client must not learn of: to that client it looks like bookings of somebody else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from models.slot import TECHNICIAN, Claim
from services.timetable.grid import Span, bits, ones, spans_in


@dataclass(frozen=True, slots=True)
class HiddenTimeOff:
    """masks: by technician's id, the ticks off, from from_tick on. A technician without such ticks is not in it."""

    from_tick: int = 0
    masks: dict[str, int] = field(default_factory=dict)

    def bars(self, technician_id: str, span: Span) -> bool:
        """Whether time off forbids a technician a visit that takes this span with its travel."""
        return bool(self.masks and self._within(technician_id, span))

    def besides(self, claims: Iterable[Claim]) -> HiddenTimeOff:
        """The same without the ticks that a booking claims already, because no other visit could have those."""
        masks = dict(self.masks)
        for resource, tick in claims if masks else ():
            kind, _, name = resource.partition(":")
            if kind == TECHNICIAN and name in masks and tick >= self.from_tick:
                masks[name] &= ~(1 << tick - self.from_tick)
        return HiddenTimeOff(self.from_tick, masks)

    def gaps(self, technician_id: str, span: Span, taken: Iterable[Span]) -> Iterator[Span]:
        """The spans of a technician's time off within a span that lie outside of what is taken."""
        start, end = span
        off = self._within(technician_id, span)
        for other in taken:
            off &= ~bits(start, end, other)
        return spans_in(off, start)

    def _within(self, technician_id: str, span: Span) -> int:
        """The ticks off within a span, as a mask from its first tick on."""
        start, end = span
        return self.masks.get(technician_id, 0) >> start - self.from_tick & ones(end - start)
