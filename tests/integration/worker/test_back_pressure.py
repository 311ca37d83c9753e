"""What a pipeline that is slower than its callers does to them."""

import json
import threading

import pytest
import requests

SLOW = "connector Out = console ()\nstream S = X .emit(v: v) .to(Out)"
EVENT = {"event_type": "X", "fields": {"v": 1}}
LINE = json.dumps(EVENT).encode() + b"\n"
NDJSON = {"content-type": "application/x-ndjson"}


@pytest.fixture
def slow(start_worker):
    """A worker whose only pipeline is held up, with two events waiting in it."""
    worker = start_worker(queue_limit=2)
    pipeline_id = worker.deploy(SLOW)
    worker.sinks.gate.clear()
    for _ in range(2):
        status, _ = worker.event(pipeline_id, "X", {"v": 0}, query="?ack=accepted")
        assert status == 202
    return worker, f"/api/v1/pipelines/{pipeline_id}"


def values(worker):
    return [event.json()["v"] for event in worker.sinks.by_name["Out"].sent]


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("events", EVENT),
        ("events?ack=accepted", EVENT),
        ("events-batch", [EVENT]),
        ("events-batch?ack=accepted", {"events": [EVENT]}),
    ],
)
def test_a_full_queue_is_told_with_the_time_to_wait(slow, call, body):
    worker, path = slow
    status, answer = worker.call("POST", f"{path}/{call}", body)
    assert (status, answer["code"]) == (429, "queue_full")
    assert worker.last.headers["retry-after"] == "1"
    assert answer["details"]["retry_after_seconds"] == 1
    worker.sinks.gate.set()
    while worker.call("GET", path)[1]["queue_depth"]:
        pass  # what waits is done in its own time
    worker.event(path.rpartition("/")[2], "X", {"v": 9})
    assert values(worker) == [0, 0, 9]


def test_a_stream_waits_instead_and_nothing_piles_up(slow):
    worker, path = slow
    sent, waiting = [], threading.Event()
    fields = {"v": 1, "t": "x" * 200_000}
    long = json.dumps({"event_type": "X", "fields": fields}).encode() + b"\n"

    def lines():
        for _ in range(300):  # 60 MB: far more than sockets and buffers hold
            sent.append(1)
            if len(sent) == 5:
                waiting.set()
            yield long

    done = []

    def stream():
        done.append(
            requests.post(
                f"http://127.0.0.1:{worker.port}{path}/ingest",
                data=lines(),
                headers={**NDJSON, "x-api-key": "test"},
                timeout=60,
            )
        )

    caller = threading.Thread(target=stream)
    caller.start()
    assert waiting.wait(20)
    for _ in range(50):
        status, body = worker.call("GET", path)
        assert (status, body["queue_depth"]) == (200, 2)
    assert len(sent) < 300
    worker.sinks.gate.set()
    caller.join(60)
    assert done[0].json()["accepted"] == 300
    assert len(values(worker)) == 302


def test_a_stream_names_bad_lines_of_every_kind_and_keeps_the_others(worker):
    pipeline_id = worker.deploy("stream S = X .where(v > 0) .emit(v: v)")
    bad = [b"{no json\n", b"[]\n", b'{"fields": {}}\n', b"\xff\n", b"x" * 2**21 + b"\n"]
    data = b"".join(LINE * 1000 + line for line in bad) + LINE
    _, body = worker.call(
        "POST", f"/api/v1/pipelines/{pipeline_id}/ingest", data=data, headers=NDJSON
    )
    assert (body["accepted"], body["output_count"], body["failed"]) == (5001, 5001, 5)
    assert [error["index"] for error in body["errors"]] == [
        1000, 2001, 3002, 4003, 5004,
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["array", "events", "ndjson"])
def test_bad_events_of_large_batches_are_named_and_the_others_run(worker, form):
    pipeline_id = worker.deploy("stream S = X .where(v > 0) .emit(v: v)")
    items = [LINE.strip()] * 60_000
    for at in (0, 7, 30_000, 59_999):
        items[at] = b'{"event_type": 7}'
    array = b"[" + b",\n".join(items) + b"]"
    data = {
        "array": array,
        "events": b'{"events": ' + array + b"}",
        "ndjson": b"\n".join(items),
    }[form]
    assert len(data) > 2**21
    _, body = worker.call(
        "POST",
        f"/api/v1/pipelines/{pipeline_id}/events-batch?outputs=count",
        data=data,
        headers=NDJSON if form == "ndjson" else None,
    )
    assert (body["accepted"], body["failed"]) == (59_996, 4)
    assert [error["index"] for error in body["errors"]] == [0, 7, 30_000, 59_999]
    assert body["output_count"] == 59_996


def test_more_bad_events_than_an_answer_lists_are_counted(worker):
    pipeline_id = worker.deploy("stream S = X .emit(v: v)")
    _, body = worker.call(
        "POST",
        f"/api/v1/pipelines/{pipeline_id}/events-batch",
        data="7\n" * 6000,
        headers=NDJSON,
    )
    assert (body["failed"], len(body["errors"])) == (6000, 5000)
    assert body["errors_truncated"]


@pytest.mark.parametrize("call", ["events", "events-batch"])
def test_outputs_beyond_16_mib_are_left_out_and_the_answer_says_so(worker, call):
    pipeline_id = worker.deploy(f"stream S = X .process(many())\n{MANY}")
    text = "x" * 250_000
    event = {"event_type": "X", "fields": {"text": text}}
    status, body = worker.call(
        "POST",
        f"/api/v1/pipelines/{pipeline_id}/{call}",
        event if call == "events" else [event],
    )
    assert (status, body["output_count"]) == (200, 100)
    assert body["outputs_truncated"]
    assert 60 < len(body["output_events"]) < 70
    assert len(worker.last.content) <= 17 * 2**20


MANY = """
fn many():
    for i in 0..100:
        emit Copy(text: text)
"""
