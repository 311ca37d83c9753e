"""What a worker's answer means for the caller."""

import json
from typing import Any

import pytest

from cluster.hot.worker_answer import error_of, is_missing_pipeline
from tests.unit.cluster.hot.test_inject_event import PLACE


def body(code: str, **details: Any) -> bytes:
    shape: dict[str, Any] = {"error": "because", "code": code}
    return json.dumps(shape | ({"details": details} if details else {})).encode()


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad_request"),
        (409, "pipeline_paused"),
        (413, "body_too_large"),
        (422, "hop_limit"),
        (429, "queue_full"),
    ],
)
def test_a_judgement_on_the_event_is_passed_on(status: int, code: str) -> None:
    error = error_of(PLACE, status, body(code))
    assert (error.error_status, error.error_code) == (status, code)
    assert error.message == "because"
    assert error.details["worker_status"] == status


def test_a_full_queue_says_when_to_come_back() -> None:
    error = error_of(PLACE, 429, body("queue_full", retry_after_seconds=1))
    assert error.retry_after_s == 1
    assert error.details["retry_after_seconds"] == 1


def test_a_worker_that_stops_is_unavailable() -> None:
    error = error_of(PLACE, 503, body("not_ready", retry_after_seconds=5))
    assert (error.error_status, error.error_code) == (503, "placement_unavailable")
    assert error.retry_after_s == 5


@pytest.mark.parametrize(
    ("status", "raw"),
    [(401, body("invalid_api_key")), (500, b"oops"), (302, b""), (400, b"<html>")],
)
def test_anything_else_is_a_worker_error(status: int, raw: bytes) -> None:
    error = error_of(PLACE, status, raw)
    assert (error.error_status, error.error_code) == (502, "worker_error")


def test_only_a_missing_pipeline_is_looked_for_again() -> None:
    assert is_missing_pipeline(404, body("pipeline_not_found"))
    assert not is_missing_pipeline(404, body("not_found"))
    assert not is_missing_pipeline(400, body("pipeline_not_found"))
