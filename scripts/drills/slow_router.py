"""Delays and loses packets: the kernel hands them to this process through a TUN device, and gets them back later.

Linux' own netem would do the same, but not every kernel has it.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import struct
import threading
import time
from contextlib import suppress
from itertools import count

DEVICE = "slow0"
TUN_SET_INTERFACE, TUN_WITHOUT_HEADER = 0x400454CA, 0x1001
PACKET_BYTES = 65_536


class SlowRouter:
    """A device into which slow packets are routed. seconds: for each packet; loses_each: one in so many, by chance."""

    def __init__(self, seed: int) -> None:
        self.seconds, self.loses_each = 0.0, 0
        self._chance = random.Random(seed)
        self._device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self._device, TUN_SET_INTERFACE, struct.pack("16sH22x", DEVICE.encode(), TUN_WITHOUT_HEADER))
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._route, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and removes the device."""
        self._closed.set()
        self._thread.join()
        os.close(self._device)

    def _route(self) -> None:
        under_way: list[tuple[float, int, bytes]] = []
        numbers = count()
        while not self._closed.is_set():
            wait = min(0.1, max(0.0, under_way[0][0] - time.monotonic())) if under_way else 0.1
            if select.select([self._device], [], [], wait)[0]:
                with suppress(OSError):
                    packet = os.read(self._device, PACKET_BYTES)
                    if not (self.loses_each and self._chance.randrange(self.loses_each) == 0):
                        heapq.heappush(under_way, (time.monotonic() + self.seconds, next(numbers), packet))
            while under_way and under_way[0][0] <= time.monotonic():
                with suppress(OSError):
                    os.write(self._device, heapq.heappop(under_way)[2])
