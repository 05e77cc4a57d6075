"""Hashes passwords with argon2id, one at a time in each process, and beside the work of requests.

A hash takes some 20 ms of a processor and 19 MiB, as OWASP advises. In a worker all requests share one thread, so a
hash has a thread of its own.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable
from typing import TypeVar

import gevent
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from gevent import monkey

T = TypeVar("T")

PASSES, MEMORY_KIB, LANES = 2, 19_456, 1
NOBODYS = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"
"""A hash that no known password has. To check against it takes as long as against a person's."""


class Passwords:
    """Makes hashes, and checks passwords against them. Threads and greenlets may share it."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES)
        self._one_at_a_time = threading.Lock()

    def hash(self, password: str) -> str:
        """What is kept of a password."""
        return self._beside(lambda: self._hasher.hash(_normal(password)))

    def fits(self, password: str, kept: str | None) -> bool:
        """Whether this password was kept so. It takes the same time where nothing is kept."""

        def check() -> bool:
            try:
                return self._hasher.verify(kept or NOBODYS, _normal(password))
            except VerifyMismatchError:
                return False

        return self._beside(check)

    def _beside(self, work: Callable[[], T]) -> T:
        with self._one_at_a_time:
            if not monkey.is_module_patched("threading"):  # each request has a thread of its own
                return work()
            done: T = gevent.get_hub().threadpool.apply(work)
            return done


def _normal(password: str) -> bytes:
    """The same bytes for each way in which a keyboard may write the same text."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")
