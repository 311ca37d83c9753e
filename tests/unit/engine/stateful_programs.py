"""Random programs that keep state, and events for them, as hypothesis strategies.

Programs are put together from streams of every stateful kind; a stream may consume an
earlier one, so both forms of generated code occur. All of them are valid.
"""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from engine import Event

NS_PER_MS = 1_000_000
TYPES = ("A", "B", "C")

_filters = st.sampled_from([
    "v > 1",
    "v != 2",
    'k == "a" or v < 3',
    "v is number",
    "not (flag ?? false)",
])
_durations = st.sampled_from(["3ms", "5ms", "10ms", "20ms"])
_keys = st.sampled_from(["k", "k, flag", "v"])
_aggregates = st.lists(
    st.sampled_from([
        "n: count()",
        "m: count(v)",
        "s: sum(v)",
        "a: avg(v)",
        "lo: min(v)",
        "hi: max(v)",
        "sd: stddev(v)",
        "med: median(v)",
        "p: percentile(v, 90)",
        "f: first(v)",
        "l: last(k)",
        "e: ema(v, 3)",
        "d: count_distinct(v)",
        "c: collect(v)",
        "x: (max(v) - min(v)) / 2",
    ]),
    min_size=1,
    max_size=4,
    unique=True,
).map(", ".join)


@st.composite
def _windows(draw: st.DrawFn) -> str:
    form = draw(
        st.sampled_from([
            "window({d})",
            "window({d}, align: true)",
            "window({d}, sliding: 2ms)",
            "window(3)",
            "window(4, sliding: 2)",
            "window(session: {d})",
        ])
    )
    return "." + form.format(d=draw(_durations))


@st.composite
def _windowed(draw: st.DrawFn, source: str) -> str:
    keys = f".partition_by({draw(_keys)})" if draw(st.booleans()) else ""
    mark = draw(st.sampled_from(["", "", ".watermark(out_of_order: 4ms)"]))
    late = draw(st.sampled_from(["", ".allowed_lateness(3ms)"])) if mark else ""
    where = f".where({draw(_filters)})" if draw(st.booleans()) else ""
    window = draw(_windows())
    if draw(st.booleans()):
        after = f".aggregate({draw(_aggregates)}) .emit()"
    else:
        after = draw(
            st.sampled_from([
                ".emit(k, v)",
                ".order_by(v desc) .limit(2) .emit(k, v)",
                ".distinct(v) .emit(k, v)",
                ".collect() .emit(count, first: events[0])",
                f".partition_by(k) .aggregate({draw(_aggregates)}) .emit()",
            ])
        )
    return f"{source} {mark}{late}{where}{keys}{window}{after}"


@st.composite
def _running(draw: st.DrawFn, source: str) -> str:
    keys = f".partition_by({draw(_keys)})" if draw(st.booleans()) else ""
    after = draw(
        st.sampled_from([
            f".aggregate({draw(_aggregates)}) .emit()",
            ".distinct(v) .emit(k, v)",
            ".distinct(k, ttl: 6ms) .emit(k, v)",
            ".limit(3) .emit(k, v)",
            ".first() .emit(k, v)",
            ".emit(k, v, n: next())",
        ])
    )
    return f"{source} {keys}{after}"


@st.composite
def _sequences(draw: st.DrawFn, source: str) -> str:
    other = draw(st.sampled_from(TYPES))
    within = draw(st.sampled_from(["", ".within(8ms)", ".within(15ms)"]))
    keys = ".partition_by(k)" if draw(st.booleans()) else ""
    killed = draw(st.sampled_from(["", ".not(C where k == a.k)"]))
    steps = draw(
        st.sampled_from([
            f"{source} as a -> {other} where k == a.k as b",
            f"{source} as a -> {other} as b",
            f"{source} as a -> all {other} where v > b.v as b",
            f"all {source} as a -> {other} where v > a.v as b",
            f"{source} as a -> A where v != a.v as b -> {other} as c",
        ])
    )
    if draw(st.booleans()):
        return (
            f"{source} as a {keys} .not({other} where k == a.k).within(7ms)"
            " .emit(k: a.k, d: match_duration_ms)"
        )
    tail = ".emit(x: a.v, y: b.v, d: match_duration_ms)"
    return f"{steps} {within}{killed}{keys} {tail}"


@st.composite
def _joins(draw: st.DrawFn, source: str) -> str:
    other = draw(st.sampled_from([name for name in TYPES if name != source]))
    window = draw(st.sampled_from([".window(6ms)", ".window(2)", ""]))
    on = f".on({source}.k == {other}.k)"
    return f"join({source}, {other}) {on}{window} .emit(x: {source}.v, y: {other}.v)"


_PATTERNS = (
    "pattern P = SEQ(A as a, B+ where v > a.v as b, C? as c) within 12ms\n",
    "pattern P = SEQ(A as a, NOT C, B where k == a.k as b) within 12ms\n",
    "pattern P = A as a AND B as b within 10ms partition by k\n",
    "pattern P = SEQ(A as a, NOT B) within 6ms\n",
)


KINDS = {
    "windows": _windowed,
    "running": _running,
    "sequences": _sequences,
    "joins": _joins,
}


@st.composite
def programs(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(KINDS)) -> str:
    """Draw a program of one to three streams of these kinds."""
    made = ["A", "B"]
    text = "var n = 0\nfn next():\n    n := n + 1\n    return n\n"
    text += draw(st.sampled_from(_PATTERNS))
    for index in range(draw(st.integers(1, 3))):
        source = draw(st.sampled_from(made))
        body = draw(KINDS[draw(st.sampled_from(kinds))](source))
        text += f"stream S{index} = {body}\n"
        made.append(f"S{index}")
    if draw(st.booleans()):
        text += "stream M = P .emit(a: a.v, b: b.v, d: match_duration_ms)\n"
    if draw(st.integers(0, 4)) == 0:
        text += "stream T = timer(7ms) .emit(tick)\n"
    return text


@dataclass(frozen=True)
class _Step:
    """How far time moves before an event, and how late it is, in ms."""

    gap: int
    late: int


_values = st.one_of(
    st.integers(0, 5),
    st.sampled_from([1.0, 2.5, True, None, "x", -1]),
)
_fields = st.fixed_dictionaries(
    {"k": st.sampled_from(["a", "b", 1, 1.0, True, None]), "v": _values},
    optional={"flag": st.booleans()},
)


@st.composite
def events(draw: st.DrawFn, most: int = 25) -> list[Event]:
    """Draw events of a few types, keys and values, some of them out of order."""
    found = []
    now = 0
    for _ in range(draw(st.integers(2, most))):
        now += draw(st.integers(0, 6))
        late = draw(st.sampled_from([0, 0, 0, 1, 3, 9]))
        fields: dict[str, Any] = {
            name: value for name, value in draw(_fields).items() if value is not None
        }
        stamp = max(0, now - late) * NS_PER_MS
        found.append(Event(draw(st.sampled_from(TYPES)), fields, stamp))
    return found
