"""One line of work through the queue of a program, breadth first (vpl.md 8.1)."""

from collections import deque
from collections.abc import Iterable, Sequence
from operator import is_
from typing import Any

from engine.runtime.columns import ColumnRows, count_events, cut_events
from engine.runtime.frame import Frame
from engine.runtime.routes import Route, StreamFunction

Output = tuple[int, int, Any]  # depth, declaration order of the stream, output
Item = tuple[Any, str, list[StreamFunction], int, int]
"""Row, type, consumers, depth, and the stream that made the event (-1: injected).

`ColumnRows` in the place of a row are that many events of one type.
"""


def count_rows(items: Iterable[Item]) -> int:
    """Return how many events there are."""
    return sum(len(i[0]) if i[0].__class__ is ColumnRows else 1 for i in items)


class Lane:
    """Runs events and what they cause in one context.

    Generated code calls `output`, `outputs`, `queue`, `queue_columns`, `mark`, `cut_to`,
    `discard`. `made` holds outputs and columns, which are `columned` events more than
    items. `outgoing` collects what other contexts have to do. `bound` is the most outputs
    of one event, `room` what other contexts have left of it.
    """

    def __init__(self, context: str, frames: Sequence[Frame], bound: int) -> None:
        self.context = context
        self.frames = frames
        self.bound = self.room = bound
        self.pending: deque[Item] = deque()
        self.made: list[Output] = []
        self.columned = 0
        self.outgoing: list[tuple[str, Item]] = []
        self.stopped: set[int] = set()

    def begin(self, stopped: set[int], room: int | None = None) -> None:
        """Take up an event; `stopped` are the streams that may not go on with it."""
        self.room = self.bound if room is None else room
        self.pending.clear()
        self.made = []
        self.columned = 0
        self.outgoing = []
        self.stopped = stopped

    def output(self, stream: int, depth: int, output: Any) -> None:
        """Keep one output of a stream."""
        self.frames[stream].outputs += 1
        self.made.append((depth, stream, output))

    def outputs(self, stream: int, depth: int, outputs: list[Any]) -> None:
        """Keep outputs of a stream in order, which may be columns."""
        count = count_events(outputs)
        self.frames[stream].outputs += count
        self.columned += count - len(outputs)
        self.made.extend((depth, stream, output) for output in outputs)

    def queue(
        self, stream: int, row: Any, event_type: str, route: Route, depth: int
    ) -> None:
        """Pass a final event of a stream on to its consumers."""
        self.frames[stream].events_out += 1
        for context, functions in route.by_context.items():
            item = (row, event_type, functions, depth, stream)
            if context == self.context:
                self.pending.append(item)
            else:
                self.outgoing.append((context, item))

    def queue_columns(
        self, stream: int, rows: ColumnRows, event_type: str, route: Route, depth: int
    ) -> None:
        """Pass final events of a stream on to their consumers, still as columns."""
        self.queue(stream, rows, event_type, route, depth)
        self.frames[stream].events_out += len(rows) - 1

    def mark(self) -> tuple[int, int, int]:
        """Return how much was made so far, for `cut_to`."""
        return len(self.made), len(self.pending), len(self.outgoing)

    def cut_to(self, mark: tuple[int, int, int]) -> None:
        """Take back what the stream at hand made of its event since `mark`."""
        made, pending, outgoing = mark
        del self.made[made:]
        self._count_columns()
        del self.outgoing[outgoing:]
        while len(self.pending) > pending:
            self.pending.pop()

    def discard(self, stream: int) -> None:
        """Take back what a stopped stream made of this event."""
        self.stopped.add(stream)
        self.made = [made for made in self.made if made[1] != stream]
        self._count_columns()
        self.pending = deque(item for item in self.pending if item[4] != stream)
        self.outgoing = [sent for sent in self.outgoing if sent[1][4] != stream]

    def _count_columns(self) -> None:
        """Count anew after something was taken back."""
        if self.columned:
            outputs = [output for _, _, output in self.made]
            self.columned = count_events(outputs) - len(outputs)

    def run(self) -> None:
        """Work off everything that is pending."""
        while self.pending:
            row, event_type, functions, depth, _ = self.pending.popleft()
            rows = row if row.__class__ is ColumnRows else (row,)
            for each in rows:
                for function in functions:
                    function(self, each, event_type, depth)
                    if len(self.made) + self.columned > self.room:
                        self.cut(self.room)
                        return

    @property
    def count(self) -> int:
        """Return the number of outputs made."""
        return len(self.made) + self.columned

    def cut(self, room: int) -> None:
        """Keep the first `room` outputs and drop the rest of the work (R003)."""
        outputs = [output for _, _, output in self.made]
        kept = outputs.copy()
        cut_events(kept, room)
        whole = sum(map(is_, outputs, kept))  # the next one is the first of too many
        stream = self.made[whole][1]
        self.made = [
            (depth, at, output)
            for (depth, at, _), output in zip(self.made, kept, strict=False)
        ]
        self._count_columns()
        self.pending.clear()
        self.outgoing.clear()
        text = f"more than {self.bound} outputs for one event"
        self.frames[stream].fault("R003", text)
