"""Deploying, listing, deleting: api.md 7.1."""

import json
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[2] / "contract" / "golden"
ECHO = 'stream A = EventA .emit(result: "from-a")'


def test_the_deploy_request_of_the_coordinator_is_answered_as_agreed(worker):
    request = json.loads((GOLDEN / "deploy_request.json").read_text())
    expected = json.loads((GOLDEN / "deploy_answer.json").read_text())
    status, body = worker.call("POST", "/api/v1/pipelines", request)
    assert status == 201
    assert body["fingerprint"].startswith("b3:")
    assert len(body["fingerprint"]) == len(expected["fingerprint"])
    assert body | {"fingerprint": expected["fingerprint"]} == expected


def test_the_event_request_of_the_coordinator_is_answered_as_agreed(worker):
    deploy = json.loads((GOLDEN / "deploy_request.json").read_text())
    event = json.loads((GOLDEN / "event_request.json").read_text())
    expected = json.loads((GOLDEN / "event_answer.json").read_text())
    pipeline_id = worker.deploy(**deploy)
    status, body = worker.call("POST", f"/api/v1/pipelines/{pipeline_id}/events", event)
    assert (status, body) == (200, expected)


def test_pipelines_are_listed_in_the_order_of_their_deploys(worker):
    ids = [worker.deploy(ECHO, name) for name in ("one", "two")]
    status, body = worker.call("GET", "/api/v1/pipelines")
    assert status == 200
    assert [(p["id"], p["name"]) for p in body["pipelines"]] == list(
        zip(ids, ("one", "two"), strict=True)
    )
    first = body["pipelines"][0]
    assert list(first)[:5] == ["id", "name", "status", "source", "uptime_secs"]
    assert (first["status"], first["source"]) == ("running", ECHO)
    assert body["total"] == 2


def test_lists_are_paged(worker):
    for name in ("one", "two", "three"):
        worker.deploy(ECHO, name)
    _, body = worker.call("GET", "/api/v1/pipelines?limit=1&offset=1")
    assert [p["name"] for p in body["pipelines"]] == ["two"]
    assert body["pagination"] == {
        "total": 3,
        "limit": 1,
        "offset": 1,
        "has_more": True,
    }


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "offset=-1"])
def test_bad_pages_are_400(worker, query):
    status, body = worker.call("GET", f"/api/v1/pipelines?{query}")
    assert (status, body["code"]) == (400, "bad_request")


def test_one_pipeline_can_be_seen(worker):
    pipeline_id = worker.deploy(ECHO)
    status, body = worker.call("GET", f"/api/v1/pipelines/{pipeline_id}")
    assert (status, body["id"], body["consumes"]) == (200, pipeline_id, ["EventA"])
    assert body["connectors"] == []


def test_one_pipeline_shows_its_sinks(worker):
    pipeline_id = worker.deploy(
        "connector Out = console ()\nstream S = X .emit(v: v) .to(Out)"
    )
    worker.event(pipeline_id, "X", {"v": 1})
    _, body = worker.call("GET", f"/api/v1/pipelines/{pipeline_id}")
    assert body["connectors"] == [
        {
            "name": "Out",
            "type": "console",
            "direction": "out",
            "connected": True,
            "sent": 1,
        }
    ]


def test_warnings_about_a_program_are_in_the_answer_to_its_deploy(worker):
    source = "event X: alpha: int\nstream S = X .where(alpa > 1) .emit(a: alpha)"
    body = {"name": "p", "source": source}
    _, answer = worker.call("POST", "/api/v1/pipelines", body)
    (warning,) = answer["diagnostics"]
    assert (warning["severity"], warning["code"], warning["line"]) == (
        "warning",
        "W033",
        2,
    )


def test_a_deleted_pipeline_is_gone(worker):
    pipeline_id = worker.deploy(ECHO)
    path = f"/api/v1/pipelines/{pipeline_id}"
    assert worker.call("DELETE", path) == (200, {"deleted": True})
    status, body = worker.call("DELETE", path)
    assert (status, body["code"]) == (404, "pipeline_not_found")
    assert worker.call("GET", "/api/v1/pipelines")[1]["total"] == 0


def test_counters_of_deleted_pipelines_still_count(worker):
    pipeline_id = worker.deploy(ECHO)
    worker.event(pipeline_id, "EventA")
    worker.call("DELETE", f"/api/v1/pipelines/{pipeline_id}")
    assert worker.call("GET", "/ready")[1]["events_processed"] == 1


