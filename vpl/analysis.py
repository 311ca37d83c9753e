"""What a program takes and gives: the names by which pipelines are connected."""

from collections.abc import Iterable, Iterator, Mapping

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
    named = patterns(program)
    return frozenset(
        name for stream in streams(program) for name in stream_inputs(stream, named)
    )


def stream_inputs(
    stream: nodes.StreamDecl, named: Mapping[str, nodes.PatternDecl]
) -> Iterator[str]:
    """Yield the names a stream consumes, those of the patterns it uses included."""
    for node in walk(stream):
        match node:
            case nodes.EventSource(name=name) if name in named:
                yield from pattern_inputs(named[name])
            case (
                nodes.EventSource(name=name)
                | nodes.SourcePart(name=name)
                | nodes.SequenceStep(name=name)
            ):
                yield name
            case nodes.Operation(name="not", target=str(target)):
                yield target
            case nodes.TimerSource():
                yield f"Timer_{stream.name}"


def pattern_inputs(pattern: nodes.PatternDecl) -> Iterator[str]:
    """Yield the event types a named pattern looks at."""
    for node in walk(pattern.root):
        if isinstance(node, nodes.PatternEvent):
            yield node.event_type


def emitted_types(program: Program) -> frozenset[str]:
    """Return the types of the events the program gives out."""
    known = functions(program)
    return frozenset(
        name for stream in streams(program) for name in stream_outputs(stream, known)
    )


def stream_outputs(
    stream: nodes.StreamDecl, known: Mapping[str, nodes.FnDecl]
) -> Iterator[str]:
    """Yield the types a stream emits: by `emit`, `emit as` and from `process`."""
    for node in walk(stream):
        if not isinstance(node, nodes.Operation):
            continue
        if node.name == "emit":
            yield node.as_type or stream.name
        elif node.name == "process":
            yield from (found.event_type for found in reached_emits(node, known))


def reached_emits(
    root: nodes.Node, known: Mapping[str, nodes.FnDecl]
) -> Iterator[nodes.EmitStmt]:
    """Yield the emit statements below `root` and in the functions it may call."""
    reached = reachable_functions([root], known)
    for node in walk(root, *(known[name] for name in reached)):
        if isinstance(node, nodes.EmitStmt):
            yield node


def reachable_functions(
    roots: Iterable[nodes.Node], known: Mapping[str, nodes.FnDecl]
) -> list[str]:
    """Return the functions that evaluating `roots` may call, nearest first."""
    found: dict[str, None] = {}
    waiting: list[nodes.Node] = list(roots)
    while waiting:
        for name in called_names(waiting.pop(0)):
            if name in known and name not in found:
                found[name] = None
                waiting.append(known[name])
    return list(found)


def called_names(root: nodes.Node) -> Iterator[str]:
    """Yield the names that are called below `root`."""
    for node in walk(root):
        if isinstance(node, nodes.Call) and isinstance(node.function, nodes.Name):
            yield node.function.id
