"""`.fork` with `.any` and `.all`, and `.pattern` over a batch (vpl.md 8.3)."""

from dataclasses import replace
from typing import Final

from engine.compiler.code import FRAME, Code
from engine.compiler.current import Batch, Current
from engine.compiler.kinds import ARRAY
from engine.compiler.plan import DECLARATIONS
from engine.compiler.streams import BatchHandler, Handler, StreamCompiler
from engine.runtime.mapping import events_as_maps
from vpl import nodes

RUNTIME: Final = {"events_as_maps": events_as_maps}
_GATES: Final = frozenset(("any", "all"))


def as_batch(stream: StreamCompiler, current: Current) -> Batch:
    """Write a batch of one event and return it."""
    current = stream.with_row(current)
    made = stream.names.fresh("b")
    item = f"({current.row}, {current.type.text}, {current.output})"
    stream.lines.add(f"{made} = [{item}]")
    known = current.type if current.type.text in stream.names.values else None
    return Batch(made, known, current.output is not None, current.is_made)


def fork_event(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Hand one event to every branch."""
    fork(stream, at, op, as_batch(stream, current))


def fork(stream: StreamCompiler, at: int, op: nodes.Operation, batch: Batch) -> None:
    """Hand the batch to every branch and go on with all that comes out, in order."""
    names, lines = stream.names, stream.lines
    whole, producing = names.fresh("b"), names.fresh("n")
    lines.add(f"{whole} = []", f"{producing} = 0")
    outcome = _Outcome(stream, at, whole, is_window=batch.is_window)
    for branch in op.branches:
        before = names.fresh("n")
        lines.add(f"{before} = len({whole})")
        ops = tuple(
            part
            for part in branch.ops
            if isinstance(part, nodes.Operation) and part.name not in DECLARATIONS
        )
        stream.branch(f"{at}.{branch.name}", ops, batch, outcome.take)
        lines.add(f"if len({whole}) > {before}: {producing} += 1")
    least, following = _gate(stream.ops, at, len(op.branches))
    with lines.block(f"if {producing} >= {least}:"):
        stream.batch(following, outcome.batch())


def _gate(ops: tuple[nodes.Operation, ...], at: int, branches: int) -> tuple[int, int]:
    """Return how many branches must give something, and where the stream goes on."""
    following = ops[at + 1] if at + 1 < len(ops) else None
    if following is None or following.name not in _GATES:
        return 0, at + 1
    if following.name == "all":
        return branches, at + 2
    value = following.args[0].value if following.args else None
    count = value.value if isinstance(value, nodes.Literal) else 1
    return max(1, int(count or 1)), at + 2


class _Outcome:
    """Collects what the branches of one fork give.

    What a window in a branch gives when it closes goes on at once: there is no batch
    then to which it belongs.
    """

    def __init__(
        self, stream: StreamCompiler, at: int, variable: str, *, is_window: bool
    ) -> None:
        self._stream = stream
        self._is_window = is_window
        self._at = at
        self._variable = variable
        self._lines = stream.lines
        self._found: list[Current] = []
        self._place = stream.place

    def take(self, current: Current) -> None:
        """Write what happens to one event at the end of a branch."""
        stream = self._stream
        if stream.lines is not self._lines:
            self._go_on(current)
            return
        current = stream.with_row(current)
        kind = current.type if current.is_made else stream.own_type()
        item = f"({current.row}, {kind.text}, {current.output})"
        stream.lines.add(f"{self._variable}.append({item})")
        self._found.append(current)

    def _go_on(self, current: Current) -> None:
        stream = self._stream
        least, following = _gate(self._place.ops, self._at, 2)
        if least <= 1:
            stream.go_on(self._place, following, current)

    def batch(self) -> Batch:
        """Return the batch of all that came out."""
        has_output = bool(self._found) and all(c.output for c in self._found)
        return Batch(
            self._variable, None, has_output, is_made=True, is_window=self._is_window
        )


def pattern_event(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Test a batch of one event: what an aggregate made of a window."""
    pattern(stream, at, op, as_batch(stream, current))


def pattern(stream: StreamCompiler, at: int, op: nodes.Operation, batch: Batch) -> None:
    """Keep the batch if the lambda is true for the array of its events."""
    names, lines = stream.names, stream.lines
    names.fields.whole = True
    row = names.fresh("r")
    lines.add(f"{row} = {batch.variable}[0][0] if {batch.variable} else None")
    with lines.block(f"if {row} is not None:"):
        current = stream.row(row, stream.own_type())
        expressions = stream.expressions(current)
        events = Code(f"events_as_maps({batch.variable})", ARRAY, 1)
        test = expressions.called(op.args[0].value, events)
        stream.mark_frame(current, replace(test, uses=test.uses | {FRAME}))
        with lines.block(f"if {test.text}:"):
            stream.batch(at + 1, batch)


HANDLERS: Final[dict[str, Handler]] = {"fork": fork_event, "pattern": pattern_event}
BATCHES: Final[dict[str, BatchHandler]] = {"fork": fork, "pattern": pattern}
