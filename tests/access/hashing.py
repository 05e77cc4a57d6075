"""A program of its own, under gevent as a worker is: does a greenlet go on while a password is hashed?

    python -m gevent.monkey --module tests.access.hashing

It prints "beside" where it does, and then, for the control, "within" where hashing in the same thread keeps it waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

import gevent

from services.access.passwords import NOBODYS, Passwords


def steps_during(work: Callable[[], object]) -> int:
    """How often another greenlet had its turn while the work went on."""
    steps, done = 0, False

    def count() -> None:
        nonlocal steps
        while not done:
            steps += 1
            gevent.sleep(0)

    other = gevent.spawn(count)
    gevent.sleep(0)
    before = steps
    work()
    during, done = steps - before, True
    other.join()
    return during


def main() -> None:
    passwords = Passwords()

    def check() -> bool:
        return passwords.fits("a wrong password", NOBODYS)

    print("beside" if steps_during(check) > 0 else "waited")
    with patch("services.access.passwords.monkey.is_module_patched", lambda _name: False):
        print("within" if steps_during(check) == 0 else "went on")


if __name__ == "__main__":
    main()
