"""What the expressions of streams and patterns can read, as far as it is declared.

A step filter reads the event that may be taken, what follows the last step reads the
match (vpl.md 4.3, 10.2 and 10.6).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from vpl import nodes
from vpl.checker.sequences import is_sequence
from vpl.nodes import Expr, TypeRef
from vpl.symbols import Symbols
from vpl.visitor import walk

Fields = Mapping[str, TypeRef] | None
"""The declared fields of an event, None if they are not known."""
_RESHAPING = frozenset((
    *("select", "emit", "map", "process", "aggregate", "collect", "enrich"),
    *("score", "forecast", "trend_aggregate", "fork"),
))
_ELSEWHERE = frozenset((
    *("to", "from", "context", "within", "watermark", "allowed_lateness", "on_error"),
))
"""Operations whose arguments are about no event, or about a connector's."""
_LONGEST = 1000  # letters of a name; of longer ones nothing is said
_OF_MATCHES = frozenset(("stream", "match_duration_ms"))


@dataclass(frozen=True, slots=True)
class Event:
    """A named event: its type, and its fields if they are declared."""

    type: str
    fields: Fields

    def may_have(self, name: str) -> bool:
        """Tell whether the event may have a field of this name."""
        return self.fields is None or name in self.fields


@dataclass(frozen=True, slots=True)
class View:
    """What an expression reads by bare names, and by the names of events.

    `made` are the further names of a match; every `alias_field` may be one of them, too.
    """

    event: Event
    aliases: Mapping[str, Event]
    made: frozenset[str] = field(default=frozenset())

    @property
    def is_match(self) -> bool:
        """Tell whether it is a match that is looked at."""
        return bool(self.made)

    @property
    def bare(self) -> Mapping[str, TypeRef]:
        """Return the declared fields that bare names certainly read."""
        fields = self.event.fields or {}
        if not self.made:
            return fields
        return {name: kind for name, kind in fields.items() if not self.may_make(name)}

    def may_make(self, name: str) -> bool:
        """Tell whether a match may have a field of its own with this name."""
        if not self.made or name in self.made or len(name) > _LONGEST:
            return self.is_match
        for at, letter in enumerate(name):
            event = self.aliases.get(name[:at]) if letter == "_" else None
            if event is not None and event.may_have(name[at + 1 :]):
                return True
        return False


_Patterns = Mapping[str, Mapping[str, Event]]
"""The named events of the patterns, by name of the pattern."""
Seen = tuple[nodes.StreamDecl | nodes.PatternDecl, Expr, View]


def views(symbols: Symbols) -> Iterator[Seen]:
    """Yield the expressions of streams and patterns with what they can read.

    What comes after an operation that makes other events is left out.
    """
    if not symbols.events:
        return
    patterns = {
        name: _aliases(_pattern_steps(pattern), symbols)
        for name, pattern in symbols.patterns.items()
    }
    for stream in symbols.streams.values():
        for root, view in _of_stream(stream, patterns, symbols):
            yield stream, root, view
    for name, pattern in symbols.patterns.items():
        for node in walk(pattern.root):
            if isinstance(node, nodes.PatternEvent) and node.where is not None:
                event = _event(node.event_type, symbols)
                yield pattern, node.where, View(event, patterns[name])


def _event(name: str, symbols: Symbols) -> Event:
    fields = None if name in symbols.patterns else symbols.fields_of(name)
    return Event(name, fields)


def _pattern_steps(pattern: nodes.PatternDecl) -> list[nodes.EventSource]:
    return [
        nodes.EventSource(node.event_type, False, node.where, node.alias)
        for node in walk(pattern.root)
        if isinstance(node, nodes.PatternEvent)
    ]


def _aliases(steps: list[nodes.EventSource], symbols: Symbols) -> dict[str, Event]:
    """Return the events by name; without alias by type, where only one has that type."""
    types = Counter(step.name for step in steps if step.alias is None)
    found = {
        step.name: _event(step.name, symbols)
        for step in steps
        if step.alias is None and types[step.name] == 1
    }
    for step in steps:
        if step.alias is not None:
            found[step.alias] = _event(step.name, symbols)
    return found


