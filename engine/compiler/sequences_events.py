"""How filters of a sequence read the arriving event and the events taken before."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from engine.compiler.code import Code, variable
from engine.compiler.current import Current, PartitionKey
from engine.compiler.kinds import INT
from engine.compiler.lines import INDENT
from engine.compiler.readers import CompoundReader, Part, RowReader
from engine.compiler.sequences_runs import RunCode
from engine.compiler.steps import Option
from engine.compiler.streams import StreamCompiler

_LOADED: Final = re.compile(r"\bstep(\d+)\b")


def slot_variable(slot: int) -> str:
    """Return the variable that holds what a run has in a slot."""
    return f"step{slot}"


def step_event(
    stream: StreamCompiler,
    code: RunCode,
    current: Current,
    own: Sequence[Part],
    positions: frozenset[int] = frozenset(),
) -> Current:
    """Return the arriving event with the aliases of a run at one of `positions`.

    `own` are aliases that stand for something else here, such as the event itself.
    Without positions there is no run yet.
    """
    layout = code.layout
    taken = {part.alias for part in own}
    parts, missing = list(own), set()
    for alias, slot in layout.slots.items():
        there = {layout.is_present(slot, position) for position in positions}
        if alias in taken:
            continue
        if there <= {False}:
            missing.add(alias)
            continue
        name = slot_variable(slot)
        is_many = slot in layout.many
        parts.append(Part(alias, name, is_many, may_miss=there != {True}))
    bound = CompoundReader(
        stream.names, tuple(parts), (), current.stamp, missing=frozenset(missing)
    )
    row = current.row or ""
    itself = frozenset(part.alias for part in own if part.variable == row)
    hoisted = stream.hoisted.get(row)
    reader = RowReader(stream.names, variable(row), itself, hoisted, bound)
    return replace(current, reader=reader)


def own_names(code: RunCode, option: Option) -> list[str]:
    """Return the names by which a filter reads its own event.

    Without an alias that is the event type, unless several steps have it.
    """
    if option.alias is not None:
        return [option.alias]
    if option.name in code.layout.slots:
        is_own = code.layout.slots[option.name] == option.slot
    else:
        steps = code.layout.sequence.options
        is_own = all(step.alias or step.name != option.name for step in steps)
    return [option.name] if is_own else []


def own_parts(code: RunCode, option: Option, row: str) -> list[Part]:
    """Return the own names of an option as parts that stand for the row."""
    return [Part(name, row) for name in own_names(code, option)]


def match_event(
    stream: StreamCompiler, code: RunCode, last: str, length_ms: str
) -> Current:
    """Return the event that a finished run makes (10.6); the run is in `run`.

    `last` is the variable of the row matched last, `length_ms` the text of the duration.
    """
    layout = code.layout
    aliased = {option.alias for option in layout.sequence.options}
    parts = tuple(
        Part(
            alias,
            slot_variable(slot),
            slot in layout.many,
            may_miss=not _is_always_there(code, slot),
            is_field=alias in aliased,
        )
        for alias, slot in sorted(layout.slots.items(), key=lambda item: item[1])
    )
    reader = CompoundReader(
        stream.names,
        parts,
        (Part("", last),),
        "run.t",
        {
            "stream": stream.own_type(),
            "match_duration_ms": Code(length_ms, INT, 2),
        },
        partition=Code("run.key", depth=1) if layout.sequence.keys else None,
        own=layout.sequence.match_names - layout.names,
    )
    keys = layout.sequence.keys
    key = PartitionKey("run.g", "run.key", keys) if keys else None
    return Current(stream.own_type(), reader, None, "run.t", key=key)


def _is_always_there(code: RunCode, slot: int) -> bool:
    """Tell whether every finished run has an event in a slot."""
    step = code.layout.home(slot)
    is_only = len(step.options) == 1 and not step.is_optional
    return is_only and len(code.layout.sequence.branches) == 1


@contextmanager
def loading(stream: StreamCompiler, run: str = "run") -> Iterator[None]:
    """Write what is inside, and before it the lines that load the slots it reads."""
    lines = stream.lines
    start = len(lines.texts)
    yield
    used = {int(m[1]) for text in lines.texts[start:] for m in _LOADED.finditer(text)}
    indent = INDENT * lines.level
    loads = [f"{indent}{slot_variable(slot)} = {run}.s{slot}" for slot in sorted(used)]
    lines.texts[start:start] = loads
    lines.vpl_lines[start:start] = [lines.vpl_line] * len(loads)
