"""An import within one request: counted, bounded in time, and never half of a file with a mistake."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from models.errors import InvalidRequest, TakesTooLong
from models.imports import MOST_LINES, ImportKind, ImportReply, ImportRequest
from services.sheets.desk import CHECK_SECONDS, LISTED_FAULTS, WRITE_SECONDS, ImportDesk
from services.sheets.loading import BATCH
from services.sheets.samples import SAMPLES
from services.stores.connections import Stores
from services.transfer.batches import Added
from services.transfer.wiring import build_transfer
from tests.world import World, rfc3339, tomorrow

HEADER = "reference,property_id,technician_id,start,duration_minutes,customer_name\n"


def visit(number: int, hour: int = 10, *, house: int | None = None, technician: int | None = None) -> str:
    place, person = house or number, technician or number
    return f"order-{number},prop-{place},tech-{person},{rfc3339(tomorrow(hour))},60,Alice {number}\n"


def desk_of(world: World, seconds: Callable[[], float] = lambda: 0.0) -> ImportDesk:
    """A desk whose clock shows these seconds."""
    services = world.services
    transfer = build_transfer(Stores(services.redis, services.db), services.clock)
    return ImportDesk(transfer, seconds)


def imported(world: World, kind: ImportKind, csv: str, **options: Any) -> ImportReply:
    return desk_of(world).run(world.org, ImportRequest(kind=kind, csv=csv, **options))


def numbers(reply: ImportReply) -> tuple[int, ...]:
    """(rows, created, changed, unchanged, refused, left)."""
    return (reply.rows, reply.created, reply.changed, reply.unchanged, reply.refused, reply.left)


def test_a_dry_run_counts_and_shows_what_it_read_and_writes_nothing(world: World) -> None:
    csv = "\ufeffid;name;address\nprop-1;House 1;\nprop-9; Mill ;'=1+1\nprop-2;Other;\n"
    reply = imported(world, "properties", csv, update=True)
    assert numbers(reply) == (3, 1, 1, 1, 0, 0)
    assert reply.faults == []
    assert reply.preview is not None
    assert reply.preview.columns == ["id", "name", "address"]
    assert [row.cells for row in reply.preview.rows] == [
        ["prop-1", "House 1", ""],
        ["prop-9", " Mill ", "=1+1"],
        ["prop-2", "Other", ""],
    ]
    assert world.services.db["properties"].count_documents({"org": world.org}) == 3


def test_a_row_counts_once_however_many_mistakes_it_has(world: World) -> None:
    rows = [visit(1), visit(2, house=1), "x,prop-9,tech-9,soon,60,\n", visit(3)]
    reply = imported(world, "bookings", HEADER + "".join(rows))
    assert numbers(reply) == (4, 2, 0, 0, 2, 0)
    assert reply.fault_count == len(reply.faults) == 5
    assert {(each.line, each.column) for each in reply.faults} == {
        (3, None),
        (4, "property_id"),
        (4, "technician_id"),
        (4, "start"),
        (4, "customer_name"),
    }
    assert reply.faults[-1].message.startswith("Give another time, because line 2 takes property prop-1 from ")


def test_one_mistake_keeps_a_whole_file_out(world: World) -> None:
    csv = HEADER + visit(1) + visit(2) + visit(3, house=1)
    with pytest.raises(InvalidRequest) as refusal:
        imported(world, "bookings", csv, dry_run=False)
    assert [(fault.field, fault.code) for fault in refusal.value.faults] == [("csv.4", "bad_row")]
    assert world.bookings() == []


def test_an_import_writes_marks_and_can_be_repeated(world: World) -> None:
    csv = HEADER + visit(1) + visit(2)
    assert numbers(imported(world, "bookings", csv, dry_run=False)) == (2, 2, 0, 0, 0, 0)
    assert numbers(imported(world, "bookings", csv, dry_run=False)) == (2, 0, 0, 2, 0, 0)
    assert len(world.bookings(active=True)) == 2
    assert len(world.marks()) == 16


def test_what_the_time_does_not_suffice_for_is_left_and_a_repeat_writes_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"home-{number},Home {number}\n" for number in range(2 * BATCH + 10)]
    request = ImportRequest(kind="properties", csv="id,name\n" + "".join(rows), dry_run=False)
    clock = [0.0]
    desk = desk_of(world, lambda: clock[0])
    entries = desk._transfer.catalogue
    add = entries.add

    def slowly(*given: Any, **options: Any) -> Added:
        clock[0] += WRITE_SECONDS
        return add(*given, **options)

    monkeypatch.setattr(entries, "add", slowly)
    assert numbers(desk.run(world.org, request)) == (len(rows), BATCH, 0, 0, 0, BATCH + 10)
    assert numbers(desk.run(world.org, request)) == (len(rows), 0, 0, BATCH, 0, BATCH + 10)
    assert numbers(desk_of(world).run(world.org, request)) == (len(rows), BATCH + 10, 0, BATCH, 0, 0)
    assert world.services.db["properties"].count_documents({"org": world.org}) == len(rows) + 3


def test_a_check_that_takes_too_long_ends_and_writes_nothing(world: World) -> None:
    rows = "".join(f"home-{number},Home {number}\n" for number in range(200))
    request = ImportRequest(kind="properties", csv="id,name\n" + rows, dry_run=False)
    shown = count(0.0, CHECK_SECONDS + 1)
    with pytest.raises(TakesTooLong):
        desk_of(world, lambda: next(shown)).run(world.org, request)
    assert world.services.db["properties"].count_documents({"org": world.org}) == 3


def test_rows_that_another_client_overtakes_are_refused_and_all_others_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_of(world)
    check: Callable[..., Any] = desk._checked

    def overtaken(*given: Any) -> Any:
        counts = check(*given)
        world.services.bookings.book(world.caller("desk"), world.direct_request(start=rfc3339(tomorrow(10))))
        return counts

    monkeypatch.setattr(desk, "_checked", overtaken)
    csv = HEADER + visit(1) + visit(2)
    reply = desk.run(world.org, ImportRequest(kind="bookings", csv=csv, dry_run=False))
    assert numbers(reply) == (2, 1, 0, 0, 1, 0)
    assert [(each.line, each.column) for each in reply.faults] == [(2, None)]
    assert reply.faults[0].message.startswith("Not written, because booking ")


def test_of_many_mistakes_the_first_are_listed_and_all_counted(world: World) -> None:
    rows = [f"home {number},Home\n" for number in range(LISTED_FAULTS + 7)]
    reply = imported(world, "properties", "id,name\n" + "".join(rows))
    assert (reply.refused, reply.fault_count, len(reply.faults)) == (len(rows), len(rows), LISTED_FAULTS)
    with pytest.raises(InvalidRequest) as refusal:
        imported(world, "properties", "id,name\n" + "".join(rows), dry_run=False)
    assert len(refusal.value.faults) == 100


@pytest.mark.parametrize("end", ["\n", "\r"], ids=["line feeds", "returns"])
def test_a_file_of_too_many_lines_is_refused_before_it_is_read(world: World, end: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        imported(world, "properties", f"id,name{end}" * (MOST_LINES + 1))
    assert [fault.code for fault in refusal.value.faults] == ["too_long"]


def test_a_text_that_is_no_table_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        imported(world, "properties", "x" * 1_100_000)
    assert [(fault.field, fault.code) for fault in refusal.value.faults] == [("csv", "malformed_csv")]


def test_a_header_that_lacks_a_column_is_a_mistake_of_the_first_line(world: World) -> None:
    reply = imported(world, "technicians", "id\nbob\n")
    assert [(each.line, each.column) for each in reply.faults] == [(1, "name")]
    assert numbers(reply) == (0, 0, 0, 0, 0, 0)


def test_times_without_an_offset_are_those_of_the_named_zone(world: World) -> None:
    start = f"{tomorrow(10):%Y-%m-%d %H:%M}"
    csv = HEADER + f"a,prop-1,tech-1,{start},60,Alice\n"
    assert imported(world, "bookings", csv).faults[0].message.endswith("or name the zone of the times.")
    imported(world, "bookings", csv, dry_run=False, times_in="Atlantic/Reykjavik")
    assert world.bookings()[0]["start"] == tomorrow(10)


@pytest.mark.parametrize("kind", ["properties", "technicians", "services"])
def test_the_small_file_of_each_kind_can_be_imported(world: World, kind: ImportKind) -> None:
    shown = desk_of(world).columns(world.org, kind)
    assert {each.name for each in shown.columns if each.required} >= {"id", "name"}
    assert numbers(imported(world, kind, shown.example, dry_run=False)) == (2, 2, 0, 0, 0, 0)


def test_the_small_file_of_bookings_speaks_of_those_of_the_other_kinds(world: World) -> None:
    for kind in ("properties", "technicians"):
        imported(world, kind, SAMPLES[kind], dry_run=False)
    assert numbers(imported(world, "bookings", SAMPLES["bookings"])) == (2, 2, 0, 0, 0, 0)
