"""Every workload gives what it must, before anybody times it."""

import dataclasses

import pytest

from bench import language, nexmark, published
from bench.language.checking import check
from bench.result import WrongOutputError

FEW = 8000  # events, where a workload does not need more for its first output
WORKLOADS = (
    *((w, w.least) for w in language.WORKLOADS),
    *((s.workload, s.workload.least) for s in published.SCENARIOS),
    *((query, FEW) for query in nexmark.QUERIES),
)
UNIQUE = {workload.name: (workload, count) for workload, count in WORKLOADS}


@pytest.mark.parametrize("name", UNIQUE)
def test_engine_and_hand_written_program_give_what_must_come_out(name):
    workload, count = UNIQUE[name]
    assert check(workload, workload.lines(count))


@pytest.mark.parametrize("name", UNIQUE)
def test_a_workload_with_wrong_outputs_is_not_measured(name):
    workload, _ = UNIQUE[name]
    wrong = dataclasses.replace(workload, expected=lambda events: [{"no": "output"}])
    with pytest.raises(WrongOutputError, match="outputs of batches"):
        check(wrong, workload.lines(100))


@pytest.mark.parametrize("name", UNIQUE)
def test_a_hand_written_program_with_wrong_outputs_is_no_baseline(name):
    workload, count = UNIQUE[name]
    wrong = dataclasses.replace(workload, by_hand=lambda: lambda payload: b'{"a":1}\n')
    with pytest.raises(WrongOutputError, match="hand-written"):
        check(wrong, workload.lines(count))


def test_generated_events_are_the_same_every_time():
    for workload, _ in WORKLOADS:
        make = workload.lines
        again = getattr(make, "__wrapped__", make)
        assert list(again(300)) == list(make(300))
