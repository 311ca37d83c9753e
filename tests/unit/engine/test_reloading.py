"""What a restore and a reload keep, where other tests leave vpl.md 16 open."""

import json
from typing import Any

import pytest

from engine import CheckpointError, LoadError, Pipeline, compile_program
from tests.unit.engine.histories import Happening, feed
from tests.unit.engine.programs import tight

COUNTED = "stream S = A .window(3) .aggregate(n: count()) .emit(n)\n"


@pytest.mark.parametrize("version", [None, 0, 2, "1", True, 1.0])
def test_any_other_version_is_refused(version: object) -> None:
    pipeline = compile_program(COUNTED)
    with pytest.raises(CheckpointError, match="unknown"):
        pipeline.restore(pipeline.checkpoint() | {"version": version})


VARIABLE = (
    "var kept = {value}\n"
    "fn change():\n    kept := 9\n    kept\n"
    "stream S = A .select(x: change())\n"
    "stream Show = B .emit(kept)\n"
)


@pytest.mark.parametrize(
    ("again", "shown"), [("0", 9), ("5", 9), ("null", 9), ('"x"', "x"), ("0.5", 0.5)]
)
def test_a_variable_keeps_its_value_if_its_kind_is_the_same(
    again: str, shown: object
) -> None:
    pipeline = compile_program(VARIABLE.replace("{value}", "0"))
    feed(pipeline, ("A", 0))
    pipeline.reload(VARIABLE.replace("{value}", again))
    assert feed(pipeline, ("B", 1)) == [{"event_type": "Show", "kept": shown}]


CONSTANTS: list[tuple[str, str, str, dict[str, object]]] = [
    ("let base = 5\nlet lim = base * 2\n", "5", "6", {"base": 6, "lim": 12}),
    ("const base = 5\nconst lim = base * 2\n", "5", "6", {"base": 6, "lim": 12}),
    ("fn rate(): 2\nlet base = 1\nlet lim = rate()\n", "2", "3", {"lim": 3}),
    ("let base = 1\nlet f = x => x * base\nlet lim = f(4)\n", "= 1", "= 2", {"lim": 8}),
    ("let base = 1\nvar n = 1\nn := 4\nlet lim = n\n", ":= 4", ":= 5", {"lim": 5}),
    ("let base = lim\nlet lim = 2\n", "2", "3", {"base": None, "lim": 3}),
]


@pytest.mark.parametrize(("source", "old", "new", "shown"), CONSTANTS)
@pytest.mark.parametrize("way", ["reload", "restore"])
def test_a_constant_is_what_the_new_program_says(
    source: str, old: str, new: str, shown: dict[str, object], way: str
) -> None:
    stream = "stream S = A .emit(base, lim)\n"
    pipeline = compile_program(source + stream)
    feed(pipeline, ("A", 0))
    after = source.replace(old, new) + stream
    if way == "reload":
        pipeline.reload(after)
    else:
        document = json.loads(json.dumps(pipeline.checkpoint()))
        pipeline = compile_program(after)
        pipeline.restore(document)
    (got,) = feed(pipeline, ("A", 1))
    assert {name: got.get(name) for name in shown} == shown


def test_a_window_and_the_constant_of_its_length_agree() -> None:
    source = (
        "const base = 5\nconst lim = base * 2\n"
        "stream S = A .window(lim, sliding: 1) .aggregate(n: count()) .emit(n, lim: lim)\n"
    )
    pipeline = compile_program(source)
    feed(pipeline, ("A", 0))
    pipeline.reload(source.replace("base = 5", "base = 1"))
    got = feed(pipeline, ("A", 1), ("A", 2), ("A", 3))
    assert got == [{"event_type": "S", "n": 2, "lim": 2}] * 2


def test_a_constant_that_changed_is_set_from_those_that_were_kept() -> None:
    source = (
        "let started = now()\nlet due = started + 1h\nvar n = 0\n"
        "fn change():\n    n := 7\n    n\n"
        "stream S = A .emit(ok: due == started + {d}, set: change())\n"
        "stream T = B .emit(n, started, ok: due == started + {d})\n"
    )
    pipeline = compile_program(source.replace("{d}", "1h"))
    feed(pipeline, ("A", 0))
    (before,) = feed(pipeline, ("B", 1))
    pipeline.reload(source.replace("1h", "2h").replace("{d}", "2h"))
    assert feed(pipeline, ("B", 2)) == [before]
    assert before["ok"] is True
    assert before["n"] == 7


