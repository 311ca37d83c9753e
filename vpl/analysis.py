"""What a program takes and gives: the names by which pipelines are connected."""

from collections import deque
from collections.abc import Iterator, Mapping

from vpl import nodes
from vpl.nodes import Program
from vpl.visitor import walk


def stream_names(program: Program) -> tuple[str, ...]:
    """Return the names of the streams in declaration order."""
    return tuple(stream.name for stream in streams(program))


def streams(program: Program) -> list[nodes.StreamDecl]:
    """Return the stream declarations in order."""
    return [decl for decl in program.body if isinstance(decl, nodes.StreamDecl)]


def functions(program: Program) -> dict[str, nodes.FnDecl]:
    """Return the functions by name; of duplicates the first."""
    found: dict[str, nodes.FnDecl] = {}
    for decl in program.body:
        if isinstance(decl, nodes.FnDecl):
            found.setdefault(decl.name, decl)
    return found


def patterns(program: Program) -> dict[str, nodes.PatternDecl]:
    """Return the named patterns by name; of duplicates the first."""
    found: dict[str, nodes.PatternDecl] = {}
    for decl in program.body:
        if isinstance(decl, nodes.PatternDecl):
            found.setdefault(decl.name, decl)
    return found


def consumed_types(program: Program) -> frozenset[str]:
    """Return every event type and stream that some stream of the program consumes."""
    known = Names(program)
    return frozenset(
        name for stream in streams(program) for name in stream_inputs(stream, known)
    )


class Names:
    """What the names of a program that may be consumed stand for.

    A stream's own source may be a pattern. Anywhere else a name is a stream or event
    type first; the name of a pattern stands for its matches if there is no such stream.
    `events` are the names in each pattern.
    """

    def __init__(self, program: Program) -> None:
        self.patterns = patterns(program)
        self.streams = frozenset(stream_names(program))
        self.events = {
            name: tuple(dict.fromkeys(pattern_inputs(pattern)))
            for name, pattern in self.patterns.items()
        }
        self._inputs: dict[str, tuple[str, ...]] = {}

    def is_pattern(self, name: str) -> bool:
        """Tell whether the matches of a pattern are meant."""
        return name in self.patterns and name not in self.streams

    def pattern_inputs(self, name: str) -> tuple[str, ...]:
        """Return what a pattern looks at, through the patterns it names.

        Its own name inside a pattern means events.
        """
        if name not in self._inputs:
            found: dict[str, None] = {}
            seen, waiting = {name}, [name]
            while waiting:
                for taken in self.events[waiting.pop()]:
                    if not self.is_pattern(taken) or taken in seen:
                        found[taken] = None
                    else:
                        seen.add(taken)
                        waiting.append(taken)
            self._inputs[name] = tuple(found)
        return self._inputs[name]


def stream_inputs(stream: nodes.StreamDecl, known: Names) -> Iterator[str]:
    """Yield the names a stream consumes, those of the patterns it uses included."""
    match stream.source:
        case nodes.EventSource(name=name) if not _is_stepped(stream):
            is_pattern = name in known.patterns
            yield from known.pattern_inputs(name) if is_pattern else (name,)
        case nodes.TimerSource():
            yield f"Timer_{stream.name}"
    for name in event_names(stream):
        yield from known.pattern_inputs(name) if known.is_pattern(name) else (name,)


def event_names(stream: nodes.StreamDecl) -> Iterator[str]:
    """Yield the names whose events a stream takes besides those of a plain source."""
    match stream.source:
        case nodes.EventSource(name=name) if _is_stepped(stream):
            yield name
        case nodes.MergeSource(parts=parts) | nodes.JoinSource(parts=parts):
            yield from (part.name for part in parts)
        case nodes.SequenceSource(steps=steps):
            yield from (step.name for step in steps)
    for op in stream_operations(stream):
        if isinstance(op, nodes.Follow):
            yield op.step.name
        elif op.name == "not" and op.target is not None:
            yield op.target


def _is_stepped(stream: nodes.StreamDecl) -> bool:
    return any(isinstance(op, nodes.Follow) for op in stream.ops)


