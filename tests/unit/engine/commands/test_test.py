"""`varpulis test`: programs beside their events and expected outputs."""

import json

import pytest

PROGRAM = "stream S = X .where(v > 1) .emit(v: v, h: v / 2.0)\n"
EVENTS = "X { v: 1 }\nX { v: 2 }\nX { v: 3 }\n"
GOOD = '{"event_type":"S","v":2,"h":1.0}\n{"event_type":"S","h":1.5,"v":3}\n'


@pytest.fixture
def case(write):
    """Give a function that writes the files of a test."""

    def write_case(name="a", program=PROGRAM, events=EVENTS, expected=GOOD):
        write(f"{name}.vpl", program)
        write(f"{name}.evt", events)
        if expected is not None:
            write(f"{name}.expected.jsonl", expected)

    return write_case


def test_outputs_as_expected_pass(run, case):
    case()
    result = run("test", "a.vpl")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("a.vpl: ok\n1 passed, 0 failed in ")


@pytest.mark.parametrize("path", ["a.vpl", "a.evt"])
def test_a_test_is_named_by_its_files(run, case, path):
    case()
    assert run("test", path).code == 0


def test_folders_are_searched_and_each_test_runs_once(run, case, write):
    case("sub/deep/a")
    case("sub/b")
    write("sub/no-events.vpl", PROGRAM)
    result = run("test", "sub", "sub/b.vpl")
    assert result.out.count(": ok") == 2
    assert "2 passed" in result.out


def test_the_first_differences_are_shown_with_their_fields(run, case):
    lines = GOOD.replace('"v":3', '"v":4') + '{"event_type":"S","v":9}\n' * 4
    case(expected=lines)
    result = run("test", "a.vpl")
    assert result.code == 1
    assert "a.vpl: FAILED\n    output 2 is different:\n" in result.out
    assert '      expected {"event_type":"S","h":1.5,"v":4}\n' in result.out
    assert '      got      {"event_type":"S","v":3,"h":1.5}\n' in result.out
    assert "      v: 4 was expected, 3 came\n" in result.out
    assert "output 3 is missing:\n" in result.out
    assert "    and 2 more\n    6 outputs were expected, 2 came\n" in result.out


def test_an_unexpected_output_is_shown(run, case):
    case(expected=GOOD.splitlines()[0])
    assert "output 2 is unexpected:\n      got      {" in run("test", "a.vpl").out


@pytest.mark.parametrize(
    ("got", "expected", "is_same"),
    [
        ("1.0 + 1e-12", "1.0", True),
        ("1.0 + 1e-6", "1.0", False),
        ("1", "1.0", False),
        ("true", "1", False),
        ("[1, {a: [2.0]}]", '[1, {"a": [2.0]}]', True),
        ("[1, {a: [2]}]", '[1, {"a": [2.0]}]', False),
        ('"a"', '"a"', True),
        ("null", "null", False),
    ],
)
def test_fields_are_compared_exactly_and_floats_nearly(
    run, case, got, expected, is_same
):
    line = f'{{"event_type":"S","v":{expected}}}'
    case(program=f"stream S = X .emit(v: {got})", events="X", expected=line)
    assert run("test", "a.vpl").code == (0 if is_same else 1)


def test_unordered_outputs_are_compared_as_a_set(run, case):
    turned = "\n".join(reversed(GOOD.splitlines()))
    case(expected=turned)
    assert run("test", "a.vpl").code == 1
    case(expected=f"# unordered\n{turned}")
    assert run("test", "a.vpl").code == 0
    case(expected=f"# unordered\n{turned}\n{turned}")
    result = run("test", "a.vpl")
    assert (result.code, result.out.count("is missing")) == (1, 2)


def test_events_may_end_with_a_flush(run, case):
    case(events=f"# flush\n{EVENTS}")
    assert run("test", "a.vpl").code == 0


def test_update_writes_what_comes_out_and_keeps_comments(run, case, tmp_path):
    case(expected=None)
    result = run("test", "a.vpl")
    assert (result.code, "a.expected.jsonl is missing; --update" in result.out) == (
        1,
        True,
    )
    result = run("test", "a.vpl", "--update")
    assert (result.code, "a.vpl: updated" in result.out) == (0, True)
    assert run("test", "a.vpl").code == 0
    case(expected="# unordered\n# why\n" + GOOD.splitlines()[0])
    run("test", "a.vpl", "--update")
    text = (tmp_path / "a.expected.jsonl").read_text()
    assert text.splitlines()[:2] == ["# unordered", "# why"]
    assert text.count("event_type") == 2
    assert "updated" not in run("test", "a.vpl", "--update").out


def test_a_bad_event_fails_and_is_not_updated_away(run, case, tmp_path):
    case(events="X { v: 2 }\nX {\n")
    result = run("test", "a.vpl", "--update")
    assert (result.code, "a.evt:2: " in result.out) == (1, True)
    assert (tmp_path / "a.expected.jsonl").read_text() == GOOD


