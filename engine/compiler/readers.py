"""How expressions read the event at hand (vpl.md 4.3 and 10.6).

Most events are rows: one variable with an attribute per field. A match or a joined
event is compound: every alias has a row of its own, and nothing is copied until
somebody needs the event as one row.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol

from engine.compiler.code import FRAME, Code, combine, variable
from engine.compiler.kinds import ANY, ARRAY, FIELD, INT, MAP, NULL, TIMESTAMP
from engine.compiler.namespace import Namespace

ABSENT: Final = Code("(None)", NULL, 1)
"""What is not there; unlike the literal `null` it is equal to nothing."""


class Reader(Protocol):
    """Gives the code that reads parts of the current event."""

    @property
    def knows_aliases(self) -> bool:
        """Tell whether aliases are known here; in functions the caller knows them."""
        ...

    @property
    def partition(self) -> Code | None:
        """Return the partition key, None where there is none."""
        ...

    def field(self, name: str) -> Code:
        """Return a field."""
        ...

    def member(self, alias: str, name: str) -> Code | None:
        """Return a field of the event behind an alias, None if it is no alias."""
        ...

    def alias(self, name: str) -> Code | None:
        """Return the whole event (or events) behind an alias, None if it is none."""
        ...

    def count(self, alias: str) -> Code | None:
        """Return how many events are behind an alias, None if it is not of several."""
        ...

    def element(self, alias: str, at: int, name: str) -> Code | None:
        """Return a field of one of several events, None if it is not of several."""
        ...

    def whole(self) -> Code:
        """Return the current event as a map."""
        ...

    def timestamp(self) -> Code:
        """Return the timestamp as a value of the language."""
        ...


@dataclass(slots=True)
class RowReader:
    """Reads a row in a variable.

    `aliases` are names of the whole event, None inside functions; `bound` knows those
    of the match or join the event was made from. Where `hoisted` is there, fields are
    read once before all else: it collects their attributes and variables.
    """

    names: Namespace
    row: Code
    aliases: frozenset[str] | None
    hoisted: dict[str, str] | None = None
    bound: "CompoundReader | None" = None
    partition: Code | None = None

    @property
    def knows_aliases(self) -> bool:
        """Tell whether aliases are known here."""
        return self.aliases is not None

    def field(self, name: str) -> Code:
        """Return a field."""
        attribute = self.names.fields.attribute(name)
        if self.hoisted is not None:
            held = self.hoisted.setdefault(attribute, f"{self.row.text}_{attribute}")
            return variable(held, FIELD)
        return combine(f"{self.row.text}.{attribute}", FIELD, self.row)

    def member(self, alias: str, name: str) -> Code | None:
        """Return a field of the event behind an alias."""
        if self.aliases is None:
            return None
        if alias in self.aliases:
            return self.field(name)
        return self.bound.member(alias, name) if self.bound else None

    def alias(self, name: str) -> Code | None:
        """Return the whole event behind an alias."""
        if self.aliases is not None and name in self.aliases:
            return self.whole()
        return self.bound.alias(name) if self.bound else None

    def count(self, alias: str) -> Code | None:
        """Return how many events of a match are behind an alias."""
        if self.aliases is None or alias in self.aliases:
            return None
        return self.bound.count(alias) if self.bound else None

    def element(self, alias: str, at: int, name: str) -> Code | None:
        """Return a field of one of the events of a match behind an alias."""
        if self.aliases is None or alias in self.aliases:
            return None
        return self.bound.element(alias, at, name) if self.bound else None

    def whole(self) -> Code:
        """Return the row as a map."""
        self.names.fields.whole = True
        return combine(f"{self.row.text}.m", MAP | NULL, self.row)

    def timestamp(self) -> Code:
        """Return the timestamp of the row."""
        self.names.fields.stamped = True
        return combine(f"Timestamp({self.row.text}.ts)", TIMESTAMP, self.row)


@dataclass(frozen=True, slots=True)
class Part:
    """One aliased event of a compound event: the variable of its row.

    `is_many` marks a list of rows (the latest counts), `may_miss` one that can be None.
    `is_field` tells that fields of a match are called by the alias (10.6).
    """

    alias: str
    variable: str
    is_many: bool = False
    may_miss: bool = False
    is_field: bool = True

    @property
    def latest(self) -> str:
        """Return the text of the row, the latest of several."""
        return f"{self.variable}[-1]" if self.is_many else self.variable

    def read(self, attribute: str, kinds: int) -> Code:
        """Return an attribute of the row, null if there is no row."""
        uses = frozenset({self.variable})
        text = f"{self.latest}.{attribute}"
        if self.may_miss:
            return Code(f"({text} if {self.variable} else None)", kinds | NULL, 2, uses)
        return Code(text, kinds, 1, uses)


@dataclass(slots=True)
class CompoundReader:
    """Reads a match or a joined event by its parts.

    `extras` are fields of the event itself, which come first; `flat` tells that fields
    called `alias_field` read the parts (matches), otherwise each part is a map under
    its name (joins); `plain` are the rows that bare names fall back to, in order; of a
    match they are no fields. `own` are aliases of the whole event, `missing` aliases of
    parts that are not there yet. `stamp` is the text of its timestamp in ns.
    """

    names: Namespace
    parts: tuple[Part, ...]
    plain: tuple[Part, ...]
    stamp: str
    extras: dict[str, Code] = field(default_factory=dict)
    is_flat: bool = True
    partition: Code | None = None
    own: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()

    @property
    def knows_aliases(self) -> bool:
        """Tell that aliases are known."""
        return True

    def field(self, name: str) -> Code:
        """Return a field: of the event itself, of a part by prefix, or of a row."""
        if name in self.extras:
            return self.extras[name]
        attribute = self.names.fields.attribute(name)
        plain = [part.read(attribute, FIELD) for part in self.plain]
        return self._first_of(self._own_field(name) + plain)

    def _own_field(self, name: str) -> list[Code]:
        if name in self.extras:
            return [self.extras[name]]
        return self._prefixed(name) if self.is_flat else self._named(name)

    def _prefixed(self, name: str) -> list[Code]:
        found = []
        for part in self.parts:
            rest = name.removeprefix(f"{part.alias}_")
            if rest != name and rest and part.is_field:
                attribute = self.names.fields.attribute(rest)
                found.append(part.read(attribute, FIELD))
        return found

    def _named(self, name: str) -> list[Code]:
        found = self.alias(name)
        return [] if found is None else [found]

    def _first_of(self, codes: list[Code]) -> Code:
        if not codes:
            return ABSENT
        whole = codes[-1]
        for code in reversed(codes[:-1]):
            temp = self.names.fresh("v")
            kinds = (code.kinds & ~NULL) | whole.kinds
            text = f"({temp} if ({temp} := {code.text}) is not None else {whole.text})"
            whole = combine(text, kinds, code, whole)
        return whole

    def _part(self, alias: str) -> Part | None:
        return next((part for part in self.parts if part.alias == alias), None)

    def member(self, alias: str, name: str) -> Code | None:
        """Return a field of a part."""
        if alias in self.own:
            return self._first_of(self._own_field(name))
        if alias in self.missing:
            return ABSENT
        part = self._part(alias)
        if part is None:
            return None
        return part.read(self.names.fields.attribute(name), FIELD)

    def alias(self, name: str) -> Code | None:
        """Return a part as a map, or as an array of maps."""
        if name in self.own:
            return self.whole()
        part = self._part(name)
        if part is None:
            return None
        self.names.fields.whole = True
        if part.is_many:
            text = f"row_maps({part.variable})"
            return Code(text, ARRAY | NULL, 1, frozenset({part.variable}))
        return part.read("m", MAP | NULL)

    def count(self, alias: str) -> Code | None:
        """Return how many events are behind an alias; their maps are not needed."""
        part = self._part(alias)
        if part is None or not part.is_many:
            return None
        text = f"(len({part.variable}) if {part.variable} else None)"
        return Code(text, INT | NULL, 1, frozenset({part.variable}))

    def element(self, alias: str, at: int, name: str) -> Code | None:
        """Return a field of one of the events behind an alias, without their maps."""
        part = self._part(alias)
        if part is None or not part.is_many:
            return None
        attribute = self.names.fields.attribute(name)
        rows = part.variable
        least = at + 1 if at >= 0 else -at
        test = f"{rows} and len({rows}) >= {least}"
        text = f"({rows}[{at}].{attribute} if {test} else None)"
        return Code(text, FIELD, 2, frozenset({rows}))

    def whole(self) -> Code:
        """Return the event as a map with all its fields."""
        self.names.fields.whole = True
        extras = "".join(
            f"{self.names.text(name)}: {code.text}, "
            for name, code in self.extras.items()
        )
        listed = "".join(
            f"({self.names.text(part.alias)}, {part.variable}), "
            for part in self.parts
            if part.is_field
        )
        make = "match_map" if self.is_flat else "join_map"
        codes = [variable(part.variable) for part in self.parts]
        text = f"{make}({{{extras}}}, ({listed}))"
        return combine(text, MAP, *self.extras.values(), *codes)

    def timestamp(self) -> Code:
        """Return the timestamp of the event."""
        self.names.fields.stamped = True
        return Code(f"Timestamp({self.stamp})", TIMESTAMP, 1)

    def row_text(self, *, is_inside: bool = False) -> str:
        """Return the text that makes one row of the event.

        `is_inside` tells that it is for the stream itself, where bare names also read
        the last event of a match.
        """
        fields = self.names.fields
        values = [self.stamp] if fields.stamped else []
        read = self.field if is_inside or not self.is_flat else self._strict_field
        values += [read(name).text for name in list(fields.attributes)]
        if fields.whole:
            values.append(self.whole().text)
        return f"Row({', '.join(values)})"

    def _strict_field(self, name: str) -> Code:
        return self._first_of(self._own_field(name))

    def bound_text(self) -> str:
        """Return the text of the map of parts that functions look aliases up in."""
        found = {part.alias: part.variable for part in self.parts}
        found |= dict.fromkeys(sorted(self.missing), "None")
        listed = ", ".join(f"{self.names.text(a)}: {v}" for a, v in found.items())
        return f"{{{listed}}}"


def caller_alias(names: Namespace, frame: str, alias: str, name: str) -> Code:
    """Return a field behind an alias of the match or join of the calling stream."""
    attribute = names.text(names.fields.attribute(name))
    text = f"bound_field({frame}, {names.text(alias)}, {attribute})"
    return Code(text, FIELD, 1, frozenset({FRAME}))


def caller_whole(names: Namespace, frame: str, alias: str) -> Code:
    """Return the whole event behind an alias of the calling stream."""
    names.fields.whole = True
    text = f"bound_whole({frame}, {names.text(alias)})"
    return Code(text, ANY, 1, frozenset({FRAME}))
