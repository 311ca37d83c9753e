"""The functions of the language."""

import pytest

from engine.builtins import BUILTINS
from tests.unit.engine.programs import errors_of, value_of
from vpl import catalog

FIELDS = {
    "n": -2.5,
    "i": 7,
    "s": "hello",
    "xs": [3, 1.5, 2],
    "ys": [1, 1.0, True, None, 2],
    "m": {"p": 1, "q": 2},
}


def test_the_catalog_and_the_implementations_are_equal() -> None:
    assert set(BUILTINS) == set(catalog.BUILTINS)
    for name, spec in catalog.BUILTINS.items():
        assert BUILTINS[name].takes_functions is (spec.function_at is not None), name


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("abs(n)", 2.5),
        ("abs(-i)", 7),
        ("abs(-2s) == 2s", True),
        ("sqrt(16)", 4.0),
        ("ln(1)", 0.0),
        ("atan2(0, 1)", 0.0),
        ("floor(n)", -3),
        ("ceil(n)", -2),
        ("round(n)", -3),
        ("round(0.49999999999999994)", 0),
        ("round(2.675, 2)", 2.68),
        ("round(1234.5, -2)", 1200.0),
        ("pow(2, 3)", 8),
        ("min(3, 1.0)", 1.0),
        ("max(3, 1)", 3),
        ("max(xs)", 3),
        ("min([])", None),
        ('max(["a", "b"])', "b"),
        ("clamp(n, 0, 9)", 0),
        ("sign(n)", -1),
        ("len(s)", 5),
        ("len(m)", 2),
        ('"  q ".trim()', "q"),
        ("s.upper()", "HELLO"),
        ('split("", ",")', [""]),
        ('split("a,b", ",")', ["a", "b"]),
        ('join([1, 2.0, "x", true, null], "|")', "1|2|x|true|null"),
        ('replace(s, "l", "L")', "heLLo"),
        ('starts_with(s, "he") and ends_with(s, "lo")', True),
        ("contains(xs, 3.0)", True),
        ('contains(m, "p")', True),
        ("substring(s, 1, 3)", "el"),
        ("substring(s, -2)", "lo"),
        ('index_of(s, "l")', 2),
        ('repeat("ab", 2)', "abab"),
        ('concat("a", "b", "c")', "abc"),
        ("concat([1], [2])", [1, 2]),
        ('format("{}-{}-{}", s, 2.0)', "hello-2-{}"),
        ('matches(s, "l+o$")', True),
        ("hash(1) == hash(1.0)", True),
        ("hash({p: 1, q: 2}) == hash({q: 2.0, p: 1})", True),
        ("hash(1) == hash(true)", False),
        ("first(xs)", 3),
        ("last([])", None),
        ("push(xs, 9)", [3, 1.5, 2, 9]),
        ("pop(xs)", [3, 1.5]),
        ("reverse(xs)", [2, 1.5, 3]),
        ("sort(xs)", [1.5, 2, 3]),
        ("sort_by(xs, x => -x)", [3, 2, 1.5]),
        ("get(xs, 9)", None),
        ('get(m, "z", 5)', 5),
        ("set(xs, -1, 0)", [3, 1.5, 0]),
        ('set(m, "p", 9)', {"p": 9, "q": 2}),
        ("range(2)", [0, 1]),
        ("range(2, 4)", [2, 3]),
        ("sum(xs)", 6.5),
        ("sum([])", 0.0),
        ("avg([1, 2])", 1.5),
        ("avg([])", None),
        ("variance([1, 3])", 2.0),
        ("stddev([1, 3])", 2.0**0.5),
        ("stddev([1])", None),
        ("count(xs)", 3),
        ("count(xs, x => x > 1.8)", 2),
        ("unique(ys)", [1, True, None, 2]),
        ("flatten([[1], 2, [[3]]])", [1, 2, [3]]),
        ('zip([1, 2], ["a"])', [[1, "a"]]),
        ("sliding_pairs([1, 2, 3])", [[1, 2], [2, 3]]),
        ("map(xs, x => x * 2)", [6, 3.0, 4]),
        ("filter(xs, x => x > 1.8)", [3, 2]),
        ("filter(xs, x => 1)", []),
        ("reduce(xs, 0, (a, x) => a + x)", 6.5),
        ("find(xs, x => x < 3)", 1.5),
        ("any(xs, x => x > 2)", True),
        ("all(xs, x => x > 2)", False),
        ("keys(m)", ["p", "q"]),
        ("values(m)", [1, 2]),
        ("merge(m, {q: 9})", {"p": 1, "q": 9}),
        ("to_string(2.0)", "2"),
        ('to_string([1, "a", {k: null, j: 2.5}])', '[1, "a", {j: 2.5}]'),
        ("to_string(26h)", "1d2h"),
        ("to_string(1500ms)", "1s500ms"),
        ("to_string(-90m)", "-1h30m"),
        ("to_string(@2026-03-01)", "2026-03-01T00:00:00Z"),
        ("to_int(3.9)", 3),
        ('to_int("-42")', -42),
        ("to_int(true)", 1),
        ('to_float("2.5e1")', 25.0),
        ("to_float(i)", 7.0),
        ("to_timestamp(1500)", "1970-01-01T00:00:01.5Z"),
        ('to_timestamp("2026-03-01")', "2026-03-01T00:00:00Z"),
        ('to_duration("1h30m") == 90m', True),
        ("to_duration(1.5) == 1500us", True),
        ('parse_json("{\\"a\\": [1, null, 2.0]}").a', [1, None, 2.0]),
        ('to_json({a: [1, "x"]})', '{"a":[1,"x"]}'),
        ("type_of(zap)", "null"),
        ("type_of(1s)", "duration"),
        ("is_number(i) and is_float(n) and not is_int(n)", True),
        ("is_null(zap)", True),
        ("is_string(zap)", None),
        ("coalesce(zap, zip_code, 3)", 3),
        ("if_null(i, 5)", 7),
        ("epoch_ms(@1970-01-02)", 86_400_000),
        ("year(@2026-03-01T08:30:05Z)", 2026),
        ("weekday(@2026-03-02)", 1),
        ("truncate_time(@2026-03-01T08:30:05Z, 1h)", "2026-03-01T08:00:00Z"),
        ("millis(1500us)", 1.5),
        ("seconds(1h)", 3600.0),
        ('format_time(@2026-03-01T08:30:05Z, "%d.%m.%Y %H:%M")', "01.03.2026 08:30"),
        ("now() > @2020-01-01", True),
    ],
)
def test_a_builtin_has_its_value(expression: str, wanted: object) -> None:
    got = value_of(expression, FIELDS)
    assert got == wanted
    assert type(got) is type(wanted)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("sqrt(-1)", "argument"),
        ("log(0)", "argument"),
        ("exp(1000)", "overflow"),
        ("floor(1e300)", "overflow"),
        ("abs(s)", "kind"),
        ('split(s, "")', "argument"),
        ('repeat("a", -1)', "argument"),
        ('sort([1, "a"])', "kind"),
        ("set(xs, 9, 0)", "argument"),
        ("sum([1, s])", "kind"),
        ("clamp(1, 5, 0)", "argument"),
        ('to_int("4x")', "conversion"),
        ('to_int("1 ")', "conversion"),
        ("to_int(1e300)", "overflow"),
        ('to_float("inf")', "conversion"),
        ('to_timestamp("soon")', "conversion"),
        ('to_duration("1m1h")', "conversion"),
        ('parse_json("{")', "conversion"),
        ("len(i)", "kind"),
        ("get(i, 0)", "kind"),
        ("merge(m, xs)", "kind"),
        ('format_time(@2026-03-01, "%Q")', "argument"),
        ("map(xs, i)", "kind"),
        ("map(i, x => x)", "kind"),
        ("year(i)", "kind"),
        ("to_json(x => x)", "kind"),
        ("truncate_time(@2026-03-01, 0s)", "argument"),
    ],
)
def test_a_bad_argument_is_null_and_counted(expression: str, reason: str) -> None:
    assert value_of(expression, FIELDS) is None
    assert errors_of(expression, FIELDS) == {reason: 1}


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_a_null_argument_gives_null_but_in_the_null_helpers(name: str) -> None:
    spec = catalog.BUILTINS[name]
    if spec.least == 0:
        return
    args = ["zap"] * spec.least
    if spec.function_at is not None and spec.function_at < spec.least:
        args[spec.function_at] = "x => x" if name != "reduce" else "(a, x) => a"
    expression = f"{name}({', '.join(args)})"
    wanted = {"is_null": True, "to_string": "null", "type_of": "null"}.get(name)
    assert value_of(expression) == wanted
    assert errors_of(expression) == {}
