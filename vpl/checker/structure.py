"""Which operations may stand where in a stream: E010 to E023, W001, W002, W093."""

from collections.abc import Iterator

from vpl import nodes
from vpl.diagnostics import Diagnostic
from vpl.suggestions import hint
from vpl.symbols import Symbols
from vpl.visitor import walk


def _streams(symbols: Symbols) -> Iterator[nodes.StreamDecl]:
    for decl in symbols.program.body:
        if isinstance(decl, nodes.StreamDecl):
            yield decl


def _named(stream: nodes.StreamDecl, name: str) -> list[nodes.Operation]:
    return [
        op for op in stream.ops if isinstance(op, nodes.Operation) and op.name == name
    ]


def windows(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check the order of windows, aggregates and what depends on them."""
    for stream in _streams(symbols):
        joined = isinstance(stream.source, nodes.JoinSource)
        yield from _window_order(stream.ops, frozenset(), joined=joined)


def _window_order(
    ops: tuple[nodes.StreamOp, ...], before: frozenset[str], *, joined: bool
) -> Iterator[Diagnostic]:
    seen = set(before)
    for op in ops:
        if not isinstance(op, nodes.Operation):
            continue
        windowed = "window" in seen and not joined
        yield from _out_of_order(op, seen, windowed=windowed)
        seen.add(op.name)
        for branch in op.branches:
            yield from _window_order(branch.ops, frozenset(seen), joined=joined)


def _out_of_order(
    op: nodes.Operation, seen: set[str], *, windowed: bool
) -> Iterator[Diagnostic]:
    """Report an operation that wants another one before it, or not before it."""
    place = op.name_span
    match op.name:
        case "having" if "aggregate" not in seen:
            yield Diagnostic("E010", "'.having' needs an aggregate before it", place)
        case "aggregate" if "aggregate" in seen:
            message = "a stream has one aggregate; put the second in a new stream"
            yield Diagnostic("E011", message, place)
        case "window" if "window" in seen:
            message = "a stream has one window; put the second in a new stream"
            yield Diagnostic("E012", message, place)
        case "collect" | "pattern" if not windowed:
            message = f"'.{op.name}' needs a window before it"
            yield Diagnostic("E013", message, place)
        case "aggregate" if not windowed:
            message = "aggregate without a window runs over everything since start"
            yield Diagnostic("W001", message, place)
        case "partition_by" if windowed:
            message = "'.partition_by' after the window only groups its content"
            yield Diagnostic("W002", message, place)
        case "order_by" if not windowed:
            message = "'.order_by' without a window has no effect"
            yield Diagnostic("W093", message, place)


def patterns(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check the form of named patterns (E021, E022)."""
    for decl in symbols.program.body:
        if isinstance(decl, nodes.PatternDecl):
            yield from _pattern(decl)


def _pattern(decl: nodes.PatternDecl) -> Iterator[Diagnostic]:
    root = decl.root
    if isinstance(root, nodes.PatternNot):
        message = "a pattern cannot be 'NOT' alone"
        yield Diagnostic("E022", message, root.span)
    elif isinstance(root, nodes.PatternSeq) and isinstance(
        root.items[0], nodes.PatternNot
    ):
        message = "a pattern cannot start with 'NOT'"
        yield Diagnostic("E022", message, root.items[0].span)
    elif _may_be_empty(root):
        message = "the pattern can match without any event"
        yield Diagnostic("E022", message, root.span)
    for node in walk(root):
        if isinstance(node, nodes.PatternNot) and not _is_event(node.operand):
            message = "'NOT' takes an event, or several with 'OR' in brackets"
            advice = "make what it negates a stream of its own and name that"
            yield Diagnostic("E022", message, node.span, advice)
    if decl.within is None:
        for node in walk(root):
            if _waits(node):
                message = "absence needs 'within' after the pattern"
                yield Diagnostic("E021", message, node.span)


def _is_event(node: nodes.PatternExpr) -> bool:
    """Tell whether a part of a pattern is an event or one of several."""
    if isinstance(node, nodes.PatternOr):
        return all(map(_is_event, node.operands))
    return isinstance(node, nodes.PatternEvent)


def _waits(node: nodes.Node) -> bool:
    """Tell whether a part of a pattern matches by the absence of an event."""
    match node:
        case nodes.PatternSeq(items=items):
            return len(items) > 1 and isinstance(items[-1], nodes.PatternNot)
        case nodes.PatternAnd(operands=operands):
            return any(isinstance(item, nodes.PatternNot) for item in operands)
    return False


def _may_be_empty(root: nodes.PatternExpr) -> bool:
    match root:
        case nodes.PatternEvent(repeat=repeat):
            return repeat in {"*", "?"}
        case nodes.PatternSeq(items=parts) | nodes.PatternAnd(operands=parts):
            return all(_may_be_empty(part) for part in parts)
        case nodes.PatternOr(operands=parts):
            return any(_may_be_empty(part) for part in parts)
    return True


def joins(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check the conditions and windows of joins (E023, E081, W023)."""
    for stream in _streams(symbols):
        source = stream.source
        if not isinstance(source, nodes.JoinSource):
            yield from _conditions_elsewhere(stream)
            continue
        yield from _join_window(stream)
        conditions = [arg.value for op in _named(stream, "on") for arg in op.args]
        conditions += [condition for part in source.parts for condition in part.on]
        if not conditions:
            message = "join without '.on(..)' pairs events by time only"
            yield Diagnostic("W023", message, source.span)
        known = {part.alias or part.name for part in source.parts}
        known |= {part.name for part in source.parts}
        yield from _unknown_parts(conditions, known)


def _conditions_elsewhere(stream: nodes.StreamDecl) -> Iterator[Diagnostic]:
    """Report conditions of joins where there is none."""
    spans = [op.name_span for op in _named(stream, "on")]
    if isinstance(stream.source, nodes.MergeSource):
        spans += [test.span for part in stream.source.parts for test in part.on]
    for span in spans:
        yield Diagnostic("E081", "'.on' belongs to a join", span, "use '.where'")


def _join_window(stream: nodes.StreamDecl) -> Iterator[Diagnostic]:
    for op in _named(stream, "window"):
        for arg in op.args:
            if arg.name is not None and arg.name != "policy":
                message = f"the window of a join has no '{arg.name}'"
                advice = "write a length of time or a number of events"
                yield Diagnostic("E081", message, arg.span, advice)


def timers(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check the parameters of timers (E080)."""
    for source in symbols.all(nodes.TimerSource):
        for arg in source.args:
            if arg.name != "initial_delay":
                message = f"'timer' has no parameter '{arg.name}'"
                yield Diagnostic("E080", message, arg.span, "known: initial_delay")


def _unknown_parts(
    conditions: list[nodes.Expr], known: set[str]
) -> Iterator[Diagnostic]:
    for node in walk(*conditions):
        if isinstance(node, nodes.Member) and isinstance(node.target, nodes.Name):
            name = node.target.id
            if name not in known:
                message = f"'{name}' is no source of this join"
                guess = hint(name, sorted(known))
                yield Diagnostic("E023", message, node.target.span, guess)
