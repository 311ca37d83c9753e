"""What arrives through `.from`: payload forms, types, times, acknowledgements."""

import json
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Limits, Reply, compile_program
from engine.compiler.namespace import FieldTable, Namespace
from engine.compiler.planner import plan_program
from engine.compiler.sourceports import source_ports
from engine.connectors.base import Source, SourceSpec
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.fake import (
    FeedableSource,
    FeedableSources,
    RecordingSink,
    RecordingSinks,
)
from vpl import check

IN = 'connector In = mqtt (host: "h")\n'
OUT = 'connector Out = mqtt (host: "o")\n'


class Running:
    """A pipeline with fakes at both ends; `feed` waits until all is processed."""

    def __init__(self, source, letters=None):
        self.sources = FeedableSources()
        self.sinks = RecordingSinks()
        self.outputs = []
        self.letters = letters or DeadLetters()
        self.pipeline = compile_program(
            source, sources=self.sources, sinks=self.sinks, dead_letters=self.letters
        )
        self.pipeline.on_outputs = self._keep
        self.pipeline.start()

    def _keep(self, rows):
        self.outputs += Reply(True, rows).outputs

    def feed(self, *payloads, topic="", source=0):
        """Deliver payloads, dicts as JSON; returns the outputs they caused."""
        before = len(self.outputs)
        self.acknowledged = self.sources.made[source].feed(
            [p if isinstance(p, bytes) else json.dumps(p).encode() for p in payloads],
            topic,
        )
        return self.outputs[before:]


@pytest.fixture
def run():
    running = []

    def start(source, letters=None):
        running.append(Running(source, letters))
        return running[-1]

    yield start
    for item in running:
        item.pipeline.close(5)


def test_the_fake_keeps_the_contract_of_sources():
    spec = SourceSpec(None, "t")
    source: Source = FeedableSource(spec)
    got = []
    assert not source.connected
    source.open(got.extend)
    assert source.connected
    source.feed([b"{}"], "t")
    assert [(message.payload, message.topic) for message in got] == [(b"{}", "t")]
    source.close(0)
    assert not source.connected


def test_events_of_a_source_are_processed_and_acknowledged(run):
    program = run(IN + 'stream S = A.from(In, topic: "t").emit(x: x + 1)')
    assert program.feed({"event_type": "A", "x": 1}, {"event_type": "A", "x": 2}) == [
        {"event_type": "S", "x": 2},
        {"event_type": "S", "x": 3},
    ]
    assert program.acknowledged == 2
    (used,) = program.pipeline.subscriptions
    assert used.spec.topic == "t"
    assert used.status()["received"] == 2


def test_an_array_holds_several_events(run):
    program = run(IN + "stream S = A.from(In).emit(x)")
    assert program.feed([{"x": 1}, {"event_type": "A", "x": 2}]) == [
        {"event_type": "S", "x": 1},
        {"event_type": "S", "x": 2},
    ]


@pytest.mark.parametrize(
    ("payload", "topic", "wanted"),
    [
        ({"event_type": "B", "type": "A"}, "x/A", {"from": "B", "type": "A"}),
        ({"type": "B", "v": 1}, "x/A", {"from": "B", "v": 1}),
        ({"type": "pump", "v": 1}, "plant/B", {"from": "B", "type": "pump", "v": 1}),
        ({"v": 1}, "plant.B", {"from": "B", "v": 1}),
        ({"type": "pump", "v": 1}, "B/hot", {"from": "A", "type": "pump", "v": 1}),
        ({"type": 7, "event_type": None}, "", {"from": "A", "type": 7}),
    ],
)
def test_the_type_is_found_in_the_order_of_the_standard(run, payload, topic, wanted):
    program = run(
        IN + 'stream A1 = A.from(In, topic: "1").select(from: "A", type, v)'
        ".emit()\n"
        'stream B1 = B.from(In, topic: "2").select(from: "B", type, v).emit()'
    )
    (made,) = program.feed(payload, topic=topic)
    del made["event_type"]
    assert made == wanted


