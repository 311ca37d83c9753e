"""Calls to workers over real sockets: every way they can go (api.md section 3)."""

import threading
from typing import Any
from uuid import UUID

import pytest

from cluster.exceptions import (
    WorkerAnswerError,
    WorkerCallError,
    WorkerFullError,
    WorkerRefusedError,
    WorkerTimeoutError,
    WorkerUnreachableError,
)
from cluster.worker_client import DeployRequest, HttpWorkerClient, WorkerTarget

GROUP = UUID(int=1)
REQUEST = DeployRequest("id-1", "p", "stream S = E .emit(n: 1)", GROUP, 0, 3, "c41e")
ANSWER = {"id": "id-1", "name": "p", "status": "running", "fingerprint": "b3:1"}


@pytest.fixture
def client() -> HttpWorkerClient:
    return HttpWorkerClient()


def test_a_deploy_is_sent_with_the_worker_s_key_and_host(
    client: HttpWorkerClient, scripted: Any
) -> None:
    scripted.answer(201, ANSWER | {"consumes": ["E"], "new_member": 1})
    found = client.deploy_pipeline(scripted.target, REQUEST)
    assert (found.id, found.fingerprint) == ("id-1", "b3:1")
    method, path, headers, body = scripted.calls[0]
    assert (method, path) == ("POST", "/api/v1/pipelines")
    assert headers["x-api-key"] == "test"
    assert headers["host"].startswith("worker.test:")
    assert body == REQUEST.to_json()


def test_the_pinned_address_is_called_not_the_name(
    client: HttpWorkerClient, scripted: Any
) -> None:
    scripted.answer(200, {"status": "healthy"})
    client.check_health(scripted.target)  # worker.test does not resolve
    assert scripted.calls[0][1] == "/health"


def test_a_pipeline_is_removed_by_its_id(
    client: HttpWorkerClient, scripted: Any
) -> None:
    scripted.answer(200, {"deleted": True})
    client.remove_pipeline(scripted.target, "a/../b")
    assert scripted.calls[0][:2] == ("DELETE", "/api/v1/pipelines/a%2F..%2Fb")


def test_a_pipeline_that_is_not_there_counts_as_removed(
    client: HttpWorkerClient, scripted: Any
) -> None:
    scripted.answer(404, {"error": "no such pipeline", "code": "pipeline_not_found"})
    client.remove_pipeline(scripted.target, "id-1")


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (400, {"error": "x", "code": "invalid_vpl"}, WorkerRefusedError, "invalid_vpl"),
        (409, {"error": "x", "code": "stale_generation"}, WorkerRefusedError, None),
        (429, {"error": "x", "code": "quota_exceeded"}, WorkerFullError, None),
        (429, {"error": "x", "code": "queue_full"}, WorkerRefusedError, "queue_full"),
        (401, {"error": "x", "code": "bad_key"}, WorkerAnswerError, "worker_error"),
        (500, b"<html>", WorkerAnswerError, "worker_error"),
        (302, b"", WorkerAnswerError, "worker_error"),
        (201, b"not json", WorkerAnswerError, "worker_error"),
        (201, b"[]", WorkerAnswerError, "worker_error"),
        (201, {"name": "p"}, WorkerAnswerError, "worker_error"),
    ],
)
def test_what_a_worker_answers_has_its_error(
    client: HttpWorkerClient,
    scripted: Any,
    status: int,
    body: Any,
    error: type[WorkerCallError],
    code: str | None,
) -> None:
    scripted.answer(status, body)
    scripted.headers = {"Location": "http://127.0.0.1:1/"} if status == 302 else {}
    with pytest.raises(error) as caught:
        client.deploy_pipeline(scripted.target, REQUEST)
    assert caught.value.details["worker_id"] == "w"
    assert caught.value.details["worker_status"] == status
    assert code is None or caught.value.error_code == code
    assert len(scripted.calls) == 1


def test_diagnostics_of_a_worker_are_passed_on(
    client: HttpWorkerClient, scripted: Any
) -> None:
    findings = [{"code": "E050", "line": 2}]
    details = {"diagnostics": findings}
    scripted.answer(400, {"error": "x", "code": "invalid_vpl", "details": details})
    with pytest.raises(WorkerRefusedError) as caught:
        client.deploy_pipeline(scripted.target, REQUEST)
    assert caught.value.details["diagnostics"] == findings


def test_a_refused_connection_is_unreachable(
    client: HttpWorkerClient, unused_tcp_port: int
) -> None:
    target = WorkerTarget("w", f"http://127.0.0.1:{unused_tcp_port}", "127.0.0.1")
    with pytest.raises(WorkerUnreachableError) as caught:
        client.check_health(target)
    assert caught.value.error_status == 502
    assert caught.value.may_move


def test_a_connection_that_breaks_is_unreachable(
    client: HttpWorkerClient, scripted: Any
) -> None:
    scripted.drops = True
    with pytest.raises(WorkerUnreachableError):
        client.check_health(scripted.target)


def test_a_worker_that_hangs_is_a_timeout(
    client: HttpWorkerClient, scripted: Any, settings: Any
) -> None:
    settings.VARPULIS = settings.VARPULIS | {"HTTP_TIMEOUT": 0.1}
    goes_on = threading.Event()
    scripted.before_answer = lambda: goes_on.wait(10)
    try:
        with pytest.raises(WorkerTimeoutError) as caught:
            client.check_health(scripted.target)
    finally:
        goes_on.set()
    assert caught.value.error_status == 504


def test_a_worker_that_answers_drop_by_drop_is_a_timeout(
    client: HttpWorkerClient, scripted: Any, settings: Any
) -> None:
    settings.VARPULIS = settings.VARPULIS | {"HTTP_TIMEOUT": 0.2}
    gave_up = threading.Event()
    scripted.answer(200, b"x" * 1000)
    scripted.drip = lambda: gave_up.wait(0.01)
    try:
        with pytest.raises(WorkerTimeoutError):
            client.check_health(scripted.target)
    finally:
        gave_up.set()


def test_proxies_of_the_environment_are_not_used(
    client: HttpWorkerClient, scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    client.check_health(scripted.target)
    assert scripted.calls


def test_no_error_shows_the_key(client: HttpWorkerClient, unused_tcp_port: int) -> None:
    address = f"http://127.0.0.1:{unused_tcp_port}"
    target = WorkerTarget("w", address, "127.0.0.1", "s3cret-key")
    with pytest.raises(WorkerCallError) as caught:
        client.check_health(target)
    assert "s3cret-key" not in f"{caught.value} {caught.value.to_json()} {target!r}"
