"""Single events: api.md 7.1 and 6.5."""

import functools
import threading

import pytest
import requests

ECHO = 'stream A = EventA .emit(result: "from-a")'
HELD_UP = """
connector Out = console ()
stream Done = Work .emit(n: n) .to(Out)
"""
NOTHING = {"accepted": True, "output_events": []}


def test_an_event_is_answered_with_exactly_its_outputs(worker):
    pipeline_id = worker.deploy("stream S = X .where(v > 1) .emit(v: v)")
    assert worker.event(pipeline_id, "X", {"v": 2}) == (
        200,
        {"accepted": True, "output_events": [{"event_type": "S", "v": 2}]},
    )
    assert worker.event(pipeline_id, "X", {"v": 1}) == (200, NOTHING)
    assert worker.event(pipeline_id, "Unknown") == (200, NOTHING)


def test_floats_stay_floats(worker):
    pipeline_id = worker.deploy("stream S = X .emit(v: v)")
    worker.event(pipeline_id, "X", {"v": 250.0})
    assert b'"v":250.0' in worker.last.content


@pytest.mark.parametrize(
    "body",
    [
        {"event_type": "EventA"},
        {"event_type": "EventA", "data": {"x": 1}},
        {"event_type": "EventA", "x": 1, "id": 7},
        {"event_type": "EventA", "fields": {}, "timestamp": "2026-03-01T08:30:00Z"},
        {"event_type": "EventA", "fields": {}, "timestamp": 1772353800000},
    ],
)
def test_every_form_of_an_event_is_taken(worker, body):
    path = f"/api/v1/pipelines/{worker.deploy(ECHO)}/events"
    status, answer = worker.call("POST", path, body)
    assert (status, len(answer["output_events"])) == (200, 1)


def test_the_family_of_a_route_takes_events_nobody_consumes_by_type(worker):
    pipeline_id = worker.deploy(
        "stream W = Tile .emit(x: x)\nstream O = Tile01 .emit(o: x)"
    )
    for event_type, expected in (
        ("Tile01", {"event_type": "O", "o": 7}),
        ("Tile02", {"event_type": "W", "x": 7}),
    ):
        _, body = worker.event(pipeline_id, event_type, {"x": 7}, family="Tile")
        assert body["output_events"] == [expected]
    assert worker.event(pipeline_id, "Tile02", {"x": 7}) == (200, NOTHING)


def test_explain_tells_how_the_event_was_delivered(worker):
    pipeline_id = worker.deploy("stream W = Tile .emit(x: x)", generation=4)
    _, body = worker.event(pipeline_id, "Tile02", family="Tile", query="?explain=true")
    assert (body["delivered_as"], body["original_type"]) == ("Tile", "Tile02")
    assert body["generation"] == 4


def test_a_repeated_id_is_not_processed_again(worker):
    pipeline_id = worker.deploy(ECHO)
    first = worker.event(pipeline_id, "EventA", id="e-1")
    again = worker.event(pipeline_id, "EventA", id="e-1")
    assert len(first[1]["output_events"]) == 1
    assert again == (200, {**NOTHING, "duplicate": True})
    assert worker.call("GET", "/ready")[1]["events_processed"] == 1


def test_accepted_answers_before_the_work_is_done(worker):
    pipeline_id = worker.deploy(ECHO)
    assert worker.event(pipeline_id, "EventA", query="?ack=accepted") == (202, NOTHING)
    worker.event(pipeline_id, "EventA")  # queued behind it
    assert worker.call("GET", "/ready")[1]["events_processed"] == 2


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("{no json", "bad_json"),
        ("", "bad_json"),
        ('{"event_type": "X"} trailing', "bad_json"),
        ('{"event_type": "X", "fields": {"v": NaN}}', "bad_json"),
        ('{"event_type": "X", "fields": {"v": 1e999}}', "bad_json"),
        ('{"event_type": "X", "fields": {"v": "\\ud800"}}', "bad_json"),
        ("[1]", "bad_request"),
        ('{"fields": {}}', "bad_request"),
        ('{"event_type": ""}', "bad_request"),
        ('{"event_type": 7}', "bad_request"),
        ('{"event_type": "X", "fields": {}, "family": 7}', "bad_request"),
        ('{"event_type": "X", "fields": {}, "id": ""}', "bad_request"),
        ("[" * 100_000, "bad_json"),
    ],
)
def test_what_is_no_event_is_400(worker, data, code):
    path = f"/api/v1/pipelines/{worker.deploy(ECHO)}/events"
    status, body = worker.call("POST", path, data=data)
    assert (status, body["code"]) == (400, code)


