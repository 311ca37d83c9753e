"""What reaches sinks, and how."""

import pytest

from engine import Event, LoadError, compile_program
from engine.connectors.base import ConnectorSpec, Sink
from engine.connectors.fake import RecordingSink, RecordingSinks

OUT = 'connector Out = mqtt (host: "h", port: 1883, qos: 0)\n'
AT_ONE_S = 1_000_000_000
STAMP = "1970-01-01T00:00:01Z"


def sent(
    source: str, *fields: dict[str, object]
) -> list[tuple[str, dict[str, object]]]:
    """Run events and return what the sink `Out` got, with its topics."""
    sinks = RecordingSinks()
    pipeline = compile_program(source, sinks=sinks)
    for event in fields:
        pipeline.inject(Event("In", event, AT_ONE_S))
    return [(entry.topic, entry.json()) for entry in sinks.by_name["Out"].sent]


def test_the_fake_keeps_the_contract_of_sinks() -> None:
    sink: Sink = RecordingSink(ConnectorSpec("n", "mqtt"))
    assert not sink.connected
    sink.open()
    sink.send("t", [b"{}"], stream="S")
    assert sink.connected
    assert sink.status()["sent"] == 1
    sink.close(0.0)
    assert not sink.connected


def test_an_output_is_sent_flat_with_its_timestamp() -> None:
    source = OUT + 'stream S = In .emit(a: a, b: zap) .to(Out, topic: "t/x")'
    wanted = {"event_type": "S", "timestamp": STAMP, "a": 1}
    assert sent(source, {"a": 1}) == [("t/x", wanted)]


def test_the_reply_has_no_timestamp_after_sending() -> None:
    pipeline = compile_program(
        OUT + "stream S = In .emit(a: 1) .to(Out)", sinks=RecordingSinks()
    )
    reply = pipeline.inject(Event("In", {}, AT_ONE_S))
    assert reply.outputs == [{"event_type": "S", "a": 1}]


def test_an_event_that_was_not_emitted_is_sent_whole() -> None:
    source = OUT + "stream S = In .where(a > 0) .to(Out) .emit(a)"
    (entry,) = sent(source, {"a": 1, "more": [1, None]}, {"a": 0})
    assert entry[1] == {
        "event_type": "In",
        "timestamp": STAMP,
        "a": 1,
        "more": [1, None],
    }


def test_topics_come_from_the_use_then_the_connector_then_the_stream() -> None:
    assert sent(OUT + "stream S = In .emit(a) .to(Out)", {})[0][0] == "S-output"
    declared = 'connector Out = mqtt (host: "h", topic: "base")\n'
    assert sent(declared + "stream S = In .emit(a) .to(Out)", {})[0][0] == "base"
    used = declared + 'stream S = In .emit(a) .to(Out, topic: "t/" + a)'
    topics = [topic for topic, _ in sent(used, {"a": "x"}, {"a": 5}, {})]
    assert topics == ["t/x", "base", "base"]


def test_a_field_called_timestamp_wins() -> None:
    source = OUT + 'stream S = In .emit(timestamp: "mine") .to(Out)'
    assert sent(source, {})[0][1] == {"event_type": "S", "timestamp": "mine"}


def test_emitted_events_are_sent_under_their_own_type() -> None:
    source = OUT + (
        "fn f():\n    emit P(n: 1)\n    emit Q(n: 2)\n"
        'stream S = In .process(f()) .to(Out, topic: "p")'
    )
    assert [body["event_type"] for _, body in sent(source, {})] == ["P", "Q"]


def test_specs_carry_constants_and_overrides() -> None:
    source = (
        'let place = "h2"\n'
        "connector Out = mqtt (host: place, port: -1, tls: true, client_id: plain)\n"
        "stream S = In .emit(a) .to(Out)\n"
        "stream T = In .emit(a) .to(Out, qos: 2)\n"
        'stream U = In .emit(a) .to(Out, topic: "u")'
    )
    made: list[ConnectorSpec] = []

    def factory(spec: ConnectorSpec) -> Sink:
        made.append(spec)
        return RecordingSink(spec)

    pipeline = compile_program(source, name="p", sinks=factory)
    common = {"host": "h2", "port": -1, "tls": True, "client_id": "plain"}
    other = {**common, "qos": 2, "client_id": "plain-2"}
    assert [spec.params for spec in made] == [common, other]
    assert {spec.pipeline for spec in made} == {"p"}
    assert set(pipeline.sinks) == {"Out", "Out#2"}


