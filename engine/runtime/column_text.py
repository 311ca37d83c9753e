"""Columns -> JSON text by machine code: what msgspec does with an object for each event.

One call takes a block of rows to their bytes and lets other threads run meanwhile. The
memory of a call is one block: header, one record per column, texts, columns, output.
"""

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from engine.runtime.column import Column

LEAST_ROWS: Final = 256  # fewer are quicker as objects
ROWS_PER_CALL: Final = 4096  # so that all of it stays in the processor's cache

_SLOT: Final = 8
_HEADER: Final = struct.Struct(
    "=6q"
)  # rows, columns, output, its end, tail, its length
_RECORD: Final = struct.Struct("=4q")  # form, values, text before, its length
_SLACK: Final = 64  # bytes that copying may touch behind what is copied
_INT, _BOOL, _TEXT = range(3)
_FORMS: Final = {"q": _INT, "l": _INT, "?": _BOOL, "d": _TEXT}
_WIDTHS: Final = {_INT: 20, _BOOL: 5, _TEXT: 25}

_encode = msgspec.json.Encoder().encode
Write = Callable[[bytearray], int]

_IR: Final = """
define internal ptr @copy(ptr %to, ptr %from, i64 %count) alwaysinline {
entry:
  br label %turn
turn:
  %at = phi i64 [0, %entry], [%next, %turn]
  %a = getelementptr i8, ptr %from, i64 %at
  %b = getelementptr i8, ptr %to, i64 %at
  %text = load <16 x i8>, ptr %a, align 1
  store <16 x i8> %text, ptr %b, align 1
  %next = add i64 %at, 16
  %more = icmp slt i64 %next, %count
  br i1 %more, label %turn, label %done
done:
  %end = getelementptr i8, ptr %to, i64 %count
  ret ptr %end
}

define internal i64 @slot(ptr %m, i64 %at) alwaysinline {
  %p = getelementptr i64, ptr %m, i64 %at
  %v = load i64, ptr %p
  ret i64 %v
}

define internal ptr @integer(ptr %to, i64 %v) alwaysinline {
entry:
  %is_less = icmp slt i64 %v, 0
  br i1 %is_less, label %signed, label %begin
signed:
  store i8 45, ptr %to
  %after_sign = getelementptr i8, ptr %to, i64 1
  %turned = sub i64 0, %v
  br label %begin
begin:
  %start = phi ptr [%to, %entry], [%after_sign, %signed]
  %size = phi i64 [%v, %entry], [%turned, %signed]
  br label %count
count:
  %digits = phi i64 [1, %begin], [%more_digits, %longer]
  %bound = phi i64 [10, %begin], [%next_bound, %longer]
  %is_long = icmp uge i64 %size, %bound
  br i1 %is_long, label %longer, label %counted
longer:
  %more_digits = add i64 %digits, 1
  %next_bound = mul i64 %bound, 10
  br label %count
counted:
  %end = getelementptr i8, ptr %start, i64 %digits
  br label %turn
turn:
  %left = phi i64 [%size, %counted], [%tenth, %turn]
  %p = phi ptr [%end, %counted], [%place, %turn]
  %tenth = udiv i64 %left, 10
  %ten = mul i64 %tenth, 10
  %rest = sub i64 %left, %ten
  %small = trunc i64 %rest to i8
  %sign = add i8 %small, 48
  %place = getelementptr i8, ptr %p, i64 -1
  store i8 %sign, ptr %place
  %is_done = icmp eq i64 %tenth, 0
  br i1 %is_done, label %done, label %turn
done:
  ret ptr %end
}

define i32 @kernel(ptr %m) {
entry:
  %rows = call i64 @slot(ptr %m, i64 0)
  %columns = call i64 @slot(ptr %m, i64 1)
  %output = call i64 @slot(ptr %m, i64 2)
  %first = getelementptr i8, ptr %m, i64 %output
  %tail_at = call i64 @slot(ptr %m, i64 4)
  %tail = getelementptr i8, ptr %m, i64 %tail_at
  %tail_length = call i64 @slot(ptr %m, i64 5)
  br label %row
row:
  %i = phi i64 [0, %entry], [%next_row, %row_end]
  %p = phi ptr [%first, %entry], [%behind_row, %row_end]
  %has_row = icmp slt i64 %i, %rows
  br i1 %has_row, label %column, label %end
column:
  %j = phi i64 [0, %row], [%next_column, %column_end]
  %q = phi ptr [%p, %row], [%behind, %column_end]
  %has_column = icmp slt i64 %j, %columns
  br i1 %has_column, label %write, label %row_end
write:
  %record = mul i64 %j, 4
  %form_at = add i64 %record, 6
  %form = call i64 @slot(ptr %m, i64 %form_at)
  %values_at = add i64 %record, 7
  %values = call i64 @slot(ptr %m, i64 %values_at)
  %before_at = add i64 %record, 8
  %before = call i64 @slot(ptr %m, i64 %before_at)
  %length_at = add i64 %record, 9
  %length = call i64 @slot(ptr %m, i64 %length_at)
  %text = getelementptr i8, ptr %m, i64 %before
  %to = call ptr @copy(ptr %q, ptr %text, i64 %length)
  %data = getelementptr i8, ptr %m, i64 %values
  switch i64 %form, label %number [i64 1, label %truth
                                   i64 2, label %known]
number:
  %number_at = getelementptr i64, ptr %data, i64 %i
  %v = load i64, ptr %number_at
  %behind_number = call ptr @integer(ptr %to, i64 %v)
  br label %column_end
truth:
  %truth_at = getelementptr i8, ptr %data, i64 %i
  %byte = load i8, ptr %truth_at
  %is_true = icmp ne i8 %byte, 0
  %word = select i1 %is_true, i64 1702195828, i64 435728179558
  store i64 %word, ptr %to, align 1
  %word_length = select i1 %is_true, i64 4, i64 5
  %behind_truth = getelementptr i8, ptr %to, i64 %word_length
  br label %column_end
known:
  %from = phi ptr [%data, %write], [%from_next, %known_copy]
  %into = phi ptr [%to, %write], [%into_next, %known_copy]
  %char = load i8, ptr %from
  %from_next = getelementptr i8, ptr %from, i64 1
  %is_comma = icmp eq i8 %char, 44
  br i1 %is_comma, label %known_end, label %known_copy
known_copy:
  store i8 %char, ptr %into
  %into_next = getelementptr i8, ptr %into, i64 1
  br label %known
known_end:
  %origin = ptrtoint ptr %m to i64
  %reached = ptrtoint ptr %from_next to i64
  %distance = sub i64 %reached, %origin
  %values_slot = getelementptr i64, ptr %m, i64 %values_at
  store i64 %distance, ptr %values_slot
  br label %column_end
column_end:
  %behind = phi ptr [%behind_number, %number], [%behind_truth, %truth], [%into, %known_end]
  %next_column = add i64 %j, 1
  br label %column
row_end:
  %behind_row = call ptr @copy(ptr %q, ptr %tail, i64 %tail_length)
  %next_row = add i64 %i, 1
  br label %row
end:
  %last = ptrtoint ptr %p to i64
  %base = ptrtoint ptr %m to i64
  %size = sub i64 %last, %base
  %size_slot = getelementptr i64, ptr %m, i64 3
  store i64 %size, ptr %size_slot
  ret i32 0
}
"""


