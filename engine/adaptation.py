"""Declared fields on arrival (vpl.md section 6, `event`)."""

from collections.abc import Callable
from typing import Any, Final

from engine.runtime.times import any_duration, parse_instant
from engine.runtime.values import Duration, Timestamp
from vpl import Program, nodes

MAX_ALIASES: Final = 100  # type names resolved one after another

_CLASSES: Final[dict[str, tuple[type, ...]]] = {
    "int": (int,),
    "float": (float,),
    "bool": (bool,),
    "str": (str,),
    "timestamp": (Timestamp,),
    "duration": (Duration,),
    "array": (list,),
    "map": (dict,),
    "tuple": (list,),
}


def _to_float(value: Any) -> Any:
    return float(value) if value.__class__ is int else value


def _to_timestamp(value: Any) -> Any:
    ns = parse_instant(value) if value.__class__ is str else None
    return value if ns is None else Timestamp(ns)


def _to_duration(value: Any) -> Any:
    ns = any_duration(value) if value.__class__ is str else None
    return value if ns is None else Duration(ns)


_CONVERSIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "float": _to_float,
    "timestamp": _to_timestamp,
    "duration": _to_duration,
}


class Adaptation:
    """Converts fields of declared events; what does not fit stays and is counted.

    `by_type` maps event types to the kind of each of their fields.
    """

    def __init__(self, program: Program) -> None:
        self.mismatches = 0
        self._events = {
            d.name: d for d in program.body if isinstance(d, nodes.EventDecl)
        }
        self._types = {
            d.name: d.type for d in program.body if isinstance(d, nodes.TypeDecl)
        }
        self.by_type = {name: self._fields(name) for name in self._events}

    def adapt_map(self, event_type: str, fields: dict[str, Any]) -> None:
        """Adapt the fields of an event in place."""
        for name, kind in self.by_type.get(event_type, {}).items():
            value = fields.get(name)
            if value is not None:
                fields[name] = self._adapted(value, kind)

    def adapt_row(self, event_type: str, row: Any, attributes: dict[str, str]) -> None:
        """Adapt the fields of a row in place."""
        for name, kind in self.by_type.get(event_type, {}).items():
            attribute = attributes.get(name)
            if attribute is None:
                continue
            value = getattr(row, attribute)
            if value is not None:
                setattr(row, attribute, self._adapted(value, kind))

    def _adapted(self, value: Any, kind: str) -> Any:
        convert = _CONVERSIONS.get(kind)
        if convert is not None:
            value = convert(value)
        if value.__class__ not in _CLASSES[kind]:
            self.mismatches += 1
        return value

    def _fields(self, name: str) -> dict[str, str]:
        """Return the kinds of an event's fields, those of its bases first."""
        chain: list[nodes.EventDecl] = []
        at: str | None = name
        while at in self._events and self._events[at] not in chain:
            chain.append(self._events[at])
            at = self._events[at].base
        found: dict[str, str] = {}
        for decl in reversed(chain):
            for field in decl.fields:
                kind = self._kind(field.type)
                if kind in _CLASSES:
                    found[field.name] = kind
        return found

    def _kind(self, type_ref: nodes.TypeRef) -> str:
        """Return the name of a type with aliases resolved."""
        for _ in range(MAX_ALIASES):
            alias = self._types.get(type_ref.name)
            if alias is None:
                break
            type_ref = alias
        return type_ref.name