def test_an_event_without_a_type_goes_to_every_stream_of_the_subscription(run):
    program = run(
        IN + 'stream A1 = A.from(In, topic: "t").emit(x)\n'
        'stream B1 = B.from(In, topic: "t").emit(x)'
    )
    assert len(program.sources.made) == 1
    assert [out["event_type"] for out in program.feed({"x": 1})] == ["A1", "B1"]
    assert [out["event_type"] for out in program.feed({"type": "B"})] == ["B1"]


def test_an_event_goes_wherever_its_type_is_consumed(run):
    program = run(
        IN + "stream S = A.from(In).emit(x)\nstream T = B.emit(x)\nstream U = S.emit(x)"
    )
    types = [out["event_type"] for out in program.feed({"event_type": "B", "x": 1})]
    assert types == ["T"]
    types = [out["event_type"] for out in program.feed({"x": 1})]
    assert types == ["S", "U"]


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        ({"fields": {"x": 1}, "y": 2}, {"x": 1}),
        ({"data": {"x": 1}, "y": 2}, {"x": 1}),
        ({"data": 5, "x": 1}, {"data": 5, "x": 1}),
        ({"fields": {"x": 1}, "data": {"x": 2}}, {"x": 1}),
        ({"x": None, "y": {"z": None}}, {"y": {}}),
    ],
)
def test_fields_are_all_members_or_those_of_one_object(run, payload, fields):
    program = run(IN + "stream S = A.from(In).emit()")
    (made,) = program.feed(payload)
    del made["event_type"]
    assert made == fields


@pytest.mark.parametrize(
    ("payload", "use", "ms"),
    [
        ({"timestamp": 1500}, "", 1500),
        ({"timestamp": "1970-01-01T00:00:02Z"}, "", 2000),
        ({"timestamp": 1500, "at": 9}, ', time_field: "at"', 1500),
        ({"at": 1500}, ', time_field: "at"', 1500),
        ({"at": 2}, ', time_field: "at", time_unit: "s"', 2000),
        ({"at": 1.5}, ', time_field: "at", time_unit: "s"', 1500),
        ({"at": 3_000_000}, ', time_field: "at", time_unit: "us"', 3000),
        ({"at": 4_000_000}, ', time_field: "at", time_unit: "ns"', 4),
        ({"at": "1970-01-01T00:00:01Z"}, ', time_field: "at"', 1000),
        ({"fields": {"at": 1500}}, ', time_field: "at"', 1500),
    ],
)
def test_the_time_comes_from_the_envelope_or_the_named_field(run, payload, use, ms):
    program = run(IN + f"stream S = A.from(In{use}).emit(ms: epoch_ms(timestamp), at)")
    (made,) = program.feed(payload)
    assert made["ms"] == ms
    assert made.get("at") == payload.get("at", payload.get("fields", {}).get("at"))


def test_without_a_time_an_event_is_dated_by_its_arrival(run):
    program = run(
        IN
        + 'stream S = A.from(In, time_field: "at").emit(late: now() - timestamp < 1h)'
    )
    assert (
        program.feed({"at": "soon"}, {"at": True}, {})
        == [{"event_type": "S", "late": True}] * 3
    )


def test_half_a_second_keeps_its_nanoseconds(run):
    program = run(
        IN + 'stream S = A.from(In, time_field: "at", time_unit: "s")'
        ".emit(over: timestamp - @2026-03-01)"
    )
    at = 1772323200.125
    assert program.feed({"at": at}) == [{"event_type": "S", "over": 125_000_000}]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"hello", "no valid JSON"),
        (b"\xff\xfe", "no valid JSON"),
        (b"7", "must be a JSON object"),
        (b'{"event_type": 7}', "event_type must be"),
        (b'{"event_type": ""}', "event_type must be"),
        (json.dumps({f"f{n}": n for n in range(1025)}).encode(), "1024 members"),
        (json.dumps({"s": "x" * 262_145}).encode(), "longer than 262144"),
        (json.dumps({"a": [0] * 10_001}).encode(), "10000 elements"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nested deeper"),
        (b'{"s": "' + b"x" * 1_048_576 + b'"}', "longer than 1048576 bytes"),
        (b"[" * 100_000, "no valid JSON"),
    ],
)
def test_what_is_no_event_is_a_dead_letter_and_acknowledged(
    run, tmp_path, payload, reason
):
    letters = DeadLetters(tmp_path)
    program = run(IN + "stream S = A.from(In).emit(x)", letters)
    assert program.feed(payload, {"x": 1}) == [{"event_type": "S", "x": 1}]
    assert program.acknowledged == 2
    (line,) = (tmp_path / "pipeline.dlq.jsonl").read_text().splitlines()
    letter = json.loads(line)
    assert reason in letter["reason"]
    assert (letter["connector"], letter["stream"]) == ("In", "S")
    (used,) = program.pipeline.subscriptions
    assert (used.status()["received"], used.status()["rejected"]) == (2, 1)


