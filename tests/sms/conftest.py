"""A phone that writes to the bot, on real servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import pytest

from tests.world import World

PHONE = "+4512345678"


@dataclass
class Phone:
    """Alice's phone. Each text is a new message, unless it is given the id of an earlier one."""

    world: World
    number: str = PHONE
    ids: count[int] = field(default_factory=count)

    def send(self, text: str, sid: str | None = None) -> str:
        """The answer to a text."""
        services, org = self.world.services, self.world.org
        return services.texts.conversations.answer(
            org,
            self.number,
            sid or f"SM{next(self.ids)}",
            lambda talk: services.texts.bot.answer(org, self.number, talk, text),
        )


@pytest.fixture
def phone(world: World) -> Phone:
    return Phone(world)
