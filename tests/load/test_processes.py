"""What a bench run reads from /proc: processor time, and which worker serves which connection."""

from __future__ import annotations

import multiprocessing
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from scripts.dev_server.child import wait_until
from scripts.load.bench.processes import cpu_ms, even_out, spread, worker_of
from scripts.load.client.pump import Pump

fork = multiprocessing.get_context("fork")


def _accept(listener: socket.socket) -> None:
    kept = []
    while True:
        kept.append(listener.accept()[0])


@contextmanager
def workers(number: int) -> Iterator[tuple[tuple[str, int], list[int]]]:
    """So many children of this process that accept from one queue and never answer; yields address and pids."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as listener:
        children = [fork.Process(target=_accept, args=(listener,), daemon=True) for _ in range(number)]
        for child in children:
            child.start()
        try:
            yield listener.getsockname(), [child.pid or 0 for child in children]
        finally:
            for child in children:
                child.kill()
                child.join()


def test_processor_time_counts_what_a_process_used() -> None:
    me = {"me": os.getpid()}
    before, began = cpu_ms(me)["me"], time.process_time()
    assert wait_until(lambda: time.process_time() - began > 0.1, seconds=30, every=0)
    assert cpu_ms(me)["me"] - before >= 60
    assert cpu_ms({"gone": 2**22 + 1}) == {"gone": 0}


def test_every_connection_has_the_worker_that_accepted_it() -> None:
    with workers(1) as ((host, port), [pid]), Pump((host, port), 3) as pump:
        pump.open()
        assert wait_until(lambda: worker_of(port, os.getpid()) == dict.fromkeys(pump.ports, pid), seconds=30)


def test_connections_are_opened_anew_until_each_worker_has_its_share() -> None:
    with workers(2) as ((host, port), _), Pump((host, port), 6) as pump:
        even_out(pump, os.getpid(), 2)
        assert spread(port, os.getpid()) == [3, 3]
        assert len(pump.ports) == 6
