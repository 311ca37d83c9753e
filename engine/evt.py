"""Event files (vpl.md 17.1): one event per line, dated by offsets."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from engine.errors import BadEventError
from engine.event import Event
from engine.runtime.intake import clean_map
from engine.runtime.times import NS_PER_MS, in_range, parse_duration, parse_instant
from engine.runtime.values import iso_text
from engine.wire import parse_event

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>-?(?:\d[\d_]*\.\d[\d_]*(?:[eE][+-]?\d+)?|\.\d+|\d[\d_]*(?:[eE][+-]?\d+)?))(?![A-Za-z_.])
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<word>[A-Za-z_][A-Za-z0-9_.-]*|`[^`]+`)
      | (?P<sign>[{}()\[\]:,])
      | (?P<end>(?:;|\#|//).*)?$
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", '"': '"', "'": "'", "\\": "\\"}
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None, "nil": None}
_DIGITS = re.compile(r"\d+", re.ASCII)
MAX_DEPTH = 32


class BadLineError(ValueError):
    """A line is no event; `number` counts from 1."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number}: {reason}")
        self.number = number


class EvtReader:
    """Reads an event file line by line.

    `declared` gives the field names of declared events, for `Type(v1, v2)`;
    `start_ns` is the instant offsets count from. A bad line ends the reading, or is
    handed to `on_bad` and left out.
    """

    def __init__(
        self,
        declared: Mapping[str, Sequence[str]] | None = None,
        start_ns: int = 0,
        on_bad: Callable[[BadLineError], None] | None = None,
    ) -> None:
        self._declared = declared or {}
        self._on_bad = on_bad
        self._start_ns = start_ns
        self._previous_ns = start_ns - NS_PER_MS
        self._batch_ns: int | None = None

    def read(self, lines: Iterable[str]) -> Iterator[Event]:
        """Yield events in order; raises BadLineError unless `on_bad` takes those."""
        for number, line in enumerate(lines, start=1):
            text = line.strip()
            if not text or text.startswith(("#", "//")):
                continue
            try:
                found = self._line(text)
            except (ValueError, BadEventError) as error:
                bad = BadLineError(number, str(error))
                if self._on_bad is None:
                    raise bad from error
                self._on_bad(bad)
                continue
            if found is not None:
                yield found

    def _line(self, text: str) -> Event | None:
        if text.startswith("{"):
            event = parse_event(text.encode())
            event.timestamp = self._date(event.timestamp)
            return event
        if batch := re.fullmatch(r"BATCH\s+(\d+)\s*;?", text):
            self._batch_ns = int(batch[1]) * NS_PER_MS
            return None
        moment = None
        if text.startswith("@"):
            dated, _, text = text.partition(" ")
            moment = self._moment(dated[1:])
        event = _EventText(text, self._declared).event()
        clean_map(event.fields)  # bounds and texts, as for events of any way in
        event.timestamp = self._date(moment)
        return event

    def _date(self, moment: int | None) -> int:
        if moment is None:
            if self._batch_ns is not None:
                moment = self._start_ns + self._batch_ns
            else:
                moment = self._previous_ns + NS_PER_MS
        self._previous_ns = moment
        return moment

    def _moment(self, text: str) -> int:
        offset = parse_duration(f"{text}ms" if _DIGITS.fullmatch(text) else text)
        if offset is None:
            return instant_ns(text)
        moment = in_range(self._start_ns + offset)
        if moment is None:
            raise ValueError(f"'{text}' is too far away")
        return moment


def instant_ns(text: str) -> int:
    """Return an ISO 8601 instant (UTC unless it says otherwise) in nanoseconds."""
    moment = parse_instant(text)
    if moment is None:
        raise ValueError(f"'{text}' is neither an offset nor a time")
    return moment


