"""Checked program -> plan."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from engine.compiler.code import Code
from engine.compiler.namespace import Namespace
from engine.compiler.plan import (
    DECLARATIONS,
    DEFAULT_CONTEXT,
    Input,
    Plan,
    StreamPlan,
    operations,
)
from engine.compiler.sequences import is_sequence, plan_sequence
from engine.compiler.steps_layout import Layout
from engine.compiler.symbols import FunctionSymbol, GlobalSymbol, Symbols
from engine.compiler.trends_links import with_links
from vpl import CallGraph, functions, nodes, walk
from vpl.nodes import Expr, Program

_KINDS: Final[Mapping[type, str]] = {
    nodes.MergeSource: "merge",
    nodes.JoinSource: "join",
    nodes.TimerSource: "timer",
}


def plan_program(program: Program, names: Namespace) -> Plan:
    """Return the plan of a program without errors."""
    graph = CallGraph(functions(program))
    streams = _streams(program, graph)
    contexts = tuple(dict.fromkeys(stream.context for stream in streams))
    aliases: frozenset[str] = frozenset().union(*(s.aliases for s in streams))
    bound: frozenset[str] = frozenset().union(*(s.bound_aliases for s in streams))
    symbols = Symbols(
        _globals(program, names),
        _functions(program, graph),
        aliases,
        bound,
        is_shared=len(contexts) > 1,
    )
    connectors = tuple(
        decl for decl in program.body if isinstance(decl, nodes.ConnectorDecl)
    )
    return Plan(program, symbols, streams, contexts, connectors, _takers(streams))


def _takers(streams: Iterable[StreamPlan]) -> dict[str, tuple[StreamPlan, ...]]:
    found: dict[str, dict[int, StreamPlan]] = {}
    for stream in streams:
        for part in stream.inputs:
            found.setdefault(part.name, {})[stream.index] = stream
    return {name: tuple(takers.values()) for name, takers in found.items()}


# --- globals and functions ---------------------------------------------------------


def _globals(program: Program, names: Namespace) -> dict[str, GlobalSymbol]:
    found: dict[str, GlobalSymbol] = {}
    early = _read_early(program)
    for decl in program.body:
        if isinstance(decl, nodes.VarDecl):
            is_mutable = decl.keyword == "var"
            is_constant = not is_mutable and decl.name not in early
            literal = _literal(decl.value, names) if is_constant else None
            attribute = f"g{len(found)}"
            found[decl.name] = GlobalSymbol(decl.name, attribute, is_mutable, literal)
    return found


def _read_early(program: Program) -> set[str]:
    """Return the globals that something reads while they are not yet set, perhaps."""
    bodies = (decl.body for decl in functions(program).values())
    in_functions = {
        part.id
        for body in bodies
        for part in walk(*body)
        if isinstance(part, nodes.Name)
    }
    read: set[str] = set()
    early = set()
    for decl in program.body:
        if not isinstance(decl, nodes.VarDecl | nodes.Assign):
            continue
        if isinstance(decl, nodes.VarDecl) and decl.name in read:
            early.add(decl.name)
        for part in walk(decl.value):
            if isinstance(part, nodes.Name):
                read.add(part.id)
            elif isinstance(part, nodes.Call):
                read |= in_functions
    return early


def _literal(value: Expr, names: Namespace) -> Code | None:
    return names.literal(value) if isinstance(value, nodes.Literal) else None


def _functions(program: Program, graph: CallGraph) -> dict[str, FunctionSymbol]:
    circular = _circular(graph.calls)
    found = {}
    for at, (name, decl) in enumerate(functions(program).items()):
        parts = list(walk(*decl.body))
        found[name] = FunctionSymbol(
            name,
            f"fn{at}",
            decl,
            frozenset(graph.calls[name]),
            has_loop=any(isinstance(p, nodes.ForStmt | nodes.WhileStmt) for p in parts),
            may_recurse=name in circular,
        )
    return found


def _circular(calls: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the functions from which calls may go round in a circle."""
    open_calls = {name: set(called) for name, called in calls.items()}
    callers: dict[str, list[str]] = {name: [] for name in open_calls}
    for name, called in open_calls.items():
        for callee in called:
            callers[callee].append(name)
    ended = [name for name, called in open_calls.items() if not called]
    while ended:
        name = ended.pop()
        del open_calls[name]
        for caller in callers[name]:
            open_calls[caller].discard(name)
            if not open_calls[caller]:
                ended.append(caller)
    return set(open_calls)