def _of_stream(
    stream: nodes.StreamDecl, patterns: _Patterns, symbols: Symbols
) -> Iterator[tuple[Expr, View]]:
    source = stream.source
    if isinstance(source, nodes.SequenceSource):
        first = [
            nodes.EventSource(step.name, False, step.where, step.alias)
            for step in source.steps
        ]
    elif isinstance(source, nodes.EventSource):
        first = [source]
    else:
        return
    if is_sequence(stream, symbols):
        yield from _Sequence(stream, first, patterns, symbols).views()
        return
    event = _event(first[0].name, symbols)
    own = {event.type: event, first[0].alias or event.type: event}
    view = View(event, own)
    if first[0].where is not None:
        yield first[0].where, view
    yield from _of_operations(stream.ops, view)


def _of_operations(
    ops: tuple[nodes.StreamOp, ...], view: View
) -> Iterator[tuple[Expr, View]]:
    """Yield what operations on the events of a stream, or on its matches, evaluate."""
    for op in ops:
        if isinstance(op, nodes.Follow) or op.name == "not" or op.name in _ELSEWHERE:
            continue
        if op.name == "partition_by" and view.is_match:
            continue  # about the events of all steps
        if op.name != "emit" or not op.as_type:
            for arg in op.args:
                yield arg.value, view
        if op.name in _RESHAPING:
            return


class _Sequence:
    """The views of one sequence; the first steps are those of its source."""

    def __init__(
        self,
        stream: nodes.StreamDecl,
        first: list[nodes.EventSource],
        patterns: _Patterns,
        symbols: Symbols,
    ) -> None:
        self.ops = stream.ops
        self.symbols = symbols
        self.first = first
        followed = [op.step for op in self.ops if isinstance(op, nodes.Follow)]
        self.last = max(
            (at for at, op in enumerate(self.ops) if isinstance(op, nodes.Follow)),
            default=-1,
        )
        name = first[0].name
        self.is_pattern = name in patterns and not followed
        steps = first + followed
        self.aliases = _aliases(steps, symbols)
        if self.is_pattern:
            self.aliases |= patterns[name]
        self.latest = steps[-1]
        if self._reshapes_first():
            step = first[0]
            self.aliases[step.alias or step.name] = Event(step.name, None)

    def _reshapes_first(self) -> bool:
        """Tell whether the first step keeps other fields than the event has."""
        return any(
            isinstance(op, nodes.Operation) and op.name == "select"
            for op in self.ops[: self.last + 1]
        )

    def views(self) -> Iterator[tuple[Expr, View]]:
        """Yield the expressions of all steps, of negations, and after the match."""
        if not self.is_pattern:
            yield from self._of_steps()
        elif self.first[0].where is not None:
            yield self.first[0].where, self._match()
        for op in self.ops:
            if isinstance(op, nodes.Operation) and op.where is not None:
                yield op.where, self._candidate(op.target or "")
        yield from _of_operations(self.ops[self.last + 1 :], self._match())

    def _of_steps(self) -> Iterator[tuple[Expr, View]]:
        for step in self.first:
            if step.where is not None:
                yield step.where, self._candidate(step.name)
        view = self._candidate(self.first[-1].name)
        for op in self.ops[: self.last + 1]:
            if isinstance(op, nodes.Follow):
                view = self._candidate(op.step.name)
                if op.step.where is not None:
                    yield op.step.where, view
            elif op.name != "partition_by" and op.name not in _ELSEWHERE:
                for arg in op.args:
                    yield arg.value, view
                if op.name == "select":
                    view = replace(view, event=Event(view.event.type, None))

    def _candidate(self, name: str) -> View:
        return View(_event(name, self.symbols), self.aliases)

    def _match(self) -> View:
        event = _event(self.latest.name, self.symbols)
        return View(event, self.aliases, _OF_MATCHES)
