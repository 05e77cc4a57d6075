"""The protocol has no fault in any interleaving, and the model sees the faults that its rules prevent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.protocol.model.explore import explore
from tests.protocol.model.protocol import CONTROLS, main, quick, report, stronger
from tests.protocol.model.state import REPEAT, World


def with_its_rule(world: World) -> World:
    return replace(world, control="")


@pytest.mark.parametrize("world", list(quick()), ids=str)
def test_no_interleaving_of_the_protocol_breaks_a_rule(world: World) -> None:
    result = explore(world)

    assert result.faults == {}
    assert result.states > 50


@pytest.mark.parametrize("world", list(stronger()), ids=str)
def test_a_fence_and_a_patient_rebuild_would_promise_more(world: World) -> None:
    assert explore(world).faults == {}


@pytest.mark.parametrize("name", list(CONTROLS))
def test_without_one_rule_the_model_prints_a_shortest_run_to_the_fault(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, world, fault = CONTROLS[name]

    result = explore(world, until=fault)
    report(world, result, seconds=0)

    run = result.faults[fault]
    printed = capsys.readouterr().out
    assert 3 < len(run) <= 20
    assert run[-1] == fault
    assert all(label in printed for label in run)
    assert printed.rstrip().endswith(f"=> {fault}")


@pytest.mark.parametrize("world", sorted({with_its_rule(world) for _, world, _ in CONTROLS.values()}, key=str), ids=str)
def test_the_very_same_world_has_no_fault_with_the_rule(world: World) -> None:
    assert explore(world).faults == {}


def test_the_command_line_succeeds_when_a_control_shows_its_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pinlapses"]) == 0
    assert "a claim being confirmed may expire" in capsys.readouterr().out


def test_a_repeat_never_meets_a_fault_even_when_both_attempts_have_a_mishap() -> None:
    assert explore(World(actors=frozenset({REPEAT}), mishaps=2)).faults == {}


def test_an_unknown_control_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nosuchrule"]) == 2
    assert "nosuchrule" in capsys.readouterr().out