def test_sinks_open_with_the_first_event_and_close_with_the_pipeline() -> None:
    sinks = RecordingSinks()
    pipeline = compile_program(OUT + "stream S = In .emit(a) .to(Out)", sinks=sinks)
    sink = sinks.by_name["Out"]
    assert not sink.connected
    pipeline.inject(Event("In", {}))
    assert sink.connected
    assert pipeline.metrics().streams["S"].sink_sent == 1
    pipeline.close()
    assert not sink.connected


def test_without_a_factory_events_end_here() -> None:
    pipeline = compile_program(OUT + "stream S = In .emit(a: 1) .to(Out)")
    assert len(pipeline.inject(Event("In", {})).outputs) == 1
    assert pipeline.metrics().streams["S"].sink_sent == 0


def test_contexts_send_too() -> None:
    source = OUT + (
        "context c\nfn f():\n    for i in 0..300: emit P(i: i)\n"
        'stream S = In .context(c) .process(f()) .to(Out, topic: "p")\n'
        'stream D = P .emit(i: i) .to(Out, topic: "d")'
    )
    got = sent(source, {})
    assert [body["i"] for topic, body in got if topic == "p"] == list(range(300))
    assert [body["i"] for topic, body in got if topic == "d"] == list(range(300))


def test_two_sinks_of_one_connector_have_client_ids_of_their_own() -> None:
    sinks: list[RecordingSink] = []

    def make(spec: ConnectorSpec) -> RecordingSink:
        sinks.append(RecordingSink(spec))
        return sinks[-1]

    compile_program(
        'connector Out = mqtt (host: "h", client_id: "me")\n'
        "stream S = In .emit(a).to(Out).to(Out, qos: 0).to(Out, qos: 0)",
        sinks=make,
    )
    assert [sink.spec.params["client_id"] for sink in sinks] == ["me", "me-2"]


def test_a_sink_that_fails_to_close_does_not_keep_others_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(RecordingSink):
        def close(self, timeout_s: float) -> None:
            raise ZeroDivisionError

    broken, fine = (
        Broken(ConnectorSpec("A", "mqtt")),
        RecordingSink(ConnectorSpec("B", "mqtt")),
    )
    made = {"A": broken, "B": fine}
    pipeline = compile_program(
        "connector A = mqtt ()\nconnector B = mqtt ()\n"
        "stream S = In .emit(a).to(A).to(B)",
        sinks=lambda spec: made[spec.name],
    )
    pipeline.start()
    assert fine.connected
    pipeline.close()
    assert not fine.connected
    assert "'A' did not close" in caplog.text


# --- arrays --------------------------------------------------------------------------

ARRAYS = OUT + 'stream S = In .emit(n: n, t: t) .to(Out, topic: "a/" + t, batch: 3)'


def lines(*events: tuple[int, str]) -> bytes:
    """Return events as NDJSON, all of the same time."""
    return b"\n".join(
        b'{"event_type":"In","timestamp":1000,"n":%d,"t":"%b"}' % (n, t.encode())
        for n, t in events
    )


def sent_by(sinks: RecordingSinks) -> list[tuple[str, list[int]]]:
    """Return topics and messages, events as their numbers; starts anew."""
    entries = sinks.by_name["Out"].sent
    found = [(e.topic, e.json()) for e in entries]
    entries.clear()
    return [(topic, [event["n"] for event in events]) for topic, events in found]


def test_events_are_sent_in_arrays_by_topic() -> None:
    sinks = RecordingSinks()
    pipeline = compile_program(ARRAYS, sinks=sinks)
    pipeline.inject_batch(lines(*((n, "yx"[n % 2]) for n in range(11))))
    assert sent_by(sinks) == [
        ("a/y", [0, 2, 4]),
        ("a/x", [1, 3, 5]),
        ("a/y", [6, 8, 10]),
        ("a/x", [7, 9]),
    ]
    assert pipeline.metrics().streams["S"].sink_sent == 11


def test_no_event_waits_for_the_next_call() -> None:
    sinks = RecordingSinks()
    pipeline = compile_program(ARRAYS, sinks=sinks)
    for n in range(2):
        pipeline.inject(Event("In", {"n": n, "t": "x"}, AT_ONE_S))
        assert sent_by(sinks) == [("a/x", [n])]


