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
