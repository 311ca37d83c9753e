"""Who consumes whom: E024 for circles."""

from collections.abc import Iterator

from vpl import analysis
from vpl.diagnostics import Diagnostic
from vpl.symbols import Symbols

_Edges = dict[str, list[str]]
_MOST_REPORTED = 20
_MOST_NAMED = 20  # streams of one circle


def circles(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report each circle of streams once, at its first stream.

    Of many circles that hang together only the first `_MOST_REPORTED` are named.
    """
    for path in _circles(_consumers(symbols)):
        way = " -> ".join(_shortened((*path, path[0])))
        message = f"stream '{path[0]}' consumes its own events: {way}"
        yield Diagnostic("E024", message, symbols.streams[path[0]].name_span)


def pattern_circles(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report patterns whose matches are events of themselves, once per circle.

    The own name in a pattern means events, unless something takes its matches as such.
    """
    known = analysis.Names(symbols.program)
    as_events = _taken_as_events(symbols, known)
    edges = {
        name: [
            taken
            for taken in events
            if known.is_pattern(taken) and (taken != name or name in as_events)
        ]
        for name, events in known.events.items()
    }
    for path in _circles(edges):
        way = " -> ".join(_shortened((*path, path[0])))
        message = f"pattern '{path[0]}' looks for its own matches: {way}"
        yield Diagnostic("E024", message, symbols.patterns[path[0]].name_span)


def _taken_as_events(symbols: Symbols, known: analysis.Names) -> set[str]:
    """Return the patterns whose matches are events of a stream or another pattern."""
    streams = symbols.streams.values()
    found = {name for stream in streams for name in analysis.event_names(stream)}
    for name, events in known.events.items():
        found.update(set(events) - {name})
    return {name for name in found if known.is_pattern(name)}


def _circles(edges: _Edges) -> Iterator[list[str]]:
    """Yield circles, each from its first name on; one at least if there are any."""
    edges = _tangled(edges)
    reported: set[str] = set()
    searches = 0
    for name in edges:
        if name in reported or searches == _MOST_REPORTED:
            continue
        searches += 1
        path = _way_back(name, edges)
        if path is not None:
            reported.update(path)
            yield path
    if edges and not reported:
        yield _some_circle(edges)


def _some_circle(edges: _Edges) -> list[str]:
    """Return a circle of names that all have a way on."""
    path: dict[str, None] = {}
    name = next(iter(edges))
    while name not in path:
        path[name] = None
        name = edges[name][0]
    names = list(path)
    return names[names.index(name) :]


def _consumers(symbols: Symbols) -> _Edges:
    """Return for each stream the streams that consume its events."""
    takers: dict[str, list[str]] = {}
    known = analysis.Names(symbols.program)
    for name, stream in symbols.streams.items():
        for taken in analysis.stream_inputs(stream, known):
            takers.setdefault(taken, []).append(name)
    edges: _Edges = {}
    for name, emitted in symbols.outputs.items():
        given = dict.fromkeys((name, *sorted(emitted)))
        found = (taker for made in given for taker in takers.get(made, ()))
        edges[name] = list(dict.fromkeys(found))
    return edges


def _tangled(edges: _Edges) -> _Edges:
    """Leave out, again and again, the streams that nobody of the rest feeds or
    that feed nobody of it: they are in no circle."""
    forward = {name: set(targets) for name, targets in edges.items()}
    backward: dict[str, set[str]] = {name: set() for name in edges}
    for name, targets in forward.items():
        for target in targets:
            backward[target].add(name)
    for here, there in ((forward, backward), (backward, forward)):
        loose = [name for name, neighbours in here.items() if not neighbours]
        while loose:
            name = loose.pop()
            here.pop(name)
            for neighbour in there.pop(name):
                if neighbour in here:
                    here[neighbour].discard(name)
                    if not here[neighbour]:
                        loose.append(neighbour)
        for name in list(there):
            there[name] = {other for other in there[name] if other in there}
    return {
        name: [target for target in targets if target in forward]
        for name, targets in edges.items()
        if name in forward
    }


def _way_back(start: str, edges: _Edges) -> list[str] | None:
    """Return the streams of a shortest way from `start` to itself, or None."""
    before: dict[str, str] = {}
    row = [start]
    while row:
        following = []
        for name in row:
            for target in edges[name]:
                if target == start:
                    return _path(start, name, before)
                if target not in before:
                    before[target] = name
                    following.append(target)
        row = following
    return None


def _shortened(path: tuple[str, ...]) -> tuple[str, ...]:
    if len(path) <= _MOST_NAMED:
        return path
    head, tail = path[: _MOST_NAMED - 2], path[-1]
    return (*head, f".. {len(path) - _MOST_NAMED + 1} more ..", tail)


def _path(start: str, last: str, before: dict[str, str]) -> list[str]:
    path = [last]
    while path[-1] != start:
        path.append(before[path[-1]])
    return path[::-1]