def stream_operations(stream: nodes.StreamDecl) -> Iterator[nodes.StreamOp]:
    """Yield the operations of a stream in order, those in branches of forks too."""
    waiting = list(reversed(stream.ops))
    while waiting:
        op = waiting.pop()
        yield op
        if isinstance(op, nodes.Operation) and op.branches:
            for branch in reversed(op.branches):
                waiting.extend(reversed(branch.ops))


def pattern_inputs(pattern: nodes.PatternDecl) -> Iterator[str]:
    """Yield the event types a named pattern looks at."""
    for node in walk(pattern.root):
        if isinstance(node, nodes.PatternEvent):
            yield node.event_type


def emitted_types(program: Program) -> frozenset[str]:
    """Return the types of the events the program gives out."""
    graph = CallGraph(functions(program))
    return frozenset(
        name for stream in streams(program) for name in stream_outputs(stream, graph)
    )


def output_types(program: Program) -> dict[str, frozenset[str]]:
    """Return the types of the outputs of each stream by its name (section 8.2)."""
    graph = CallGraph(functions(program))
    found = {}
    for stream in streams(program):
        operations = stream_operations(stream)
        emits = [
            node
            for node in operations
            if isinstance(node, nodes.Operation) and node.name == "emit"
        ]
        found[stream.name] = (
            frozenset(node.as_type or stream.name for node in emits)
            if emits
            else stream_outputs(stream, graph)
        )
    return found


def stream_outputs(stream: nodes.StreamDecl, graph: "CallGraph") -> frozenset[str]:
    """Return the types a stream emits: by `emit`, `emit as` and from `process`."""
    found: set[str] = set()
    for node in stream_operations(stream):
        if not isinstance(node, nodes.Operation):
            continue
        if node.name == "emit":
            found.add(node.as_type or stream.name)
        elif node.name == "process":
            found.update(graph.emitted_by(node))
    return frozenset(found)


class CallGraph:
    """Which functions call which, and what they emit; each is walked once.

    `emits` has the types that a function or one it may call emits.
    """

    def __init__(self, known: Mapping[str, nodes.FnDecl]) -> None:
        self.calls: dict[str, list[str]] = {}
        callers: dict[str, list[str]] = {name: [] for name in known}
        emitters: dict[str, list[str]] = {}
        for name, function in known.items():
            calls, emits = _calls_and_emits(function)
            self.calls[name] = [called for called in calls if called in known]
            for called in self.calls[name]:
                callers[called].append(name)
            for event_type in dict.fromkeys(emits):
                emitters.setdefault(event_type, []).append(name)
        self.emits: dict[str, set[str]] = {name: set() for name in known}
        for event_type, names in emitters.items():
            for name in _closure(names, callers):
                self.emits[name].add(event_type)

    def reached_from(self, *roots: nodes.Node) -> list[str]:
        """Return the functions that evaluating `roots` may call, nearest first."""
        called = (name for root in roots for name in _calls_and_emits(root)[0])
        return _closure([name for name in called if name in self.calls], self.calls)

    def emitted_by(self, root: nodes.Node) -> set[str]:
        """Return the types of the events that evaluating `root` may emit."""
        calls, emits = _calls_and_emits(root)
        return set(emits).union(*(self.emits.get(name, ()) for name in calls))


def _closure(starts: list[str], edges: Mapping[str, list[str]]) -> list[str]:
    """Return `starts` and all that can be reached from them, nearest first."""
    found = dict.fromkeys(starts)
    waiting = deque(found)
    while waiting:
        for name in edges[waiting.popleft()]:
            if name not in found:
                found[name] = None
                waiting.append(name)
    return list(found)


def _calls_and_emits(root: nodes.Node) -> tuple[dict[str, None], list[str]]:
    """Return the names called below `root` and the types emitted there."""
    calls: dict[str, None] = {}
    emits: list[str] = []
    for node in walk(root):
        if isinstance(node, nodes.Call) and isinstance(node.function, nodes.Name):
            calls[node.function.id] = None
        elif isinstance(node, nodes.EmitStmt):
            emits.append(node.event_type)
    return calls, emits
