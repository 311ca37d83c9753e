"""What counts for the fingerprint of a stream, and what does not."""

import pytest

import vpl

PROGRAM = """
event Reading: unit: str, temp: Celsius
type Celsius = float
const LIMIT = 90
let factor = LIMIT * 2
var seen = 0
fn scaled(x): twice(x) * factor
fn twice(x): x * 2
fn other(x): x
pattern Rise = SEQ(Reading as a, Reading where temp > a.temp as b)
stream Hot = Reading .where(scaled(temp) > 1) .emit(unit)
stream Rising = Rise .emit(unit: a.unit)
"""


def _of(source: str, name: str = "Hot") -> str:
    parsed = vpl.parse(source)
    assert parsed.diagnostics == ()
    return vpl.stream_fingerprint(parsed.program, name)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 90", "LIMIT = 91"),
        ("LIMIT * 2", "LIMIT * 3"),
        ("x * 2", "x * 3"),
        ("twice(x) * factor", "factor * twice(x)"),
        ("> 1", "> 2"),
        (".emit(unit)", ".emit(unit, temp)"),
        ("Celsius = float", "Celsius = int"),
        ("unit: str", "unit: timestamp"),
    ],
)
def test_it_changes_with_what_the_stream_uses(old: str, new: str) -> None:
    assert old in PROGRAM
    assert _of(PROGRAM.replace(old, new, 1)) != _of(PROGRAM)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n", "\n\n# a comment\n"),
        ("fn other(x): x", "fn other(x): x + 1"),
        ("var seen = 0", "var seen = 7"),
        ("unit: str", "unit: str, place: str"),
        (".where(", "\n    .where("),
        ("SEQ(Reading as a", "SEQ(Reading as c"),
        ("x * 2", "(x * 2)"),
    ],
)
def test_it_stays_the_same_without_such_a_change(old: str, new: str) -> None:
    assert old in PROGRAM
    assert _of(PROGRAM.replace(old, new)) == _of(PROGRAM)


def test_the_order_of_declarations_does_not_count() -> None:
    lines = PROGRAM.strip().splitlines()
    assert _of("\n".join(reversed(lines))) == _of(PROGRAM)


def test_it_changes_with_the_pattern_of_the_stream() -> None:
    changed = PROGRAM.replace("temp > a.temp", "temp >= a.temp")
    assert _of(changed, "Rising") != _of(PROGRAM, "Rising")
    assert _of(changed) == _of(PROGRAM)


def test_it_does_not_matter_whether_a_generator_made_the_stream() -> None:
    made = _of("for i in 1..3:\n    stream S{i} = T .where(a > {i}) .emit()\n", "S2")
    assert made == _of("stream S2 = T .where(a > 2) .emit()\n", "S2")


def test_a_name_that_is_no_stream_has_none() -> None:
    with pytest.raises(KeyError):
        _of(PROGRAM, "Reading")


GLOBALS = """
let base = 5
let lim = base * 2
let twice = lim * 2
let dbl = x => x * lim
let applied = dbl(1)
fn rate(): inner() + 1
fn inner(): 2
let rated = rate()
var seen = 1
seen := 2
let copied = seen
let far = copied
"""


AT_LOAD = {"copied", "far"}  # look at a variable, so at all that is set before it


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("base = 5", "base = 6", {"base", "lim", "twice", "dbl", "applied"} | AT_LOAD),
        ("lim * 2", "lim * 3", {"twice"} | AT_LOAD),
        ("(): 2", "(): 3", {"rated"} | AT_LOAD),
        ("dbl(1)", "dbl(2)", {"applied"} | AT_LOAD),
        ("var seen = 1", "var seen = 7", {"seen"} | AT_LOAD),
        ("seen := 2", "seen := 7", AT_LOAD),
        ("seen := 2\nlet copied = seen", "let copied = seen\nseen := 2", AT_LOAD),
        ("far = copied", "far = copied + 1", AT_LOAD),
        ("\nlet", "\n\nlet", set()),
        ("base * 2", "(base * 0x2)", set()),
    ],
)
def test_constants_change_with_what_they_use(
    old: str, new: str, changed: set[str]
) -> None:
    assert old in GLOBALS
    before = vpl.global_fingerprints(vpl.parse(GLOBALS).program)
    after = vpl.global_fingerprints(vpl.parse(GLOBALS.replace(old, new)).program)
    assert {name for name in before if before[name] != after[name]} == changed


def test_a_constant_used_before_it_is_set_is_another_value() -> None:
    early = "let a = b\nlet b = 5\n"
    late = "let b = 5\nlet a = b\n"
    found = [vpl.global_fingerprints(vpl.parse(text).program) for text in (early, late)]
    assert found[0]["a"] != found[1]["a"]
    assert found[0]["b"] == found[1]["b"]


def test_functions_that_call_each_other_do_not_confuse_it() -> None:
    source = "fn f(n): if n < 1 then a else g(n - 1)\nfn g(n): f(n)\nlet a = g(2)\n"
    before = vpl.global_fingerprints(vpl.parse(source).program)
    after = vpl.global_fingerprints(vpl.parse(source.replace("< 1", "< 2")).program)
    assert before["a"] != after["a"]
