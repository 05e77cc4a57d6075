"""Reads request bodies: first the bytes, of which a client sends as many and as slowly as it likes, then their JSON."""

from __future__ import annotations

from json import JSONDecoder
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from api.server.limits import BODY_LIMIT_BYTES, LARGER_BODY
from models.errors import Fault, InvalidRequest, RequestTimeout, TooLarge, UnsupportedMediaType
from models.faults import findings_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

JSON_TYPE = "application/json"
MOST_FIELDS = 200
CUT = Fault("body", "malformed_body", "Send the body again, because it did not arrive whole.")

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_body(environ: WSGIEnvironment, most: int = BODY_LIMIT_BYTES) -> bytes:
    """The request's body, of which no more than `most` bytes are ever read.

    Raises TooLarge, RequestTimeout, and InvalidRequest where the body did not arrive whole.
    """
    length = environ.get("CONTENT_LENGTH")
    if not length and not environ.get("wsgi.input_terminated"):
        return b""
    expected = int(length) if length and length.isdecimal() else most + 1
    if length and expected > most:
        raise TooLarge(most)
    if most > BODY_LIMIT_BYTES and LARGER_BODY in environ:
        environ[LARGER_BODY](most)
    try:
        body = bytes(environ["wsgi.input"].read(expected))
    except TimeoutError as error:
        raise RequestTimeout from error
    except OverflowError as error:
        raise TooLarge(most) from error
    except Exception as error:  # each server has errors of its own for broken chunks and for connections that were cut
        raise InvalidRequest(CUT) from error
    if len(body) > most:
        raise TooLarge(most)
    if length and len(body) < expected:
        raise InvalidRequest(CUT)
    return body


def _json_text(environ: WSGIEnvironment, body: bytes) -> bytes:
    """The JSON of a body, without blanks or a byte order mark around it; empty for a body that holds nothing else.

    Clients name many content types when they send nothing, so the type of an empty body does not matter.
    Raises UnsupportedMediaType for a body that is not JSON or that is compressed.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK).strip(b" \t\r\n")
    if not text:
        return b""
    if environ.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("Send the body as it is, not compressed, and without Content-Encoding.")
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type != JSON_TYPE and content_type.partition(";")[0].strip().lower() != JSON_TYPE:
        raise UnsupportedMediaType
    return text


class BodyRead(NamedTuple):
    """A body. parsed: None where there are faults. document: the plain JSON, None where it is malformed.

    faulty: the first name of every field with a fault, also of those that are too many to be in `faults`.
    """

    parsed: BaseModel | None
    document: Any
    faults: list[Fault]
    faulty: frozenset[str] = frozenset()


def read_json(model: type[BaseModel], environ: WSGIEnvironment, body: bytes, *, required: bool) -> BodyRead:
    """A body as the model reads it. A field given twice is refused, because two readers would take different ones.

    Raises UnsupportedMediaType.
    """
    text = _json_text(environ, body)
    if not required and text in (b"", b"null"):
        return BodyRead(model(), None, [])
    if not text:
        return BodyRead(None, None, [Fault("body", "missing", "Send a JSON body, which is required.")])
    try:
        # pydantic first: it bounds the depth, so that the plain decoder behind it cannot be sent into deep recursion.
        parsed = model.__pydantic_validator__.validate_json(text)
        return BodyRead(parsed, _decode_unique(text.decode()), [])
    except ValidationError as error:
        faults, faulty = findings_of(error)
        return BodyRead(None, None if faults[0].code == "malformed_json" else from_json(text), faults, faulty)
    except InvalidRequest as error:
        return BodyRead(None, None, list(error.faults))


def read_form(model: type[BaseModel], body: bytes) -> BaseModel:
    """The fields of an HTML form. Raises InvalidRequest for more fields than any form of ours has."""
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise InvalidRequest(Fault("body", "malformed_body", f"Send at most {MOST_FIELDS} fields.")) from error
    return model.model_validate(dict(pairs))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidRequest(Fault("body", "malformed_json", "Give each field once; one of them is given twice."))
    return members


_decode_unique = JSONDecoder(object_pairs_hook=_unique).decode
