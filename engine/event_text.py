"""`Type { k: v, .. }` and `Type(v1, v2)`: one event as text (vpl.md 17.1)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.event import Event
from engine.limits import MAX_EVENT_DEPTH
from engine.runtime.times import parse_duration, parse_instant
from engine.runtime.values import INT_MAX, INT_MIN, Duration, Timestamp

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<hex>-?0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)(?![\w.])
      | (?P<duration>-?(?:(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:ns|us|ms|min|[smhd]))+)(?![\w.])
      | (?P<number>-?(?:\d[\d_]*\.\d[\d_]*(?:[eE][+-]?\d+)?
            |\.\d+(?:[eE][+-]?\d+)?|\d[\d_]*(?:[eE][+-]?\d+)?))(?![\w.])
      | (?P<instant>@[0-9][0-9A-Za-z:.+-]*)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<word>[^\W\d][\w.-]*|`[^`]+`)
      | (?P<sign>[{}()\[\]:,])
      | (?P<end>(?:;\s*(?:(?:\#|//).*)?|\#.*|//.*)?$)
    )""",
    re.VERBOSE | re.DOTALL,
)
_FIELD = re.compile(
    r"""\s*([A-Za-z_]\w*)\s*:\s*(?:(-?[0-9]{1,18})|(-?[0-9]+\.[0-9]+)
        |([A-Za-z_]\w*)|"([^"\\]*)")\s*([,}])""",
    re.VERBOSE | re.ASCII,
)
"""The usual field with what follows it: quicker in one piece than token by token."""
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", '"': '"', "'": "'", "\\": "\\"}
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None, "nil": None}
_LONGEST_NUMBER: Final = 400  # characters, as in programs
Token = tuple[str, Any]
"""Kind and value: `word`, `text`, `value`, `sign` or `end`."""
_SHOWN: Final = 20  # characters of a text that is quoted in a message


class EventText:
    """The parser of one line, by recursive descent.

    `declared` gives the field names of declared events, for `Type(v1, v2)`.
    """

    def __init__(self, text: str, declared: Mapping[str, Sequence[str]]) -> None:
        self._text = text
        self._place = 0
        self._token: Token | None = None  # read already, but not yet taken
        self._declared = declared

    def event(self) -> Event:
        """Return the event, undated; raises ValueError saying what is wrong."""
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
        while True:
            while self._token is None and (
                usual := _FIELD.match(self._text, self._place)
            ):
                found[usual[1]] = _usual_value(usual)
                self._place = usual.end()
                if usual[6] == "}":
                    return found
            if self._peek() == ("sign", "}"):
                break
            kind, name = self._take()
            if kind not in {"word", "text"}:
                raise ValueError(f"a field name was expected, not '{name}'")
            self._expect(":")
            found[str(name)] = self._value(depth + 1)
            self._separator("}")
        self._take()
        return found

    def _items(self, opening: str, closing: str, depth: int) -> list[Any]:
        self._expect(opening)
        found = []
        while self._peek() != ("sign", closing):
            found.append(self._value(depth + 1))
            self._separator(closing)
        self._take()
        return found

    def _separator(self, closing: str) -> None:
        """Take a comma; before the closing sign there need be none."""
        if self._peek() == ("sign", ","):
            self._take()
        elif self._peek() != ("sign", closing):
            raise ValueError(
                f"',' or '{closing}' was expected, not '{self._peek()[1]}'"
            )

    def _value(self, depth: int) -> Any:
        if depth > MAX_EVENT_DEPTH:
            raise ValueError(f"nested deeper than {MAX_EVENT_DEPTH}")
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

    def _peek(self) -> Token:
        if self._token is None:
            found = _TOKEN.match(self._text, self._place)
            if found is None:
                raise ValueError(_unexpected(self._text[self._place :].lstrip()))
            self._place = found.end()
            self._token = _token(found.lastgroup or "end", found)
        return self._token

    def _take(self) -> Token:
        token = self._peek()
        if token[0] != "end":
            self._token = None
        return token


def _usual_value(found: re.Match[str]) -> Any:
    whole, fraction, word, text = found.group(2, 3, 4, 5)
    if whole is not None:
        return int(whole)
    if fraction is not None:
        return float(fraction)
    return text if word is None else _WORDS.get(word, word)


def _unexpected(text: str) -> str:
    if text[0] in "\"'":
        return f"the text {text[:_SHOWN]} is never closed"
    return f"unexpected text '{text[:_SHOWN]}' (put texts in quotes)"


def _token(kind: str, found: re.Match[str]) -> Token:
    text = found[kind]
    match kind:
        case "number" | "hex" | "duration" | "instant":
            return "value", _constant(kind, text)
        case "text":
            return "text", _joined_pairs(_ESCAPE.sub(_unescape, text[1:-1]))
        case "word":
            return "word", text.strip("`")
        case "end":
            return "end", "end of line"
    return kind, text


def _constant(kind: str, text: str) -> int | float | Duration | Timestamp:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"the number {text[:_SHOWN]}.. is too long")
    plain = text.replace("_", "")
    if kind == "instant":
        ns = parse_instant(plain[1:])
        if ns is None:
            raise ValueError(f"'{text}' is no time; write @2026-03-01T08:30:00Z")
        return Timestamp(ns)
    if kind == "duration":
        ns = parse_duration(plain)
        if ns is None:
            raise ValueError(f"'{text}' is no duration; write 1h30m, large to small")
        return Duration(ns)
    return _whole(text, 16) if kind == "hex" else _number(plain)


def _number(text: str) -> int | float:
    return _whole(text, 10) if text.lstrip("-").isdigit() else float(text)


def _whole(text: str, base: int) -> int:
    value = int(text, base)
    if not INT_MIN <= value <= INT_MAX:
        raise ValueError(f"{text} does not fit 64 bits")
    return value


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
    raise ValueError(f"unknown escape \\{what}; double the backslash to write one")