def test_constants_that_cannot_be_set_again_change_nothing() -> None:
    count = "fn f():\n    var k = 0\n    while k < most: k := k + 1\n    k\n"
    source = "let most = 1 + 2\n" + count + "let x = f()\n" + COUNTED
    pipeline = compile_program(source, limits=tight(cpu_s_per_event=0.02))
    feed(pipeline, ("A", 0), ("A", 1))
    document = pipeline.checkpoint()
    document["globals"]["most"]["value"] = 10**12
    document["globals"]["x"]["fingerprint"] = "another"
    with pytest.raises(CheckpointError, match="time budget"):
        pipeline.restore(document)
    assert feed(pipeline, ("A", 2)) == [{"event_type": "S", "n": 3}]
    assert pipeline.checkpoint()["globals"]["most"]["value"] == 3


def test_a_program_whose_globals_fail_leaves_the_old_one_running() -> None:
    pipeline = compile_program(COUNTED, limits=tight(cpu_s_per_event=0.02))
    feed(pipeline, ("A", 0), ("A", 1))
    with pytest.raises(LoadError):
        pipeline.reload("fn f():\n    while true: 1\nlet x = f()\n" + COUNTED)
    assert feed(pipeline, ("A", 2)) == [{"event_type": "S", "n": 3}]


@pytest.mark.parametrize(
    "other",
    [
        COUNTED.replace(" .", "\n    ."),
        COUNTED.replace("A .", "A  /* comment */ ."),
        COUNTED.replace("(3)", "(0x3)"),
        COUNTED.replace("emit(n)", "emit(n: n)"),
        "fn unused(): 1\nstream More = A .emit(v)\n" + COUNTED,
    ],
)
def test_a_stream_that_means_the_same_goes_on(other: str) -> None:
    pipeline = compile_program(COUNTED)
    feed(pipeline, ("A", 0), ("A", 1))
    assert "S" in pipeline.reload(other).kept
    got = feed(pipeline, ("A", 2, {"v": 1}))
    assert {"event_type": "S", "n": 3} in got


def test_a_stream_goes_on_though_what_it_consumes_has_changed() -> None:
    consumer = "stream T = S .window(2) .aggregate(t: sum(n)) .emit(t)\n"
    pipeline = compile_program(COUNTED + consumer)
    feed(pipeline, *(("A", at) for at in range(4)))
    done = pipeline.reload(COUNTED.replace("(3)", "(1)") + consumer)
    assert (done.kept, done.restarted) == (("T",), ("S",))
    got = feed(pipeline, ("A", 5))
    assert [o.get("t") for o in got] == [None, 4.0]


def test_runs_of_a_pattern_go_on_when_another_of_its_streams_changes() -> None:
    source = (
        "pattern P = SEQ(A as a, B)\n"
        "stream S = P as p -> C .emit(s: p.a_n)\n"
        "stream T = X -> P .emit(t: 1)\n"
    )
    pipeline = compile_program(source)
    feed(pipeline, ("A", 0, {"n": 1}))
    pipeline.reload(source.replace("t: 1", "t: 2"))
    assert feed(pipeline, ("B", 1), ("C", 2)) == [{"event_type": "S", "s": 1}]
    feed(pipeline, ("A", 3, {"n": 1}))
    pipeline.reload(source.replace("B)", "B, D)"))
    assert feed(pipeline, ("B", 4), ("C", 5)) == []


HISTORY: tuple[Happening, ...] = (
    *(("A", 0, {"k": 1, "v": 1}), ("A", 1, {"k": 2, "v": 3})),
    *(("B", 2, {"k": 1, "v": 2}), ("B", 1.5, {"k": 2, "v": 4})),
    *(("A", 3, {"k": 1, "v": 5}), ("C", 4, {"k": 1, "v": 1}), ("X", 5, {"k": 2})),
    *(("B", 6, {"k": 1, "v": 7}), ("A", 7, {"k": 1.0, "v": 2.5})),
    *(("B", 9, {"k": 1, "v": 1}), ("C", 12, {"k": 2, "v": 0}), ("A", 20, {"k": "z"})),
)


