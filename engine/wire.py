"""Bytes <-> events: all payload forms of vpl.md 14 and 18.1 in one place.

Three forms: flat (fields beside `event_type`), or the fields in an object `fields` or
`data`. A batch of one form is decoded by msgspec straight into rows that have only the
fields the program reads; what is not of one form, or has arrays, maps or ints beyond
64 bits in fields that are read, takes the general way event by event. Bounds hold for
what is decoded: a field no stream reads costs nothing and is skipped.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Annotated, Any, Literal, cast

import msgspec

from engine.adaptation import Adaptation
from engine.compiler.namespace import FieldTable
from engine.compiler.outputs import is_fit_name, row_attributes
from engine.errors import BadEventError
from engine.event import Event
from engine.limits import MAX_EVENT_TEXT_CHARS
from engine.runtime.clock import Clock
from engine.runtime.intake import clean_map
from engine.runtime.stamps import envelope_stamps
from engine.runtime.times import envelope_ns, in_range
from engine.runtime.values import INT_MAX, INT_MIN

BatchForm = Literal["ndjson", "array", "events", "auto"]
Rejected = dict[str, Any]
Single = tuple[Callable[[bytes], Any], bool]
"""Decodes one event of one form; True if an envelope around the row comes out."""

_Int = Annotated[int, msgspec.Meta(ge=INT_MIN, le=INT_MAX)]
_Text = Annotated[str, msgspec.Meta(max_length=MAX_EVENT_TEXT_CHARS)]
_Simple = _Int | float | _Text | bool | None
_NoObject = int | float | str | bool | list[Any] | None
_ENVELOPE = frozenset(("event_type", "timestamp"))
_decode = msgspec.json.Decoder().decode


class _TypeOnly(msgspec.Struct, gc=False):
    """What a row carries around its fields; `t` is the event type."""

    t: str
    fields: Any


@dataclass(slots=True)
class Decoded:
    """A batch as rows: flat rows, or envelopes around rows when `is_nested`.

    `rejected` are the events that are none, by their place in the batch.
    """

    rows: list[Any]
    is_nested: bool
    rejected: list[Rejected] = field(default_factory=list)

    def reject_from(self, taken: int, reason: str) -> None:
        """Reject the rows after the first `taken` by their places in the batch."""
        bad = {item["index"] for item in self.rejected}
        count = len(self.rows) + len(bad)
        good = [place for place in range(count) if place not in bad]
        self.rejected += [{"index": at, "reason": reason} for at in good[taken:]]
        self.rejected.sort(key=itemgetter("index"))


def parse_event(payload: bytes) -> Event:
    """Return the one event in `payload`; raises `BadEventError`."""
    return event_of(decode_json(payload))


def decode_json(payload: bytes) -> Any:
    """Return the JSON value in `payload`; raises `BadEventError`."""
    try:
        return _decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadEventError(f"no valid JSON: {error}") from error


def event_of(body: Any) -> Event:
    """Return the event in a decoded payload of any form; raises `BadEventError`."""
    event_type, fields, timestamp = split_payload(body)
    return Event(event_type, clean_map(fields), timestamp)


def split_payload(body: Any) -> tuple[str, dict[str, Any], int | None]:
    """Return type, fields and timestamp of a payload; raises `BadEventError`."""
    if body.__class__ is not dict:
        raise BadEventError("an event must be a JSON object")
    event_type = body.get("event_type")
    if event_type.__class__ is not str or not event_type:
        raise BadEventError("event_type must be a non-empty string")
    stamp = envelope_ns(body.get("timestamp"))
    for name in ("fields", "data"):
        nested = body.get(name)
        if nested.__class__ is dict:
            return event_type, nested, stamp
    taken = _ENVELOPE if stamp is not None else frozenset(("event_type",))
    return event_type, {k: v for k, v in body.items() if k not in taken}, stamp


class RowDecoder:
    """Decodes payloads into the rows of one program."""

    def __init__(
        self,
        fields: FieldTable,
        row_class: type[msgspec.Struct],
        adaptation: Adaptation,
        clock: Clock,
    ) -> None:
        self._adaptation = adaptation
        self._fields = fields
        self._row_class = cast("Callable[..., Any]", row_class)
        self._names = tuple(fields.attributes)
        self._clock = clock
        self._is_fast = not fields.whole and all(map(is_fit_name, self._names))
        self._forms = self._make_forms() if self._is_fast else []

    def row(self, fields: dict[str, Any], timestamp: int | None) -> Any:
        """Return the row of clean fields."""
        values: list[Any] = []
        if self._fields.stamped:
            values.append(self._instant(timestamp))
        values += map(fields.get, self._names)
        if self._fields.whole:
            values.append(fields)
        return self._row_class(*values)

    def envelope_of(
        self, event_type: str, row: Any, attributes: Mapping[str, str]
    ) -> Any:
        """Return an envelope around what another program's row holds.

        `attributes` are that row's attributes by field name.
        """
        named = {name: getattr(row, at) for name, at in attributes.items()}
        fields = {name: value for name, value in named.items() if value is not None}
        return _TypeOnly(event_type, self.row(fields, getattr(row, "ts", None)))

    def singles(self) -> list[Single]:
        """Return decoders of single events into rows, one for each form.

        There are none for programs whose rows need more than decoding.
        """
        if self._adaptation.by_type:
            return []
        if not self._fields.stamped:
            return [(form.one, form.is_nested) for form in self._forms]
        return [(self._dating(form), form.is_nested) for form in self._forms]

    def _dating(self, form: "_Form") -> Callable[[bytes], Any]:
        """Return the decoder of one event of a form that dates it."""
        decode, is_nested = form.one, form.is_nested
        as_field = None if is_nested else self._fields.attributes.get("timestamp")
        now_ns = self._clock.now_ns

        def dated(payload: bytes) -> Any:
            row = decode(payload)
            stamp = envelope_ns(row.ts)
            if stamp is None:
                stamp = now_ns()
                if as_field is not None:
                    setattr(row, as_field, row.ts)
            (row.fields if is_nested else row).ts = stamp
            return row

        return dated

    def envelope(self, event: Event) -> Any:
        """Return an event as envelope and row; raises `BadEventError`."""
        if event.event_type.__class__ is not str or not event.event_type:
            raise BadEventError("event_type must be a non-empty string")
        stamp = event.timestamp
        if stamp is not None and (
            stamp.__class__ is not int or in_range(stamp) is None
        ):
            raise BadEventError("timestamp must be nanoseconds in 64 bits")
        fields = clean_map(event.fields)
        self._adaptation.adapt_map(event.event_type, fields)
        return _TypeOnly(event.event_type, self.row(fields, event.timestamp))

    def decode(self, payload: bytes, form: BatchForm) -> Decoded:
        """Return the events of a batch; raises `BadEventError` if it is no batch."""
        if form == "auto":
            form = guess_form(payload)
        alike = self.decode_alike(payload, form)
        return self._decode_each(payload, form) if alike is None else alike

    def decode_alike(self, payload: bytes, form: BatchForm) -> Decoded | None:
        """Return the events of a batch whose events all have one form, else None."""
        for at, fast in enumerate(self._forms):
            rows = fast.decode(payload, form)
            if rows is not None:
                self._forms.insert(0, self._forms.pop(at))
                self._adapt(rows, fast.is_nested)
                return Decoded(self._stamped(rows, fast), fast.is_nested)
        return None

    def _instant(self, timestamp: int | None) -> int:
        return self._clock.now_ns() if timestamp is None else timestamp

    # --- one form for the whole batch ---------------------------------------------

    def _make_forms(self) -> list["_Form"]:
        return [
            _Form(self._fields, None),
            _Form(self._fields, "fields"),
            _Form(self._fields, "data"),
        ]

    def _adapt(self, rows: list[Any], is_nested: bool) -> None:
        """Adapt declared fields where the program declares any that need it."""
        if not self._adaptation.by_type:
            return
        attributes = self._fields.attributes
        for row in rows:
            inner = row.fields if is_nested else row
            self._adaptation.adapt_row(row.t, inner, attributes)

    def _stamped(self, rows: list[Any], form: "_Form") -> list[Any]:
        """Set timestamps where the program reads them."""
        if not self._fields.stamped:
            return rows
        given = [row.ts for row in rows]
        stamps = envelope_stamps(given)
        inners = [row.fields for row in rows] if form.is_nested else rows
        if None in stamps:
            self._undated(stamps, given, inners, is_flat=not form.is_nested)
        for inner, stamp in zip(inners, stamps, strict=True):
            inner.ts = stamp
        return rows

    def _undated(
        self,
        stamps: list[int | None],
        given: list[Any],
        inners: list[Any],
        *,
        is_flat: bool,
    ) -> None:
        """Date events at their arrival; what is no timestamp is a field, if flat."""
        as_field = self._fields.attributes.get("timestamp") if is_flat else None
        now = self._clock.now_ns()
        for at, stamp in enumerate(stamps):
            if stamp is None:
                stamps[at] = now
                if as_field is not None:
                    setattr(inners[at], as_field, given[at])

    # --- event by event -----------------------------------------------------------

    def _decode_each(self, payload: bytes, form: BatchForm) -> Decoded:
        found = Decoded([], is_nested=True)
        for at, item in enumerate(_items(payload, form)):
            try:
                body = decode_json(item) if isinstance(item, bytes) else item
                event_type, fields, stamp = split_payload(body)
                fields = clean_map(fields)
                self._adaptation.adapt_map(event_type, fields)
                row = self.row(fields, stamp)
            except BadEventError as error:
                found.rejected.append({"index": at, "reason": str(error)})
            else:
                found.rows.append(_TypeOnly(event_type, row))
        return found


def guess_form(payload: bytes) -> BatchForm:
    """Return the form of a batch by its first characters."""
    head = payload[:64].lstrip()
    if head.startswith(b"["):
        return "array"
    if head.startswith(b"{") and head[1:].lstrip().startswith(b'"events"'):
        return "events"
    return "ndjson"


def _items(payload: bytes, form: BatchForm) -> Iterator[Any]:
    """Yield the lines of NDJSON, blank ones left out, or the elements of an array."""
    if form == "ndjson":
        yield from (line for line in payload.split(b"\n") if line.strip())
        return
    body = decode_json(payload)
    if form == "events" and body.__class__ is dict:
        body = body.get("events")
    if body.__class__ is not list:
        raise BadEventError("a batch must be an array of events")
    yield from body


class _Form:
    """The decoders for batches whose events all have one form."""

    def __init__(self, fields: FieldTable, member: str | None) -> None:
        self.is_nested = member is not None
        event = _nested_struct(fields, member) if member else _flat_struct(fields)
        batch = msgspec.defstruct("Batch", [("events", list[event])], gc=False)  # type: ignore[valid-type]  # a class made at run time
        self.one: Callable[[bytes], Any] = msgspec.json.Decoder(event).decode
        self._lines = msgspec.json.Decoder(event).decode_lines
        self._array = msgspec.json.Decoder(list[event]).decode  # type: ignore[valid-type]  # a class made at run time
        self._batch: Callable[[bytes], Any] = msgspec.json.Decoder(batch).decode

    def decode(self, payload: bytes, form: BatchForm) -> list[Any] | None:
        """Return the rows, or None if some event is not of this form."""
        try:
            if form == "ndjson":
                return cast("list[Any]", self._lines(payload))
            if form == "array":
                return cast("list[Any]", self._array(payload))
            return cast("list[Any]", self._batch(payload).events)
        except (msgspec.DecodeError, RecursionError):
            return None


_TypeText = Annotated[str, msgspec.Meta(min_length=1)]
_NEVER = "{} "  # the JSON name of an attribute that a form does not decode


def _members(fields: FieldTable) -> tuple[list[Any], dict[str, str]]:
    """Return the members of a row for msgspec and the JSON names they have."""
    members = [(name, _Simple, None) for name in row_attributes(fields)]
    names = {attribute: name for name, attribute in fields.attributes.items()}
    return members, names


def _never(
    members: list[Any], names: dict[str, str], attribute: str, name: str
) -> list[Any]:
    """Keep an attribute null: its stand-in name takes nothing but null."""
    names[attribute] = _NEVER.format(name)
    return [(attribute, None, None) if m[0] == attribute else m for m in members]


def _flat_struct(fields: FieldTable) -> type[msgspec.Struct]:
    """Return the row of a flat payload, whose envelope members are no fields."""
    members, names = _members(fields)
    if fields.stamped:
        names["ts"] = "timestamp"
    for name in _ENVELOPE & set(fields.attributes):
        members = _never(members, names, fields.attributes[name], name)
    rename = {"t": "event_type", **names}
    for name in ("fields", "data"):  # an object there means another form
        if name not in names.values():
            members.append((f"no_{name}", _NoObject, None))
            rename[f"no_{name}"] = name
    spec: list[Any] = [("t", _TypeText), *members]
    return msgspec.defstruct("FlatRow", spec, rename=rename, gc=False)


def _nested_struct(fields: FieldTable, member: str) -> type[msgspec.Struct]:
    """Return the envelope of a nested payload around its row."""
    members, names = _members(fields)
    if fields.stamped:
        members = _never(members, names, "ts", "timestamp")
    row = msgspec.defstruct("NestedRow", members, rename=names, gc=False)
    spec: list[Any] = [("t", _TypeText), ("fields", row)]
    rename = {"t": "event_type", "fields": member, "ts": "timestamp"}
    if fields.stamped:
        spec.append(("ts", Any, None))
    if member == "data":  # `fields` comes first if both are objects
        spec.append(("no_fields", _NoObject, None))
        rename["no_fields"] = "fields"
    used = {name: rename[name] for name in rename if name in {item[0] for item in spec}}
    return msgspec.defstruct("Envelope", spec, rename=used, gc=False)