class _EventText:
    """`Type { k: v, .. }` or `Type(v1, v2)`, by recursive descent."""

    def __init__(self, text: str, declared: Mapping[str, Sequence[str]]) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self._declared = declared

    def event(self) -> Event:
        """Return the event; raises ValueError."""
        kind, name = self._take()
        if kind != "word":
            raise ValueError(f"an event type was expected, not '{name}'")
        fields: dict[str, Any] = {}
        if self._peek() == ("sign", "{"):
            fields = self._map(0)
        elif self._peek() == ("sign", "("):
            fields = self._positional(str(name))
        if self._peek()[0] != "end":
            raise ValueError(f"'{self._peek()[1]}' after the end of the event")
        return Event(str(name), fields)

    def _positional(self, event_type: str) -> dict[str, Any]:
        values = self._items("(", ")", 0)
        names = self._declared.get(event_type, ())
        return {
            names[i] if i < len(names) else f"field_{i}": value
            for i, value in enumerate(values)
        }

    def _map(self, depth: int) -> dict[str, Any]:
        self._expect("{")
        found: dict[str, Any] = {}
        while self._peek() != ("sign", "}"):
            kind, name = self._take()
            if kind not in {"word", "text"}:
                raise ValueError(f"a field name was expected, not '{name}'")
            self._expect(":")
            found[str(name)] = self._value(depth + 1)
            if self._peek() == ("sign", ","):
                self._take()
            elif self._peek() != ("sign", "}"):
                raise ValueError(f"',' or '}}' was expected, not '{self._peek()[1]}'")
        self._take()
        return found

    def _items(self, opening: str, closing: str, depth: int) -> list[Any]:
        self._expect(opening)
        found = []
        while self._peek() != ("sign", closing):
            found.append(self._value(depth + 1))
            if self._peek() == ("sign", ","):
                self._take()
            elif self._peek() != ("sign", closing):
                raise ValueError(
                    f"',' or '{closing}' was expected, not '{self._peek()[1]}'"
                )
        self._take()
        return found

    def _value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        match self._peek():
            case "sign", "{":
                return self._map(depth)
            case "sign", "[":
                return self._items("[", "]", depth)
            case "sign" | "end", token:
                raise ValueError(f"a value was expected, not '{token}'")
        kind, token = self._take()
        if kind == "word":
            return _WORDS.get(str(token), token)
        return token

    def _expect(self, sign: str) -> None:
        found = self._take()
        if found != ("sign", sign):
            raise ValueError(f"'{sign}' was expected, not '{found[1]}'")

    def _peek(self) -> tuple[str, Any]:
        return self._tokens[self._next]

    def _take(self) -> tuple[str, Any]:
        token = self._tokens[self._next]
        if token[0] != "end":
            self._next += 1
        return token


def _tokens(text: str) -> Iterator[tuple[str, Any]]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.end() == place:
            raise ValueError(f"unexpected text '{text[place : place + 20]}'")
        place = found.end()
        kind = found.lastgroup or "end"
        if kind == "end":
            break
        yield kind, _token_value(kind, found[kind])
    yield "end", "end of line"


def _token_value(kind: str, text: str) -> Any:
    if kind == "number":
        digits = text.replace("_", "")
        is_whole = digits.lstrip("-").isdigit()
        value = int(digits) if is_whole else float(digits)
        if is_whole and not -(2**63) <= value < 2**63:
            raise ValueError(f"{text} does not fit 64 bits")
        return value
    if kind == "text":
        return _joined_pairs(_ESCAPE.sub(_unescape, text[1:-1]))
    return text.strip("`") if kind == "word" else text


def _joined_pairs(text: str) -> str:
    """Join the halves of code points that were escaped as surrogate pairs."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _unescape(found: re.Match[str]) -> str:
    what = found[1]
    if what[0] == "u" and len(what) == 5:
        return chr(int(what[1:], 16))
    if what in _ESCAPES:
        return _ESCAPES[what]
    raise ValueError(f"unknown escape \\{what}")


def as_payload(event: Event) -> bytes:
    """Return an event as one JSON line for `Pipeline.inject_batch`."""
    body: dict[str, Any] = {"event_type": event.event_type, "fields": event.fields}
    if event.timestamp is not None:
        whole_ms, rest = divmod(event.timestamp, NS_PER_MS)
        body["timestamp"] = iso_text(event.timestamp) if rest else whole_ms
    return msgspec.json.encode(body)
