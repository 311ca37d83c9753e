"""A sample of the language's cases through a worker, over HTTP."""

from typing import Any

import pytest

from tests.conformance.cases import run_cases
from tests.conformance.test_run_cases import matches

EVERY = 4  # one case in so many
SAMPLE = [
    case
    for case in run_cases()
    if not case["flush"]
    and not any("timestamp" in output for output in case["expected"])
][::EVERY]


def _payload(place: int, event: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": place, **event}


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case["id"])
def test_a_case_runs_the_same_through_a_worker(worker, case):
    pipeline_id = worker.deploy(case["program"])
    events = [_payload(at, event) for at, event in enumerate(case["events"])]
    status, body = worker.call(
        "POST", f"/api/v1/pipelines/{pipeline_id}/events-batch", {"events": events}
    )
    assert status == 200, body
    assert body["accepted"] == len(events)
    is_unordered = case.get("unordered", False)
    assert matches(body["output_events"], case["expected"], is_unordered=is_unordered)
