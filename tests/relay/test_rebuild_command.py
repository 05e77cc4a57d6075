"""`scripts/rebuild.py` lets the relay rebuild a mirror, and says how long that took."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scripts import rebuild
from scripts.rebuild import main
from tests.bookings.evidence import insert_only, owners
from tests.servers import MongoServer, RedisServer
from tests.world import World

SOON = 60


@pytest.fixture
def world(
    lonely_world: World, stores: tuple[RedisServer, MongoServer], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A world alone in its database, which the environment names. The command leaves the logs of other tests alone."""
    redis, mongo = stores
    monkeypatch.setattr(rebuild, "configure_logging", lambda _level: None)
    monkeypatch.setenv("REDIS_URL", redis.url)
    monkeypatch.setenv("MONGO_URL", mongo.url)
    monkeypatch.setenv("HOLDFAST_MONGO_DB", lonely_world.services.db.name)
    return lonely_world


@contextmanager
def relay(world: World) -> Iterator[None]:
    """A relay that works during the block."""
    running = threading.Thread(target=world.services.relay.run)
    running.start()
    try:
        yield
    finally:
        world.services.relay.stop()
        running.join()


def reports(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, float]]:
    """The orgs that the command reported as rebuilt, with the seconds."""
    found = re.findall(r"^(\S+): rebuilt in (\d+\.\d) s\.$", capsys.readouterr().out, re.MULTILINE)
    return [(org, float(seconds)) for org, seconds in found]


def test_an_org_is_rebuilt_and_the_others_are_left_alone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.services.relay.carry_over_changes()
    world.services.relay.tend()
    missed = insert_only(world, world.caller("desk"), world.direct_request())
    world.services.db["relay_state"].update_many({}, {"$set": {"token": world.services.relay._feed.end_of_log().token}})
    before = {org: world.services.redis.get(f"hf3:{{{org}}}:epoch") for org in (world.org, world.other_org)}
    assert owners(world) == {}
    with relay(world):
        assert main(["--org", world.org]) == 0
    assert [org for org, _ in reports(capsys)] == [world.org]
    assert owners(world) == {f"booked {missed.booking_id}": 8}
    after = {org: world.services.redis.get(f"hf3:{{{org}}}:epoch") for org in before}
    assert after[world.org] not in (None, before[world.org])
    assert after[world.other_org] == before[world.other_org]


def test_all_orgs_are_rebuilt_by_one_command(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with relay(world):
        assert main(["--all"]) == 0
    found = reports(capsys)
    assert sorted(org for org, _ in found) == sorted((world.org, world.other_org))
    assert all(0 <= seconds < SOON for _, seconds in found)


def test_without_a_relay_the_command_fails_after_its_time(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--org", world.org, "--seconds", "0.1"]) == 1
    assert capsys.readouterr().err == f"Not rebuilt within 0.1 s: {world.org}. Is a relay running?\n"
    assert world.services.redis.get(world.names.epoch) is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--org", "nobody"], "There is no org nobody.\n"), ([], "Give --org with the id of an org, or --all.\n")],
)
def test_a_command_without_a_known_org_changes_nothing(
    world: World, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == sentence
    assert world.services.redis.get(world.names.epoch)


@pytest.mark.parametrize("away", ["REDIS_URL", "MONGO_URL"])
def test_a_store_that_does_not_answer_is_reported(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], away: str
) -> None:
    nowhere = {"REDIS_URL": "redis://127.0.0.1:9/0", "MONGO_URL": "mongodb://127.0.0.1:9/?directConnection=true"}
    monkeypatch.setenv(away, nowhere[away])
    assert main(["--org", world.org]) == 2
    assert "A store did not answer." in capsys.readouterr().err
