"""A stream goes on where it was over restarts of worker and server, and its client loads anew where Redis lost data."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from scripts.client.live import Event
from scripts.dev_server.child import wait_until
from tests.system.live.listening import Listener, Listening


def refs(events: list[Event]) -> list[str]:
    """Of the holds among them."""
    return [event.data["ref"] for event in events if event.kind == "hold"]


def rest_of(stream: Listener) -> list[Event]:
    """What a stream still brings until it ends or breaks."""
    found = []
    try:
        while True:
            found.append(stream.next())
    except (StopIteration, OSError, ValueError):
        return found


@pytest.mark.parametrize("how", ["killed", "ended", "its worker killed"])
def test_no_event_is_lost_or_doubled_when_the_server_starts_again(lonely: Listening, how: str) -> None:
    stream = lonely.listen()
    made = [lonely.hold().ref]
    seen = stream.until("hold")
    if how == "killed":
        lonely.server.child.kill()
    elif how == "ended":
        lonely.server.child.ask_to_stop()
    else:
        assert wait_until(lambda: len(workers(lonely)) == 1, seconds=20)  # a new process looks like its parent at first
        os.kill(workers(lonely)[0], signal.SIGKILL)
    made.append(lonely.hold().ref)
    seen += rest_of(stream)
    assert (seen[-1].kind == "bye") == (how == "ended")
    if how != "its worker killed":
        lonely.server.child.stop()
        lonely.server.start()
    last = next(event.id for event in reversed(seen) if event.id)
    assert wait_until(lonely.server.is_healthy, seconds=30)
    made.append(lonely.hold().ref)
    again = lonely.listen(after=last)
    while len(refs(seen)) < 3:
        seen.append(again.next())
    assert refs(seen) == made
    assert "reset" not in [event.kind for event in seen]


def workers(live: Listening) -> list[int]:
    """The processes of gunicorn that serve."""
    master = live.server.child.pid
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return [int(pid) for pid in children if "metrics_port" not in Path(f"/proc/{pid}/cmdline").read_text()]


@pytest.mark.parametrize("how", ["emptied", "killed and empty", "killed"])
def test_a_client_loads_anew_where_redis_lost_data_and_only_there(lonely: Listening, how: str) -> None:
    stream = lonely.listen()
    lonely.hold()
    stream.until("hold")
    redis = lonely.installation.redis
    if how == "emptied":
        lonely.world.services.redis.flushall()
    else:
        if how == "killed and empty":
            lonely.world.services.redis.flushall()
        redis.restart()
    if how != "killed":
        assert stream.next().kind == "reset"
    assert wait_until(lambda: bool(lonely.world.services.redis.ping()), seconds=30)
    lonely.world.services.redis.set(lonely.world.names.epoch, "an epoch")
    held = lonely.hold()
    assert stream.next().data.get("ref") == held.ref