@pytest.mark.parametrize(
    "fields",
    [
        {f"f{n}": n for n in range(1025)},
        {"t": "x" * (256 * 1024 + 1)},
        {"a": [0] * 10_001},
        {"d": functools.reduce(lambda inner, _: [inner], range(40), 0)},
    ],
    ids=["fields", "text", "array", "depth"],
)
def test_an_event_beyond_its_bounds_is_413(worker, fields):
    status, body = worker.event(worker.deploy(ECHO), "X", fields)
    assert (status, body["code"]) == (413, "body_too_large")


def test_a_nul_in_a_text_is_fine(worker):
    pipeline_id = worker.deploy("stream S = X .emit(v: v)")
    _, body = worker.event(pipeline_id, "X", {"v": "a\0b"})
    assert body["output_events"] == [{"event_type": "S", "v": "a\0b"}]


def test_unknown_pipelines_are_404(worker):
    status, body = worker.event("no-such-pipeline", "X")
    assert (status, body["code"]) == (404, "pipeline_not_found")


@pytest.mark.parametrize("query", ["?ack=maybe", "?explain=perhaps"])
def test_bad_query_values_are_400(worker, query):
    status, body = worker.event(worker.deploy(ECHO), "EventA", query=query)
    assert (status, body["code"]) == (400, "bad_request")


def test_a_caller_that_cannot_wait_gets_an_answer_in_time(worker):
    pipeline_id = worker.deploy(HELD_UP)
    worker.sinks.gate.clear()
    path = f"/api/v1/pipelines/{pipeline_id}/events"
    body = {"event_type": "Work", "fields": {"n": 7}}
    status, answer = worker.call(
        "POST", path, body, headers={"x-varpulis-timeout-ms": "100"}
    )
    assert (status, answer["complete"]) == (200, False)
    worker.sinks.gate.set()
    _, answer = worker.event(pipeline_id, "Work", {"n": 1})
    assert answer["output_events"] == [{"event_type": "Done", "n": 1}]
    assert [e.json()["n"] for e in worker.sinks.by_name["Out"].sent] == [7, 1]


@pytest.mark.parametrize("value", ["soon", "-1", "1.5", "9" * 12])
def test_a_senseless_timeout_is_400(worker, value):
    status, body = worker.call(
        "POST",
        f"/api/v1/pipelines/{worker.deploy(ECHO)}/events",
        {"event_type": "EventA"},
        headers={"x-varpulis-timeout-ms": value},
    )
    assert (status, body["code"]) == (400, "bad_request")


def test_a_slow_pipeline_does_not_hold_up_others(worker):
    slow, quick = worker.deploy(HELD_UP, "slow"), worker.deploy(ECHO, "quick")
    worker.sinks.gate.clear()
    worker.event(slow, "Work", query="?ack=accepted")
    depth = worker.call("GET", f"/api/v1/pipelines/{slow}")[1]["queue_depth"]
    _, body = worker.event(quick, "EventA")
    assert depth == 1
    assert len(body["output_events"]) == 1


def test_a_full_queue_is_429(start_worker):
    worker = start_worker(queue_limit=1)
    pipeline_id = worker.deploy(HELD_UP)
    worker.sinks.gate.clear()
    worker.event(pipeline_id, "Work", query="?ack=accepted")
    status, body = worker.event(pipeline_id, "Work", {"n": 1})
    assert (status, body["code"]) == (429, "queue_full")
    assert worker.last.headers["retry-after"] == "1"
    assert body["details"]["retry_after_seconds"] == 1


def test_events_of_many_callers_are_all_counted(worker):
    pipeline_id = worker.deploy(ECHO)

    def send():
        for _ in range(50):
            requests.post(
                f"http://127.0.0.1:{worker.port}/api/v1/pipelines/{pipeline_id}/events",
                json={"event_type": "EventA", "fields": {}},
                headers={"x-api-key": "test"},
                timeout=20,
            )

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worker.call("GET", "/ready")[1]["events_processed"] == 200


