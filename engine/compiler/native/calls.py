"""What the calls between functions say about them, whatever their arguments."""

from collections import deque

from engine.compiler.symbols import Symbols


class Calls:
    """Which functions work long, and how deep their calls nest."""

    def __init__(self, symbols: Symbols) -> None:
        self._long = {n for n, s in symbols.functions.items() if s.may_recurse}
        self._heights: dict[str, int] = {}
        waiting = {name: set(s.calls) for name, s in symbols.functions.items()}
        callers: dict[str, list[str]] = {name: [] for name in waiting}
        for name, calls in waiting.items():
            for called in calls:
                callers[called].append(name)
        ready = deque(name for name, calls in waiting.items() if not calls)
        while ready:  # callees first
            name = ready.popleft()
            symbol = symbols.functions[name]
            self._heights[name] = 1 + max(map(self.height, symbol.calls), default=-1)
            if symbol.has_loop or not self._long.isdisjoint(symbol.calls):
                self._long.add(name)
            for caller in callers[name]:
                waiting[caller].remove(name)
                if not waiting[caller]:
                    ready.append(caller)

    def works_long(self, name: str) -> bool:
        """Tell whether a function or one it calls has a loop, or calls itself."""
        return name in self._long

    def height(self, name: str) -> int:
        """Return how deep calls nest below a function; 0 where that depends."""
        return self._heights.get(name, 0)
