"""Checkpoints, restore and hot reload of a pipeline in process (vpl.md section 16)."""

import json
from typing import Any

import pytest

from engine import Event, InvalidProgramError, Pipeline, compile_program
from engine.connectors.base import ConnectorSpec, SourceSpec
from engine.connectors.fake import RecordingSink
from engine.errors import CheckpointError
from tests.unit.engine.programs import outputs_for

COUNTING = (
    "var n = 0\n"
    "fn next():\n    n := n + 1\n    return n\n"
    "stream S = In .emit(n: next(), v)\n"
)


def _through_json(document: dict[str, Any]) -> Any:
    return json.loads(json.dumps(document))


def _restored(source: str, document: dict[str, Any]) -> Pipeline:
    pipeline = compile_program(source)
    pipeline.restore(_through_json(document))
    return pipeline


def test_variables_and_counters_go_on_after_a_restore() -> None:
    first = compile_program(COUNTING)
    outputs_for(first, {"v": 1}, {"v": 2})
    second = _restored(COUNTING, first.checkpoint())
    assert outputs_for(second, {"v": 3}) == [{"event_type": "S", "n": 3, "v": 3}]
    assert second.metrics().events_in == 3
    assert second.metrics().streams["S"].outputs == 3


@pytest.mark.parametrize(
    "value",
    [
        "1",
        "2.5",
        '"text"',
        "null",
        "true",
        "[1, [2, null], {a: @2026-03-01}]",
        "{a: 1h30m, b: {c: 1.5}}",
        "@2026-03-01T08:30:00.000000001Z",
        '{"$ts": 1, "$m": [2]}',
    ],
)
def test_every_kind_of_value_survives(value: str) -> None:
    source = (
        "var kept = null\n"
        f"fn keep():\n    kept := {value}\n    kept\n"
        "stream S = In .emit(same: if first then to_string(keep()) else to_string(kept))\n"
    )
    before = compile_program(source)
    (wanted,) = outputs_for(before, {"first": True})
    after = _restored(source, before.checkpoint())
    assert outputs_for(after, {"first": False}) == [wanted]


def test_a_checkpoint_of_an_unknown_version_is_refused() -> None:
    pipeline = compile_program(COUNTING)
    document = pipeline.checkpoint() | {"version": 99}
    with pytest.raises(CheckpointError, match="version 99"):
        pipeline.restore(document)


@pytest.mark.parametrize(
    "damage",
    [
        {"streams": {"S": {}}},
        {"streams": 3},
        {
            "globals": {
                "n": {"value": {"$what": 1}, "fingerprint": "", "keyword": "var"}
            }
        },
        {"counters": {}},
    ],
)
def test_a_damaged_checkpoint_changes_nothing(damage: dict[str, Any]) -> None:
    pipeline = compile_program(COUNTING)
    outputs_for(pipeline, {"v": 1})
    document = pipeline.checkpoint()
    if "S" in dict(damage.get("streams") or {} if damage.get("streams") != 3 else {}):
        fingerprint = document["streams"]["S"]["fingerprint"]
        damage = {"streams": {"S": {"fingerprint": fingerprint}}}
    with pytest.raises(CheckpointError):
        pipeline.restore(document | damage)
    assert outputs_for(pipeline, {"v": 2}) == [{"event_type": "S", "n": 2, "v": 2}]


def test_contexts_are_restored_too() -> None:
    source = "context c\n" + COUNTING.replace(
        "stream S = In", "stream S = In .context(c)"
    )
    first = compile_program(source)
    second = compile_program(source)
    try:
        outputs_for(first, {"v": 1}, {"v": 2})
        second.restore(_through_json(first.checkpoint()))
        assert outputs_for(second, {"v": 3})[0]["n"] == 3
    finally:
        first.close()
        second.close()


def test_a_reload_keeps_what_has_not_changed() -> None:
    pipeline = compile_program(COUNTING + "stream Old = In .emit(v)\n")
    outputs_for(pipeline, {"v": 1}, {"v": 2})
    done = pipeline.reload("# a comment\n" + COUNTING + "stream New = In .emit(w: v)\n")
    assert done.to_json() == {
        "kept": ["S"],
        "restarted": [],
        "added": ["New"],
        "removed": ["Old"],
    }
    assert outputs_for(pipeline, {"v": 3}) == [
        {"event_type": "S", "n": 3, "v": 3},
        {"event_type": "New", "w": 3},
    ]
    assert pipeline.streams == ("S", "New")