def test_only_the_bad_part_of_an_array_is_dead(run, tmp_path):
    letters = DeadLetters(tmp_path)
    program = run(IN + "stream S = A.from(In).emit(x)", letters)
    made = program.feed([{"x": 1}, 5, {"a": [[0] * 10_001]}, {"x": 2}])
    assert [out["x"] for out in made] == [1, 2]
    lines = (tmp_path / "pipeline.dlq.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["event"] == 5
    assert len(lines) == 2


def test_a_dead_letter_is_one_line_whatever_the_payload_looks_like(run, tmp_path):
    letters = DeadLetters(tmp_path)
    program = run(IN + "stream S = A.from(In).emit(x)", letters)
    program.feed(b'{\n "event_type": 3\n}', b"not\njson")
    lines = (tmp_path / "pipeline.dlq.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == [
        {"event_type": 3},
        "not\njson",
    ]


def test_streams_share_a_source_only_with_equal_topic_and_parameters(run):
    program = run(
        IN + 'stream A1 = A.from(In, topic: "t").emit()\n'
        'stream A2 = A.from(In, topic: "t", time_field: "x").emit()\n'
        'stream A3 = A.from(In, topic: "u").emit()\n'
        'stream A4 = A.from(In, topic: "t", qos: 0).emit()\n'
    )
    specs = [source.spec for source in program.sources.made]
    assert [spec.topic for spec in specs] == ["t", "u", "t"]
    assert [spec.params.get("qos") for spec in specs] == [None, None, 0]


def test_the_topic_of_the_connector_is_the_default(run):
    program = run('connector In = mqtt (topic: "mine")\nstream S = A.from(In).emit()')
    assert program.sources.made[0].spec.topic == "mine"
    assert run(IN + "stream S = A.from(In).emit()").sources.made[0].spec.topic == ""


def test_constants_may_be_parameters(run):
    program = run(
        'const TOPIC = "plant/#"\n' + IN + "stream S = A.from(In, topic: TOPIC).emit()"
    )
    assert program.sources.made[0].spec.topic == "plant/#"


def test_events_reach_sinks_too(run):
    program = run(IN + OUT + 'stream S = A.from(In).emit(x).to(Out, topic: "o")')
    program.feed({"x": 1, "timestamp": 0})
    (sent,) = program.sinks.by_name["Out"].sent
    assert sent.json()["x"] == 1


def test_a_closed_pipeline_acknowledges_nothing(run):
    program = run(IN + "stream S = A.from(In).emit(x)")
    program.pipeline.close(5)
    assert not program.sources.made[0].connected
    program.feed({"x": 1})
    assert program.acknowledged == 0


def test_delivery_blocks_until_contexts_have_finished(run):
    program = run(
        "context c\ncontext d\n" + IN + "stream S = A.from(In).context(c).select(x)\n"
        "stream T = S.context(d).emit(x)"
    )
    made = program.feed(*({"x": n} for n in range(500)))
    assert [out["x"] for out in made] == list(range(500))
    assert program.acknowledged == 500


def test_sources_and_callers_share_a_pipeline(run):
    program = run(IN + "var n = 0\nstream S = A.from(In).emit(x)")
    feeding = threading.Thread(
        target=lambda: [program.feed({"x": 1}) for _ in range(200)]
    )
    feeding.start()
    replies = [
        program.pipeline.process(b'{"event_type":"A","x":2}') for _ in range(200)
    ]
    feeding.join()
    assert all(json.loads(reply)["output_events"][0]["x"] == 2 for reply in replies)
    assert len(program.outputs) == 200
    assert program.pipeline.metrics().events_in == 400


def test_without_a_factory_nothing_is_subscribed():
    pipeline = compile_program(IN + "stream S = A.from(In).emit()")
    pipeline.start()
    assert pipeline.subscriptions == ()
    pipeline.close()


def test_parameters_may_be_constant_expressions(run):
    program = run(
        'const PLANT = "plant"\nlet TOPIC = PLANT + "/#"\n'
        'connector In = mqtt (host: "h", keep_alive: 1m30s)\n'
        "stream S = A.from(In, topic: TOPIC, qos: 2).emit()"
    )
    spec = program.sources.made[0].spec
    assert spec.topic == "plant/#"
    assert spec.params["keep_alive"] == 90_000_000_000
    assert (spec.params["qos"], spec.connector.params["qos"]) == (2, 2)


def test_a_step_may_have_its_own_source():
    source = IN + 'stream S = A.from(In, topic: "a") -> B.from(In, topic: "b")\n'
    plan = plan_program(check(source).program, Namespace(FieldTable()))
    found = [(port.event, port.spec.topic) for port in source_ports(plan)]
    assert found == [("A", "a"), ("B", "b")]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("event_type", "type", "fields", "data", "timestamp", "x"))
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def taking_all():
    program = Running(
        IN + 'stream S = A.from(In, topic: "t", time_field: "x").emit(x, t: timestamp)'
    )
    yield program
    program.pipeline.close(5)


