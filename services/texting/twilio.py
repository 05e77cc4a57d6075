"""Twilio's REST API and its signature, as far as we use them. Keeps nothing, and logs nothing.

https://www.twilio.com/docs/usage/webhooks/webhooks-security and https://www.twilio.com/docs/messaging/api
"""

from __future__ import annotations

import hmac
import http.client
import json
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel

from models.errors import Forbidden
from services.outgoing import PORTS, Deadline, HttpConnection, Resolver

API: Final = "https://api.twilio.com"
IN_ALL_SECONDS: Final = 8.0
"""For one question and its answer."""
LARGEST_REPLY: Final = 1_000_000
OPTED_OUT: Final = 21610
"""The provider's code for a receiver who wants no more texts from this number."""
CLOCKS_APART: Final = timedelta(minutes=2)


def signature(auth_token: str, url: str, fields: Mapping[str, str]) -> str:
    """The signature of a request of the provider. url: the whole address that it was told to call, with its query.
    fields: those of the form."""
    text = url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
    return b64encode(hmac.digest(auth_token.encode(), text.encode(), "sha1")).decode()


def is_signed(auth_token: str, url: str, fields: Mapping[str, str], given: str) -> bool:
    """Whether a request carries the signature of the provider. Takes as long for a wrong one as for the right one."""
    return hmac.compare_digest(signature(auth_token, url, fields).encode(), given.encode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Requests:
    """The provider's requests to one of our addresses. auth_token: what it signs with. url: the public address that it
    calls. Without one of the two nothing is signed by a provider."""

    auth_token: str | None
    url: str | None

    def require_signed(self, form: BaseModel, signature: str, query: str = "") -> None:
        """Raises Forbidden unless the provider has signed all fields of a form, and the query as it came."""
        fields = {name: str(value) for name, value in form.model_dump(by_alias=True, exclude_unset=True).items()}
        url = f"{self.url}?{query}" if query else self.url
        if not self.auth_token or not url or not is_signed(self.auth_token, url, fields, signature):
            raise Forbidden("This request is not signed by the provider of text messages.")


@dataclass(frozen=True, slots=True)
class Account:
    """An account with the provider. api: the address of the API."""

    sid: str
    auth_token: str
    api: str = API


@dataclass(frozen=True, slots=True)
class Taken:
    """The provider has taken a text. sid: its id there."""

    sid: str


class Refused(Exception):
    """The provider has refused a text. status: of HTTP. code: the provider's own, 0 if it gave none.
    retry_after: the seconds that it asks to wait."""

    def __init__(self, status: int, code: int, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.retry_after = retry_after


class NoAnswer(Exception):
    """The provider did not answer, or answered what cannot be read: the text may have been taken."""


class Twilio:
    """The provider's API. Follows no redirect: a text goes to the configured address or nowhere."""

    def __init__(self, account: Account, seconds: float = IN_ALL_SECONDS) -> None:
        self._account = account
        self._seconds = seconds
        self._tls = ssl.create_default_context()
        self._resolver = Resolver()
        self._path = f"/2010-04-01/Accounts/{quote(account.sid, safe='')}/Messages.json"

    def send(self, sender: str, to: str, text: str, status_url: str | None = None) -> Taken:
        """Sends a text. sender, to: E.164. status_url: where the provider reports what becomes of it.

        Raises Refused, NoAnswer.
        """
        fields = {"To": to, "From": sender, "Body": text}
        if status_url is not None:
            fields["StatusCallback"] = status_url
        made = self._ask("POST", self._path, urlencode(fields))
        if not isinstance(made.get("sid"), str):
            raise NoAnswer("no sid")
        return Taken(made["sid"])

    def find(self, to: str, says: Callable[[str], bool], since: datetime) -> Taken | None:
        """A text that was taken since a time: for a sender that does not know how a call ended. says: whether these are
        the words.

        Raises Refused, NoAnswer.
        """
        day = (since - CLOCKS_APART).astimezone(UTC).date().isoformat()
        query = urlencode({"To": to, "DateSent>": day, "PageSize": "50"})
        found = self._ask("GET", f"{self._path}?{query}").get("messages")
        for each in found if isinstance(found, list) else []:
            if says(str(each.get("body"))) and _moment(each.get("date_created")) >= since - CLOCKS_APART:
                return Taken(str(each["sid"]))
        return None

    def _ask(self, method: str, path: str, form: str | None = None) -> dict[str, Any]:
        secret = b64encode(f"{self._account.sid}:{self._account.auth_token}".encode()).decode()
        headers = {"Authorization": f"Basic {secret}", "Accept": "application/json"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        deadline = Deadline(self._seconds)
        try:
            with closing(self._connection(deadline)) as connection:
                connection.request(method, path, form, headers)
                reply = connection.getresponse()
                body = _read(reply.read(LARGEST_REPLY))
            if deadline.ran_out:
                raise TimeoutError
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer("TimeoutError" if deadline.ran_out else type(error).__name__) from error
        finally:
            deadline.close()
        if 200 <= reply.status < 300:
            return body
        code = body.get("code")
        raise Refused(reply.status, code if isinstance(code, int) else 0, _seconds(reply.headers.get("Retry-After")))

    def _connection(self, deadline: Deadline) -> HttpConnection:
        api = urlsplit(self._account.api)
        host, port = api.hostname or "", api.port or PORTS[api.scheme]
        addresses = self._resolver.addresses(host, port, deadline)
        tls = self._tls if api.scheme == "https" else None
        return HttpConnection(host, port, addresses=addresses, deadline=deadline, tls=tls)


def _read(reply: bytes) -> dict[str, Any]:
    try:
        found = json.loads(reply)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _moment(text: object) -> datetime:
    try:
        return parsedate_to_datetime(str(text)).astimezone(UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None
