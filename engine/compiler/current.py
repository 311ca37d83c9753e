"""The event that flows through a stream while it is written, or a batch of events."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.compiler.code import Code
from engine.compiler.readers import CompoundReader, Reader, RowReader
from vpl import nodes


@dataclass(frozen=True, slots=True)
class PartitionKey:
    """The key of an event under `partition_by`.

    `text` is the hashable that stands for it in dicts, `shown` the value of the
    language (an array for several keys), `exprs` the expressions as written.
    """

    text: str
    shown: str
    exprs: tuple[nodes.Expr, ...]


@dataclass(frozen=True, slots=True)
class Current:
    """The event that flows on at one place of a stream.

    `type` is its type and `reader` reads it; `row` is the variable of its row, None as
    long as a match or joined event has none; `stamp` the text of its timestamp in ns,
    `output` the variable of its output object if there is one. `is_made` tells that the
    stream made it: it keeps its type when it leaves. `key` is its partition.
    """

    type: Code
    reader: Reader
    row: str | None
    stamp: str
    output: str | None = None
    is_made: bool = False
    key: PartitionKey | None = None

    @property
    def bound(self) -> CompoundReader | None:
        """Return the reader of the match or join this event was made from."""
        if isinstance(self.reader, CompoundReader):
            return self.reader
        return self.reader.bound if isinstance(self.reader, RowReader) else None


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that flow on together: the variable of a list of `(row, type, output)`.

    `type` is what is known of their types; `has_output` tells that outputs are made
    (they are None otherwise), `is_made` is that of `Current`. `group_by` are the keys of
    a `partition_by` after the window, `key` is that of one before it. `is_window` tells
    that the events left a window together: some operations then act per batch.
    """

    variable: str
    type: Code | None
    has_output: bool = False
    is_made: bool = False
    group_by: tuple[nodes.Expr, ...] = ()
    key: PartitionKey | None = None
    is_window: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """The operations of a stream, or of a branch, while they are written."""

    ops: tuple[nodes.Operation, ...]
    prefix: str
    end: Callable[[Current], None] | None
