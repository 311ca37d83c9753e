"""Whether a program may be split by a field over several processes.

It may if its outputs are those of one process: events with different values of the
field must have nothing to do with each other. So every stream that keeps something has
to be partitioned by the field, the field has to come through all streams in between,
and nothing may depend on a clock that all events move (vpl.md 12.2). Deadlines of
`within` are an exception: they are judged alike as long as events are in order of time.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from engine.explain.state import kept_state
from engine.explain.waiting import pattern_waits, waiting_not
from vpl import Program, functions, nodes, walk

_CLOCKED: Final = frozenset(("watermark", "allowed_lateness", "enrich", "forecast"))
_KEEPING: Final = frozenset(("window", "aggregate", "distinct", "limit", "first"))
_REMAKING: Final = frozenset(("map", "process", "collect", "trend_aggregate", "fork"))
_TOLD_ONLY: Final = frozenset(("counters",))  # metrics, which no output depends on
_PLAIN_KINDS: Final = frozenset(("int", "float", "str", "bool", "any"))

Patterns = Mapping[str, nodes.PatternDecl]


def hindrance(program: Program, field: str) -> str | None:
    """Return why the program cannot be split by `field`, None if it can."""
    return next(_hindrances(program, field), None)


def _hindrances(program: Program, field: str) -> Iterator[str]:
    known = _patterns(program)
    if any(isinstance(decl, nodes.ContextDecl) for decl in program.body):
        yield "its contexts share the work already"
    yield from _of_globals(program)
    yield from _of_declarations(program, field)
    decls = [d for d in program.body if isinstance(d, nodes.StreamDecl)]
    keeping = False
    for decl in decls:
        pattern = _pattern(decl, known)
        if reason := _clocked(decl, pattern):
            yield f"stream '{decl.name}' {reason}"
        kinds = {kept["kind"] for kept in kept_state(decl, pattern)} - _TOLD_ONLY
        keeping |= bool(kinds)
        if kinds and not _is_keyed(decl, pattern, field):
            yield f"stream '{decl.name}' is not partitioned by '{field}'"
    if keeping:
        yield from _of_chains(program, decls, field)


def _patterns(program: Program) -> Patterns:
    return {d.name: d for d in program.body if isinstance(d, nodes.PatternDecl)}


def _pattern(decl: nodes.StreamDecl, known: Patterns) -> nodes.PatternDecl | None:
    source = decl.source
    return known.get(source.name) if isinstance(source, nodes.EventSource) else None


def _of_globals(program: Program) -> Iterator[str]:
    changing = {
        d.name
        for d in program.body
        if isinstance(d, nodes.VarDecl) and d.keyword == "var"
    }
    for function in functions(program).values():
        for node in walk(*function.body):
            if isinstance(node, nodes.Assign) and node.name in changing:
                yield f"function '{function.name}' changes the global '{node.name}'"


def _of_declarations(program: Program, field: str) -> Iterator[str]:
    for decl in program.body:
        if not isinstance(decl, nodes.EventDecl):
            continue
        for declared in decl.fields:
            if declared.name == field and declared.type.name not in _PLAIN_KINDS:
                yield f"field '{field}' of '{decl.name}' is no plain value"


def _clocked(decl: nodes.StreamDecl, pattern: nodes.PatternDecl | None) -> str | None:
    """Return what in a stream depends on the events of all keys."""
    if isinstance(decl.source, nodes.JoinSource | nodes.TimerSource):
        kind = "joins" if isinstance(decl.source, nodes.JoinSource) else "is a timer"
        return f"{kind}: its clock moves with all events"
    if waiting_not(decl) is not None or (pattern and pattern_waits(pattern.root)):
        return "waits for an absence: its clock moves with all events"
    for op in decl.ops:
        if not isinstance(op, nodes.Operation):
            continue
        named = {arg.name for arg in op.args}
        if op.name == "window" and not _is_count(op):
            return "has a time window: windows of all keys close together"
        if op.name in _CLOCKED or (op.name == "distinct" and "ttl" in named):
            return f"has '{op.name}', which depends on the events of all keys"
    return None


def _is_count(op: nodes.Operation) -> bool:
    size = next((arg.value for arg in op.args if arg.name is None), None)
    return isinstance(size, nodes.Literal) and size.kind == "int"


def _is_keyed(
    decl: nodes.StreamDecl, pattern: nodes.PatternDecl | None, field: str
) -> bool:
    """Tell whether everything a stream keeps is kept by values of the field."""
    names = _aliases(decl, pattern)
    keys = pattern.partition_by if pattern is not None else ()
    if any(_is_field(key, field, names) for key in keys):
        return True
    for op in decl.ops:
        if not isinstance(op, nodes.Operation):
            continue
        if op.name == "partition_by":
            return any(_is_field(arg.value, field, names) for arg in op.args)
        if op.name in _KEEPING:
            return False
    return False


def _is_field(value: nodes.Expr, field: str, aliases: frozenset[str]) -> bool:
    """Tell whether an expression is the field itself, `f` or `alias.f`."""
    if isinstance(value, nodes.Member):
        target = value.target
        is_event = isinstance(target, nodes.Name) and target.id in aliases
        return is_event and value.name == field
    return value == nodes.Name(field)


def _aliases(
    decl: nodes.StreamDecl, pattern: nodes.PatternDecl | None
) -> frozenset[str]:
    """Return the names that whole events have in a stream (vpl.md 4.3)."""
    found = set()
    for node in walk(*([decl, pattern] if pattern else [decl])):
        match node:
            case nodes.EventSource() | nodes.SourcePart() | nodes.SequenceStep():
                found.add(node.alias or node.name)
            case nodes.PatternEvent():
                found.add(node.alias or node.event_type)
    return frozenset(found)


def _of_chains(
    program: Program, decls: Sequence[nodes.StreamDecl], field: str
) -> Iterator[str]:
    """Yield which streams feed others without handing the field on."""
    emitted = {
        node.event_type
        for function in functions(program).values()
        for node in walk(*function.body)
        if isinstance(node, nodes.EmitStmt)
    }
    known = _patterns(program)
    taken = {name for decl in [*decls, *known.values()] for name in _taken(decl)}
    for name in sorted(emitted & taken):
        yield f"'{name}' is made by a function"
    for decl in decls:
        made = {decl.name} | {op.as_type for op in _operations(decl) if op.as_type}
        if made & taken and not _hands_on(decl, _pattern(decl, known), field):
            yield f"stream '{decl.name}' does not hand '{field}' on"


def _taken(root: nodes.Node) -> Iterator[str]:
    """Yield the names of the events that a stream or pattern looks at."""
    for node in walk(root):
        match node:
            case (
                nodes.EventSource(name=name)
                | nodes.SourcePart(name=name)
                | nodes.SequenceStep(name=name)
                | nodes.PatternEvent(event_type=name)
            ):
                yield name
            case nodes.Operation(name="not", target=str(name)):
                yield name


def _operations(decl: nodes.StreamDecl) -> list[nodes.Operation]:
    return [op for op in decl.ops if isinstance(op, nodes.Operation)]


def _hands_on(
    decl: nodes.StreamDecl, pattern: nodes.PatternDecl | None, field: str
) -> bool:
    """Tell whether the final events of a stream have the field as it came."""
    is_plain = isinstance(decl.source, nodes.EventSource | nodes.MergeSource)
    is_match = pattern is not None or not is_plain
    is_match |= len(_operations(decl)) < len(decl.ops)  # there are steps
    names = _aliases(decl, pattern)
    has_it, is_readable = not is_match, True
    for op in _operations(decl):
        if op.name in {"select", "emit"} and op.args:
            has_it = is_readable and any(
                arg.name == field and _is_field(arg.value, field, names)
                for arg in op.args
            )
            is_readable = has_it
        elif op.name == "aggregate":
            has_it = is_readable = all(arg.name != field for arg in op.args)
        elif op.name in _REMAKING:
            has_it = is_readable = False
    return has_it
