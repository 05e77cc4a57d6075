"""Cuts a list of choices so that no call of a script looks at too many claim keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from models.slot import Choice, Wish

MOST_KEYS = 2000
"""Claim keys that one script call looks at: a few milliseconds of Redis at the most."""


def batches_of(wish: Wish, choices: list[Choice]) -> Iterator[list[Choice]]:
    """The choices of a wish in order, in batches of at most MOST_KEYS claim keys. One visit has no more.

    The script looks at all ticks of a resource from the first that the batch needs to the last. A choice with more
    technicians than fit is cut.
    """
    batch: list[Choice] = []
    extents = _Extents(wish)
    for choice in _fitting(wish, choices):
        keys = extents.with_one(choice)
        if batch and keys > MOST_KEYS:
            yield batch
            batch, extents = [], _Extents(wish)
            extents.with_one(choice)
        batch.append(choice)
    yield batch


def _fitting(wish: Wish, choices: Iterable[Choice]) -> Iterator[Choice]:
    """The choices, each of them cut into as many as are needed so that each fits into a batch."""
    alone = wish.before + wish.length + wish.after
    most = max(wish.needed, (MOST_KEYS - len(wish.site) * wish.length) // alone)
    for choice in choices:
        who = choice.technician_ids
        for at in range(0, len(who), most):
            # The last ones are too few without some of those before them.
            yield Choice(choice.start, who[min(at, len(who) - wish.needed) : at + most])


class _Extents:
    """The ticks of each resource that some choices need, from the first to the last."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._of: dict[str, tuple[int, int]] = {}
        self._keys = 0

    def with_one(self, choice: Choice) -> int:
        """The number of keys with one more choice."""
        start, (leaves, returns) = choice.start, self._wish.travel(choice.start)
        for resource in self._wish.site:
            self._widen(resource, start, start + self._wish.length)
        for who in choice.technician_ids:
            self._widen(who, leaves, returns)
        return self._keys

    def _widen(self, resource: str, start: int, end: int) -> None:
        first, last = self._of.get(resource, (start, start))
        wide = (min(start, first), max(end, last))
        self._keys += wide[1] - wide[0] - (last - first)
        self._of[resource] = wide
