"""How what services return looks as JSON: plain dicts with times as `2026-12-05T10:00:00Z`, made from reply models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Response
from pydantic import BaseModel
from pydantic_core import to_json

from api.http.endpoint import Endpoint, Json, Reply
from api.server.live import LiveBody
from models.shapes import ReplyShape

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class FinalResponse(Response):
    """A response that is sent as it was made.

    Werkzeug copies the headers of every reply, looks for relative addresses to complete in them, and wraps the body: a
    tenth of our time on a hold. Ours are whole when they are made.
    """

    def __init__(self, body: bytes, status: int, headers: list[tuple[str, str]], content_type: str = "") -> None:
        super().__init__(body, status, headers, content_type=content_type)
        if status in (204, 304):
            for name in ("Content-Type", "Content-Length"):
                del self.headers[name]
        else:
            self.headers["Content-Length"] = str(len(body))

    def get_wsgi_response(self, environ: WSGIEnvironment) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        body = () if environ["REQUEST_METHOD"] == "HEAD" else self.iter_encoded()
        return body, self.status, self.headers.to_wsgi_list()


class LiveResponse(Response):
    """A stream: its body is sent as it comes, so nothing of it is kept here."""

    def __init__(self, body: LiveBody, headers: list[tuple[str, str]], content_type: str) -> None:
        super().__init__(None, 200, headers, content_type=content_type)
        del self.headers["Content-Length"]
        self._body = body

    def get_wsgi_response(self, environ: WSGIEnvironment) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        if environ["REQUEST_METHOD"] != "HEAD":
            return self._body, self.status, self.headers.to_wsgi_list()
        self._body.close()
        return (), self.status, self.headers.to_wsgi_list()


class Replies:
    """Makes the responses of one endpoint, and shows each model as the reply model that the endpoint names."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._shapes = {status: ReplyShape(model) for status, model in endpoint.replies.items() if model is not None}
        self._location = endpoint.location
        self._etag = endpoint.etag
        self._content_type = endpoint.content_type

    def body(self, reply: Reply) -> Json | bytes:
        """The JSON of a reply, or its bytes."""
        if not isinstance(reply.body, BaseModel):
            return reply.body or b""
        return self._shapes[reply.status].of(reply.body)

    def response(self, reply: Reply) -> Response:
        headers = [("Cache-Control", reply.cache), *reply.headers]
        if reply.live is not None:
            return LiveResponse(reply.live, headers, self._content_type)
        body = self.body(reply)
        if isinstance(body, dict):
            if self._location is not None:
                headers.append(("Location", self._location.format_map(body)))
            if self._etag and "version" in body:
                headers.append(("ETag", f'"{body["version"]}"'))
            if reply.replayed:
                headers.append(("Idempotency-Replayed", "true"))
            body = to_json(body)
        return FinalResponse(body, reply.status, headers, self._content_type)
