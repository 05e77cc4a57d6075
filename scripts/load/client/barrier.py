"""Several processes, each with a share of the plays, released at one moment on the machine's common clock."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from scripts.load.client.crowd import carry
from scripts.load.client.steps import Exchange, Play
from scripts.load.client.target import Unreachable

UNSHOWN = 25
"""So many connections a process opens without showing their keys: a server bounds those that have shown none."""
LEAD_SECONDS = 0.25  # from the last process's report to the release: enough for each to be in its busy wait by then

fork = multiprocessing.get_context("fork")


@dataclass
class Outcome:
    """What a released crowd saw, by the time of the answers. open_before: connections open at the release."""

    exchanges: list[Exchange]
    open_before: int
    seconds: float


def _work(address: tuple[str, int], plays: Sequence[Play], pipe: Connection) -> None:
    """Body of one process: open, report, wait for the moment, play, send back what was seen."""

    def ready(opened: int) -> float:
        pipe.send(opened)
        moment: float = pipe.recv()
        gc.disable()  # a collection in the first milliseconds would stagger the release
        return moment

    with contextlib.suppress(BrokenPipeError, EOFError, KeyboardInterrupt):
        pipe.send(carry(address, plays, ready, show_keys=len(plays) > UNSHOWN))


def _allow_sockets(count: int) -> None:
    """Raises this process's limit of open files as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = max(soft, count if hard == resource.RLIM_INFINITY else min(count, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < count:
        raise Unreachable(
            f"{count} open files are needed and {allowed} are allowed: raise `ulimit -n`, or use more --processes."
        )


def _receive(pipe: Connection) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        raise Unreachable("A load process died; its error is above.") from None


def release(
    address: tuple[str, int],
    plays: Sequence[Play],
    processes: int,
    *,
    tick: Callable[[], object] = lambda: None,
    not_before: float = 0.0,
) -> Outcome:
    """Deals the plays out to processes, releases them all at one moment, and gathers what they saw.

    tick: called ten times a second meanwhile; not_before: a moment of the monotonic clock. Raises Unreachable.
    """
    processes = max(1, min(processes, len(plays)))
    _allow_sockets(len(plays) // processes + 100)
    pipes: list[Connection] = []
    with contextlib.ExitStack() as stack:
        for number in range(processes):
            mine, theirs = fork.Pipe()
            pipes.append(mine)
            worker = fork.Process(target=_work, args=(address, plays[number::processes], theirs), daemon=True)
            worker.start()
            theirs.close()
            stack.callback(worker.join)
            stack.callback(worker.terminate)
        open_before = sum(_receive(pipe) for pipe in pipes)
        moment = max(time.monotonic() + LEAD_SECONDS, not_before)
        for pipe in pipes:
            pipe.send(moment)
        exchanges: list[Exchange] = []
        while pipes:
            ready = wait(pipes, timeout=0.1)
            for pipe in [each for each in pipes if each in ready]:
                exchanges += _receive(pipe)
                pipes.remove(pipe)
            tick()
    exchanges.sort(key=lambda exchange: exchange.received)
    return Outcome(exchanges, open_before, exchanges[-1].received - moment if exchanges else 0.0)
