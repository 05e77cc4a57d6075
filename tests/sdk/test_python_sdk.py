"""An SDK that openapi-python-client makes of the document holds, books, and reads a refusal, with types."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from api.app import all_endpoints
from api.openapi.document import description_route, openapi
from tests.sdk.conftest import PROPERTY, TECHNICIAN
from tests.system.stack.whole_server import WholeServer

CONFIG = {"post_hooks": [], "package_name_override": "generated_sdk"}
"""Nothing formats the code, so that only the generator has a say."""
ENDPOINTS = [*all_endpoints(), description_route(all_endpoints())]


def generate(document: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """Makes the SDK in `folder`. A warning makes the exit status 1."""
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"),
            *("--path", str(folder / "openapi.json"), "--config", str(folder / "config.json")),
            *("--output-path", str(folder / "generated_sdk")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """Gives a module of the generated SDK by its name."""
    folder = tmp_path_factory.mktemp("generated")
    made = generate(openapi(ENDPOINTS), folder)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "WARNING" not in (made.stdout + made.stderr).upper()
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"generated_sdk.{name}")
    sys.path.remove(str(folder))


@pytest.fixture
def client(sdk: Callable[[str], Any], server: WholeServer) -> Iterator[Any]:
    with sdk("client").AuthenticatedClient(base_url=server.dev["url"], token=server.dev["keys"]["desk"]) as made:
        yield made


def test_it_has_a_function_for_every_operation(sdk: Callable[[str], Any]) -> None:
    for endpoint in ENDPOINTS:
        tag = endpoint.tag.name.lower().replace(" ", "_")
        assert callable(sdk(f"api.{tag}.{endpoint.view.__name__}").sync_detailed)


def test_it_holds_books_and_reads_a_refusal(
    sdk: Callable[[str], Any], client: Any, next_start: Callable[[], datetime]
) -> None:
    models, place_hold, book = sdk("models"), sdk("api.holds.place_hold"), sdk("api.bookings.book")
    asked = models.HoldRequest(property_id=PROPERTY, technician_id=TECHNICIAN, start=next_start())
    held = place_hold.sync(client=client, body=asked)
    assert isinstance(held, models.HoldReply)
    assert held.start == asked.start

    refused = place_hold.sync_detailed(client=client, body=asked.__class__.from_dict(asked.to_dict() | {"suggest": 1}))
    assert refused.status_code == 409
    problem = refused.parsed
    assert isinstance(problem, models.Problem)
    assert (problem.code, {each.kind for each in problem.conflicts}) == ("slot_held", {"property", "technician"})
    assert isinstance(problem.conflicts[0].start, datetime)
    assert problem.next_available[0].technician_id

    customer = models.Customer(name="Alice Example", phone="+1 202 555 0100")
    booked = book.sync(client=client, body=models.BookHeld(hold_id=held.hold_id, customer=customer))
    assert isinstance(booked, models.MadeReply)
    assert (booked.status, booked.customer.name) == ("confirmed", "Alice Example")


def test_it_books_directly_and_changes_the_booking(
    sdk: Callable[[str], Any], client: Any, next_start: Callable[[], datetime]
) -> None:
    models = sdk("models")
    slot = {"property_id": PROPERTY, "technician_id": TECHNICIAN, "start": next_start()}
    wanted = models.BookDirectly(**slot, customer=models.Customer(name="Alice Example"))
    booked = sdk("api.bookings.book").sync(client=client, body=wanted)
    change = models.BookingPatch(description="The tap drips.")
    changed = sdk("api.bookings.change_booking").sync(
        booked.booking_id, client=client, body=change, if_match=f'"{booked.version}"'
    )
    assert (changed.description, changed.version) == ("The tap drips.", 2)
    cancelled = sdk("api.bookings.cancel_booking").sync(booked.booking_id, client=client)
    assert cancelled.status == "cancelled"


def test_no_booking_is_without_a_customer(sdk: Callable[[str], Any]) -> None:
    for form, given in (("BookHeld", {"hold_id": "h_1"}), ("BookDirectly", {"property_id": "p", "start": "x"})):
        with pytest.raises(TypeError, match="customer"):
            getattr(sdk("models"), form)(**given)


def test_errors_that_narrow_the_problem_are_a_warning(tmp_path: Path) -> None:
    """The negative control: the shape in which each status narrowed the schema, of which the generator drops all."""
    document = openapi(ENDPOINTS)
    content = document["paths"]["/hold"]["post"]["responses"]["409"]["content"]["application/problem+json"]
    content["schema"] = {"allOf": [content["schema"], {"properties": {"status": {"const": 409}}}]}
    made = generate(document, tmp_path)
    assert made.returncode == 1
    assert "response will be omitted" in made.stdout + made.stderr
