"""Servers that are away: an address that refuses connections, and one that accepts them and never answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

REFUSING = 9
"""The port of the discard service, which no machine of today runs."""


@contextmanager
def silent_port() -> Iterator[int]:
    """A port on which the kernel accepts connections and nothing answers, as a machine behind a cut link."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        yield listening.getsockname()[1]
