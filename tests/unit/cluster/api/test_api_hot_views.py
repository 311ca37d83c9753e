"""Heartbeat and inject where Django runs alone: the hot path's own answers."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from cluster.models import Worker
from cluster.services.groups import deploy_group
from cluster.testing import FakeWorkers, ManualClock, make_spec

pytestmark = pytest.mark.django_db(transaction=True)


class EchoWorker(BaseHTTPRequestHandler):
    """Answers events as a worker does, with the type as it was delivered."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "events-batch" in self.path:
            reply = {"accepted": len(body), "failed": 0, "output_events": []}
        else:
            reply = {"accepted": True, "output_events": [{"event_type": "Out"}]}
        raw = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), EchoWorker)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def group(
    join: Any, workers: FakeWorkers, background: Any, clock: ManualClock, port: int
) -> Any:
    join("w", port=port)
    spec = make_spec(pipelines=["a"], routes=[("_external", "a", ("E*",))])
    return deploy_group(spec=spec, requested_by="test", clock=clock)


def test_a_heartbeat_is_acknowledged(
    api: Any, join: Any, background: Any, golden: Any
) -> None:
    join("depot-7", instance_id="0b0f6a9e-5a53-4c5e-8d0e-6c4c6a1f7f10")
    body = golden("heartbeat_request.json")
    response = api.post("workers/depot-7/heartbeat", body, key="k-depot-7")
    assert (response.status_code, response.json()) == (200, {"acknowledged": True})
    assert Worker.objects.get().events_processed == body["events_processed"]


@pytest.mark.parametrize(
    ("worker_id", "key", "status", "code"),
    [
        ("w", None, 401, "missing_key"),
        ("w", "other", 401, "bad_worker_key"),
        ("ghost", "any", 404, "worker_unknown"),
    ],
)
def test_heartbeats_are_refused_by_the_same_rules(
    api: Any,
    join: Any,
    assert_error: Any,
    worker_id: str,
    key: str | None,
    status: int,
    code: str,
) -> None:
    join("w")
    response = api.post(f"workers/{worker_id}/heartbeat", {}, key=key)
    assert_error(response, status, code)


def test_an_event_is_routed_and_answered_exactly(api: Any, group: Any) -> None:
    response = api.post(f"pipeline-groups/{group.pk}/inject", {"event_type": "E1"})
    assert response.status_code == 200
    assert response.json() == {
        "routed_to": "a",
        "worker_id": "w",
        "worker_response": {"accepted": True, "output_events": [{"event_type": "Out"}]},
    }
    assert response.headers["X-Request-Id"]


def test_an_event_finds_its_group_by_name(api: Any, group: Any) -> None:
    path = "pipeline-groups/by-name/group/inject/"
    assert api.post(path, {"event_type": "E"}).status_code == 200


def test_a_batch_is_summed_up(api: Any, group: Any) -> None:
    events = [{"event_type": "E", "fields": {"x": x}} for x in range(3)]
    body = api.post(f"pipeline-groups/{group.pk}/inject-batch", events).json()
    assert (body["events_sent"], body["events_failed"]) == (3, 0)


def test_injecting_is_refused_by_the_same_rules(
    api: Any, group: Any, assert_error: Any
) -> None:
    path = f"pipeline-groups/{group.pk}/inject"
    assert_error(api.post(path, {}, key=None), 401, "missing_key")
    assert_error(api.post(path, {}, key="wrong"), 401, "invalid_api_key")
    assert_error(api.get(path), 405, "method_not_allowed")
    assert_error(api.post(path, {"fields": {}}), 400, "bad_request")
    assert_error(api.post(path, b"{no json"), 400, "bad_json")
    gone = "pipeline-groups/00000000-0000-4000-8000-000000000000/inject"
    assert_error(api.post(gone, {"event_type": "E"}), 404, "group_not_found")
