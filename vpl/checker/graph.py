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
    edges = _tangled(_consumers(symbols))
    reported: set[str] = set()
    searches = 0
    for name, stream in symbols.streams.items():
        if name in reported or name not in edges or searches == _MOST_REPORTED:
            continue
        searches += 1
        path = _way_back(name, edges)
        if path is None:
            continue
        reported.update(path)
        way = " -> ".join(_shortened((*path, name)))
        message = f"stream '{name}' consumes its own events: {way}"
        yield Diagnostic("E024", message, stream.name_span)


def _consumers(symbols: Symbols) -> _Edges:
    """Return for each stream the streams that consume its events."""
    takers: dict[str, list[str]] = {}
    for name, stream in symbols.streams.items():
        for taken in analysis.stream_inputs(stream, symbols.patterns):
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