class RowTexts:
    """The texts around the values of events: those before each value, `head` before the
    first of them, and the one behind the last value.
    """

    __slots__ = ("before", "tail")

    def __init__(self, head: bytes, names: Sequence[str], separator: bytes) -> None:
        named = [b",%b:" % _encode(name) for name in names]
        self.before = [head + named[0], *named[1:]]
        self.tail = b"}" + separator


Text = Callable[[int, int], bytes]
"""Returns the text of the events from one place up to another, separators between them."""


def text_of(texts: RowTexts, columns: "Sequence[Column]") -> Text | None:
    """Return what writes events as text, to be used by one thread.

    None where objects have to do it: without LLVM, or for few events.
    """
    rows = len(columns[0])
    write = _writer() if rows >= LEAST_ROWS else None
    if write is None:
        return None
    views = [memoryview(column) for column in columns]  # type: ignore[arg-type]  # what NumPy takes in place
    return _Block(texts, views, min(rows, ROWS_PER_CALL), write).text


@lru_cache(maxsize=1)
def _writer() -> Write | None:
    """Return the machine code, compiled once; None if that cannot be had."""
    try:  # llvmlite is imported where there is work for it, nowhere else
        from engine.runtime.native_code import machine_code
    except ImportError:
        return None
    return machine_code(_IR, _HEADER.size)


class _Block:
    """The memory of the calls for some columns, `rows` at a time."""

    def __init__(
        self, texts: RowTexts, views: list[memoryview], rows: int, write: Write
    ) -> None:
        self._views = views
        self._write = write
        self._forms = [_FORMS[view.format] for view in views]
        known = b"".join([*texts.before, texts.tail])
        widest = len(known) + sum(_WIDTHS[form] for form in self._forms)
        at = _HEADER.size + _RECORD.size * len(views)
        self._memory = bytearray(known.rjust(at + len(known)))
        self._records = []
        for form, text in zip(self._forms, texts.before, strict=True):
            self._records.append((form, at, len(text)))
            at += len(text)
        self._tail = at, len(texts.tail)
        self._separator = len(texts.tail) - 1
        self._rows = rows
        self._values = _aligned(at + len(texts.tail))
        places = len(views) * (max(_WIDTHS.values()) + 1) * rows
        self._memory.extend(bytes(self._values + places + rows * widest + _SLACK - at))

    def text(self, start: int, stop: int) -> bytes:
        """Return the text of the rows from `start` up to `stop`."""
        starts = range(start, stop, self._rows)
        return b"".join([self._part(at, stop) for at in starts])

    def _part(self, start: int, stop: int) -> bytes:
        """Return the text of as many rows as fit, a separator behind unless it ends."""
        memory, at = self._memory, self._values
        rows = min(self._rows, stop - start)
        for place, view in enumerate(self._views):
            form, text, length = self._records[place]
            part = view[start : start + rows]
            data = _known(part) if form == _TEXT else part.cast("B")
            memory[at : at + len(data)] = data
            record = _HEADER.size + place * _RECORD.size
            _RECORD.pack_into(memory, record, form, at, text, length)
            at = _aligned(at + len(data))
        _HEADER.pack_into(memory, 0, rows, len(self._views), at, 0, *self._tail)
        self._write(memory)
        end = _HEADER.unpack_from(memory)[3]
        if start + rows == stop:
            end -= self._separator
        with memoryview(memory) as whole:
            return bytes(whole[at:end])


def _known(part: memoryview) -> bytes:
    """Return floats as msgspec writes them, a comma behind each."""
    return _encode(part.tolist())[1:-1] + b","


def _aligned(at: int) -> int:
    return -(-at // _SLOT) * _SLOT