@pytest.mark.parametrize(
    "source",
    [
        (
            "stream S = merge(A, stream Q = B.where(v > 1)) .watermark(out_of_order: 2s)"
            " .allowed_lateness(1s) .window(3s) .aggregate(n: count()) .emit(n)"
        ),
        (
            "stream S = A as a -> all B as b .within(10s)"
            " .trend_aggregate(n: count_trends(), s: sum_trends(b.v)) .emit(n, s)"
        ),
        (
            "stream S = A -> all B where v > b.v as b -> C"
            " .trend_aggregate(n: count_trends()) .emit(n)"
        ),
        (
            "stream S = A -> B -> C .within(10s)"
            ' .forecast(mode: "fast", warmup: 2, confidence: 0.1)'
            " .emit(p: forecast_probability, s: forecast_state)"
        ),
        (
            "stream S = A .fork(x: .window(2) .emit(x: v), y: .limit(1) .emit(y: v),"
            " z: .distinct(k) .emit(z: k))"
        ),
        (
            "context c\nvar n = 0\nfn f():\n    n := n + 1\n    n\n"
            "stream S = A .context(c) .window(3s) .aggregate(n: count()) .emit(n)\n"
            "stream T = S .emit(m: f())"
        ),
        (
            "stream T = timer(2s, initial_delay: 1s) .emit(n: tick)\n"
            "stream W = T .window(3) .aggregate(s: sum(n)) .emit(s)"
        ),
        (
            "pattern P = A as a AND B as b AND NOT X within 5s\n"
            "stream S = P .emit(a: a.v, b: b.v, d: match_duration_ms)"
        ),
        (
            "pattern P = SEQ(A as a, B* as b, C? as c, NOT X) within 6s partition by k\n"
            "stream S = P .emit(a: a.v, b: b.v, c: c.v, p: _partition)"
        ),
        "stream S = A .partition_by(k) .distinct(v, ttl: 3s) .limit(2) .emit(k, v)",
        (
            "stream S = join(A, B, C) .on(A.k == B.k and B.k == C.k) .window(10s)"
            " .emit(a: A.v, b: B.v, c: C.v)"
        ),
        "stream S = all A as a .not(X).within(3s) .emit(n: len(a))",
        "stream S = sequence(a: A, b: B .within(3s)) -> C as c .emit(x: a.v, c: c.v)",
    ],
)
def test_restored_between_events_a_program_goes_on(source: str) -> None:
    whole = compile_program(source)
    wanted = [feed(whole, event) for event in HISTORY]
    ending = _end(whole)
    for cut in range(1, len(HISTORY), 2):
        first, second = compile_program(source), compile_program(source)
        found = [feed(first, event) for event in HISTORY[:cut]]
        second.restore(json.loads(json.dumps(first.checkpoint())))
        first.close()
        found += [feed(second, event) for event in HISTORY[cut:]]
        assert (found, _end(second)) == (wanted, ending)


def _end(pipeline: Pipeline) -> list[Any]:
    """Let time run out, close the pipeline and return the last outputs."""
    outputs: list[Any] = json.loads(pipeline.flush().to_json_bytes())["output_events"]
    pipeline.close()
    return outputs


COUNTERS = (
    "event A: v: int\n"
    'stream S = A .tap(counter: "taken", labels: [k, v]) .emit(x: v / 0)\n'
    'stream Q = B .tap(counter: "b") .window(10s) .aggregate(n: count()) .emit(n)\n'
)


@pytest.mark.parametrize(
    "source",
    [COUNTERS, "context c\n" + COUNTERS.replace("= B", "= B .context(c)")],
)
@pytest.mark.parametrize("way", ["reload", "restore"])
def test_all_counters_go_on(source: str, way: str) -> None:
    pipeline = compile_program(source)
    try:
        feed(pipeline, ("A", 0, {"v": "text"}), ("A", 1, {"v": 2, "k": [1]}))
        feed(pipeline, ("A", 1, {"v": 2, "k": [1]}), ("B", 2), ("Nobody", 3))
        before = pipeline.metrics()
        assert (before.unrouted, before.type_mismatches) == (1, 1)
        assert len(before.streams["S"].taps) == 2
        if way == "reload":
            pipeline.reload(source + "\nstream More = A .emit(v)")
        else:
            document = json.loads(json.dumps(pipeline.checkpoint()))
            pipeline = compile_program(source)
            pipeline.restore(document)
        after = pipeline.metrics()
        after.streams.pop("More", None)
        assert after == before
        feed(pipeline, ("A", 4, {"v": 2, "k": [1]}), ("Nobody", 5))
        assert pipeline.metrics().unrouted == 2
        series = ("taken", (("k", "[1]"), ("v", "2")))
        assert pipeline.metrics().streams["S"].taps[series] == 3
    finally:
        pipeline.close()


def test_counters_of_a_changed_stream_begin_anew() -> None:
    pipeline = compile_program(COUNTERS)
    feed(pipeline, ("A", 0, {"v": "text"}), ("Nobody", 3))
    pipeline.reload(COUNTERS.replace("v / 0", "v"))
    after = pipeline.metrics()
    assert after.streams["S"].taps == {}
    assert (after.unrouted, after.type_mismatches) == (1, 1)


def test_a_checkpoint_without_the_later_counters_is_read() -> None:
    pipeline = compile_program(COUNTERS)
    feed(pipeline, ("A", 0, {"v": "text"}), ("Nobody", 3))
    document = pipeline.checkpoint()
    for name in ("unrouted", "type_mismatches"):
        del document["counters"][name]
    del document["streams"]["S"]["counters"]["taps"]
    other = compile_program(COUNTERS)
    assert other.restore(document).kept == ("S", "Q")
    assert other.metrics().events_in == 2
