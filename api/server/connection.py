"""One client's connection: its requests one after another, each within its deadlines."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog
from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.util import close_graceful

from api.http.addresses import normal_address
from api.server.limits import LARGER_BODY
from api.server.live import LiveBody, Sink, is_live
from api.server.porch import CAME, UNMETERED, Porch
from api.server.refusals import overloaded, refusal_of
from api.server.response import SEND_SECONDS, PlainResponse
from api.server.strangers import KNOWN_KEY
from api.server.wire import PlainRequest, Wire

if TYPE_CHECKING:
    from api.server.worker import Worker

LINGER_SECONDS = 1.0
"""So long a closed connection takes what the client is still sending: otherwise the client may lose our reply."""
SURPLUS_SECONDS = 2.0
"""So long a connection above the bound on strangers may take to show a known key: clients that open many connections at
one moment are ordinary, clients that then say nothing are not."""
TOO_MANY = "too_many_connections"

log = structlog.get_logger("holdfast")


class Connection:
    """Serves a client from accept to close. peer: as accept() gives it, (address, port) or text of a unix socket."""

    def __init__(self, worker: Worker, server: Any, sock: Any, peer: Any) -> None:
        self._worker = worker
        self._server = server
        self._sock = sock
        self._peer = peer
        self._wire = Wire(sock, worker.waiting)
        self._requests = 0
        self._address = normal_address(peer[0]) if isinstance(peer, tuple) else ""
        self._is_counted = False
        self._is_surplus = False
        self._was_turned_away = False
        self._inside: Porch | None = None

    def serve(self) -> None:
        """Answers requests until either side closes."""
        try:
            if self._enter():
                self._serve_all()
                close_graceful(self._sock, LINGER_SECONDS)
        except OSError:  # the client went away, or left a reply unread
            return
        finally:
            self._sock.close()
            self._leave()

    def _serve_all(self) -> None:
        try:
            while self._serve_one():
                pass
        finally:
            if self._is_surplus and not self._was_turned_away:
                self._worker.strangers.distrust(self._address)
                self._worker.refused.labels(TOO_MANY).inc()

    def _enter(self) -> bool:
        """Counts the connection as a stranger's. False where it should close at once."""
        worker = self._worker
        if not isinstance(self._peer, tuple):  # a unix socket: its folder says who may connect
            return True
        if worker.strangers.enter(self._address):
            self._is_counted = True
            return True
        if worker.has_room and worker.strangers.trusts(self._address):
            self._is_surplus = True
            return True
        worker.refused.labels(TOO_MANY).inc()
        return False

    def _leave(self) -> None:
        """The connection no longer counts as one without a known key."""
        self._is_surplus = False
        if self._is_counted:
            self._worker.strangers.leave(self._address)
            self._is_counted = False

    def _serve_one(self) -> bool:
        """Answers one request. False when the connection should close."""
        request = self._next()
        if request is None:
            return False
        came, porch = monotonic(), self._worker.porch
        if porch is None or request.path in UNMETERED:
            return self._answer(request, came)
        if not porch.take(came):
            return self._turn_away(request)
        self._inside = porch
        request.body.reader.before_waiting = self._leave_app
        try:
            return self._answer(request, came)
        finally:
            self._leave_app()

    def _next(self) -> PlainRequest | None:
        """The next request; None where none comes, or where it was refused."""
        worker, limits = self._worker, self._worker.limits
        patience = worker.cfg.keepalive if self._requests else limits.header_seconds
        self._wire.allow(SURPLUS_SECONDS if self._is_surplus else patience, worker.longest_head)
        if not self._wire.await_request():
            return None
        if self._requests:
            self._wire.allow(limits.header_seconds, worker.longest_head)
        self._requests += 1
        try:
            self._wire.gather_head()
            return PlainRequest(worker.cfg, self._wire, self._peer, self._requests, limits)
        except NoMoreData:
            return None
        except (ParseException, TimeoutError) as error:
            self._refuse(error)
            return None

    def _leave_app(self) -> None:
        """The request no longer is inside: its reply is made, or it waits for its body. (Such a one may get in again
        without the porch; it has waited already.)"""
        porch, self._inside = self._inside, None
        if porch is not None:
            porch.give_back()

    def _turn_away(self, request: PlainRequest) -> bool:
        """Answers a request that got no turn. False when the connection should close."""
        self._was_turned_away = True  # so its key was not looked at
        self._worker.refused.labels("overloaded").inc()
        closes = request.should_close()
        self._sock.settimeout(SEND_SECONDS)
        self._sock.sendall(overloaded(closes=closes))
        if closes:
            return False
        request.body.read()
        return True

    def _answer(self, request: PlainRequest, came: float) -> bool:
        """Lets the app answer. False when the connection should close."""
        cfg = self._worker.cfg
        response, environ = wsgi.create(
            request, self._sock, self._peer, self._server, cfg, response_class=PlainResponse
        )
        environ["wsgi.multithread"] = True
        environ[KNOWN_KEY] = self._leave
        environ[LARGER_BODY] = request.body.reader.take_more
        environ[CAME] = came
        if self._worker.ends_after_this():
            response.force_close()
        try:
            chunks = self._worker.wsgi(environ, response.start_response)
            self._leave_app()
            if self._is_surplus or is_live(chunks):
                response.force_close()
            self._send(response, chunks)
        except OSError:
            raise
        except Exception as error:
            log.exception("unexpected_error", exc_info=error)
            if not response.headers_sent:
                self._refuse(error)
            return False
        if response.must_close:
            return False
        request.body.read()  # it has arrived: the next request begins behind it
        return True

    def _send(self, response: PlainResponse, chunks: Iterable[bytes]) -> None:
        try:
            for chunk in chunks:
                response.write(chunk)
            if not is_live(chunks) or self._follow(response, chunks):  # type: ignore[arg-type]  # it looked
                response.close()
        finally:
            if hasattr(chunks, "close"):
                chunks.close()

    def _follow(self, response: PlainResponse, body: LiveBody) -> bool:
        """Lets a live body send, until it ends. Whether the client has got all of it that was begun."""
        sink = Sink(self._sock, chunked=response.chunked)
        self._worker.live.add(body)
        try:
            body.attach(sink)
            sink.await_end()
        finally:
            self._worker.live.discard(body)
        return not body.is_waiting

    def _refuse(self, error: Exception) -> None:
        refusal = refusal_of(error)
        self._worker.refused.labels(refusal.kind).inc()
        log.warning(
            "request_not_served",
            kind=refusal.kind,
            status=refusal.status,
            code=refusal.code,
            request_id=refusal.request_id,
        )
        self._sock.settimeout(SEND_SECONDS)
        self._sock.sendall(refusal.reply)
