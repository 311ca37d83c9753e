"""Values, rows and outputs -> JSON-able data and back, for checkpoints.

JSON kinds stand for themselves. What JSON lacks is a map with one member whose name
starts with `$`; so is every map that has such a name itself. Rows are written by field
name: a restored program may keep other fields.
"""

from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

from engine.compiler.namespace import FieldTable
from engine.errors import CheckpointError
from engine.runtime.values import Duration, Timestamp

_PLAIN: Final = frozenset((type(None), bool, int, float, str))


class StateCodec:
    """Writes and reads what states of one program hold."""

    def __init__(self, fields: FieldTable, row_class: type[msgspec.Struct]) -> None:
        self._attributes = dict(fields.attributes)
        self._is_stamped = fields.stamped
        self._is_whole = fields.whole
        self._row_class = row_class
        self._make_row = cast("Callable[..., Any]", row_class)
        self._readers: Final[dict[str, Callable[[Any], Any]]] = {
            "$ts": Timestamp,
            "$d": Duration,
            "$t": lambda items: tuple(self.from_data(item) for item in items),
            "$m": self._map_from,
            "$o": self._map_from,
            "$r": self._row_from,
        }

    # --- writing --------------------------------------------------------------------

    def to_data(self, value: Any) -> Any:
        """Return JSON-able data for a value, a row, an output, or a list of them.

        Raises `TypeError` for anything else: no state may hold it.
        """
        kind = value.__class__
        if kind in _PLAIN:
            return value
        if kind is list:
            return [self.to_data(item) for item in value]
        if kind is tuple:
            return {"$t": [self.to_data(item) for item in value]}
        if kind is Timestamp:
            return {"$ts": value.ns}
        if kind is Duration:
            return {"$d": value.ns}
        if kind is self._row_class:
            return {"$r": self._row_data(value)}
        if isinstance(value, dict):
            return self._map_data(value)
        if isinstance(value, msgspec.Struct):
            if value.__struct_config__.tag is None:  # a row as a batch was decoded
                return {"$r": self._row_data(value)}
            return {"$o": self._output_data(value)}
        raise TypeError(f"a {kind.__name__} in a state")

    def _map_data(self, value: dict[str, Any]) -> Any:
        members = {name: self.to_data(member) for name, member in value.items()}
        if any(name.startswith("$") for name in members):
            return {"$m": members}
        return members

    def _row_data(self, row: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._is_stamped:
            found["ts"] = row.ts
        found["fields"] = {
            name: self.to_data(value)
            for name, attribute in self._attributes.items()
            if (value := getattr(row, attribute)) is not None
        }
        if self._is_whole:
            found["whole"] = self.to_data(row.m)
        return found

    def _output_data(self, output: msgspec.Struct) -> dict[str, Any]:
        """Return the members of an output; who made it plays no part any more."""
        config = output.__struct_config__
        found = {str(config.tag_field): config.tag}
        for item in msgspec.structs.fields(output):
            value = getattr(output, item.name)
            if value is not None and item.name != "ts":
                found[item.encode_name] = self.to_data(value)
        return found

    # --- reading --------------------------------------------------------------------

    def from_data(self, data: Any) -> Any:
        """Return what `to_data` was given; raises `CheckpointError` for other data."""
        kind = data.__class__
        if kind in _PLAIN:
            return data
        if kind is list:
            return [self.from_data(item) for item in data]
        if kind is not dict:
            raise CheckpointError(f"a {kind.__name__} in the state")
        if len(data) == 1:
            [(name, inner)] = data.items()
            if name.startswith("$"):
                return self._special(name, inner)
        return self._map_from(data)

    def _special(self, name: str, inner: Any) -> Any:
        read = self._readers.get(name)
        if read is None:
            raise CheckpointError(f"an unknown kind {name!r} in the state")
        return read(inner)

    def _map_from(self, data: dict[str, Any]) -> dict[str, Any]:
        return {name: self.from_data(member) for name, member in data.items()}

    def _row_from(self, data: dict[str, Any]) -> Any:
        fields = self._map_from(data["fields"])
        values: list[Any] = []
        if self._is_stamped:
            values.append(data.get("ts", 0))
        values += map(fields.get, self._attributes)
        if self._is_whole:
            whole = data.get("whole")
            values.append(fields if whole is None else self.from_data(whole))
        return self._make_row(*values)
