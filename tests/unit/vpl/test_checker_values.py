"""Constants that no operation can mean, and what stands where it cannot."""

import pytest

import vpl


def _codes(program: str) -> list[str]:
    return [found.code for found in vpl.check(program).diagnostics]


@pytest.mark.parametrize(
    ("ops", "code"),
    [
        (".window(0)", "E062"),
        (".window(1.5)", "E062"),
        ('.window("x")', "E062"),
        (".window(-3)", "E062"),
        (".window(4, sliding: 0)", "E062"),
        (".window(0s)", "E061"),
        (".window(-5s)", "E061"),
        (".window(session: 0s)", "E061"),
        (".window(5s, sliding: -1s)", "E061"),
        (".window(5m, sliding: 3)", "E081"),
        (".window(2, sliding: 1s)", "E081"),
        (".window(5, align: true)", "E081"),
        (".window(session: 5s, align: true)", "E081"),
        (".window(session: 5s, sliding: 1s)", "E081"),
        (".limit(-1)", "E062"),
        (".distinct(v, ttl: 0s)", "E061"),
        (".watermark(out_of_order: -5s)", "E061"),
        (".allowed_lateness(-5s)", "E061"),
        ('.on_error("what")', "E062"),
        ('.log(level: "loud", message: v)', "E062"),
        (".any(2)", "E081"),
        (".where(v > 1) .all()", "E081"),
        (".fork(a: .where(v > 1)) .any(0)", "E062"),
        (".fork(a: .any(2))", "E081"),
        (".fork(a: -> B as b)", "E022"),
        (".window(size)", "E062"),
    ],
)
def test_it_refuses_what_makes_no_sense(ops: str, code: str) -> None:
    assert _codes(f"const size = 0\nstream S = A {ops} .emit(v)") == [code]


@pytest.mark.parametrize("size", ["0", "-1", "10_001", "1.5", '"x"', "size", "v"])
def test_it_refuses_arrays_that_cannot_be(size: str) -> None:
    program = "connector C = console ()\nconst size = 0\n"
    uses = f"stream S = A .emit(v) .to(C, topic: v, batch: {size})"
    assert _codes(program + uses) == ["E062"]


@pytest.mark.parametrize("size", ["1", "10_000", "size", "size * 2"])
def test_it_takes_sizes_of_arrays(size: str) -> None:
    program = "connector C = console ()\nconst size = 5\n"
    assert _codes(program + f"stream S = A .emit(v) .to(C, batch: {size})") == []


@pytest.mark.parametrize(
    "program",
    [
        "stream S = timer(0s) .emit(tick)",
        "stream S = A as a -> B as b .within(0s) .emit(v)",
        "stream S = sequence(a: A, b: B .within(-1s)) .emit(v)",
        "pattern P = SEQ(A as a, B as b) within 0s\nstream S = P .emit(v)",
    ],
)
def test_it_wants_lengths_of_time_above_zero(program: str) -> None:
    assert "E061" in _codes(program)


@pytest.mark.parametrize(
    "ops",
    [
        ".watermark(out_of_order: 0s)",
        ".allowed_lateness(0s)",
        ".limit(0)",
        ".window(5s, sliding: 1s)",
        ".window(5s, align: true)",
        '.on_error("skip")',
        '.log(level: "warn", message: v)',
        ".log(level: warn, message: v)",
        ".fork(a: .where(v > 1), b: .where(v > 2)) .any(2)",
        ".fork(a: .fork(c: .where(v > 1)).all())",
    ],
)
def test_it_takes_what_makes_sense(ops: str) -> None:
    assert _codes(f"stream S = A {ops} .emit(v)") == []


def test_concurrent_is_accepted_without_effect() -> None:
    assert _codes("stream S = A .concurrent(workers: 2) .emit(v)") == ["W091"]


def test_a_join_of_one_source_with_itself_needs_names() -> None:
    assert _codes("stream S = join(A, A).on(A.k == A.k) .emit()") == ["E008"]
    named = "stream S = join(stream L = A, stream R = A).on(L.k == R.k) .emit()"
    assert _codes(named) == []
