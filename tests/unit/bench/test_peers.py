"""What peers compute is what the engine computes."""

import msgspec
import pytest

from bench.agreement import agree, agree_unordered
from bench.language.checking import through_engine
from bench.peers.environment import pinned, prepared
from bench.peers.tasks import TASKS
from bench.published import SCENARIOS
from bench.result import WrongOutputError
from bench.workload import batches


def driven(task, lines):
    """Do a task in a plain loop, as a peer does it by its own means."""
    decode = msgspec.json.Decoder(task.row).decode
    table, outputs = {}, []
    for line in lines:
        event = decode(line)
        key = task.key(event) if task.key else None
        state = table.setdefault(key, task.start())
        outputs += task.step(state, event)
    return outputs + [out for state in table.values() for out in task.finish(state)]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_a_task_gives_the_outputs_of_the_engine(scenario):
    workload = scenario.workload
    lines = workload.lines(workload.least)
    payloads = batches(tuple(lines), 1000)
    wanted = through_engine(workload, payloads, is_ended=True)
    agree_unordered(driven(TASKS[scenario.task], lines), wanted, scenario.name)


def test_every_scenario_has_a_task_and_every_task_a_scenario():
    assert {scenario.task for scenario in SCENARIOS} == set(TASKS)


def test_versions_of_peers_are_pinned():
    assert set(pinned()) == {"msgspec", "pysimdjson", "bytewax", "csp"}
    assert all(version[0].isdigit() for version in pinned().values())


def test_an_environment_that_cannot_be_made_says_why(tmp_path):
    (tmp_path / "file").write_text("no folder can be made in it")
    environment = prepared(tmp_path / "file" / "peers")
    assert environment.versions == {}
    assert set(environment.missing) == set(pinned())
    assert all(environment.missing.values())


def test_outputs_agree_up_to_the_noise_of_sums():
    agree([{"a": 0.1 + 0.2}], [{"a": 0.3}], "sums")


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ([{"a": 1}], []),
        ([{"a": 1}], [{"a": 2}]),
        ([{"a": 1.0}], [{"a": 1.001}]),
        ([{"a": 1}], [{"b": 1}]),
        ([{"a": 1}, {"a": 2}], [{"a": 2}, {"a": 1}]),
    ],
)
def test_outputs_that_differ_do_not_agree(found, wanted):
    with pytest.raises(WrongOutputError, match="these"):
        agree(found, wanted, "these")


def test_order_may_be_left_out_of_account():
    agree_unordered([{"a": 1, "b": 2.0}, {"a": 0}], [{"a": 0}, {"b": 2.0, "a": 1}], "x")
    with pytest.raises(WrongOutputError):
        agree_unordered([{"a": 1}, {"a": 1}], [{"a": 1}, {"a": 2}], "x")
