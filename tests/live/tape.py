"""A client of the live feed that takes all at once."""

from __future__ import annotations


class Tape:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.text = b""
        self.hung_up = False

    def frame(self, piece: bytes) -> bytes:
        return piece

    def write(self, data: bytes) -> int:
        self.text += data
        return len(data)

    def hang_up(self) -> None:
        self.hung_up = True
