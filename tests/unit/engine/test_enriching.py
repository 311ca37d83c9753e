"""Fields from look-ups and from models (vpl.md section 20, enrich and score)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engine import LoadError, Pipeline, compile_program
from engine.connectors.base import ConnectorSpec, LookupFailedError
from engine.connectors.guard import Guard
from engine.runtime.enriching import FAILURE_TTL_NS
from tests.unit.engine.programs import outputs_for


class StandingClock:
    """A wall clock that moves only when told to."""

    def __init__(self) -> None:
        self.ns = 1_000_000_000

    def now_ns(self) -> int:
        return self.ns


class Records:
    """Look-ups in a dict; `asked` are the keys in order."""

    def __init__(self, **records: Any) -> None:
        self.records = records
        self.asked: list[str] = []
        self.closed = 0

    def __call__(self, spec: ConnectorSpec) -> "Records":
        self.spec = spec
        return self

    def find(self, key: str, timeout_s: float) -> dict[str, Any] | None:
        self.asked.append(key)
        found = self.records.get(key)
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        self.closed += 1


HEAD = 'connector Api = http (url: "http://localhost:1/x")\n'


def _program(more: str = "", after: str = ".emit(v, name, enrich_status)") -> str:
    return f"{HEAD}stream S = In .enrich(Api, key: id, fields: [name]{more}) {after}"


def _run(
    source: str, records: Records, *events: dict[str, Any]
) -> tuple[list[dict[str, Any]], Pipeline, StandingClock]:
    clock = StandingClock()
    pipeline = compile_program(source, lookups=records, clock=clock)
    return outputs_for(pipeline, *events), pipeline, clock


def test_listed_fields_are_added_and_cached() -> None:
    records = Records(a={"name": "Ann", "age": 3})
    found, _, _ = _run(_program(), records, {"id": "a", "v": 1}, {"id": "a", "v": 2})
    assert found == [
        {"event_type": "S", "v": 1, "name": "Ann", "enrich_status": "ok"},
        {"event_type": "S", "v": 2, "name": "Ann", "enrich_status": "cached"},
    ]
    assert records.asked == ["a"]
    assert records.spec.kind == "http"


def test_the_latency_is_a_number() -> None:
    source = _program(after=".emit(ok: enrich_latency_ms >= 0)")
    found, _, _ = _run(source, Records(a={"name": 1}), {"id": "a"})
    assert found == [{"event_type": "S", "ok": True}]


def test_a_record_is_asked_for_again_after_its_time() -> None:
    records = Records(a={"name": "Ann"})
    _, pipeline, clock = _run(_program(", cache_ttl: 10s"), records, {"id": "a"})
    clock.ns += 10_000_000_000
    outputs_for(pipeline, {"id": "a"})
    assert records.asked == ["a", "a"]


def test_a_failure_without_fallback_passes_the_event_on() -> None:
    records = Records(a=LookupFailedError("down"))
    found, _, _ = _run(_program(), records, {"id": "a", "name": "own", "v": 1})
    assert found == [
        {"event_type": "S", "v": 1, "name": "own", "enrich_status": "error"}
    ]


def test_a_fallback_takes_the_place_of_all_listed_fields() -> None:
    records = Records(a=LookupFailedError("down"))
    found, _, _ = _run(_program(', fallback: "?"'), records, {"id": "a", "v": 1})
    assert found == [
        {"event_type": "S", "v": 1, "name": "?", "enrich_status": "fallback"}
    ]


def test_failures_are_not_asked_again_for_five_seconds() -> None:
    records = Records(a=LookupFailedError("down"))
    _, pipeline, clock = _run(_program(), records, {"id": "a"}, {"id": "a"})
    assert records.asked == ["a"]
    clock.ns += FAILURE_TTL_NS
    outputs_for(pipeline, {"id": "a"})
    assert records.asked == ["a", "a"]


def test_a_null_key_is_a_failure_without_a_look_up() -> None:
    records = Records()
    found, _, _ = _run(_program(), records, {"v": 1})
    assert found == [{"event_type": "S", "v": 1, "enrich_status": "error"}]
    assert records.asked == []


def test_streams_share_look_up_and_cache_of_a_connector() -> None:
    records = Records(a={"name": "Ann", "age": 3})
    source = (
        _program() + "\nstream T = In .enrich(Api, key: id, fields: [age])"
        " .emit(age, enrich_status)"
    )
    found, pipeline, _ = _run(source, records, {"id": "a"})
    assert found[1] == {"event_type": "T", "age": 3, "enrich_status": "cached"}
    pipeline.close()
    assert records.closed == 1


def test_the_cache_is_part_of_a_checkpoint() -> None:
    records = Records(a={"name": "Ann"})
    _, pipeline, _ = _run(_program(), records, {"id": "a"})
    document = json.loads(json.dumps(pipeline.checkpoint()))
    other = Records()
    again = compile_program(_program(), lookups=other, clock=StandingClock())
    again.restore(document)
    assert outputs_for(again, {"id": "a"})[0]["enrich_status"] == "cached"
    assert other.asked == []


def test_consumers_see_whole_enriched_events() -> None:
    records = Records(a={"name": "Ann"})
    source = _program(after="") + "\nstream T = S .emit()"
    (found,), _, _ = _run(source, records, {"id": "a", "v": 1})
    assert found.pop("enrich_latency_ms") >= 0
    assert found == {
        "event_type": "T",
        "id": "a",
        "v": 1,
        "name": "Ann",
        "enrich_status": "ok",
    }


# --- models -------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model y = 2a + 3b + 1 of one float matrix."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, (2, 1), [2.0, 3.0])
    bias = helper.make_tensor("b", TensorProto.FLOAT, (1,), [1.0])
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["m"]),
            helper.make_node("Add", ["m", "b"], ["y"]),
        ],
        "line",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (None, 2))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (None, 1))],
        [weights, bias],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 9
    onnx.save(made, str(tmp_path / "m.onnx"))
    return tmp_path


def _scored(folder: Path, inputs: str, *events: dict[str, Any]) -> list[Any]:
    source = (
        f'stream S = In .score(model: "m.onnx", inputs: {inputs}, outputs: [y])'
        " .emit(v, y)"
    )
    pipeline = compile_program(source, guard=Guard(workdir=folder))
    return [output.get("y") for output in outputs_for(pipeline, *events)]


def test_a_model_computes_fields(model: Path) -> None:
    found = _scored(model, "[a, b]", {"a": 1, "b": 2}, {"a": 0.5, "b": 0})
    assert np.allclose(found, [9.0, 2.0])


def test_an_array_holds_all_inputs(model: Path) -> None:
    assert np.allclose(_scored(model, "xs", {"xs": [1, 2]}), [9.0])


def test_null_inputs_and_wrong_kinds_leave_the_outputs_null(model: Path) -> None:
    bad = ({"a": 1}, {"a": 1, "b": "x"}, {"a": 1, "b": True})
    assert _scored(model, "[a, b]", *bad) == [None, None, None]
    assert _scored(model, "xs", {"xs": [1, 2, 3]}) == [None]


@pytest.mark.parametrize("name", ["none.onnx", "../m.onnx", "bad.onnx"])
def test_a_model_that_cannot_be_used_is_refused_at_load(model: Path, name: str) -> None:
    (model / "bad.onnx").write_bytes(b"no model")
    source = f'stream S = In .score(model: "{name}", inputs: [a], outputs: [y])'
    with pytest.raises(LoadError, match=r"model"):
        compile_program(source, guard=Guard(workdir=model))