def test_a_program_with_errors_leaves_the_old_one_running() -> None:
    pipeline = compile_program(COUNTING)
    outputs_for(pipeline, {"v": 1})
    with pytest.raises(InvalidProgramError):
        pipeline.reload("stream S = In .wher(v)")
    assert outputs_for(pipeline, {"v": 2})[0]["n"] == 2


def test_a_reload_may_forget_the_state() -> None:
    pipeline = compile_program(COUNTING)
    outputs_for(pipeline, {"v": 1})
    done = pipeline.reload(COUNTING, keeps_state=False)
    assert done.added == ("S",)
    assert outputs_for(pipeline, {"v": 2})[0]["n"] == 1


def test_changed_constants_take_their_new_value() -> None:
    source = "let limit = {n}\nstream S = In .where(v > limit) .emit(v)"
    pipeline = compile_program(source.replace("{n}", "10"))
    assert outputs_for(pipeline, {"v": 5}) == []
    pipeline.reload(source.replace("{n}", "3"))
    assert outputs_for(pipeline, {"v": 5}) == [{"event_type": "S", "v": 5}]


def test_a_reload_may_change_to_contexts_and_back() -> None:
    pipeline = compile_program(COUNTING)
    try:
        outputs_for(pipeline, {"v": 1})
        pipeline.reload("context c\nstream T = In .context(c) .emit(v)\n" + COUNTING)
        assert [o.get("n") for o in outputs_for(pipeline, {"v": 2})] == [None, 2]
        pipeline.reload(COUNTING)
        assert outputs_for(pipeline, {"v": 3})[0]["n"] == 3
    finally:
        pipeline.close()


class _CountingSink(RecordingSink):
    """Counts how often it is opened and closed."""

    opened = 0
    closed = 0

    def open(self) -> None:
        self.opened += 1
        super().open()

    def close(self, timeout_s: float) -> None:
        self.closed += 1
        super().close(timeout_s)


def test_sinks_with_the_same_parameters_stay_connected() -> None:
    made: dict[str, _CountingSink] = {}

    def make(spec: ConnectorSpec) -> _CountingSink:
        made[spec.name] = _CountingSink(spec)
        return made[spec.name]

    source = (
        'connector A = mqtt (host: "a")\nconnector B = mqtt (host: "b")\n'
        "stream S = In .emit(v) .to(A)\nstream T = In .emit(v) .to(B)\n"
    )
    pipeline = compile_program(source, sinks=make)
    pipeline.inject(Event("In", {"v": 1}))
    kept = made["A"]
    pipeline.reload(source.replace('host: "b"', 'host: "c"'))
    pipeline.inject(Event("In", {"v": 2}))
    assert (kept.opened, kept.closed) == (1, 0)
    assert made["A"] is kept
    assert made["B"].opened == 1
    pipeline.close()
    assert (kept.closed, made["B"].closed) == (1, 1)


class _StillSource:
    """A source that brings nothing by itself."""

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec
        self.connected = True
        self.deliver: Any = None
        self.closed = 0

    def open(self, deliver: Any) -> None:
        assert self.deliver is None
        self.deliver = deliver

    def close(self, timeout_s: float) -> None:
        self.closed += 1

    def status(self) -> dict[str, Any]:
        return {}


def test_sources_stay_connected_and_feed_the_new_program() -> None:
    from engine.connectors.base import Message

    made: list[_StillSource] = []

    def make(spec: SourceSpec) -> _StillSource:
        made.append(_StillSource(spec))
        return made[-1]

    head = 'connector A = mqtt (host: "a")\n'
    pipeline = compile_program(
        head + 'stream S = In .from(A, topic: "t") .emit(v)\n', sources=make
    )
    pipeline.start()
    seen: list[Any] = []
    pipeline.on_outputs = seen.extend
    pipeline.reload(head + 'stream S = In .from(A, topic: "t") .emit(w: v + extra)\n')
    acknowledged: list[int] = []
    payload = b'{"event_type":"In","v":1,"extra":2}'
    made[0].deliver([Message(payload, "t", None, lambda: acknowledged.append(1))])
    assert len(made) == 1
    assert acknowledged == [1]
    assert [row.a0 for row in seen] == [3]
    pipeline.close()
    assert made[0].closed == 1
