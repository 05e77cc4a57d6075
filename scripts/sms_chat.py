#!/usr/bin/env python3
"""A phone in the terminal: what is typed goes to the bot as a signed text message, and its answer is printed.

It talks to a server that `scripts/server` started. A message without an answer is sent again, with the same id.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.environment import enter  # the packages may be missing until it has run

enter()

from scripts.dev_server.demo_data import sms_token
from services.texting.twilio import signature

PATH = "/sms/inbound"
OUR_NUMBER = "+15550100000"
MOST_TRIES = 5
WAIT_SECONDS = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Chats until the end of the input. Returns the exit status: 0, or 1 after a sentence on stderr."""
    options = _options(arguments)
    try:
        phone = Phone(options.data, options.phone)
    except (OSError, ValueError, KeyError) as error:
        print(f"No running server was found in {options.data} ({error}). Start scripts/server first.", file=sys.stderr)
        return 1
    print(f"{options.phone} writes to {phone.to}. Send MENU for the words that the bot knows; Ctrl-D ends.")
    while True:
        try:
            text = input("> ")
        except (EOFError, KeyboardInterrupt):
            return 0
        if text.strip():
            print(phone.send(text) or "(no answer is sent)")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/sms_chat.py", description="Write text messages to the bot.")
    parser.add_argument("--phone", default="+4520304050", help="your number, with its country code (%(default)s)")
    parser.add_argument("--data", type=Path, default=ROOT / ".data", help="the data folder of scripts/server (.data)")
    return parser.parse_args(arguments)


class Phone:
    """One phone. Raises OSError, ValueError or KeyError if there is no server to write to."""

    def __init__(self, data: Path, number: str) -> None:
        server = json.loads((data / "dev.json").read_text(encoding="utf-8"))
        secret = os.environ.get("HOLDFAST_SECRET") or json.loads((data / "secrets.json").read_text("utf-8"))["secret"]
        self._token = os.environ.get("TWILIO_AUTH_TOKEN") or sms_token(secret)
        self._url = server["url"] + PATH
        self._signed_url = (os.environ.get("HOLDFAST_PUBLIC_URL") or server["url"]).rstrip("/") + PATH
        self._number = number
        self.to = _our_number(server["url"], server["keys"]["admin"])

    def send(self, text: str) -> str:
        """The bot's answer; empty if it sends none. A message without an answer is sent again."""
        fields = {"MessageSid": f"SM{secrets.token_hex(16)}", "From": self._number, "To": self.to, "Body": text}
        form = urllib.parse.urlencode(fields).encode()
        headers = {"X-Twilio-Signature": signature(self._token, self._signed_url, fields)}
        request = urllib.request.Request(self._url, form, headers)  # noqa: S310  # the address is that of dev.json
        for _ in range(MOST_TRIES):
            try:
                return " ".join(ElementTree.fromstring(_answer(request)).itertext())  # noqa: S314  # our own server's
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    return f"({json.loads(error.read())['detail']})"
            except OSError:
                continue
        return "(the server does not answer)"


def _our_number(url: str, key: str) -> str:
    """The number that the org's texts are sent from. Without one, the policy gets one."""
    policy = json.loads(_answer(_policy(url, key)))
    if policy["sms_number"] is None:
        policy = json.loads(_answer(_policy(url, key, {"sms_number": OUR_NUMBER})))
    return str(policy["sms_number"])


def _policy(url: str, key: str, change: dict[str, Any] | None = None) -> urllib.request.Request:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = json.dumps(change).encode() if change else None
    return urllib.request.Request(f"{url}/policy", body, headers, method="PATCH" if change else "GET")  # noqa: S310


def _answer(request: urllib.request.Request) -> bytes:
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as reply:  # noqa: S310
        body: bytes = reply.read()
    return body


if __name__ == "__main__":
    sys.exit(main())
