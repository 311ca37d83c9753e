"""Events of any kind, huge or deep: counted or refused, never an exception."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import BadEventError, Event, compile_program
from tests.unit.engine.stateful_programs import KINDS, TYPES, programs

compile_program("stream S = A")  # sets the recursion limit before hypothesis looks


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if depth % 2 else {"v": value}
    return value


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63 - 1, -(2**63), 2**63, 10**400, 0, -1]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=20),
    st.sampled_from(["2026-03-01T00:00:00Z", "1h30m", "\ud800", "\x00", "a" * 300_000]),
)
_values = st.one_of(
    _scalars,
    st.lists(_scalars, max_size=4),
    st.dictionaries(st.text(max_size=5), _scalars, max_size=4),
    st.sampled_from([31, 32, 33, 90]).map(_nested),
)
_fields = st.dictionaries(
    st.sampled_from(["k", "v", "flag", "a", "timestamp", "event_type", "x y"]), _values
)
_stamps = st.one_of(
    st.none(), st.integers(-(2**64), 2**64), st.integers(0, 10**8), st.just(2**63 - 1)
)
SETTINGS = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
@SETTINGS
@given(data=st.data())
def test_no_event_is_an_exception(kind: str, data: st.DataObject) -> None:
    pipeline = compile_program(data.draw(programs((kind,))))
    for _ in range(data.draw(st.integers(1, 12))):
        event = Event(
            data.draw(st.sampled_from(TYPES)), data.draw(_fields), data.draw(_stamps)
        )
        try:
            reply = pipeline.inject(event)
        except BadEventError:
            continue
        assert not [e for e in reply.errors if e["code"] == "R005"]
        json.loads(reply.to_json_bytes())
    json.loads(pipeline.flush().to_json_bytes())
    json.dumps(pipeline.checkpoint(), allow_nan=False)


_lines = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([
        b"",
        b"null",
        b"[1]",
        b'{"event_type": 3}',
        b'{"event_type": "A", "v": 1e999}',
        b'{"event_type": "A", "v": NaN}',
        b'{"event_type": "A", "v": ' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"event_type": "A", "k": "\\ud800", "v": 1}',
        b'{"event_type": "A", "timestamp": "9999-99-99", "v": 2}',
        b'{"event_type": "A", "timestamp": 99999999999999999999, "v": 2}',
        b'{"event_type": "B", "fields": {"v": 123456789012345678901234567890}}',
        b'{"event_type": "B", "data": {"v": true, "k": {"a": [1]}}, "timestamp": 7}',
        b'{"event_type": "A", "k": "a", "v": 1, "timestamp": 5}',
    ]),
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
@SETTINGS
@given(data=st.data())
def test_no_line_of_a_batch_is_an_exception(kind: str, data: st.DataObject) -> None:
    pipeline = compile_program(data.draw(programs((kind,))))
    given_lines = data.draw(st.lists(_lines, max_size=12))
    payload = b"\n".join(line.replace(b"\n", b" ") for line in given_lines)
    reply = pipeline.inject_batch(payload, form="ndjson")
    assert not [e for e in reply.errors if e["code"] == "R005"]
    kept = [line for line in payload.split(b"\n") if line.strip()]
    assert reply.accepted + len(reply.rejected) == len(kept)
    json.loads(reply.to_json_bytes())
