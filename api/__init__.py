"""HTTP only: parse, call one service, reply.

gunicorn imports this package before gevent patches the standard library, so it loads the app only when one is made.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from services.settings import Settings


def create_app(
    settings: Settings | None = None,
    redis: Any = None,
    mongo: Any = None,
    clock: Callable[[], datetime] | None = None,
) -> Flask:
    """As `api.app.create_app`."""
    from api import app  # noqa: PLC0415  # see above

    return app.create_app(settings, redis=redis, mongo=mongo, clock=clock)