@settings(max_examples=100, deadline=None)
@given(st.lists(values.map(lambda v: json.dumps(v).encode()) | st.binary(max_size=40)))
def test_whatever_arrives_is_an_event_or_a_dead_letter(taking_all, payloads):
    taking_all.feed(*payloads, topic="t/A")
    assert taking_all.acknowledged == len(payloads)
    (used,) = taking_all.pipeline.subscriptions
    assert taking_all.letters.count == used.rejected


@pytest.fixture(scope="module")
def two_ways():
    source = IN + "stream S = A.from(In).emit(x, y, stamp: epoch_ms(timestamp))"
    programs = Running(source), Running(source)
    yield programs
    for program in programs:
        program.pipeline.close(5)


events = st.fixed_dictionaries(
    {"event_type": st.sampled_from(("A", "B")), "timestamp": st.integers(0, 2**40)},
    optional={
        "x": values,
        "y": values,
        "z": values,
        "fields": st.dictionaries(st.sampled_from("xyz"), values),
        "data": st.dictionaries(st.sampled_from("xyz"), values),
    },
)


@settings(max_examples=100, deadline=None)
@given(st.lists(events, max_size=6))
def test_the_quick_way_in_means_the_same_as_the_long_one(two_ways, bodies):
    quick, long = two_ways
    indented = [json.dumps(body, indent=1).encode() for body in bodies]
    assert quick.feed(*bodies) == long.feed(*indented)
    assert quick.letters.count == long.letters.count


class GatedSink(RecordingSink):
    """Holds its pipeline up until the gate opens."""

    gate = None

    def send(self, topic, events, *, stream):
        self.gate.wait(20)
        super().send(topic, events, stream=stream)


@pytest.mark.parametrize("context", ["", ".context(c)"])
def test_nothing_is_given_up_when_a_pipeline_is_busy_for_long(context):
    sources = FeedableSources()
    gated = GatedSink(None)
    gated.gate = threading.Event()
    pipeline = compile_program(
        f"context c\n{IN}{OUT}stream S = A.from(In){context}.emit(x).to(Out)",
        sources=sources,
        sinks=lambda spec: gated,
        limits=Limits(reply_timeout_s=0.01, context_queue_events=2),
    )
    pipeline.start()
    feeding = [
        threading.Thread(target=sources.made[0].feed, args=([b'{"x": 1}'] * 5, ""))
        for _ in range(3)
    ]
    for thread in feeding:
        thread.start()
    assert not any(thread.join(0.05) or not thread.is_alive() for thread in feeding)
    assert sources.made[0].acknowledged == 0
    gated.gate.set()
    for thread in feeding:
        thread.join(20)
    assert (sources.made[0].acknowledged, len(gated.sent)) == (15, 15)
    pipeline.close()
