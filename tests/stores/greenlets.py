"""A program of its own, under gevent as a worker is: greenlets that are killed while they share the lane.

    python -m gevent.monkey --module tests.stores.greenlets

It prints "whole".
"""

from __future__ import annotations

import sys

import gevent
from gevent.event import Event

from tests.stores.stand_in import PATIENCE, echo, lane_to, stand_in


def main() -> None:
    opened, heard = Event(), Event()

    def answer(words: list[str]) -> bytes:
        if words[-1] == "leader":
            heard.set()
            opened.wait(PATIENCE)
        return echo(words)

    with stand_in(answer) as server:
        lane = lane_to(server.url)
        leader = gevent.spawn(lane.call, "ECHO", "leader")
        assert heard.wait(PATIENCE)
        others = [gevent.spawn(lane.call, "ECHO", str(number)) for number in range(6)]
        gevent.idle()
        others[2].kill()  # one that waits
        leader.kill(block=False)
        others[5].kill(block=False)  # the youngest: it is to lead next, and is killed in the same moment
        gevent.joinall(others, PATIENCE)
        assert [others[number].value for number in (0, 1, 3, 4)] == ["0", "1", "3", "4"]
        opened.set()

        # A killed leader's whole write: the others of it are sent once more.
        opened.clear()
        heard.clear()
        ahead = gevent.spawn(lane.call, "ECHO", "leader")
        assert heard.wait(PATIENCE)
        batch = [gevent.spawn(lane.call, "ECHO", word) for word in ("a", "leader", "b", "c")]
        gevent.idle()
        heard.clear()
        opened.set()
        assert ahead.get(timeout=PATIENCE) == "leader"
        opened.clear()
        assert heard.wait(PATIENCE)
        batch[3].kill()  # the youngest reads the replies
        opened.set()
        assert [each.get(timeout=PATIENCE) for each in batch[:3]] == ["a", "leader", "b"]
        assert lane.call("ECHO", "next") == "next"
    sys.stdout.write("whole")


if __name__ == "__main__":
    main()
