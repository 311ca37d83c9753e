"""Rules of the checker: what each reports, where, and with which hint."""

import pytest

import vpl
from vpl.checker import connectors, operations

Places = list[tuple[str, int, int]]

SOURCES = ["event", "merge", "join", "sequence", "timer", "pattern", "all", "step"]


@pytest.fixture
def complete_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that runs the whole language."""
    names = frozenset(operations.OPERATIONS) | {f"source {name}" for name in SOURCES}
    for kind in connectors.CONNECTOR_KINDS:
        names |= {f"{kind} to", f"{kind} from"}
    monkeypatch.setattr(operations, "AVAILABLE", names)
    monkeypatch.setattr(connectors, "AVAILABLE", names)


def _places(source: str) -> Places:
    found = vpl.check(source).diagnostics
    return [(item.code, item.span.line, item.span.column) for item in found]


def _codes(source: str) -> list[str]:
    return [code for code, _, _ in _places(source)]


def _hint(source: str) -> str | None:
    (finding,) = vpl.check(source).diagnostics
    return finding.hint


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("event A\nevent A\n", "E001"),
        ("stream A = In\nstream A = In\n", "E002"),
        ("fn a(): 1\nfn a(): 2\n", "E003"),
        ("connector A = console ()\nconnector A = console ()\n", "E004"),
        ("context a\ncontext a\n", "E005"),
        ("pattern A = X\npattern A = Y\n", "E006"),
        ("type A = int\ntype A = str\n", "E007"),
    ],
)
def test_duplicates_point_at_the_first(source: str, code: str) -> None:
    (finding,) = vpl.check(source).diagnostics
    assert (finding.code, finding.span.line) == (code, 2)
    assert [related.span.line for related in finding.related] == [1]


@pytest.mark.parametrize(
    "source",
    [
        "stream S = In .emit(a: 1, a: 2)\n",
        "stream S = In .process(f(1))\nfn f(n): emit T(a: 1, a: 2)\n",
        "fn f(a, a): 1\n",
        'connector C = console (format: "text", format: "json")\n',
        "event E: a: int, a: str\n",
        "pattern P = SEQ(A as x, B as x)\n",
    ],
)
def test_names_given_twice_are_e008(source: str) -> None:
    assert _codes(source) == ["E008"]


def test_a_stream_and_an_event_may_share_a_name() -> None:
    assert _codes("event S: a: int\nevent In: a: int\nstream S = In .emit(a)\n") == []


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("stream S = In .where(foo(1))\n", [("E050", 1, 22)]),
        ("stream S = In .where(a.foo())\n", [("E050", 1, 24)]),
        ("stream S = In .emit(a: len(1, 2))\n", [("E051", 1, 24)]),
        ("stream S = In .emit(a: a.len(1))\n", [("E051", 1, 26)]),
        ("stream S = In .emit(a: max())\n", [("E051", 1, 24)]),
        ("stream S = In .emit(a: round(1, 2), b: max(1, 2, 3))\n", []),
        ("let f = x => x\nstream S = In .emit(a: f(1, 2))\n", [("E051", 2, 24)]),
        ("var f = x => x\nstream S = In .emit(a: f(1, 2))\n", []),
        ("fn g(f): f(1, 2)\nstream S = In .emit(a: g(x => x))\n", []),
        ("fn g():\n    let f = x => x\n    f(1)\n", []),
        ("stream S = In .emit(a: xs.map(f => f(1)))\n", []),
        ("fn len(a, b): a\nstream S = In .emit(a: len(1, 2))\n", [("W054", 1, 4)]),
    ],
)
def test_calls_are_checked(source: str, places: Places) -> None:
    assert _places(source) == places


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("let a = 1\na := 2\n", ["E040"]),
        ("const a = 1\nfn f(): a := 2\n", ["E040"]),
        ("var a = 1\na := 2\nfn f(): a := 3\n", []),
        ("b := 2\n", ["E043"]),
        ("fn f():\n    let a = 1\n    a := 2\n", ["E040"]),
        ("fn f():\n    let a = 1\n    var a = 2\n    a := 3\n", []),
        ("fn f(a):\n    a := 2\n", []),
        ("fn f():\n    a := 2\n    a := 3\n", ["W043"]),
        ("fn f():\n    for i in 0..3: i := 2\n", []),
        ("fn f(): break\n", ["E044"]),
        ("fn f(): while true: xs.map(x => { continue })\n", ["E044"]),
        ("fn f(): while true: if x: break\n", []),
        ("const a = 1 + 2\nconst b = a * 2 + abs(-3)\n", []),
        ("const a = now()\n", ["E062"]),
        ("const a = b + 1\n", ["E062"]),
        ("var v = 1\nconst a = v\n", ["E062"]),
        ("const a = [1, 2].map(x => x + 1)\n", []),
    ],
)
def test_variables_are_checked(source: str, codes: list[str]) -> None:
    assert _codes(source) == codes


def test_a_new_local_gets_a_suggestion() -> None:
    assert _hint("var total = 0\nfn f(): totl := 1\n") == "did you mean 'total'?"


@pytest.mark.parametrize(
    ("source", "line", "path"),
    [
        ("stream A = A\n", 1, "A -> A"),
        (
            "stream X = In\nstream A = C\nstream B = A\nstream C = B\n",
            2,
            "A -> B -> C -> A",
        ),
        ("stream A = T .emit as T(x: 1)\n", 1, "A -> A"),
        (
            "fn g(): emit T(x: 1)\nfn f(): g()\nstream A = T .process(f())\n",
            3,
            "A -> A",
        ),
        ("stream A = merge(In, B)\nstream B = A\n", 1, "A -> B -> A"),
    ],
)
def test_circles_name_their_path(source: str, line: int, path: str) -> None:
    (finding,) = vpl.check(source).diagnostics
    assert (finding.code, finding.span.line) == ("E024", line)
    assert finding.message.endswith(path)


def test_separate_circles_are_reported_once_each() -> None:
    source = "stream A = B\nstream B = A\nstream C = D\nstream D = C\nstream E = D\n"
    assert _places(source) == [("E024", 1, 8), ("E024", 3, 8)]


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("stream S = In .to(Nowhere)\n", ["E030"]),
        ("stream S = In .context(nowhere)\n", ["E031"]),
        ("connector C = pigeon ()\nstream S = In .to(C)\n", ["E033"]),
        ("connector C = websocket ()\nstream S = In .to(C)\n", ["E034"]),
        ("connector C = kafka ()\nstream S = In .to(C)\n", []),
        ('connector C = mqtt (hots: "h")\n', ["W080"]),
        ('connector C = mqtt (port: "1883")\n', ["W081"]),
        ("connector C = mqtt (host: h, port: p)\n", ["W081"]),
        ("let p = 1\nconnector C = mqtt (host: h, port: p)\n", []),
        ("connector C = kafka (exactly_once: true)\n", ["W083"]),
        ('connector C = kafka (brokers: ["a", "b"])\n', []),
        ('connector C = mqtt ()\nstream S = In .to(C, topic: "a/" + b, qos: 0)\n', []),
        ("connector C = mqtt ()\nstream S = In .to(C, tpic: 1)\n", ["W080"]),
        ("context c (cores: 1)\n", ["W081"]),
        ("context c (core: [1])\n", ["W080"]),
        ("config x { a: 1 }\n", ["W090"]),
        ('import "a.vpl" as b\n', ["W092", "E096"]),
    ],
)
def test_connectors_and_contexts_are_checked(source: str, codes: list[str]) -> None:
    assert _codes(source) == codes


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("stream S = In .wher(a)\n", ["E082"]),
        ("stream S = In .limit(2)\n", ["E090"]),
        ("stream S = In -> B\n", ["E090"]),
        ("stream S = all In\n", ["E090"]),
        ("stream S = join(A, B).on(A.k == B.k)\n", ["E090", "E090"]),
        ("pattern P = SEQ(A, B)\nstream S = P\n", ["E090"]),
        ("stream S = In .where(a) .filter(b) .select(a) .print(a) .emit()\n", []),
        ("event E: a: int\ntype T = int\n", []),
    ],
)
def test_a_build_refuses_what_it_does_not_run(
    source: str, codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = ("where", "filter", "select", "print", "emit", "source event")
    monkeypatch.setattr(operations, "AVAILABLE", frozenset(plain))
    assert _codes(source) == codes


@pytest.mark.usefixtures("complete_build")
@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("stream S = In .window()\n", ["E081"]),
        ("stream S = In .window(5, policy: x)\n", ["W082"]),
        ("stream S = In .watermark()\n", ["E081"]),
        ("stream S = In .tap(labels: [a])\n", ["E081"]),
        ("stream S = In .concurrent(workers: 2)\n", ["W091"]),
        ("stream S = In .limit(n)\n", ["E062"]),
        ('stream S = In .limit("2")\n', ["E062"]),
        ("let n = 2\nstream S = In .limit(n)\n", []),
        ("stream S = In .watermark(out_of_order: 5)\n", ["E061"]),
        ("let d = 5\nstream S = In .watermark(out_of_order: d)\n", ["E061"]),
        ("stream S = timer(5)\n", ["E061"]),
        ("stream S = In .within(5s)\n", ["E020"]),
        ("stream S = In .within(5s) -> B\n", ["E020"]),
        ("stream S = In -> B .within(5s) .select(a) -> C\n", ["E025"]),
        ('stream S = In .forecast(mode: "fast")\n', ["E026"]),
        ("pattern P = NOT A\n", ["E022"]),
        ("pattern P = SEQ(A?, B*)\n", ["E022"]),
        ("pattern P = SEQ(A, NOT B)\n", ["E021"]),
        ("pattern P = A AND NOT B\n", ["E021"]),
        ("pattern P = A AND NOT B within 5s\n", []),
        ("stream S = In .window(2) .aggregate(a: percentile(v))\n", ["E072"]),
        ("stream S = In .window(2) .aggregate(a: percentile(v, k))\n", ["E072"]),
        ("stream S = In .window(2) .aggregate(a: sum(foo(v)))\n", ["E050"]),
        ("stream S = In .window(2) .aggregate(a: count(distinct(v)))\n", []),
        (
            "connector C = mqtt ()\nstream S = In .enrich(C, key: a, fields: [b])\n",
            ["E032"],
        ),
        ("connector C = http ()\nstream S = In .enrich(C, key: a)\n", ["W032"]),
        ("connector C = http ()\nstream S = In .from(C)\n", ["E034"]),
    ],
)
def test_operations_of_later_builds_are_checked(source: str, codes: list[str]) -> None:
    assert _codes(source) == codes


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("stream S = In .where(3)\n", ["E060"]),
        ('stream S = In .where("x")\n', ["E060"]),
        ("stream S = In .where(a and 3)\n", ["E060"]),
        ("stream S = In .where(a + 1)\n", ["W060"]),
        ("stream S = In .where(not -a)\n", ["W060"]),
        ("fn f():\n    if 3: 1\n    while [1]: 2\n", ["E060", "E060"]),
        ("stream S = In .emit(a: if 1 then 2 else 3)\n", ["E060"]),
        ('stream S = In .where(3 < "a")\n', ["E060"]),
        ('stream S = In .where(3 < 4.0 and "a" < "b" and 1s < 2m)\n', []),
        ("stream S = In .where(a) .where(b.c) .where(f) .where(true)\n", []),
        ("event In: t: float\nstream S = In .where(t)\n", ["E060"]),
        ('event In: t: float\nstream S = In .where(t > "x")\n', ["E060"]),
        ('event In: t: float\nstream S = In .where(t > 3 and t == "x")\n', []),
        ('event In: t: float\nstream S = In .select(t: "a") .where(t > "x")\n', []),
        (
            'event In: t: float, x: any\nstream S = In .where(any(x, t => t > "x"))\n',
            [],
        ),
        ('let a: int = "x"\n', ["E052"]),
        ("let a: float = 3\nlet b: str = null\nlet c: Foo = 3\n", []),
        ("fn f(a: int) -> str: return 3\n", ["E052"]),
        ('fn f(a: int): a\nstream S = In .emit(a: f("x"))\n', ["E052"]),
    ],
)
def test_kinds_that_cannot_fit_are_reported(source: str, codes: list[str]) -> None:
    assert _codes(source) == codes


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("fn f(): emit T(a: 1)\nstream S = In .where(f())\n", ["W053"]),
        ("fn f(): emit T(a: 1)\n", ["W053"]),
        ("fn g(): emit T(a: 1)\nfn f(): g()\nstream S = In .process(f())\n", []),
        ("fn f(): emit T(a: 1)\nstream S = In .process(f()\n", ["E101"]),
        ("stream S = In .emit(event_type: 1)\n", ["W034"]),
        ("stream S = In .emit(context: c)\n", []),
        ("event A\nstream S = A .emit as B()\n", ["W031"]),
        ("stream S = A .emit as B()\n", []),
    ],
)
def test_emits_are_checked(source: str, codes: list[str]) -> None:
    assert _codes(source) == codes


PROBE = "event Base: id: str\nevent Probe extends Base: temp: float, tags: {str: str}\n"


@pytest.mark.parametrize(
    ("rest", "codes"),
    [
        (".where(temp > 1 and id == event_type)", []),
        (".where(tmp > 1)", ["W033"]),
        ("as p .where(p.temp > 1 and Probe.id == p.id and tags.x == 1)", []),
        ("as p .where(p.tmp > 1)", ["W033"]),
        (".emit(temp, nope)", ["W033"]),
        (".select(x: temp) .where(x > 1)", []),
        (".where(any(tags, x => x == temp))", []),
        (".where(cap > temp)", []),
    ],
)
def test_fields_of_declared_events_are_checked(rest: str, codes: list[str]) -> None:
    assert _codes(f"{PROBE}let cap = 3\nstream S = Probe {rest}\n") == codes


def test_a_field_that_hides_a_global_is_told_once_per_stream() -> None:
    source = f"{PROBE}let temp = 1\nstream S = Probe .where(temp > 1) .emit(temp)\n"
    assert _places(source) == [("W041", 4, 25)]


def test_unknown_sources_are_told_only_where_events_are_declared() -> None:
    assert _codes("stream S = Nowhere\n") == []
    assert _places("event A\nstream S = Nowhere\n") == [("W030", 2, 12)]
    assert _codes("event A\nstream S = A .emit as B()\nstream T = B\n") == ["W031"]


def test_uses_of_broken_declarations_are_not_called_unknown() -> None:
    source = (
        "connector C = mqtt (host: )\ncontext c (\nfn f(a: 1\nlet g = =\n"
        "stream S = In .context(c) .where(f(1)) .to(C)\ng := 2\n"
    )
    assert set(_codes(source)) == {"E101"}


def test_findings_are_sorted_by_position() -> None:
    source = "stream B = In .to(X)\nlet a = 1 2\nstream B = In .where(f(1) + g(2))\n"
    assert _places(source) == sorted(_places(source), key=lambda place: place[1:])
    assert _codes(source) == ["E030", "E108", "E002", "E050", "W060", "E050"]


def test_the_json_form_of_a_finding() -> None:
    source = "connector Alerts = console ()\nstream S = In\n\n    .to(Alrts)\n"
    assert vpl.check(source).to_json() == {
        "valid": False,
        "diagnostics": [
            {
                "code": "E030",
                "severity": "error",
                "message": "unknown connector 'Alrts'",
                "line": 4,
                "column": 9,
                "end": {"line": 4, "column": 14},
                "hint": "did you mean 'Alerts'?",
            }
        ],
    }


def test_warnings_do_not_make_a_program_invalid() -> None:
    result = vpl.check("fn abs(x): x\n")
    assert [found.severity for found in result.diagnostics] == ["warning"]
    assert result.valid


@pytest.mark.slow
def test_findings_are_bounded() -> None:
    source = "".join(f"let v{at} = nofunc{at}(1)\n" for at in range(1200))
    assert len(vpl.check(source).diagnostics) == 1000


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("let a = x && y", "write 'and'"),
        ("let a = x || y", "write 'or'"),
        ("let a = x === y", "write '=='"),
        ("let a = f(x = 1)", "write '==' to compare"),
        ("stream R = A where xs.len() > 1 .emit(r: 1)", "parentheses"),
    ],
)
def test_words_of_other_languages_get_a_hint(source: str, wanted: str) -> None:
    first = vpl.check(source).diagnostics[0]
    assert first.hint is not None
    assert wanted in first.hint


def test_an_unknown_connector_kind_is_marked_itself() -> None:
    (found,) = vpl.check("connector C = mqt(host: 'h')").diagnostics
    assert (found.code, found.span.column, found.span.end_column) == ("E033", 15, 18)


def test_a_long_circle_is_named_in_short() -> None:
    links = [f"stream S{i} = S{(i + 1) % 300} .emit(a: 1)" for i in range(300)]
    (found,) = vpl.check("\n".join(links)).diagnostics
    assert found.code == "E024"
    assert found.message.endswith(" -> .. 282 more .. -> S0")
    assert len(found.message) < 300


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        ("A .on(A.k == 1) .emit(x: 1)", [("E081", 1, 15)]),
        ("merge(stream X = A.on(X.k == 1), B) .emit(x: 1)", [("E081", 1, 34)]),
        ("join(A, B) .on(A.k == B.k) .window(session: 5s)", [("E081", 1, 47)]),
        ("join(A, B) .on(A.k == B.k) .window(5s, sliding: 1s)", [("E081", 1, 51)]),
        ("join(A, B) .on(A.k == B.k) .window(5, policy: 1)", [("W082", 1, 50)]),
        ("timer(5s, delay: 1s) .emit(tick)", [("E080", 1, 22)]),
        ("timer(5s, initial_delay: 1s) .emit(tick)", []),
    ],
)
def test_what_belongs_to_joins_and_timers(stream: str, found: Places) -> None:
    assert _places(f"stream S = {stream}") == found
