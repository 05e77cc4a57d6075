"""An HTTP server that gives the replies of a list, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Scripted(NamedTuple):
    """One reply. Without a status the connection closes."""

    status: int | None
    body: dict[str, Any] | str = ""
    retry_after: str | None = None


@dataclass
class Script:
    """url: of the server. keys: the Idempotency-Key of each request, in their order."""

    replies: list[Scripted]
    url: str = ""
    keys: list[str | None] = field(default_factory=list)


@contextmanager
def scripted(*replies: Scripted) -> Iterator[Script]:
    """A server that runs during a `with` block. The last reply is given for ever."""
    script = Script(list(replies))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            script.keys.append(self.headers["Idempotency-Key"])
            reply = script.replies.pop(0) if len(script.replies) > 1 else script.replies[0]
            if reply.status is None:
                return
            text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            self.send_response(reply.status)
            if reply.retry_after is not None:
                self.send_header("Retry-After", reply.retry_after)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_arguments: Any) -> None:
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
