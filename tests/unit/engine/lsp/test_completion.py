"""What the server suggests, by where the cursor stands."""

import pytest

from engine.lsp.completion import completions
from tests.unit.engine.lsp.marked import marked
from vpl.catalog import AGGREGATES, BUILTINS, OPERATIONS

PROGRAM = """
event Login: user: str, city: str
event Alarm: level: int
let limit = 3
fn risk(amount, rate): amount * rate
connector Alerts = mqtt (host: "h")
context fast
pattern Twice = SEQ(Login, Login)
"""


def _labels(line: str) -> set[str]:
    document, place = marked(PROGRAM + line)
    return {item.label for item in completions(document, place)}


def _kinds(line: str) -> dict[str, str]:
    document, place = marked(PROGRAM + line)
    return {item.label: item.kind for item in completions(document, place)}


def test_operations_follow_the_dot_of_a_stream() -> None:
    kinds = _kinds("stream S = Login .|")
    assert {name for name, kind in kinds.items() if kind == "operation"} == {
        *OPERATIONS
    }


def test_operations_come_with_their_signature() -> None:
    document, place = marked("stream S = A .wi|")
    (window,) = [it for it in completions(document, place) if it.label == "window"]
    assert window.detail.startswith("window(size")
    assert window.text.startswith("Collects")


def test_operations_are_suggested_on_a_line_of_their_own() -> None:
    assert "where" in _labels("stream S = Login\n    .where(user == 'x')\n    .em|")


def test_fields_follow_an_alias() -> None:
    assert _labels("stream S = Login as a .where(a.|") >= {"user", "city"}
    assert "city" in _labels("stream S = Alarm -> Login as b .where(b.|)")
    assert "level" in _labels("stream S = sequence(x: Alarm, y: Login) .emit(x.|")


def test_sources_follow_the_equals_sign_and_the_arrow() -> None:
    expected = {"Login", "Alarm", "Twice", "merge", "timer"}
    assert _labels("stream S = |") >= expected
    assert _labels("stream S = Login -> |") >= {"Login", "Alarm"}


def test_aggregates_are_suggested_inside_aggregate() -> None:
    kinds = _kinds("stream S = Login .window(3) .aggregate(n: |)")
    assert {name for name, kind in kinds.items() if kind == "aggregate"} == {
        *AGGREGATES
    }


def test_expressions_know_fields_globals_functions_and_builtins() -> None:
    kinds = _kinds("stream S = Login .where(|")
    assert kinds["user"] == "field"
    assert kinds["limit"] == "variable"
    assert kinds["risk"] == "function"
    assert {name for name, kind in kinds.items() if kind == "builtin"} <= {*BUILTINS}
    assert kinds["starts_with"] == "builtin"


def test_connectors_and_their_parameters_are_known() -> None:
    assert _labels("stream S = Login .to(|") == {"Alerts"}
    assert {"topic: ", "qos: "} <= _labels("stream S = Login .to(Alerts, |")
    assert "keep_alive: " in _labels("connector C = mqtt (|")
    assert "kafka" in _labels("connector C = |")


def test_contexts_and_parameters_of_operations_are_known() -> None:
    assert _labels("stream S = Login .context(|") == {"fast"}
    assert {"sliding: ", "align: "} <= _labels("stream S = Login .window(3, |")


def test_types_follow_the_colon_of_a_field() -> None:
    assert {"int", "timestamp", "Login"} <= _labels("event E: a: |")


def test_an_empty_line_takes_a_declaration() -> None:
    document, place = marked("|")
    found = {item.label for item in completions(document, place)}
    assert {"stream", "event", "fn", "let", "pattern"} <= found


def test_functions_know_their_parameters_and_variables() -> None:
    found = _labels("fn f(first_one, second):\n    let third = 1\n    |")
    assert {"first_one", "second", "third", "return", "limit"} <= found


@pytest.mark.parametrize(
    "line",
    [
        "stream S = Login .where(user == 'x|')",
        "stream S = Login # .|",
        "stream S = Login // .|",
        "stream S = Login /* .|",
    ],
)
def test_texts_and_comments_take_no_suggestions(line: str) -> None:
    assert _labels(line) == set()