def test_broken_programs_are_400_with_every_finding(worker):
    source = "stream S = X .emit(v: v)\nstream T = Y .wher(v > )"
    status, body = worker.call(
        "POST", "/api/v1/pipelines", {"name": "bad", "source": source}
    )
    assert status == 400
    assert body["code"] in {"parse_error", "invalid_vpl"}
    (found, *_) = body["details"]["diagnostics"]
    assert found["line"] == 2
    assert {"code", "severity", "message", "column", "end_line"} <= set(found)
    assert worker.call("GET", "/api/v1/pipelines")[1]["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "p"},
        {"source": ECHO},
        {"name": 7, "source": ECHO},
        {"name": "p", "source": None},
        {"name": "", "source": ECHO},
        {"name": "a/b", "source": ECHO},
        {"name": "a#0", "source": ECHO},
        {"name": "_external", "source": ECHO},
        {"name": "n" * 129, "source": ECHO},
        {"name": "a\nb", "source": ECHO},
        {"name": "p", "source": ECHO, "generation": -1},
        {"name": "p", "source": ECHO, "generation": "3"},
        {"name": "p", "source": ECHO, "id": ""},
    ],
)
def test_bad_requests_are_400(worker, body):
    status, answer = worker.call("POST", "/api/v1/pipelines", body)
    assert (status, answer["code"]) == (400, "bad_request")
    assert isinstance(answer["error"], str)


def test_unknown_keys_are_named(worker):
    body = {"name": "p", "source": ECHO, "colour": "red"}
    _, answer = worker.call("POST", "/api/v1/pipelines", body)
    assert answer["warnings"] == ["unknown key 'colour' is ignored"]
    status, answer = worker.call("POST", "/api/v1/pipelines?strict=true", body)
    assert (status, answer["code"]) == (422, "invalid_spec")


def test_the_same_id_again_gives_what_runs_already(worker):
    first = worker.deploy(ECHO, id="p-1", group_id="g", generation=2)
    status, body = worker.call(
        "POST",
        "/api/v1/pipelines",
        {"name": "p", "source": ECHO, "id": "p-1", "group_id": "g", "generation": 2},
    )
    assert (status, body["id"], body["created"]) == (201, first, False)
    assert worker.call("GET", "/api/v1/pipelines")[1]["total"] == 1


def test_a_newer_generation_of_an_id_replaces_it(worker):
    worker.deploy(ECHO, id="p-1", group_id="g", generation=1)
    worker.deploy("stream B = EventA .emit(n: 2)", id="p-1", group_id="g", generation=2)
    _, body = worker.event("p-1", "EventA")
    assert body["output_events"] == [{"event_type": "B", "n": 2}]
    assert worker.call("GET", "/api/v1/pipelines")[1]["total"] == 1


def test_an_older_generation_of_a_placement_is_refused(worker):
    worker.deploy(ECHO, id="p-2", group_id="g", generation=2)
    status, body = worker.call(
        "POST",
        "/api/v1/pipelines",
        {"name": "p", "source": ECHO, "id": "p-1", "group_id": "g", "generation": 1},
    )
    assert (status, body["code"]) == (409, "stale_generation")
    worker.deploy(ECHO, id="p-3", group_id="g", replica=1, generation=1)
    worker.deploy(ECHO, id="p-4", group_id="other", generation=1)


def test_a_full_worker_refuses(start_worker):
    worker = start_worker(max_pipelines=1)
    worker.deploy(ECHO)
    status, body = worker.call(
        "POST", "/api/v1/pipelines", {"name": "two", "source": ECHO}
    )
    assert (status, body["code"]) == (429, "quota_exceeded")
    assert worker.last.headers["retry-after"]


def test_figures_of_a_pipeline(worker):
    pipeline_id = worker.deploy(ECHO)
    worker.event(pipeline_id, "EventA")
    status, body = worker.call("GET", f"/api/v1/pipelines/{pipeline_id}/metrics")
    assert status == 200
    assert (body["events_processed"], body["output_events_emitted"]) == (1, 1)
    assert body["latency"]["calls"] == 1


def test_validate_answers_yes_and_no(worker):
    status, body = worker.call("POST", "/api/v1/validate", {"source": ECHO})
    assert status == 200
    assert body == {
        "valid": True,
        "diagnostics": [],
        "consumes": ["EventA"],
        "emits": ["A"],
        "streams": ["A"],
    }
    status, body = worker.call("POST", "/api/v1/validate", {"source": "stream = "})
    assert (status, body["valid"]) == (200, False)
    assert body["diagnostics"]
