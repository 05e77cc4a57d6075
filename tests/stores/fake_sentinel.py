"""A Sentinel that names one master, whatever it is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer


class _Answer(StreamRequestHandler):
    def handle(self) -> None:
        while self.rfile.readline():
            for _ in range(4):  # two words, each after a line with its length
                self.rfile.readline()
            self.wfile.write(self.server.reply)


class FakeSentinel(ThreadingTCPServer):
    """master: the port that it names. epoch: the number of the failover of which it knows."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, master: int, epoch: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.port = int(self.server_address[1])
        fields = {"name": "mymaster", "ip": "127.0.0.1", "port": master, "flags": "master", "config-epoch": epoch}
        fields["num-other-sentinels"] = 2
        words = [str(word) for pair in fields.items() for word in pair]
        lines = ["*1", f"*{len(words)}", *(line for word in words for line in (f"${len(word)}", word))]
        self.reply = ("\r\n".join(lines) + "\r\n").encode()


@contextmanager
def fake_sentinels(*named: tuple[int, int]) -> Iterator[list[int]]:
    """The ports of Sentinels for the length of a `with` block: one for each pair of a master's port and an epoch."""
    sentinels = [FakeSentinel(*each) for each in named]
    for sentinel in sentinels:
        threading.Thread(target=sentinel.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield [sentinel.port for sentinel in sentinels]
    for sentinel in sentinels:
        sentinel.shutdown()
        sentinel.server_close()
