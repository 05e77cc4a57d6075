"""An API server whose clock is wrong. gunicorn serves `scripts.drills.wrong_clock:app(300)`: five minutes ahead."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from api.app import create_app
from services.clock import utc_now


def app(seconds: float) -> Flask:
    """The WSGI app, with a clock that is so many seconds ahead."""
    ahead = timedelta(seconds=seconds)
    return create_app(clock=lambda: utc_now() + ahead)
