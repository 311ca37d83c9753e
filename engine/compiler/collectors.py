"""What windows and running aggregates collect of each event (vpl.md 9)."""

from dataclasses import replace
from typing import Protocol

from engine.compiler.aggregates import Aggregation
from engine.compiler.current import Batch, Current, PartitionKey
from engine.compiler.streams import StreamCompiler
from engine.runtime.partitions import ROWS, Slot


class Collector(Protocol):
    """What the entries of a window collect, and what leaves when the window does."""

    slots: list[Slot]
    initial: dict[str, str]

    def prepare(self, current: Current) -> Current:
        """Write what has to be evaluated before anything is changed."""
        ...

    def update(self, entry: str, current: Current) -> None:
        """Write the lines that add the prepared event to an entry."""
        ...

    def leave(self, entry: str, key: PartitionKey) -> None:
        """Write what happens to the content of an entry, operations after it included."""
        ...


class AggregateCollector:
    """Collects what the `aggregate` directly after the window needs."""

    def __init__(
        self, stream: StreamCompiler, at: int, *, is_running: bool = False
    ) -> None:
        self.stream = stream
        self.at = at
        op = stream.ops[at]
        self.aggregation = Aggregation(stream, at, op, is_running=is_running)
        self.slots = self.aggregation.slots
        self.initial = self.aggregation.initial

    def prepare(self, current: Current) -> Current:
        """Evaluate the arguments of the aggregates."""
        return self.aggregation.prepare(current)

    def update(self, entry: str, current: Current) -> None:
        """Add the event to the aggregates."""
        self.aggregation.update(entry, current.stamp)

    def leave(self, entry: str, key: PartitionKey) -> None:
        """Pass the aggregate on."""
        event = self.aggregation.result(entry, key)
        self.stream.follow(self.at, replace(event, key=kept_key(key, entry)))


class RowsCollector:
    """Collects the events themselves."""

    def __init__(self, stream: StreamCompiler, at: int) -> None:
        self.stream = stream
        self.at = at
        self.slots = list(ROWS)
        self.initial = {"rows": "[]"}
        self.has_output = False
        self.is_made = False

    def prepare(self, current: Current) -> Current:
        """Make a row of the event."""
        return self.stream.with_row(current)

    def item(self, current: Current) -> str:
        """Return the text of the event as batches hold it."""
        self.has_output = current.output is not None
        self.is_made = current.is_made
        return f"({current.row}, {current.type.text}, {current.output})"

    def update(self, entry: str, current: Current) -> None:
        """Keep the event."""
        self.stream.lines.add(f"{entry}.rows.append({self.item(current)})")

    def leave(self, entry: str, key: PartitionKey) -> None:
        """Pass the events on as a batch."""
        batch = self.stream.names.fresh("b")
        self.stream.lines.add(f"{batch} = {entry}.rows")
        self.pass_on(batch, kept_key(key, entry))

    def pass_on(self, batch: str, key: PartitionKey | None) -> None:
        """Pass a list of events on.

        Their types are read from the list: the events of one window may be of several.
        """
        made = Batch(
            batch, None, self.has_output, self.is_made, key=key, is_window=True
        )
        self.stream.batch(self.at + 1, made)


def kept_key(key: PartitionKey, entry: str) -> PartitionKey | None:
    """Return the key as an entry keeps it, None without keys."""
    if not key.exprs:
        return None
    return PartitionKey(f"{entry}.key", f"{entry}.shown", key.exprs)
