"""The order of checks of api.md section 1, and the one shape of errors."""

import http.client
import json
import socket

import pytest

from tests.integration.mqtt_broker import wait_until

PATHS = [
    ("GET", "/api/v1/pipelines"),
    ("POST", "/api/v1/pipelines"),
    ("GET", "/api/v1/pipelines/x"),
    ("DELETE", "/api/v1/pipelines/x"),
    ("POST", "/api/v1/pipelines/x/events"),
    ("POST", "/api/v1/pipelines/x/events-batch"),
    ("POST", "/api/v1/pipelines/x/ingest"),
    ("GET", "/api/v1/pipelines/x/metrics"),
    ("POST", "/api/v1/validate"),
    ("GET", "/api/v1/no-such-path"),
    ("PATCH", "/api/v1/pipelines"),
    ("GET", "/api/"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_the_key_comes_first(worker, method, path):
    status, body = worker.call(method, path, key=None)
    assert (status, body["code"]) == (401, "missing_key")
    status, body = worker.call(method, path, key="wrong")
    assert (status, body["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "ApiKey"])
def test_the_key_may_come_as_authorization(worker, scheme):
    headers = {"authorization": f"{scheme} test"}
    assert worker.call("GET", "/api/v1/pipelines", key=None, headers=headers)[0] == 200


def test_a_wrong_key_is_401_whatever_else_is_sent(worker):
    headers = {"authorization": "Bearer test"}
    status, _ = worker.call("GET", "/api/v1/pipelines", key="wrong", headers=headers)
    assert status == 401


@pytest.mark.parametrize("key", ["", "tes", "testt", "\u00e9".encode()])
def test_keys_that_only_look_alike_are_refused(worker, key):
    assert worker.call("GET", "/api/v1/pipelines", key=key)[0] == 401


def test_unknown_paths_are_404_before_method_and_body(worker):
    for path in ("/api/v1/nothing", "/nothing", "/api/v2/pipelines"):
        status, body = worker.call("PUT", path, data="{no json")
        assert (status, body["code"]) == (404, "not_found")
        assert path in body["error"]


def test_a_wrong_method_is_405_with_what_is_allowed(worker):
    status, body = worker.call("PUT", "/api/v1/pipelines", data="{no json")
    assert (status, body["code"]) == (405, "method_not_allowed")
    assert worker.last.headers["allow"] == "GET, HEAD, POST"


def test_an_unknown_pipeline_is_404_before_media_type_and_body(worker):
    status, body = worker.call(
        "POST",
        "/api/v1/pipelines/x/events",
        data="{no json",
        headers={"content-type": "text/plain"},
    )
    assert (status, body["code"]) == (404, "pipeline_not_found")


def test_the_media_type_comes_before_size_and_body(worker):
    status, body = worker.call(
        "POST",
        "/api/v1/pipelines",
        data="x" * (5 * 1024 * 1024),
        headers={"content-type": "text/plain"},
    )
    assert (status, body["code"]) == (415, "unsupported_media_type")


def test_the_size_comes_before_the_body(worker):
    big = "x" * (5 * 1024 * 1024)
    status, body = worker.call("POST", "/api/v1/pipelines", data=big)
    assert (status, body["code"]) == (413, "body_too_large")
    assert body["details"]["limit_bytes"] == 4 * 1024 * 1024


def test_the_size_of_a_chunked_body_counts_too(worker):
    pipeline_id = worker.deploy("stream S = X .emit()")
    path = f"/api/v1/pipelines/{pipeline_id}/events"
    chunks = (b"x" * 65_536 for _ in range(32))
    status, body = worker.call("POST", path, data=chunks)
    assert (status, body["code"]) == (413, "body_too_large")


def test_a_trailing_slash_answers_the_same_and_nothing_redirects(worker):
    assert worker.call("GET", "/api/v1/pipelines/") == worker.call(
        "GET", "/api/v1/pipelines"
    )
    assert worker.call("GET", "/health/")[0] == 200


def test_head_is_answered_without_a_body(worker):
    status, body = worker.call("HEAD", "/api/v1/pipelines")
    assert (status, body) == (200, None)


def test_every_answer_has_a_request_id(worker):
    worker.call("GET", "/health", headers={"x-request-id": "abc-1"})
    assert worker.last.headers["x-request-id"] == "abc-1"
    worker.call("GET", "/health", headers={"x-request-id": "not sane!"})
    assert worker.last.headers["x-request-id"] not in {"not sane!", ""}
    worker.call("GET", "/api/v1/pipelines", key=None)
    assert worker.last.headers["x-request-id"]


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:1", "[::1]:9000", "LOCALHOST"]
)
def test_local_host_names_are_answered(worker, host):
    assert worker.call("GET", "/health", headers={"host": host})[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9000", "192.0.2.7"])
def test_foreign_host_names_are_refused_on_loopback(worker, host):
    status, body = worker.call("GET", "/health", headers={"host": host})
    assert (status, body["code"]) == (400, "bad_request")


def test_allowed_host_names_are_answered(start_worker):
    worker = start_worker(allowed_hosts=("worker.example",))
    headers = {"host": "worker.example:80"}
    assert worker.call("GET", "/health", headers=headers)[0] == 200


def test_a_worker_without_a_key_is_open(start_worker):
    worker = start_worker(api_key=None)
    assert worker.call("GET", "/api/v1/pipelines", key=None)[0] == 200
    assert worker.call("GET", "/api/v1/pipelines", key="any")[0] == 200


def test_a_bug_is_a_500_with_the_request_id_and_no_more(worker, monkeypatch, caplog):
    def broken(_self):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("engine.worker.host.PipelineHost.totals", broken)
    status, body = worker.call("GET", "/ready", headers={"x-request-id": "r-1"})
    assert (status, body["code"]) == (500, "internal")
    assert body["details"] == {"request_id": "r-1"}
    assert "secret detail" not in json.dumps(body)
    assert wait_until(lambda: "secret detail" in caplog.text)
    assert "r-1" in caplog.text


def raw(worker, data):
    """Send bytes and return the status line of what comes back, b"" for nothing."""
    with socket.create_connection(("127.0.0.1", worker.port), timeout=20) as connection:
        connection.sendall(data)
        with connection.makefile("rb") as answer:
            return answer.readline()


def test_a_head_beyond_64_kib_is_431(worker):
    head = b"GET /health HTTP/1.1\r\nhost: localhost\r\nx-long: " + b"x" * 70_000
    assert b"431" in raw(worker, head + b"\r\n\r\n")


def test_a_head_beyond_64_kib_without_an_end_is_431(worker):
    assert b"431" in raw(worker, b"GET /health HTTP/1.1\r\nx-long: " + b"x" * 70_000)


def test_a_large_body_in_one_piece_with_its_head_is_fine(worker):
    body = b'{"source": "' + b" " * 200_000 + b'"}'
    head = (
        b"POST /api/v1/validate HTTP/1.1\r\nhost: localhost\r\nx-api-key: test\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    )
    assert b"200" in raw(worker, head + body)


def test_a_head_that_does_not_come_closes_the_connection(worker, monkeypatch):
    monkeypatch.setattr("engine.worker.protocol.HEAD_TIMEOUT_S", 0.05)
    assert raw(worker, b"GET /health HT") == b""
    assert worker.call("GET", "/health")[0] == 200


def test_a_body_that_stalls_is_given_up(worker, monkeypatch):
    monkeypatch.setattr("engine.worker.limits.BODY_TIMEOUT_S", 0.05)
    head = (
        b"POST /api/v1/validate HTTP/1.1\r\nhost: localhost\r\nx-api-key: test\r\n"
        b"content-type: application/json\r\ncontent-length: 100\r\n\r\n"
    )
    assert b"400" in raw(worker, head + b"{")


def test_a_caller_that_hangs_up_leaves_nothing_behind(worker):
    connection = http.client.HTTPConnection("127.0.0.1", worker.port)
    connection.putrequest("POST", "/api/v1/validate")
    for name, value in (
        ("x-api-key", "test"),
        ("content-type", "application/json"),
        ("content-length", "100"),
    ):
        connection.putheader(name, value)
    connection.endheaders(b"{")
    connection.close()
    assert worker.call("GET", "/health")[0] == 200
