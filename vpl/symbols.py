"""The names a program declares, and who gives what to whom."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar, cast

from vpl import analysis, nodes
from vpl.host import ANYWHERE, Host
from vpl.nodes import Program
from vpl.parser import ParseResult
from vpl.visitor import flat

NodeT = TypeVar("NodeT", bound=nodes.Node)

_MOST_BASES = 100
IMPLICIT_NAMES = frozenset(("event_type", "timestamp", "_partition"))


@dataclass(frozen=True)
class Symbols:
    """All declarations of a program by kind and name; of duplicates the first.

    `broken` are names whose declaration has a syntax error: they are known to exist,
    and nothing else is known about them. `complete` is false if there are such
    declarations: then nothing may be said to be missing or unused.
    """

    program: Program
    host: Host = ANYWHERE
    broken: frozenset[str] = frozenset()
    complete: bool = True
    events: dict[str, nodes.EventDecl] = field(default_factory=dict)
    types: dict[str, nodes.TypeDecl] = field(default_factory=dict)
    streams: dict[str, nodes.StreamDecl] = field(default_factory=dict)
    functions: dict[str, nodes.FnDecl] = field(default_factory=dict)
    connectors: dict[str, nodes.ConnectorDecl] = field(default_factory=dict)
    contexts: dict[str, nodes.ContextDecl] = field(default_factory=dict)
    patterns: dict[str, nodes.PatternDecl] = field(default_factory=dict)
    variables: dict[str, nodes.VarDecl] = field(default_factory=dict)

    @classmethod
    def of(cls, parsed: ParseResult, host: Host = ANYWHERE) -> "Symbols":
        """Collect the declarations of a parsed program."""
        complete = not any(found.code.startswith("E") for found in parsed.diagnostics)
        symbols = cls(parsed.program, host, parsed.broken_names, complete)
        for decl in parsed.program.body:
            symbols._add(decl)
        return symbols

    def _add(self, decl: nodes.Decl) -> None:
        match decl:
            case nodes.EventDecl():
                self.events.setdefault(decl.name, decl)
            case nodes.TypeDecl():
                self.types.setdefault(decl.name, decl)
            case nodes.StreamDecl():
                self.streams.setdefault(decl.name, decl)
            case nodes.FnDecl():
                self.functions.setdefault(decl.name, decl)
            case nodes.ConnectorDecl():
                self.connectors.setdefault(decl.name, decl)
            case nodes.ContextDecl():
                self.contexts.setdefault(decl.name, decl)
            case nodes.PatternDecl():
                self.patterns.setdefault(decl.name, decl)
            case nodes.VarDecl():
                self.variables.setdefault(decl.name, decl)

    @cached_property
    def trees(self) -> list[tuple[nodes.Decl, list[nodes.Node]]]:
        """Every declaration with all nodes of its tree in the order of the text."""
        return [(decl, flat(decl)) for decl in self.program.body]

    @cached_property
    def _by_class(self) -> dict[type[nodes.Node], list[nodes.Node]]:
        found: dict[type[nodes.Node], list[nodes.Node]] = defaultdict(list)
        for _, tree in self.trees:
            for node in tree:
                found[node.__class__].append(node)
        return found

    def all(self, kind: type[NodeT]) -> list[NodeT]:
        """Return every node of one class in the program, in the order of the text."""
        return cast("list[NodeT]", self._by_class.get(kind, []))

    @cached_property
    def call_graph(self) -> analysis.CallGraph:
        """The calls between the functions of the program."""
        return analysis.CallGraph(self.functions)

    @cached_property
    def outputs(self) -> dict[str, frozenset[str]]:
        """The types each stream emits, by stream name."""
        return {
            name: analysis.stream_outputs(stream, self.call_graph)
            for name, stream in self.streams.items()
        }

    @cached_property
    def produced(self) -> frozenset[str]:
        """Every event type that some stream of the program makes."""
        made = frozenset(name for names in self.outputs.values() for name in names)
        return made | frozenset(self.streams)

    @cached_property
    def _fields(self) -> dict[str, dict[str, nodes.TypeRef] | None]:
        return {}

    def fields_of(self, event_type: str) -> dict[str, nodes.TypeRef] | None:
        """Return the fields of a declared event, those of its bases included.

        None if the event or one of its bases is not declared, or if the bases go
        in a circle or very far: then nothing can be said about its fields.
        """
        if event_type not in self._fields:
            self._fields[event_type] = self._fields_with_bases(event_type)
        return self._fields[event_type]

    def _fields_with_bases(self, event_type: str) -> dict[str, nodes.TypeRef] | None:
        found: dict[str, nodes.TypeRef] = {}
        seen: set[str] = set()
        name: str | None = event_type
        while name is not None:
            event = self.events.get(name)
            if event is None or name in seen or len(seen) > _MOST_BASES:
                return None
            seen.add(name)
            for item in event.fields:
                found.setdefault(item.name, item.type)
            name = event.base
        return found