def test_an_array_holds_what_single_messages_hold() -> None:
    body = "stream S = In .emit(n: n, f: n / 3.0, none: zap, ts: timestamp)"
    singles, arrays = RecordingSinks(), RecordingSinks()
    for sinks, more in ((singles, ""), (arrays, ", batch: 4")):
        program = compile_program(f"{OUT}{body} .to(Out{more})", sinks=sinks)
        program.inject_batch(lines(*((n, "x") for n in range(9))))
    texts = [entry.payload for entry in singles.by_name["Out"].sent]
    wanted = [texts[:4], texts[4:8], texts[8:]]
    found = [entry.payload for entry in arrays.by_name["Out"].sent]
    assert found == [b"[%b]" % b",".join(part) for part in wanted]


def test_one_sink_takes_arrays_and_single_messages() -> None:
    sinks = RecordingSinks()
    pipeline = compile_program(
        OUT + "stream S = In .emit(n: n) .to(Out, batch: 2) .to(Out)", sinks=sinks
    )
    pipeline.inject_batch(lines((1, "x"), (2, "x"), (3, "x")))
    assert list(sinks.by_name) == ["Out"]
    bodies = [entry.json() for entry in sinks.by_name["Out"].sent]
    kept = [[e["n"] for e in b] if isinstance(b, list) else b["n"] for b in bodies]
    assert kept == [[1, 2], [3], 1, 2, 3]


def test_windows_that_a_flush_closes_are_sent() -> None:
    sinks = RecordingSinks()
    pipeline = compile_program(
        OUT
        + "stream S = In .partition_by(t) .window(1h) .aggregate(n: count())"
        + " .to(Out, batch: 2)",
        sinks=sinks,
    )
    pipeline.inject_batch(lines((1, "x"), (2, "y"), (3, "z")))
    assert sent_by(sinks) == []
    pipeline.flush()
    assert sent_by(sinks) == [("S-output", [1, 1]), ("S-output", [1])]


def test_contexts_send_what_is_left_when_nothing_waits() -> None:
    sinks = RecordingSinks()
    pipeline = compile_program(
        OUT + "context c\nstream S = In .context(c) .emit(n: n) .to(Out, batch: 4)",
        sinks=sinks,
    )
    pipeline.inject_batch(lines(*((n, "x") for n in range(10))))
    messages = sent_by(sinks)
    assert [n for _, part in messages for n in part] == list(range(10))
    assert all(len(part) <= 4 for _, part in messages)
    pipeline.inject(Event("In", {"n": 10}, AT_ONE_S))
    assert sent_by(sinks) == [("S-output", [10])]
    pipeline.close()


def test_a_crash_leaves_nothing_waiting_in_an_array() -> None:
    sinks = RecordingSinks()
    pipeline = compile_program(
        OUT
        + "context c\nstream S = In .context(c) .emit(n: n) .to(Out, batch: 9)\n"
        + "stream T = In .context(c) .emit(n: n)",
        sinks=sinks,
    )
    pipeline._machine.compiled.routes["In"].by_context["c"][1] = _crash
    (error,) = pipeline.inject(Event("In", {"n": 5}, AT_ONE_S)).errors
    assert error["code"] == "R005"
    assert sent_by(sinks) == [("S-output", [5])]
    pipeline.close()


def _crash(*_: object) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("size", ["half", "2 * 5001", "1 - 1"])
def test_a_size_that_only_loading_finds_out_is_refused(size: str) -> None:
    program = f"let half = 1 / 2.0\n{OUT}stream S = In .emit(n) .to(Out, batch: {size})"
    with pytest.raises(LoadError, match="line 3: 'batch' wants a whole number"):
        compile_program(program)


@pytest.mark.parametrize("fields", [3, 70, 20_000])
def test_columns_are_cut_into_arrays(fields: int) -> None:
    source = OUT + (
        "fn f(n: int):\n    for i in 0..n: emit P(n: i, h: i / 2.0)\n"
        "stream S = In .process(f(n)) .to(Out, batch: 7000)"
    )
    sinks = RecordingSinks()
    pipeline = compile_program(source, sinks=sinks)
    pipeline.inject_batch(lines((fields, "x"), (5, "x")))
    messages = sent_by(sinks)
    numbers = [n for _, part in messages for n in part]
    assert numbers == [*range(fields), *range(5)]
    sizes = [len(part) for _, part in messages]
    assert sizes[:-1] == [7000] * (len(sizes) - 1)
    assert pipeline.metrics().streams["S"].sink_sent == fields + 5
