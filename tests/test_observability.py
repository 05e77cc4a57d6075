"""What log lines show of an error, and what they show at no level."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from services.observability import configure_logging, foreign_handler
from tests.world import World

SECRET = "Alice Example"


@pytest.fixture
def levels() -> Iterator[None]:
    """Restores the levels after the test."""
    loggers = [logging.getLogger(name) for name in (None, "pymongo")]
    before = [logger.level for logger in loggers]
    yield
    configure_logging()
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def fails() -> None:
    raise LookupError(SECRET)


def logged(capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    text = capfd.readouterr().err
    assert SECRET not in text
    (line,) = text.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_the_line_of_an_exception_shows_only_its_kind_and_its_stack(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    log = structlog.get_logger()
    try:
        fails()
    except LookupError:
        log.exception("it failed")
    line = logged(capfd)
    assert (line["event"], line["level"], line["error"]) == ("it failed", "error", "LookupError")
    assert [frame.rpartition(" ")[2] for frame in line["stack"]] == [
        "test_the_line_of_an_exception_shows_only_its_kind_and_its_stack",
        "fails",
    ]
    assert "exc_info" not in line


def test_an_exception_that_is_passed_is_shown_in_the_same_way(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    structlog.get_logger().error("it failed", exc_info=LookupError(SECRET))
    line = logged(capfd)
    assert (line["error"], line["stack"]) == ("LookupError", [])


def test_without_an_exception_in_progress_the_line_shows_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    structlog.get_logger().error("all is well", exc_info=True)
    assert logged(capfd).keys() == {"event", "level", "at"}


@pytest.mark.usefixtures("levels")
@pytest.mark.parametrize(("level", "pymongo"), [("DEBUG", "INFO"), ("INFO", "INFO"), ("warning", "WARNING")])
def test_pymongo_never_logs_below_info(level: str, pymongo: str) -> None:
    configure_logging(level)
    loggers = [logging.getLogger(f"pymongo{part}") for part in ("", ".command", ".connection", ".serverSelection")]
    assert {logging.getLevelName(logger.getEffectiveLevel()) for logger in loggers} == {pymongo}


@pytest.mark.usefixtures("levels")
def test_no_line_shows_a_customer_even_at_debug(world: World) -> None:
    handler, written = foreign_handler(), io.StringIO()
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    logging.getLogger().addHandler(handler)
    try:
        configure_logging("DEBUG")
        request = world.direct_request(customer={"name": SECRET})
        world.services.bookings.book(world.caller("desk"), request)
    finally:
        logging.getLogger().removeHandler(handler)
    assert SECRET not in written.getvalue()
    assert world.bookings()[0]["customer"] == {"name": SECRET}
