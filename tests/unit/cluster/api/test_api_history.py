"""The audit and the history over the API (api.md sections 2 and 4.5)."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from cluster.models import AuditEntry, ClusterEvent
from cluster.services.events import record_event

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def entries(api):
    return lambda query="": api.get(f"audit{query}").json()["audit"]


def test_a_call_that_changes_something_is_written_down(api, join, entries):
    join("worker-0")
    answer = api.call("DELETE", "workers/worker-0", X_Request_Id="r-7")
    assert answer.status_code == 200
    [entry] = entries()
    assert entry | {"seq": 0, "at": "", "duration_ms": 0} == {
        "seq": 0,
        "at": "",
        "who": "key:bootstrap",
        "role": "admin",
        "method": "DELETE",
        "path": "/api/v1/cluster/workers/worker-0",
        "operation": "/api/v1/cluster/workers/<str:worker_id>",
        "request_id": "r-7",
        "peer": "127.0.0.1",
        "status": 200,
        "duration_ms": 0,
    }


def test_a_refused_call_is_written_down_with_its_status(api, commits, entries):
    with commits():
        made = api.call("POST", "keys", {"name": "ci", "role": "viewer"}).json()
    api.call("POST", "pipeline-groups", {}, key=made["key"])
    newest = entries()[0]
    assert newest["who"] == f"key:{made['prefix']}"
    assert (newest["role"], newest["status"]) == ("viewer", 403)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "workers", None),
        ("GET", "topology", None),
        ("POST", "validate", {"source": "stream A = B"}),
    ],
)
def test_looking_is_not_written_down(api, entries, method, path, body):
    assert api.call(method, path, body).status_code == 200
    assert entries() == []


def test_strangers_cannot_fill_the_audit(api, entries):
    assert api.call("POST", "keys", {}, key="wrong").status_code == 401
    assert entries() == []


def test_neither_bodies_nor_keys_are_kept(api, commits):
    with commits():
        made = api.call("POST", "keys", {"name": "canary-1", "role": "viewer"}).json()
    kept = json.dumps(list(AuditEntry.objects.values()), default=str)
    assert "canary-1" not in kept
    assert made["key"] not in kept
    assert "admin-key" not in kept


def test_a_browser_is_named_by_its_user(login, entries):
    api = login("operator")
    token = "x" * 32
    api.django.cookies["csrftoken"] = token
    answer = api.call("POST", "pipeline-groups", {}, key=None, X_CSRFToken=token)
    assert answer.status_code == 400
    newest = entries()[0]
    assert (newest["who"], newest["role"]) == ("user-operator", "operator")


def test_the_audit_is_for_admins(api, commits):
    with commits():
        key = api.call("POST", "keys", {"name": "o", "role": "operator"}).json()["key"]
    assert api.call("GET", "audit", key=key).status_code == 403


@pytest.fixture
def events():
    for number in range(5):
        record_event(
            event_type="worker.joined",
            message=f"worker {number} came",
            now=AT + timedelta(minutes=number),
        )


def told(answer):
    return [event["message"] for event in answer.json()["events"]]


def test_the_history_is_read_page_by_page(api, events):
    first = api.get("events?limit=2")
    assert told(first) == ["worker 4 came", "worker 3 came"]
    cursor = first.json()["next_cursor"]
    second = api.get(f"events?limit=3&cursor={cursor}")
    assert told(second) == ["worker 2 came", "worker 1 came", "worker 0 came"]
    assert second.json()["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("since=2026-03-02T08:33:00Z", ["worker 4 came", "worker 3 came"]),
        ("until=2026-03-02T08:31:00Z", ["worker 0 came"]),
        ("until=2026-03-02T09:31:00%2B01:00", ["worker 0 came"]),
        ("q=ER 2", ["worker 2 came"]),
        ("q=nothing", []),
    ],
)
def test_the_history_is_searched(api, events, query, expected):
    assert told(api.get(f"events?{query}")) == expected


@pytest.mark.parametrize("since", ["yesterday", "2026-03-02T08:33:00", "1e9"])
def test_a_time_that_is_none_is_refused(api, since):
    answer = api.get(f"events?since={since}")
    assert answer.status_code == 400
    assert answer.json()["details"]["errors"][0]["path"] == "since"


def test_the_history_is_exported_as_lines(api, events):
    answer = api.get("events?format=ndjson&limit=3")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines = answer.content.decode().splitlines()
    assert [json.loads(line)["message"] for line in lines] == [
        "worker 4 came",
        "worker 3 came",
        "worker 2 came",
    ]
    assert ClusterEvent.objects.count() == 5