TWO_CONTEXTS = """
connector Out = console ()
context a
context b
stream Left = InLeft .context(a) .emit(n: n) .to(Out)
stream Right = InRight .context(b) .emit(n: n)
"""


def test_contexts_work_on_several_events_at_once(worker):
    pipeline_id = worker.deploy(TWO_CONTEXTS)
    worker.sinks.gate.clear()
    held = []
    caller = threading.Thread(
        target=lambda: held.append(
            requests.post(
                f"http://127.0.0.1:{worker.port}/api/v1/pipelines/{pipeline_id}/events",
                json={"event_type": "InLeft", "fields": {"n": 1}},
                headers={"x-api-key": "test"},
                timeout=20,
            ).json()
        )
    )
    caller.start()
    depth = f"/api/v1/pipelines/{pipeline_id}/metrics"
    while worker.call("GET", depth)[1]["queue_depth"] == 0:
        pass
    _, overtaking = worker.event(pipeline_id, "InRight", {"n": 2})
    assert overtaking["output_events"] == [{"event_type": "Right", "n": 2}]
    assert not held
    worker.sinks.gate.set()
    caller.join(20)
    assert held[0]["output_events"] == [{"event_type": "Left", "n": 1}]


def test_events_of_one_context_keep_their_order(worker):
    pipeline_id = worker.deploy(TWO_CONTEXTS)
    for n in range(50):
        worker.event(pipeline_id, "InLeft", {"n": n}, query="?ack=accepted")
    worker.event(pipeline_id, "InLeft", {"n": 50})
    sent = [event.json()["n"] for event in worker.sinks.by_name["Out"].sent]
    assert sent == list(range(51))


@pytest.fixture
def full(worker, monkeypatch):
    """A pipeline with contexts that has no room for anything at first."""
    pipeline_id = worker.deploy(TWO_CONTEXTS)
    pipeline = worker.on_loop(lambda services: services.host.get(pipeline_id).pipeline)
    room = threading.Event()
    for queue in pipeline._machine.executor._queues.values():
        monkeypatch.setattr(queue, "wait_for_room", lambda _deadline: room.is_set())
    return worker, pipeline_id, room


def assert_queue_full(worker, status, body):
    assert (status, body["code"]) == (429, "queue_full")
    assert worker.last.headers["retry-after"] == "1"
    assert body["details"]["retry_after_seconds"] == 1


def test_an_event_without_room_is_429_and_may_come_again(full):
    worker, pipeline_id, room = full
    assert_queue_full(worker, *worker.event(pipeline_id, "InRight", {"n": 1}, id="e"))
    room.set()
    _, body = worker.event(pipeline_id, "InRight", {"n": 1}, id="e")
    assert body == {
        "accepted": True,
        "output_events": [{"event_type": "Right", "n": 1}],
    }


def test_a_batch_without_room_is_429(full):
    worker, pipeline_id, _ = full
    path = f"/api/v1/pipelines/{pipeline_id}/events-batch"
    assert_queue_full(worker, *worker.call("POST", path, [{"event_type": "InRight"}]))


def test_a_stream_without_room_is_429_and_says_what_was_done(full):
    worker, pipeline_id, _ = full
    status, body = worker.call(
        "POST",
        f"/api/v1/pipelines/{pipeline_id}/ingest",
        data='{"event_type":"Nobody"}\n{"event_type":"InRight"}\n',
        headers={"content-type": "application/x-ndjson"},
    )
    assert_queue_full(worker, status, body)
    details = body["details"]
    assert (details["accepted"], details["failed"]) == (1, 1)
    assert details["errors"] == [
        {"index": 1, "code": "queue_full", "error": "queue full"}
    ]


def test_accepted_events_that_find_no_room_are_logged(full, caplog):
    worker, pipeline_id, _ = full
    assert worker.event(pipeline_id, "InRight", query="?ack=accepted")[0] == 202
    figures = f"/api/v1/pipelines/{pipeline_id}/metrics"
    while worker.call("GET", figures)[1]["queue_depth"]:
        pass
    assert "accepted events are lost" in caplog.text
