"""Classes of output events, one for each place that emits.

An output is a msgspec Struct where the field names allow it: it encodes faster than a
dict, leaves null fields out by itself and says where it was made by its class. Its
attribute `ts` is the timestamp member, set only while a sink encodes it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.compiler.code import Code
from engine.compiler.namespace import FieldTable, Namespace, sound_text

_UNFIT_NAME = re.compile(r'["\\\x00-\x1f]')
_ENVELOPE = frozenset(("event_type", "timestamp"))


@dataclass(frozen=True, slots=True)
class OutputSite:
    """One place that makes output events, by `.emit` or an emit statement."""

    generated: str
    event_type: str
    fields: tuple[str, ...]
    is_struct: bool
    head: str = "None"

    def construct(self, values: Sequence[Code]) -> str:
        """Return the text that makes an output of `values`, in order of the fields."""
        listed = "".join(f", {value.text}" for value in values)
        return f"{self.generated}({self.head}{listed})"

    def read(self, output: str, field: str, names: Namespace) -> str:
        """Return the text that reads a field of the output in variable `output`."""
        if field not in self.fields:
            return "None"
        if self.is_struct:
            return f"{output}.a{self.fields.index(field)}"
        return f"{output}.places[{self.fields.index(field)}]"

    def row(self, output: str, stamp: str, names: Namespace) -> str:
        """Return the text that makes the row of the output for its consumers.

        `stamp` is the text of its timestamp in ns.
        """
        fields = names.fields
        values = [stamp] if fields.stamped else []
        values += [self.read(output, field, names) for field in fields.attributes]
        if fields.whole:
            values.append(self._as_map(output, names))
        return f"Row({', '.join(values)})"

    def _as_map(self, output: str, names: Namespace) -> str:
        members = ", ".join(
            f"{names.text(field)}: {self.read(output, field, names)}"
            for field in self.fields
        )
        return f"without_nulls({{{members}}})"


def is_fit_name(name: str) -> bool:
    """Tell whether a Struct can carry a field of this name."""
    return _UNFIT_NAME.search(name) is None


class LooseOutput(dict[str, Any]):
    """An output whose field names no Struct can carry, or replace its envelope.

    Subclasses know their type and fields; `places` are the values by position.
    """

    event_type = ""
    field_names: tuple[str, ...] = ()

    def __init__(self, ts: None, *values: Any) -> None:
        super().__init__(event_type=self.event_type)
        self.places = values
        for name, value in zip(self.field_names, values, strict=True):
            if value is not None:
                self[name] = value


class DynamicOutput(dict[str, Any]):
    """An output whose type is known only when it is made."""

    def __init__(self, event_type: str, names: tuple[str, ...], *values: Any) -> None:
        super().__init__(event_type=event_type)
        self.places = values
        for name, value in zip(names, values, strict=True):
            if value is not None:
                self[name] = value


def whole_output(event_type: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return an event as an output with all its fields."""
    return {"event_type": event_type, **fields}


def without_nulls(members: dict[str, Any]) -> dict[str, Any]:
    """Return a map without its null members."""
    return {key: value for key, value in members.items() if value is not None}


def dynamic_site(names: Namespace, type_text: str, fields: Sequence[str]) -> OutputSite:
    """Return the place of a `select` on events of several types."""
    listed = names.bind("K", tuple(map(sound_text, fields)))
    head = f"{type_text}, {listed}"
    return OutputSite("DynamicOutput", "", tuple(fields), is_struct=False, head=head)


def new_site(names: Namespace, event_type: str, fields: Sequence[str]) -> OutputSite:
    """Make the class of a place that emits and give it a name."""
    sound = tuple(map(sound_text, fields))
    is_struct = not _ENVELOPE & set(sound) and all(map(is_fit_name, sound))
    make = _struct if is_struct else _loose
    generated = names.bind("E", make(sound_text(event_type), sound))
    return OutputSite(generated, event_type, tuple(fields), is_struct)


def _struct(event_type: str, fields: tuple[str, ...]) -> type[msgspec.Struct]:
    members: list[tuple[str, Any, Any]] = [("ts", Any, None)]
    members += [(f"a{at}", Any, None) for at in range(len(fields))]
    rename = {f"a{at}": name for at, name in enumerate(fields)}
    return msgspec.defstruct(
        "Output",
        members,
        rename={"ts": "timestamp", **rename},
        tag_field="event_type",
        tag=event_type,
        omit_defaults=True,
        gc=False,  # values are never changed, so they cannot form cycles
    )


def _loose(event_type: str, fields: tuple[str, ...]) -> type[LooseOutput]:
    members = {"event_type": event_type, "field_names": fields}
    return type("Output", (LooseOutput,), members)


def row_struct(fields: FieldTable) -> type[msgspec.Struct]:
    """Make the class of rows: `ts` if needed, the fields read, `m` if needed."""
    members: list[tuple[str, Any, Any]] = [
        (name, Any, None) for name in row_attributes(fields)
    ]
    return msgspec.defstruct("Row", members, gc=False)


def row_attributes(fields: FieldTable) -> list[str]:
    """Return the attributes of a row, in order."""
    names = ["ts"] if fields.stamped else []
    names += fields.attributes.values()
    return [*names, "m"] if fields.whole else names
