"""Short names for the meaning of a program text and of its streams."""

import hashlib
from collections.abc import Collection, Iterable

from vpl import analysis, nodes
from vpl.nodes import Node, Program
from vpl.visitor import field_names, walk

_Key = tuple[str, str]
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


def global_fingerprints(program: Program) -> dict[str, str]:
    """Return a short name for what each global is set to, by name.

    For a `var` it covers the declaration. For `let` and `const` it covers the functions
    and constants they use too, those declared later as such: they are null by then. What
    looks at a `var` depends on all that is set at load.
    """
    return _GlobalFingerprints(program).all()


class StreamFingerprints:
    """The fingerprints of the streams of a program, which is searched once."""

    def __init__(self, program: Program) -> None:
        self._streams: dict[str, nodes.StreamDecl] = {}
        self._events: dict[str, nodes.EventDecl] = {}
        for decl in program.body:
            if isinstance(decl, nodes.StreamDecl):
                self._streams.setdefault(decl.name, decl)
            elif isinstance(decl, nodes.EventDecl):
                self._events.setdefault(decl.name, decl)
        constants = [decl for decl in _globals(program) if decl.keyword != "var"]
        self._uses = _Uses(program, constants)
        self._types = self._uses.types
        self._names = analysis.Names(program)

    def of(self, name: str) -> str:
        """Return the fingerprint of a stream; raises KeyError for other names."""
        stream = self._streams[name]
        used = self._uses.of(stream)
        taken = sorted(set(analysis.stream_inputs(stream, self._names)))
        adapted = [part for event in taken for part in self._adapted(event)]
        return _digest((stream, *used, *adapted))

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


class _GlobalFingerprints:
    """The fingerprints of the globals of a program."""

    def __init__(self, program: Program) -> None:
        self._set = [
            decl
            for decl in program.body
            if isinstance(decl, nodes.VarDecl | nodes.Assign)
        ]
        self._globals = _globals(program)
        self._uses = _Uses(program, self._globals)
        self._known: dict[str, str] = {}
        self._at_load: str | None = None

    def all(self) -> dict[str, str]:
        """Return the fingerprints by name; of duplicates the last counts."""
        for decl in self._globals:
            is_variable = decl.keyword == "var"
            found = fingerprint(decl) if is_variable else self._constant(decl)
            self._known[decl.name] = found
        return self._known

    def _constant(self, decl: nodes.VarDecl) -> str:
        used = self._uses.of(decl, self._known)
        if any(isinstance(n, nodes.VarDecl) and n.keyword == "var" for n in used):
            return _digest((decl, self._whole_load()))
        known = [self._known.get(n.name) for n in used if isinstance(n, nodes.VarDecl)]
        return _digest((decl, *used, *known))

    def _whole_load(self) -> str:
        if self._at_load is None:
            used = [part for decl in self._set for part in self._uses.of(decl)]
            self._at_load = _digest((*self._set, *used))
        return self._at_load


class _Uses:
    """Which declarations others name: patterns, functions, types and `named` globals."""

    def __init__(self, program: Program, named: Iterable[nodes.VarDecl]) -> None:
        self._globals: dict[str, nodes.VarDecl] = {}
        for decl in named:
            self._globals.setdefault(decl.name, decl)
        self.types = {
            decl.name: decl.type
            for decl in reversed(program.body)
            if isinstance(decl, nodes.TypeDecl)
        }
        self._patterns = analysis.patterns(program)
        self._functions = analysis.functions(program)
        self._named: dict[_Key, dict[_Key, Node]] = {}

    def of(self, root: Node, known: Collection[str] = ()) -> list[Node]:
        """Return the declarations that `root` uses, by kind and name.

        Of globals in `known` it does not look for what they use.
        """
        found: dict[_Key, Node] = {}
        waiting = [self._named_in(root)]
        while waiting:
            for key, decl in waiting.pop().items():
                if key not in found:
                    found[key] = decl
                    if not (isinstance(decl, nodes.VarDecl) and decl.name in known):
                        waiting.append(self._named_by(key, decl))
        return [found[key] for key in sorted(found)]

    def _named_by(self, key: _Key, decl: Node) -> dict[_Key, Node]:
        """Return what a declaration names; each is searched once."""
        if key not in self._named:
            self._named[key] = self._named_in(decl)
        return self._named[key]

    def _named_in(self, root: Node) -> dict[_Key, Node]:
        named: dict[_Key, Node] = {}
        found: tuple[Node | None, Node | None]
        for node in walk(root):
            match node:
                case nodes.Name(id=name):
                    found = (self._functions.get(name), self._globals.get(name))
                case (
                    nodes.EventSource(name=name)
                    | nodes.SequenceStep(name=name)
                    | nodes.SourcePart(name=name)
                    | nodes.PatternEvent(event_type=name)
                    | nodes.Operation(name="not", target=str(name))
                ):
                    found = (self._patterns.get(name), None)
                case nodes.TypeRef(name=name):
                    found = (self.types.get(name), None)
                case _:
                    continue
            for decl in found:
                if decl is not None:
                    named[type(decl).__name__, name] = decl
        return named


def _globals(program: Program) -> list[nodes.VarDecl]:
    return [decl for decl in program.body if isinstance(decl, nodes.VarDecl)]


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
