"""Cuts a list of visits so that no call of a script looks at too many claim keys."""

from __future__ import annotations

from collections.abc import Iterator

from models.slot import Visit

MOST_KEYS = 2000
"""Claim keys that one script call looks at: a few milliseconds of Redis at the most."""


def batches_of(visits: list[Visit]) -> Iterator[list[Visit]]:
    """The visits in order, in batches of at most MOST_KEYS claim keys. One visit has fewer, so none is cut.

    The script looks at all ticks of a resource from the first that the batch needs to the last.
    """
    batch: list[Visit] = []
    extents: dict[str, tuple[int, int]] = {}
    keys = 0
    for visit in visits:
        added, grown = _grown(extents, visit)
        if batch and keys + added > MOST_KEYS:
            yield batch
            batch, extents, keys = [], {}, 0
            added, grown = _grown(extents, visit)
        batch.append(visit)
        extents |= grown
        keys += added
    yield batch


def _grown(extents: dict[str, tuple[int, int]], visit: Visit) -> tuple[int, dict[str, tuple[int, int]]]:
    """How many keys a visit adds to some extents, and the extents that it widens."""
    added, grown = 0, {}
    for resource, start, end in visit.spans():
        first, last = extents.get(resource, (start, start))
        wide = (min(start, first), max(end, last))
        added += wide[1] - wide[0] - (last - first)
        grown[resource] = wide
    return added, grown
