"""Carries messages into files, for development: nothing leaves the machine."""

from __future__ import annotations

from pathlib import Path

from services.clock import Clock
from services.messages.composing import Composed
from services.messages.mail import mail_of
from services.messages.store import Message
from services.outbox.entries import Dead, Delivered, Outcome
from services.texting.gsm7 import segments


class FilePost:
    """A Post. A message is one file, named by its id, so a repeat is the same file: .txt for a text, .eml for an
    e-mail."""

    def __init__(self, folder: Path, sender: str, clock: Clock) -> None:
        """sender: the address that e-mails come from."""
        self._folder = folder
        self._sender = sender
        self._clock = clock

    def carry(self, composed: Composed, message_id: str) -> Outcome:
        try:
            content = self._content(composed, message_id)
        except ValueError:
            return Dead({"error": "not_writable"})
        suffix = "txt" if composed.channel == "sms" else "eml"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self._folder / f"{message_id}.{suffix}"
        new = target.with_suffix(".new")
        new.write_bytes(content)
        new.replace(target)
        return Delivered({"file": target.name})

    def find(self, _begun: Message, /) -> Outcome | None:
        """Writing it again changes nothing."""
        return None

    def _content(self, composed: Composed, message_id: str) -> bytes:
        letter = composed.letter
        if composed.channel == "email":
            sender, at = self._sender, self._clock()
            return mail_of(letter, to=composed.to, sender=sender, message_id=message_id, at=at).as_bytes()
        count = segments(letter.text)
        head = f"From: {composed.policy.sms_number or ''}\nTo: {composed.to}\nSegments: {count}\n\n"
        return (head + letter.text + "\n").encode()
