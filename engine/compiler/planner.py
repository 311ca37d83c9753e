"""Checked program -> plan."""

from collections.abc import Iterable

from engine.compiler.code import Code
from engine.compiler.expressions import walk
from engine.compiler.namespace import Namespace
from engine.compiler.plan import DEFAULT_CONTEXT, Input, Plan, StreamPlan
from engine.compiler.symbols import FunctionSymbol, GlobalSymbol, Symbols
from vpl import nodes
from vpl.nodes import Expr, Program

CallGraph = dict[str, frozenset[str]]


def plan_program(program: Program, names: Namespace) -> Plan:
    """Return the plan of a program without errors."""
    graph = _call_graph(program)
    streams = _streams(program, graph)
    contexts = tuple(dict.fromkeys(stream.context for stream in streams))
    aliases: frozenset[str] = frozenset().union(*(s.aliases for s in streams))
    symbols = Symbols(
        _globals(program, names),
        _functions(program, graph),
        aliases,
        is_shared=len(contexts) > 1,
    )
    connectors = tuple(
        decl for decl in program.body if isinstance(decl, nodes.ConnectorDecl)
    )
    return Plan(program, symbols, streams, contexts, connectors)


# --- globals and functions ---------------------------------------------------------


def _globals(program: Program, names: Namespace) -> dict[str, GlobalSymbol]:
    found: dict[str, GlobalSymbol] = {}
    for decl in program.body:
        if isinstance(decl, nodes.VarDecl):
            is_mutable = decl.keyword == "var"
            literal = None if is_mutable else _literal(decl.value, names)
            attribute = f"g{len(found)}"
            found[decl.name] = GlobalSymbol(decl.name, attribute, is_mutable, literal)
    return found


def _literal(value: Expr, names: Namespace) -> Code | None:
    return names.literal(value) if isinstance(value, nodes.Literal) else None


def _function_decls(program: Program) -> dict[str, nodes.FnDecl]:
    return {decl.name: decl for decl in program.body if isinstance(decl, nodes.FnDecl)}


def _call_graph(program: Program) -> CallGraph:
    decls = _function_decls(program)
    return {name: called_names(decl.body, decls) for name, decl in decls.items()}


def called_names(roots: Iterable[nodes.Node], known: Iterable[str]) -> frozenset[str]:
    """Return the user functions that are called directly below `roots`.

    A local lambda of the same name makes this too large, never too small.
    """
    functions = frozenset(known)
    return frozenset(
        part.function.id
        for root in roots
        for part in walk(root)
        if isinstance(part, nodes.Call)
        and isinstance(part.function, nodes.Name)
        and part.function.id in functions
    )


def reachable(start: Iterable[str], graph: CallGraph) -> frozenset[str]:
    """Return all functions that calling `start` may call."""
    found: set[str] = set()
    pending = list(start)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(graph[name])
    return frozenset(found)


def _functions(program: Program, graph: CallGraph) -> dict[str, FunctionSymbol]:
    found = {}
    for at, (name, decl) in enumerate(_function_decls(program).items()):
        below = reachable(graph[name], graph)
        parts = [part for stmt in decl.body for part in walk(stmt)]
        found[name] = FunctionSymbol(
            name,
            f"fn{at}",
            decl,
            graph[name],
            has_loop=any(isinstance(p, nodes.ForStmt | nodes.WhileStmt) for p in parts),
            is_recursive=name in below,
        )
    return found


# --- streams -----------------------------------------------------------------------


def _streams(program: Program, graph: CallGraph) -> tuple[StreamPlan, ...]:
    decls = [decl for decl in program.body if isinstance(decl, nodes.StreamDecl)]
    emitted = _emitted_types(program)
    return tuple(
        _stream(index, decl, graph, emitted) for index, decl in enumerate(decls)
    )


def _emitted_types(program: Program) -> dict[str, frozenset[str]]:
    """Return the types the emit statements of each function make."""
    return {
        name: frozenset(
            part.event_type
            for stmt in decl.body
            for part in walk(stmt)
            if isinstance(part, nodes.EmitStmt)
        )
        for name, decl in _function_decls(program).items()
    }


def _stream(
    index: int,
    decl: nodes.StreamDecl,
    graph: CallGraph,
    emitted: dict[str, frozenset[str]],
) -> StreamPlan:
    ops = tuple(op for op in decl.ops if isinstance(op, nodes.Operation))
    calls = reachable(called_names((decl,), graph), graph)
    gives = {op.as_type for op in ops if op.as_type is not None}
    for op in ops:
        if op.name == "process":
            for name in reachable(called_names((op,), graph), graph):
                gives |= emitted[name]
    return StreamPlan(
        index,
        decl.name,
        decl,
        _inputs(decl.source),
        tuple(op for op in ops if op.name not in {"context", "from"}),
        _aliases(decl.source),
        _context(ops),
        calls,
        frozenset(gives),
    )


def _inputs(source: nodes.Source) -> tuple[Input, ...]:
    if isinstance(source, nodes.EventSource):
        return (Input(source.name, () if source.where is None else (source.where,)),)
    if isinstance(source, nodes.MergeSource):
        return tuple(Input(part.name, part.where) for part in source.parts)
    raise NotImplementedError(f"source {source.__class__.__name__}")


def _aliases(source: nodes.Source) -> frozenset[str]:
    """Return the names of the whole event inside the stream (vpl.md 4.3)."""
    if isinstance(source, nodes.EventSource):
        return frozenset({source.alias or source.name})
    if isinstance(source, nodes.MergeSource):
        return frozenset(part.alias or part.name for part in source.parts)
    return frozenset()


def _context(ops: tuple[nodes.Operation, ...]) -> str:
    named = [op.target for op in ops if op.name == "context" and op.target]
    return named[-1] if named else DEFAULT_CONTEXT