# --- streams -----------------------------------------------------------------------


def _streams(program: Program, graph: CallGraph) -> tuple[StreamPlan, ...]:
    decls = [decl for decl in program.body if isinstance(decl, nodes.StreamDecl)]
    named = {
        decl.name: decl for decl in program.body if isinstance(decl, nodes.PatternDecl)
    }
    return tuple(
        _sequence(_stream(index, decl, graph), named)
        for index, decl in enumerate(decls)
    )


def _sequence(plan: StreamPlan, named: Mapping[str, nodes.PatternDecl]) -> StreamPlan:
    """Return the plan of a stream, of a sequence with all that it looks for."""
    if not is_sequence(plan.decl, named):
        return plan
    found = plan_sequence(plan.decl, named)
    if any(op.name == "trend_aggregate" for op in found.ops):
        found = with_links(found)
    layout = Layout(found)
    return replace(
        plan,
        kind="sequence",
        inputs=tuple(map(Input, found.inputs)),
        ops=tuple(op for op in found.ops if op.name not in DECLARATIONS),
        aliases=found.match_names,
        bound_aliases=layout.names,
        layout=layout,
    )


def _stream(index: int, decl: nodes.StreamDecl, graph: CallGraph) -> StreamPlan:
    ops = tuple(op for op in decl.ops if isinstance(op, nodes.Operation))
    gives: set[str] = set()
    for op in operations(ops):
        if op.as_type is not None:
            gives.add(op.as_type)
        if op.name == "process":
            gives |= graph.emitted_by(op)
    return StreamPlan(
        index,
        decl.name,
        decl,
        _kind(decl),
        _inputs(decl),
        tuple(op for op in ops if op.name not in _declared(decl)),
        _aliases(decl),
        _bound_aliases(decl.source),
        _context(ops),
        frozenset(gives),
    )


def _kind(decl: nodes.StreamDecl) -> str:
    return _KINDS.get(decl.source.__class__, "event")


def _declared(decl: nodes.StreamDecl) -> frozenset[str]:
    """Return the operations whose place does not matter; a join has its own window."""
    is_join = isinstance(decl.source, nodes.JoinSource)
    return DECLARATIONS | {"window"} if is_join else DECLARATIONS


def timer_type(stream: str) -> str:
    """Return the type of the events of a timer stream (vpl.md section 11)."""
    return f"Timer_{stream}"


def _inputs(decl: nodes.StreamDecl) -> tuple[Input, ...]:
    source = decl.source
    if isinstance(source, nodes.EventSource):
        return (Input(source.name, () if source.where is None else (source.where,)),)
    if isinstance(source, nodes.MergeSource | nodes.JoinSource):
        return tuple(Input(part.name, part.where) for part in source.parts)
    if isinstance(source, nodes.TimerSource):
        return (Input(timer_type(decl.name)),)
    return ()  # steps of a sequence tell what it takes


def _aliases(decl: nodes.StreamDecl) -> frozenset[str]:
    """Return the names of the whole event inside the stream (vpl.md 4.3)."""
    source = decl.source
    if isinstance(source, nodes.EventSource):
        return frozenset({source.alias or source.name})
    if isinstance(source, nodes.MergeSource):
        return frozenset(part.alias or part.name for part in source.parts)
    if isinstance(source, nodes.TimerSource):
        return frozenset({timer_type(decl.name)})
    return frozenset()


def _bound_aliases(source: nodes.Source) -> frozenset[str]:
    """Return the names of the parts of a joined event."""
    if isinstance(source, nodes.JoinSource):
        return frozenset(part.alias or part.name for part in source.parts)
    return frozenset()


def _context(ops: tuple[nodes.Operation, ...]) -> str:
    named = [op.target for op in ops if op.name == "context" and op.target]
    return named[-1] if named else DEFAULT_CONTEXT
