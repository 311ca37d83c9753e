"""`.partition_by` (vpl.md 9.2): the key of an event, and tables of what is kept per key."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.compiler.code import Code
from engine.compiler.current import Batch, Current, PartitionKey
from engine.compiler.kinds import ARRAY, FIELD, STR, within
from engine.compiler.lines import Lines
from engine.compiler.streams import BatchHandler, Handler, StreamCompiler
from engine.runtime.keys import as_key
from vpl import nodes

RUNTIME: Final[dict[str, Any]] = {"as_key": as_key}
_PLAIN_KINDS: Final = frozenset(("event", "merge"))
NO_KEY: Final = PartitionKey("None", "None", ())
"""The one partition of streams without keys."""


def key_of(
    stream: StreamCompiler, exprs: Sequence[nodes.Expr], current: Current
) -> tuple[PartitionKey, Current]:
    """Write the lines that evaluate a key and return it."""
    expressions = stream.expressions(current)
    codes = [expressions.sent(expr) for expr in exprs]
    current = stream.mark_frame(current, *codes)
    values = [_held(stream, code) for code in codes]
    keys = [_as_key(code, value) for code, value in zip(codes, values, strict=True)]
    found = stream.names.fresh("d")
    if len(keys) == 1:
        stream.lines.add(f"{found} = {keys[0]}")
        return PartitionKey(found, values[0], tuple(exprs)), current
    # what `as_key` makes of the array of the values
    stream.lines.add(f"{found} = ('array', {', '.join(keys)})")
    return PartitionKey(found, f"[{', '.join(values)}]", tuple(exprs)), current


def _held(stream: StreamCompiler, code: Code) -> str:
    """Return the variable of a value."""
    if code.is_atom:
        return code.text
    held = stream.names.fresh("v")
    stream.lines.add(f"{held} = {code.text}")
    return held


def _as_key(code: Code, value: str) -> str:
    if within(code.kinds, STR):
        return value
    return f"{value} if {value}.__class__ is str else as_key({value})"


def key_at(stream: StreamCompiler, current: Current) -> PartitionKey:
    """Return the key of the event at hand, the one of all events without partitions."""
    if current.key is not None:
        return current.key
    partition = current.reader.partition
    if partition is None:
        return NO_KEY
    found, shown = stream.names.fresh("d"), _held(stream, partition)
    stream.lines.add(f"{found} = as_key({shown})")
    declared = stream.stream.declared("partition_by")
    exprs = () if declared is None else tuple(arg.value for arg in declared.args)
    return PartitionKey(found, shown, exprs)


def partition_by(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Give the event a key; that of a sequence has one already."""
    if stream.stream.kind != "sequence":
        exprs = [arg.value for arg in op.args]
        key, current = key_of(stream, exprs, current)
        current = replace(current, key=key)
    stream.follow(at, current)


def group_by(
    stream: StreamCompiler, at: int, op: nodes.Operation, batch: Batch
) -> None:
    """Group the content of a window."""
    exprs = tuple(arg.value for arg in op.args)
    stream.batch(at + 1, replace(batch, group_by=exprs))


def sound_events(stream: StreamCompiler, at: int) -> AbstractContextManager[None]:
    """Return a context: what is written in it is done for events without errors only.

    A stream that drops faulty events (`on_error`) must not keep them in a state. Where
    a window has passed there is no event to drop.
    """
    is_dropped = stream.stream.on_error != "null" and not stream.prefix
    is_first = not any(op.name == "window" for op in stream.ops[:at])
    if is_dropped and is_first and stream.stream.kind in _PLAIN_KINDS:
        return stream.lines.block(f"if {stream.frame}.errors == errors:")
    return nullcontext()


def partition_code(key: PartitionKey, variable: str) -> Code | None:
    """Return the code of `_partition` for an entry in a variable."""
    if not key.exprs:
        return None
    kinds = FIELD if len(key.exprs) == 1 else ARRAY
    return Code(f"{variable}.shown", kinds, 1, frozenset({variable}))


def key_fields(key: PartitionKey, variable: str) -> dict[str, Code]:
    """Return the key fields of an aggregate by name, read from its entry.

    Keys that are no plain or aliased name have none.
    """
    found: dict[str, Code] = {}
    for at, expr in enumerate(key.exprs):
        name = _field_name(expr)
        if name is not None and name not in found:
            whole = f"{variable}.shown"
            text = whole if len(key.exprs) == 1 else f"{whole}[{at}]"
            found[name] = Code(text, FIELD, 1, frozenset({variable}))
    return found


def _field_name(expr: nodes.Expr) -> str | None:
    if isinstance(expr, nodes.Name):
        return expr.id
    if isinstance(expr, nodes.Member) and isinstance(expr.target, nodes.Name):
        return expr.name
    return None


def entry_maker(
    stream: StreamCompiler, make: type[Any], initial: dict[str, str]
) -> str:
    """Write the function that makes an empty entry and return its name."""
    names = stream.names
    made, name = names.bind("N", make), names.fresh("o")
    lines = Lines()
    with lines.block(f"def {name}(d, k):"):
        lines.add(f"w = {made}()", "w.key = d; w.shown = k; w.used = 0")
        lines.add(*(f"w.{slot} = {text}" for slot, text in initial.items()))
        lines.add("return w")
    names.functions.append(lines)
    return name


@dataclass(frozen=True, slots=True)
class Table:
    """A state per key as generated code uses it.

    `state` and `entries` are the variables of the state and of its dict, `make` the
    name of the function `(key, shown)` that makes an empty entry.
    """

    stream: StreamCompiler
    state: str
    entries: str
    make: str

    def find(self, key: PartitionKey, opening: str) -> str:
        """Write the lines that find the entry of a key or make it; return it.

        `opening` is the line that puts a new entry, `{0}`, into the table.
        """
        found, lines = self.stream.names.fresh("w"), self.stream.lines
        lines.add(f"{found} = {self.entries}.get({key.text})")
        with lines.block(f"if {found} is None:"):
            lines.add(f"{found} = {self.make}({key.text}, {key.shown})")
            lines.add(opening.format(found))
        lines.add(f"elif {self.state}.tracks: {self.state}.touch({found})")
        return found


def table_of(
    stream: StreamCompiler, variable: str, state: Any, initial: dict[str, str]
) -> Table:
    """Return the table of a state of partitions; `initial` are its slots' first values."""
    entries = stream.names.bind("T", state.table)
    make = entry_maker(stream, state.make, initial)
    return Table(stream, variable, entries, make)


HANDLERS: Final[dict[str, Handler]] = {"partition_by": partition_by}
BATCHES: Final[dict[str, BatchHandler]] = {"partition_by": group_by}
