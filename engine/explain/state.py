"""What a stream keeps between events, and how much of it (vpl.md 16 and 19)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from engine.explain.expression_text import expression_text
from engine.explain.waiting import pattern_waits, waiting_not
from engine.limits import Limits
from vpl import nodes, walk

LIMITS: Final = Limits()
"""The bounds a pipeline has unless it is told otherwise."""
JOIN_DEFAULT: Final = "1m"
_VALUE_KEEPING: Final = frozenset(("median", "percentile", "count_distinct", "collect"))

State = dict[str, str]


def kept_state(
    decl: nodes.StreamDecl, pattern: nodes.PatternDecl | None
) -> list[State]:
    """Return kinds of state with their bounds, in words; empty for a stateless one."""
    return [{"kind": kind, "bound": bound} for kind, bound in _kept(decl, pattern)]


def _kept(
    decl: nodes.StreamDecl, pattern: nodes.PatternDecl | None
) -> Iterator[tuple[str, str]]:
    ops = [op for op in decl.ops if isinstance(op, nodes.Operation)]
    yield from _of_source(decl, pattern, ops)
    windows = [at for at, op in enumerate(ops) if op.name == "window"]
    keyed = [at for at, op in enumerate(ops) if op.name == "partition_by"]
    is_joined = isinstance(decl.source, nodes.JoinSource)
    for at, op in enumerate(ops):
        is_keyed = any(place < at for place in keyed)
        is_batch = any(place < at for place in windows) and not is_joined
        per_key = (
            f" for each key, {_number(LIMITS.partitions)} keys" if is_keyed else ""
        )
        for kind, bound in _of_operation(op, is_batch=is_batch, is_joined=is_joined):
            yield kind, bound + per_key


def _of_source(
    decl: nodes.StreamDecl,
    pattern: nodes.PatternDecl | None,
    ops: list[nodes.Operation],
) -> Iterator[tuple[str, str]]:
    match decl.source:
        case nodes.JoinSource():
            window = next((op for op in ops if op.name == "window"), None)
            last = expression_text(window.args[0].value) if window else JOIN_DEFAULT
            events = (
                f"{_number(LIMITS.join_events_per_key)} events of each source and key"
            )
            yield "join", f"{events}, of the last {last}"
        case nodes.TimerSource():
            yield "timer", "the number and time of the next tick"
        case _ if _is_sequence(decl, pattern):
            yield from _of_runs(decl, pattern, ops)


def _is_sequence(decl: nodes.StreamDecl, pattern: nodes.PatternDecl | None) -> bool:
    if pattern is not None or isinstance(decl.source, nodes.SequenceSource):
        return True
    if isinstance(decl.source, nodes.EventSource) and decl.source.every:
        return True
    return any(
        isinstance(op, nodes.Follow) or op.name in {"not", "within"} for op in decl.ops
    )


def _of_runs(
    decl: nodes.StreamDecl,
    pattern: nodes.PatternDecl | None,
    ops: list[nodes.Operation],
) -> Iterator[tuple[str, str]]:
    limits = [op.args[0].value for op in ops if op.name == "within" and op.args]
    if pattern is not None and pattern.within is not None:
        limits.append(pattern.within)
    if isinstance(decl.source, nodes.SequenceSource):
        limits += [step.within for step in decl.source.steps if step.within]
    times = " + ".join(map(expression_text, limits))
    ends = f"each for {times}" if times else "each until it matches: no within"
    yield "runs", f"{_number(LIMITS.runs)}, {ends}"
    if _has_kleene(decl, pattern):
        yield (
            "events of a repeated step",
            f"{_number(LIMITS.kleene_events)} for each run",
        )
    if waiting_not(decl) is not None or (pattern and pattern_waits(pattern.root)):
        yield "waiting runs", "part of the runs, until the time of within has passed"


def _has_kleene(decl: nodes.StreamDecl, pattern: nodes.PatternDecl | None) -> bool:
    roots: list[nodes.Node] = [decl] + ([pattern] if pattern else [])
    return any(
        (isinstance(node, nodes.EventSource) and node.every)
        or (isinstance(node, nodes.PatternEvent) and node.repeat in {"+", "*"})
        for node in walk(*roots)
    )


def _of_operation(
    op: nodes.Operation, *, is_batch: bool, is_joined: bool
) -> Iterator[tuple[str, str]]:
    if op.name == "fork":
        inner = (o for branch in op.branches for o in branch.ops)
        for part in inner:
            if isinstance(part, nodes.Operation):
                yield from _of_operation(part, is_batch=is_batch, is_joined=is_joined)
    elif op.name in _KEEPERS and not (is_joined and op.name == "window"):
        kind, bound = _KEEPERS[op.name]
        yield kind, bound(op)
    elif op.name in _STREAM_KEEPERS and not is_batch:
        kind, bound = _STREAM_KEEPERS[op.name]
        yield kind, bound(op)


def window_bound(op: nodes.Operation) -> str:
    """Return what a window holds at most, in words."""
    session, sliding = _named(op, "session"), _named(op, "sliding")
    if session:
        return f"the events of one session, until none came for {session}"
    size = next((arg.value for arg in op.args if arg.name is None), None)
    text = expression_text(size) if size is not None else ""
    is_count = isinstance(size, nodes.Literal) and size.kind == "int"
    if is_count:
        return f"the last {text} events" if sliding else f"{text} events"
    if sliding:
        return f"the events of the last {text}"
    return f"one open window of {text}"


def _aggregates(op: nodes.Operation) -> str:
    called = {
        node.function.id
        for node in walk(op)
        if isinstance(node, nodes.Call) and isinstance(node.function, nodes.Name)
    }
    if called & _VALUE_KEEPING or "distinct" in called:
        return f"the latest {_number(LIMITS.running_values)} values of each"
    return "a few numbers each"


def _named(op: nodes.Operation, name: str) -> str:
    return next((expression_text(a.value) for a in op.args if a.name == name), "")


def _number(value: int) -> str:
    return f"{value:_}".replace("_", " ")


def _distinct(op: nodes.Operation) -> str:
    ttl = _named(op, "ttl")
    return _number(LIMITS.distinct_keys) + (f", each for {ttl}" if ttl else "")


def _answers(op: nodes.Operation) -> str:
    ttl = _named(op, "cache_ttl")
    kept = f"one for each key for {ttl}" if ttl else "one for each key"
    return f"{kept}, failures for 5s"


Bound = Callable[[nodes.Operation], str]
_KEEPERS: Final[Mapping[str, tuple[str, Bound]]] = {
    "window": ("window", window_bound),
    "watermark": ("clock", lambda _op: "the greatest time of each source"),
    "enrich": ("answers", _answers),
    "forecast": ("forecast model", lambda _op: "contexts of a few steps"),
    "tap": ("counters", lambda _op: "one for each set of labels"),
}
"""Operations that keep something wherever they stand."""
_STREAM_KEEPERS: Final[Mapping[str, tuple[str, Bound]]] = {
    "aggregate": ("running aggregates", _aggregates),
    "distinct": ("distinct keys", _distinct),
    "limit": ("counter", lambda _op: "one number"),
    "first": ("counter", lambda _op: "one number"),
}
"""Operations that keep something unless they work on the batch of a window."""
