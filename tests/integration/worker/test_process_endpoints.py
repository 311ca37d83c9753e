"""/health, /ready and /metrics: api.md 7.2 and 9."""

import re
from importlib.metadata import version

OUT = 'connector Out = console ()\nstream S = X .emit(v: v) .to(Out, topic: "t")'


def test_health_needs_no_key(worker):
    status, body = worker.call("GET", "/health", key=None)
    assert status == 200
    assert list(body)[:3] == ["status", "uptime_seconds", "version"]
    assert (body["status"], body["version"]) == ("healthy", version("varpulis"))
    assert body["worker_id"] == "depot-7"


def test_a_worker_without_pipelines_is_ready(worker):
    status, body = worker.call("GET", "/ready", key=None)
    assert (status, body["status"], body["pipelines"]) == (200, "ready", 0)


def test_a_connector_that_is_not_connected_makes_the_worker_not_ready(worker):
    worker.deploy(OUT)
    assert worker.call("GET", "/ready")[0] == 200
    worker.sinks.by_name["Out"].connected = False
    status, body = worker.call("GET", "/ready")
    assert (status, body["status"]) == (503, "not_ready")
    assert body["faulty"] == [
        {"pipeline": "p", "connector": "Out", "error": "not connected"}
    ]


def test_a_stopping_worker_is_not_ready_and_takes_nothing_new(worker):
    pipeline_id = worker.deploy("stream S = X .emit()")
    worker.on_loop(lambda services: setattr(services.host, "is_stopping", True))
    assert worker.call("GET", "/ready")[1]["reason"] == "stopping"
    assert worker.event(pipeline_id, "X")[0] == 503
    body = {"name": "q", "source": "stream S = X .emit()"}
    status, body = worker.call("POST", "/api/v1/pipelines", body)
    assert (status, body["code"]) == (503, "not_ready")


def test_metrics_are_open_to_this_machine_and_not_through_a_proxy(worker):
    worker._session.headers.pop("accept-encoding", None)
    response = worker._session.get(f"http://127.0.0.1:{worker.port}/metrics", timeout=9)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    headers = {"x-forwarded-for": "192.0.2.7"}
    status, body = worker.call("GET", "/metrics", key=None, headers=headers)
    assert (status, body["code"]) == (401, "missing_key")


def test_metrics_may_be_opened_to_everybody(start_worker):
    worker = start_worker(metrics_public=True)
    url = f"http://127.0.0.1:{worker.port}/metrics"
    headers = {"x-forwarded-for": "192.0.2.7"}
    assert worker._session.get(url, headers=headers, timeout=9).status_code == 200


def test_metrics_have_prometheus_form(worker):
    pipeline_id = worker.deploy(OUT, 'quo"te')
    worker.event(pipeline_id, "X", {"v": 1})
    response = worker._session.get(f"http://127.0.0.1:{worker.port}/metrics", timeout=9)
    sample = re.compile(
        r'[a-z_]+(\{[a-z_]+="(?:[^"\\]|\\.)*"(,[a-z_]+="[^"]*")*\})? \S+'
    )
    lines = response.text.splitlines()
    for line in lines:
        assert line.startswith("# TYPE ") or sample.fullmatch(line), line
    assert 'varpulis_pipelines{status="running"} 1' in lines
    assert 'varpulis_events_processed_total{pipeline="quo\\"te",stream="S"} 1' in lines
    label = 'pipeline="quo\\"te",connector="Out"'
    assert f'varpulis_connector_connected{{{label},direction="out"}} 1' in lines
    assert f'varpulis_connector_messages_total{{{label},direction="out"}} 1' in lines
    assert f"varpulis_sink_retries_total{{{label}}} 0" in lines


def test_metrics_tell_what_streams_keep_and_drop(worker):
    source = (
        "stream S = A as a -> B where k == a.k as b .within(1h) .emit(k: a.k)\n"
        'stream T = A .tap(counter: "seen", labels: [k, `x-y`]) .emit(v: v + 1)\n'
    )
    pipeline_id = worker.deploy(source)
    worker.event(pipeline_id, "A", {"k": "one", "v": "text"})
    worker.event(pipeline_id, "A", {"k": "two", "v": 1, "x-y": 'a"b'})
    worker.event(pipeline_id, "B", {"k": "two"})
    response = worker._session.get(f"http://127.0.0.1:{worker.port}/metrics", timeout=9)
    lines = set(response.text.splitlines())
    where = 'pipeline="p",stream="S"'
    assert f"varpulis_pattern_runs{{{where}}} 1" in lines
    assert f"varpulis_matches_total{{{where}}} 1" in lines
    assert f"varpulis_runs_killed_total{{{where}}} 0" in lines
    error = 'pipeline="p",stream="T",reason="kind"'
    assert f"varpulis_eval_errors_total{{{error}}} 1" in lines
    tap = 'k="two",x_y="a\\"b",pipeline="p",stream="T",counter="seen"'
    assert f"varpulis_tap_total{{{tap}}} 1" in lines
    assert 'varpulis_unrouted_events_total{pipeline="p"} 0' in lines


def test_outputs_are_counted_by_type_as_far_as_a_stream_has_one(worker):
    source = (
        "fn both(e):\n    emit X(n: 1)\n    emit Y(n: 2)\n"
        "stream S = A .emit(n: 1)\n"
        "stream T = A .emit as Alarm(n: 1)\n"
        "stream U = S .process(both(1))\n"
        "stream V = A .process(both(1)) .emit(n)\n"
    )
    worker.event(worker.deploy(source), "A")
    worker.deploy(source)  # another pipeline of the same name adds up
    response = worker._session.get(f"http://127.0.0.1:{worker.port}/metrics", timeout=9)
    lines = response.text.splitlines()
    name = "varpulis_output_events_total"
    assert [line for line in lines if line.startswith(name)] == [
        f'{name}{{pipeline="p",stream="S",event_type="S"}} 1',
        f'{name}{{pipeline="p",stream="T",event_type="Alarm"}} 1',
        f'{name}{{pipeline="p",stream="U",event_type="other"}} 2',
        f'{name}{{pipeline="p",stream="V",event_type="V"}} 2',
    ]
    where = 'pipeline="p",stream="S"'
    assert f"varpulis_stream_events_out_total{{{where}}} 1" in lines
    calls = "varpulis_processing_latency_seconds_count"
    assert [line for line in lines if line.startswith(calls)] == [
        f'{calls}{{pipeline="p"}} 1'
    ]
    kept = "varpulis_checkpoint_duration_seconds_count"
    assert f'{kept}{{pipeline="p"}} 0' in lines
