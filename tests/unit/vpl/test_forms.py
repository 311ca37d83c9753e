"""What the package says about programs: names, fingerprints, trees, text."""

import json
from collections.abc import Iterator
from dataclasses import fields

import vpl
from vpl.catalog import AGGREGATES, AVAILABLE, BUILTINS, CONNECTOR_KINDS, OPERATIONS
from vpl.visitor import children, walk

PROGRAM = """connector Out = console (format: "json")
context c (cores: [0])
fn inner(k): emit Leaf(k: k)
fn outer(n):
    for i in 0..n: inner(i)
fn idle(): emit Ghost(a: 1)
pattern P = SEQ(A as a, B+ as b)
stream S = Go .process(outer(n)) .context(c) .to(Out)
stream T = merge(S, stream M = Leaf.where(k > 1)) .emit as Alarm(k)
stream U = T .emit(k: k)
stream V = P .not(X where k > 1) .where(idle())
stream W = timer(5s)
"""


def test_consumed_types_are_all_sources_and_steps() -> None:
    program = vpl.parse(PROGRAM).program
    assert vpl.consumed_types(program) == {
        *("Go", "S", "Leaf", "T", "A", "B", "X", "Timer_W"),
    }


def test_emitted_types_are_those_of_emits_that_work() -> None:
    program = vpl.parse(PROGRAM).program
    assert vpl.emitted_types(program) == {"Leaf", "Alarm", "U"}


def test_stream_names_are_in_order() -> None:
    program = vpl.parse(PROGRAM).program
    assert vpl.stream_names(program) == ("S", "T", "U", "V", "W")


def test_recursive_functions_are_followed_once() -> None:
    source = "fn f(n): g(n)\nfn g(n):\n    emit T(n: n)\n    f(n)\nstream S = A .process(f(1))\n"
    assert vpl.emitted_types(vpl.parse(source).program) == {"T"}


def test_layout_and_comments_do_not_change_the_fingerprint() -> None:
    spread = PROGRAM.replace(" .", "\n    .").replace("\nfn", "\n# c\n\nfn")
    first, second = vpl.parse(PROGRAM).program, vpl.parse(spread).program
    assert vpl.fingerprint(first) == vpl.fingerprint(second)


def test_any_constant_changes_the_fingerprint() -> None:
    texts = ("1", "1.0", "true", '"1"', "2", "null", "1ns", "`1`", "[1]", "-1")
    prints = {vpl.fingerprint(vpl.parse(f"let a = {text}\n").program) for text in texts}
    assert len(prints) == len(texts)


def test_a_fingerprint_has_its_form() -> None:
    text = vpl.fingerprint(vpl.parse("").program)
    assert text.startswith("b3:")
    assert len(text) == 19
    assert int(text[3:], 16) >= 0


def test_the_tree_is_json_with_spans() -> None:
    tree = json.loads(
        json.dumps(vpl.tree_json(vpl.parse("stream S = In .limit(2)\n").program))
    )
    assert (tree["node"], tree["version"]) == ("Program", 1)
    (stream,) = tree["body"]
    assert (stream["node"], stream["span"]) == ("Stream", [1, 1, 1, 24])
    assert stream["ops"][0]["args"][0]["value"] == {
        "node": "Literal",
        "span": [1, 22, 1, 23],
        "kind": "int",
        "value": 2,
    }


def _parts(value: object) -> Iterator[vpl.nodes.Node]:
    """Yield every node in a value by plain recursion."""
    if isinstance(value, vpl.nodes.Node):
        yield value
        for field in fields(value):
            yield from _parts(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _parts(item)


def test_walking_meets_every_node_once_in_order() -> None:
    program = vpl.parse(PROGRAM).program
    met = [id(node) for node in walk(program)]
    assert met == [id(node) for node in _parts(program)]
    assert children(program) == list(program.body)


def test_findings_are_shown_with_their_line_and_a_marker() -> None:
    source = "connector Alerts = console ()\nstream S = In\n\t.to(Alrts)\n"
    shown = vpl.render_diagnostics(vpl.check(source).diagnostics, source, "a.vpl")
    assert shown.split("\n") == [
        "a.vpl:3:6: error[E030] unknown connector 'Alrts'",
        "  \t.to(Alrts)",
        "  \t    ^^^^^",
        "  hint: did you mean 'Alerts'?",
    ]


def test_related_places_are_shown() -> None:
    source = "context c\ncontext c\n"
    shown = vpl.render_diagnostics(vpl.check(source).diagnostics, source)
    assert shown.endswith("  <input>:1:9: first declared here")


def test_control_characters_do_not_reach_the_terminal() -> None:
    for source in ("let a = \x1b[31m\n", "let a = `\x1b[31m`()\n"):
        found = vpl.check(source).diagnostics
        assert found
        assert "\x1b" not in vpl.render_diagnostics(found, source)


def test_long_lines_are_cut_around_the_finding() -> None:
    source = "let a = [" + "1, " * 1000 + "nofunc(1)]\n"
    shown = vpl.render_diagnostics(vpl.check(source).diagnostics, source).split("\n")
    start = shown[2].index("^")
    assert shown[1][start : start + 6] == "nofunc"
    assert max(map(len, shown)) < 200


def test_the_catalog_names_only_what_exists() -> None:
    kinds = CONNECTOR_KINDS.values()
    known = set(OPERATIONS) | {f"{kind.name} to" for kind in kinds if kind.sink}
    known |= {f"{kind.name} from" for kind in kinds if kind.source}
    forms = ("event", "merge", "join", "sequence", "timer", "pattern", "all", "step")
    known |= {f"source {form}" for form in forms}
    assert known >= AVAILABLE
    assert all(name == item.name for name, item in BUILTINS.items())
    assert all(name == item.name for name, item in AGGREGATES.items())
    assert {"map", "reduce", "ln", "if_null", "to_lower"} <= set(BUILTINS)
