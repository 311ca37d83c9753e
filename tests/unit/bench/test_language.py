"""The workloads of the language give what they must, before anybody times them."""

import dataclasses

import pytest

from bench.language import WORKLOADS
from bench.language.checking import check
from bench.result import WrongOutputError


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.name)
def test_engine_and_hand_written_program_give_what_must_come_out(workload):
    assert check(workload, workload.lines(workload.least))


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.name)
def test_a_workload_with_wrong_outputs_is_not_measured(workload):
    wrong = dataclasses.replace(workload, expected=lambda events: [{"no": "output"}])
    with pytest.raises(WrongOutputError, match="outputs of batches"):
        check(wrong, workload.lines(100))
