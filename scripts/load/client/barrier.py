"""Several processes, each with a share of the people, released at one moment on the machine's common clock."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from ctypes import c_longlong
from multiprocessing.connection import Connection, wait
from typing import Any

from scripts.load.client.crowd import Crowd
from scripts.load.client.steps import Exchange
from scripts.load.client.target import Unreachable
from scripts.load.players.clients import Person
from scripts.load.players.plays import perform

OPEN_SECONDS = 15.0
LEAD_SECONDS = 0.25
"""From the last process's report to the release: enough for each to be spinning by then."""

fork = multiprocessing.get_context("fork")


class Outcome:
    """What a released crowd saw. open_before: connections that were open at the release."""

    def __init__(self, exchanges: list[Exchange], open_before: int, seconds: float) -> None:
        self.exchanges = sorted(exchanges, key=lambda exchange: exchange.received)
        self.open_before = open_before
        self.seconds = seconds


def _work(
    address: tuple[str, int], people: Sequence[Person], pipe: Connection, ended: c_longlong, reply_seconds: float
) -> None:
    """Body of one process: open, report, wait for the moment, play, send back what was seen."""

    def done() -> None:
        ended.value += 1  # only this process writes it

    with contextlib.suppress(BrokenPipeError, EOFError, KeyboardInterrupt):
        crowd = Crowd(address, [perform(person) for person in people], reply_seconds=reply_seconds, done=done)
        pipe.send(crowd.open(OPEN_SECONDS))
        release: float = pipe.recv()
        gc.disable()  # a collection in the first milliseconds would stagger the release
        pipe.send(crowd.run(release))


def _allow_sockets(count: int) -> None:
    """Raises this process's limit of open files as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        ceiling = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))
        if ceiling < count:
            raise Unreachable(
                f"{count} open files are needed and {ceiling} are allowed: raise `ulimit -n`, or use more --processes."
            )


def release(
    address: tuple[str, int],
    people: Sequence[Person],
    *,
    processes: int,
    progress: Callable[[int], None] = lambda _: None,
    reply_seconds: float = 60,
    not_before: float = 0.0,
) -> Outcome:
    """Deals the people out to processes, lets them all go at one moment, and gathers what they saw.

    progress: called a few times a second with how many plays have ended; not_before: a moment of the monotonic clock.
    """
    processes = max(1, min(processes, len(people)))
    _allow_sockets(len(people) // processes + 100)
    pipes: list[Connection] = []
    counters: list[c_longlong] = []
    workers: list[Any] = []
    try:
        for number in range(processes):
            mine, theirs = fork.Pipe()
            counter = fork.Value("q", 0, lock=False)
            arguments = (address, people[number::processes], theirs, counter, reply_seconds)
            worker = fork.Process(target=_work, args=arguments, daemon=True)
            worker.start()
            theirs.close()
            pipes.append(mine)
            counters.append(counter)
            workers.append(worker)
        return _conduct(pipes, counters, progress, not_before)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _receive(pipe: Connection) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        raise Unreachable("A load process died; its error is above.") from None


def _conduct(
    pipes: list[Connection], counters: list[c_longlong], progress: Callable[[int], None], not_before: float
) -> Outcome:
    open_before = sum(_receive(pipe) for pipe in pipes)
    moment = max(time.monotonic() + LEAD_SECONDS, not_before)
    for pipe in pipes:
        pipe.send(moment)
    exchanges: list[Exchange] = []
    waiting = list(pipes)
    while waiting:
        for ready in wait(waiting, timeout=0.1):
            pipe = pipes[pipes.index(ready)]  # type: ignore[arg-type]
            exchanges += _receive(pipe)
            waiting.remove(pipe)
        progress(sum(counter.value for counter in counters))
    seconds = max((exchange.received for exchange in exchanges), default=moment) - moment
    return Outcome(exchanges, open_before, seconds)
