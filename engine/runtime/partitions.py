"""States that an operation keeps per key, bounded (vpl.md 9.2 and 19)."""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.limits import Limits
from engine.runtime.frame import Frame
from engine.runtime.keys import as_key
from engine.runtime.state import Codec


class Entry:
    """What is kept for one key; subclasses add slots.

    `key` stands for the key in dicts, `shown` is the value it was first seen as.
    `used` grows with use while the table is nearly full, before that with opening.
    """

    __slots__ = ("key", "shown", "used")

    key: Hashable
    shown: Any
    used: int


@dataclass(frozen=True, slots=True)
class Slot:
    """One attribute of an entry; `kind` is the class of the object in it, if any.

    Such objects have `snapshot(codec)` and `restore(data, codec)` and are made by `make`.
    """

    name: str
    make: Any = None

    def save(self, entry: Any, codec: Codec) -> Any:
        """Return the attribute as JSON-able data."""
        value = getattr(entry, self.name)
        return codec.to_data(value) if self.make is None else value.snapshot(codec)

    def load(self, entry: Any, data: Any, codec: Codec) -> None:
        """Set the attribute from what `save` gave."""
        if self.make is None:
            setattr(entry, self.name, codec.from_data(data))
            return
        made = self.make()
        made.restore(data, codec)
        setattr(entry, self.name, made)


def entry_class(content: Sequence[Slot], base: type[Entry] = Entry) -> type[Entry]:
    """Make the class of entries with the slots `content`, after slots of `base`."""
    slots = tuple(slot.name for slot in content)
    return type("Entry", (base,), {"__slots__": slots})


@dataclass(frozen=True, slots=True)
class DequeSlot(Slot):
    """An attribute that holds a deque, of at most `bound` items if that is given."""

    bound: int | None = None

    def save(self, entry: Any, codec: Codec) -> Any:
        """Return the items as JSON-able data."""
        return codec.to_data(list(getattr(entry, self.name)))

    def load(self, entry: Any, data: Any, codec: Codec) -> None:
        """Set the attribute from what `save` gave."""
        setattr(entry, self.name, deque(codec.from_data(data), self.bound))


ROWS: Final = (Slot("rows"),)
"""The content of windows that keep their events: a list of `(row, type, output)`."""


class Partitions:
    """A table of entries by key; beyond the bound the least recently used one goes.

    From half the bound on every use is noted (`tracks` says so to generated code, which
    calls `touch`); entries not used since are older than all that were, in the order of
    their opening. Dropping costs amortised O(log n): candidates are sorted once and
    stay exact, because whatever was used or opened since is younger than all of them.
    """

    __slots__ = (
        "_candidates",
        "_frame",
        "_limit",
        "_uses",
        "_watched",
        "content",
        "make",
        "table",
        "tracks",
    )

    def __init__(self, make: type[Entry], content: Sequence[Slot]) -> None:
        self.make = make
        self.content = tuple(content)
        self.table: dict[Hashable, Any] = {}
        self.tracks = False
        self._uses = 0
        self._candidates: deque[tuple[int, Hashable]] = deque()
        self._frame: Frame | None = None
        self._set_limit(Limits().partitions)

    def bind(self, frame: Frame, limits: Limits) -> None:
        """Take the counters of the stream and the bounds, before the first event."""
        self._frame = frame
        self._set_limit(limits.partitions)

    def _set_limit(self, limit: int) -> None:
        self._limit = limit
        self._watched = (limit + 1) // 2 - 1

    @property
    def finder(self) -> Callable[[Hashable], Any]:
        """Return what finds the entry of a key, None if there is none."""
        return self.table.get

    def add(self, entry: Entry) -> None:
        """Put an entry with a new key into the table."""
        table = self.table
        if len(table) >= self._watched:
            self._make_room()
        table[entry.key] = entry
        self._uses = entry.used = self._uses + 1

    def _make_room(self) -> None:
        """Note every use from now on, and drop an entry if there is no room."""
        self.tracks = True
        if len(self.table) >= self._limit:
            self._drop()

    def touch(self, entry: Entry) -> None:
        """Note that an entry is used."""
        self._uses = entry.used = self._uses + 1

    def _drop(self) -> None:
        """Drop the least recently used entry."""
        table, dropped = self.table, False
        while table and not dropped:
            if not self._candidates:
                order = sorted(table.values(), key=_last_use)
                self._candidates.extend((entry.used, entry.key) for entry in order)
            used, key = self._candidates.popleft()
            entry = table.get(key)
            dropped = entry is not None and entry.used == used
            if dropped:
                del table[key]
                self.dropped(entry)
        if self._frame is not None:
            self._frame.drop("partitions")

    def dropped(self, entry: Any) -> None:
        """Forget what else is kept of an entry that left the table."""

    def new(self, shown: Any) -> Any:
        """Return an empty entry for the key that is shown as `shown`."""
        entry = self.make()
        entry.key, entry.shown, entry.used = as_key(shown), shown, 0
        return entry

    # --- checkpoints ----------------------------------------------------------------

    def ordered(self) -> list[Any]:
        """Return the entries in the order in which `restored` takes them."""
        return sorted(self.table.values(), key=_last_use)

    def snapshot(self, codec: Codec) -> Any:
        """Return the entries as JSON-able data."""
        return [self.save(entry, codec) for entry in self.ordered()]

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave; the table stays the same dict."""
        self.table.clear()
        self._candidates.clear()
        entries = [self.load(item, codec) for item in data]
        for entry in entries:
            self.table[entry.key] = entry
        self._uses = max((entry.used for entry in entries), default=0)
        self.tracks = len(entries) > self._watched
        self.restored(entries)

    def restored(self, entries: list[Any]) -> None:
        """Rebuild what else is kept, from the entries in the order of `ordered`."""

    def save(self, entry: Any, codec: Codec) -> Any:
        """Return one entry as JSON-able data."""
        content = [slot.save(entry, codec) for slot in self.content]
        return [codec.to_data(entry.shown), entry.used, content]

    def load(self, data: Any, codec: Codec) -> Any:
        """Return an entry from what `save` gave."""
        shown, used, content = data
        entry = self.new(codec.from_data(shown))
        entry.used = used
        for slot, item in zip(self.content, content, strict=True):
            slot.load(entry, item, codec)
        return entry


def _last_use(entry: Entry) -> int:
    return entry.used
