"""Many events at once: `events-batch` and `ingest`."""

import json

import pytest

ECHO = "stream S = X .where(v > 1) .emit(v: v)"
EVENTS = [{"event_type": "X", "fields": {"v": v}} for v in range(4)]
OUTPUTS = [{"event_type": "S", "v": 2}, {"event_type": "S", "v": 3}]
NDJSON = {"content-type": "application/x-ndjson"}


def lines(events):
    return "".join(json.dumps(event) + "\n" for event in events)


@pytest.fixture
def batch(worker):
    pipeline_id = worker.deploy(ECHO)

    def send(body=None, *, data=None, query="", headers=None):
        path = f"/api/v1/pipelines/{pipeline_id}/events-batch{query}"
        return worker.call("POST", path, body, data=data, headers=headers)

    return send


@pytest.fixture
def ingest(worker):
    pipeline_id = worker.deploy(ECHO)

    def send(data, headers=NDJSON):
        path = f"/api/v1/pipelines/{pipeline_id}/ingest"
        return worker.call("POST", path, data=data, headers=headers)

    return send


def without_time(body):
    assert isinstance(body.pop("processing_time_us"), int)
    return body


@pytest.mark.parametrize("form", ["array", "events", "ndjson"])
def test_every_form_of_a_batch_gives_the_same_answer(batch, form):
    if form == "array":
        status, body = batch(EVENTS)
    elif form == "events":
        status, body = batch({"events": EVENTS})
    else:
        status, body = batch(data=lines(EVENTS), headers=NDJSON)
    assert status == 200
    assert without_time(body) == {
        "accepted": 4,
        "failed": 0,
        "output_events": OUTPUTS,
        "output_count": 2,
        "errors": [],
    }


def test_bad_items_are_named_by_index_and_the_others_run(batch):
    status, body = batch([EVENTS[2], {"fields": {}}, 7, EVENTS[3]])
    assert status == 200
    assert (body["accepted"], body["failed"]) == (2, 2)
    assert [(e["index"], e["code"]) for e in body["errors"]] == [
        (1, "bad_request"),
        (2, "bad_request"),
    ]
    assert body["output_events"] == OUTPUTS


def test_broken_lines_are_named_by_index(batch):
    data = lines(EVENTS[:1]) + "{no json\n" + lines(EVENTS[2:])
    _, body = batch(data=data, headers=NDJSON)
    assert (body["accepted"], body["output_count"]) == (3, 2)
    assert [error["index"] for error in body["errors"]] == [1]


def test_outputs_can_be_left_out(batch):
    _, body = batch(EVENTS, query="?outputs=count")
    assert ("output_events" in body, body["output_count"]) == (False, 2)
    _, body = batch(EVENTS, query="?outputs=none")
    assert not {"output_events", "output_count"} & set(body)


def test_values_by_position_take_the_names_that_are_declared(worker):
    pipeline_id = worker.deploy(f"event X:\n    w: str\n    v: int\n{ECHO}")
    path = f"/api/v1/pipelines/{pipeline_id}/events-batch"
    _, body = worker.call("POST", path, {"events_text": "X(one, 1)\nX(two, 2)"})
    assert body["output_events"] == OUTPUTS[:1]


def test_the_text_of_an_event_file_is_a_batch(batch):
    text = 'X { v: 2 }\n# comment\n@10s X { v: 1 }\n{"event_type": "X", "v": 3}'
    status, body = batch({"events_text": text})
    assert (status, body["accepted"], body["output_events"]) == (200, 3, OUTPUTS)
    assert batch({"events_text": "X(2)"})[1]["output_events"] == []
    status, body = batch({"events_text": "X { v: 2 }\nX {"})
    assert (status, body["code"]) == (400, "bad_request")
    assert "line 2" in body["error"]
    assert batch({"events_text": 7})[0] == 400


def test_a_family_holds_for_the_whole_batch(batch):
    events = [{"event_type": "X_dock4", "fields": {"v": 5}}]
    _, body = batch(events, query="?family=X")
    assert body["output_events"] == [{"event_type": "S", "v": 5}]


@pytest.mark.parametrize("data", ["", "7", '"x"', "{}", "[", '{"events": 7}'])
def test_what_is_no_batch_is_400(batch, data):
    status, body = batch(data=data)
    assert (status, body["code"]) == (400, "bad_request")


def test_accepted_answers_at_once(batch, worker):
    status, body = batch(EVENTS, query="?ack=accepted")
    assert (status, body["accepted"]) == (202, 4)
    batch(EVENTS)  # queued behind it
    assert worker.call("GET", "/ready")[1]["events_processed"] == 8


def test_a_wrong_media_type_is_415(batch):
    status, body = batch(data="x", headers={"content-type": "text/plain"})
    assert (status, body["code"]) == (415, "unsupported_media_type")


def test_ingest_counts_what_came_of_the_lines(ingest):
    status, body = ingest(lines(EVENTS))
    assert status == 200
    assert without_time(body) == {
        "accepted": 4,
        "failed": 0,
        "output_count": 2,
        "errors": [],
        "errors_truncated": False,
    }


def test_ingest_takes_a_long_stream_in_chunks(ingest):
    def chunks():
        for _ in range(200):
            yield lines(EVENTS * 50).encode()

    _, body = ingest(chunks())
    assert (body["accepted"], body["output_count"]) == (40_000, 20_000)


def test_ingest_needs_no_newline_at_the_end(ingest):
    assert ingest(lines(EVENTS).rstrip())[1]["accepted"] == 4


def test_ingest_names_bad_lines_by_their_place_in_the_stream(ingest):
    def chunks():
        yield lines(EVENTS * 2000).encode()
        yield b"{no json\n"
        yield lines(EVENTS).encode()

    _, body = ingest(chunks())
    assert (body["accepted"], body["failed"]) == (8004, 1)
    assert body["errors"][0]["index"] == 8000


def test_ingest_leaves_out_lines_that_are_too_long(ingest):
    def chunks():
        yield lines(EVENTS).encode()
        yield b'{"event_type": "X", "fields": {"t": "'
        for _ in range(24):
            yield b"x" * 100_000
        yield b'"}}\n' + lines(EVENTS).encode()

    _, body = ingest(chunks())
    assert (body["accepted"], body["failed"]) == (8, 1)
    assert "longer than" in body["errors"][0]["error"]


def test_ingest_keeps_the_first_hundred_errors(ingest):
    _, body = ingest("x\n" * 150)
    assert (body["failed"], len(body["errors"])) == (150, 100)
    assert body["errors_truncated"]


def test_ingest_needs_its_media_type(ingest):
    status, _ = ingest("{}", headers={"content-type": "application/json"})
    assert status == 415