def test_a_broken_program_fails_with_its_findings(run, case):
    case("b")
    case("a", program="stream S = X .wher(v > 1)")
    result = run("test", ".")
    assert (result.code, "a.vpl:1:15: error[E082]" in result.out) == (1, True)
    assert "1 passed, 1 failed" in result.out


def test_what_a_program_prints_is_no_output(run, case):
    case(program='stream S = X .print("seen", v) .where(v > 5) .emit()', expected="")
    result = run("test", "a.vpl")
    assert (result.code, "seen" in result.out) == (0, False)
    assert "S: seen 3" in run("test", "a.vpl", "-v").out


def test_now_is_the_time_of_the_event(run, case):
    case(
        program="stream S = X .emit(at: now())",
        events="@10s X\n@20s X",
        expected='{"event_type":"S","at":"1970-01-01T00:00:10Z"}\n'
        '{"event_type":"S","at":"1970-01-01T00:00:20Z"}\n',
    )
    assert run("test", "a.vpl").code == 0


def test_the_result_as_json(run, case):
    case("a", expected=GOOD.replace('"v":3', '"v":4'))
    case("b")
    result = run("test", ".", "--json")
    body = json.loads(result.out)
    assert (result.code, body["passed"], body["failed"]) == (1, 1, 1)
    (difference,) = body["tests"][0]["differences"]
    assert (difference["kind"], difference["fields"]) == ("different", ["v"])
    assert (difference["expected"]["v"], difference["got"]["v"]) == (4, 3)
    assert body["tests"][1] == {
        "program": "b.vpl",
        "passed": True,
        "outputs": 2,
        "expected": 2,
    }


@pytest.mark.parametrize("argv", [("no.vpl",), ("alone.vpl",), (".",), ()])
def test_without_a_test_it_is_a_usage_error(run, write, argv):
    write("alone.vpl", PROGRAM)
    assert run("test", *argv).code == 2


def test_expected_outputs_that_are_no_json_are_named(run, case):
    case(expected="{no")
    assert "a.expected.jsonl:1: no valid JSON" in run("test", "a.vpl").out


DATED = """\
fn both(v):
    emit A(v: v)
    emit A(v: v + 1)
stream S = X .emit(v: v) .emit as T(v: v)
stream P = X .process(both(v))
stream W = X .window(2) .aggregate(n: count()) .emit(n: n)
stream F = X .fork(a: .emit as G(v: v), b: .where(v > 100)) .emit(v: v)
"""


def dated(name, at, **fields):
    moment = f"1970-01-01T00:00:0{at}Z"
    return json.dumps({"event_type": name, "timestamp": moment, **fields}) + "\n"


def test_timestamps_are_compared_where_they_are_expected(run, case):
    first = [("S", 1), ("T", 1), ("A", 1), ("A", 2), ("G", 1), ("F", 1)]
    lines = [dated(name, 1, v=v) for name, v in first]
    then = [dated(name, 2, v=v) for name, v in first]
    then.insert(4, dated("W", 2, n=2))
    expected = "".join(lines + then)
    case(program=DATED, events="@1s X { v: 1 }\n@2s X { v: 1 }\n", expected=expected)
    result = run("test", "a.vpl")
    assert (result.code, "FAILED" in result.out) == (0, False), result.out
    case(
        program=DATED,
        events="@1s X { v: 1 }\n@2s X { v: 1 }\n",
        expected=expected.replace("00:00:02Z", "00:00:02.5Z"),
    )
    result = run("test", "a.vpl")
    assert (result.code, result.out.count("timestamp: ")) == (1, 3)
    assert 'timestamp: "1970-01-01T00:00:02.5Z" was expected' in result.out


def test_an_update_keeps_timestamps_where_there_were_some(run, case, tmp_path):
    case(events="@1s X { v: 2 }", expected=dated("S", 5, v=9))
    run("test", "a.vpl", "--update")
    body = json.loads((tmp_path / "a.expected.jsonl").read_text())
    assert body == {
        "event_type": "S",
        "timestamp": "1970-01-01T00:00:01Z",
        "v": 2,
        "h": 1.0,
    }


def test_a_field_called_timestamp_is_that_field(run, case):
    case(
        program='stream S = X .emit(timestamp: "noon")',
        events="X",
        expected='{"event_type":"S","timestamp":"noon"}',
    )
    assert run("test", "a.vpl").code == 0


def test_limits_of_programs_can_be_set(run, case):
    case(program="stream S = X .where(v > 1) .emit(v: v, h: [v, v] + [v])\n")
    result = run("test", "a.vpl", "--limit", "array_items=2")
    assert result.code == 1
    assert "R004" in result.out
    assert run("test", "a.vpl", "--limit", "array_items").code == 2
