"""Short names for the meaning of a program text and of its streams."""

import hashlib
from collections.abc import Iterable, Iterator

from vpl import analysis, nodes
from vpl.nodes import Node, Program
from vpl.visitor import field_names, walk

_ADAPTED = frozenset(("float", "timestamp", "duration"))
_MOST_ALIASES = 100


def fingerprint(node: Node) -> str:
    """Return `b3:` and 16 hex digits over the tree; layout and comments do not count.

    The tree is written out in one unambiguous line without recursion: class names,
    constants by their `repr`, and brackets around tuples.
    """
    return _digest((node,))


def stream_fingerprint(program: Program, name: str) -> str:
    """Return a short name for what a stream means (vpl.md section 16).

    It covers the definition, the patterns, functions and constants it uses, and how
    declared events are adapted that it takes; order and layout do not count. Raises
    KeyError for a name that is no stream.
    """
    return StreamFingerprints(program).of(name)


class StreamFingerprints:
    """The fingerprints of the streams of a program, which is searched once."""

    def __init__(self, program: Program) -> None:
        self._streams: dict[str, nodes.StreamDecl] = {}
        self._constants: dict[str, nodes.VarDecl] = {}
        self._events: dict[str, nodes.EventDecl] = {}
        self._types: dict[str, nodes.TypeRef] = {}
        for decl in program.body:
            match decl:
                case nodes.StreamDecl():
                    self._streams.setdefault(decl.name, decl)
                case nodes.VarDecl(keyword="let" | "const"):
                    self._constants.setdefault(decl.name, decl)
                case nodes.EventDecl():
                    self._events.setdefault(decl.name, decl)
                case nodes.TypeDecl():
                    self._types.setdefault(decl.name, decl.type)
        self._patterns = analysis.patterns(program)
        self._functions = analysis.functions(program)

    def of(self, name: str) -> str:
        """Return the fingerprint of a stream; raises KeyError for other names."""
        stream = self._streams[name]
        used = self._used(stream)
        taken = sorted(set(analysis.stream_inputs(stream, self._patterns)))
        adapted = [part for event in taken for part in self._adapted(event)]
        return _digest((stream, *used, *adapted))

    def _used(self, stream: nodes.StreamDecl) -> list[Node]:
        """Return the declarations that a stream uses, by kind and name."""
        found: dict[tuple[str, str], Node] = {}
        waiting: list[Node] = [stream]
        while waiting:
            for key, decl in self._named_in(waiting.pop()):
                if key not in found:
                    found[key] = decl
                    waiting.append(decl)
        return [found[key] for key in sorted(found)]

    def _named_in(self, root: Node) -> Iterator[tuple[tuple[str, str], Node]]:
        found: tuple[Node | None, Node | None]
        for node in walk(root):
            match node:
                case nodes.Name(id=name):
                    found = (self._functions.get(name), self._constants.get(name))
                case nodes.EventSource(name=name) | nodes.SequenceStep(name=name):
                    found = (self._patterns.get(name), None)
                case nodes.TypeRef(name=name):
                    found = (self._types.get(name), None)
                case _:
                    continue
            for decl in found:
                if decl is not None:
                    yield (type(decl).__name__, name), decl

    def _adapted(self, taken: str) -> list[object]:
        """Return the fields of a declared event that change on arrival."""
        event_type = taken
        fields: dict[str, str] = {}
        seen: set[str] = set()
        while event_type in self._events and event_type not in seen:
            seen.add(event_type)
            event = self._events[event_type]
            for item in event.fields:
                fields.setdefault(item.name, self._resolved(item.type).name)
            event_type = event.base or ""
        kinds = sorted(pair for pair in fields.items() if pair[1] in _ADAPTED)
        return [(taken, *pair) for pair in kinds]

    def _resolved(self, type_ref: nodes.TypeRef) -> nodes.TypeRef:
        for _ in range(_MOST_ALIASES):
            if type_ref.name not in self._types:
                break
            type_ref = self._types[type_ref.name]
        return type_ref


def _digest(values: Iterable[object]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    waiting: list[object] = list(values)[::-1]
    while waiting:
        value = waiting.pop()
        if isinstance(value, _Mark):
            digest.update(value.text)
        elif isinstance(value, Node):
            digest.update(value.__class__.__name__.encode() + b"(")
            waiting.append(_CLOSE)
            parts = [getattr(value, name) for name in field_names(value)]
            waiting.extend(reversed(parts))
        elif isinstance(value, tuple):
            digest.update(b"[")
            waiting.append(_END)
            waiting.extend(reversed(value))
        else:
            digest.update(repr(value).encode() + b",")
    return "b3:" + digest.hexdigest()


class _Mark:
    """A closing bracket among the values that wait to be written."""

    def __init__(self, text: bytes) -> None:
        self.text = text


_CLOSE = _Mark(b")")
_END = _Mark(b"]")
