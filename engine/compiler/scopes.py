"""What a bare name means at one place of the program (vpl.md 4.3)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.compiler.code import Code, combine, variable
from engine.compiler.kinds import ANY, FIELD, MAP, NULL, STR, TIMESTAMP
from engine.compiler.namespace import Namespace
from engine.compiler.symbols import GlobalSymbol, Symbols
from vpl import nodes

LambdaMaker = Callable[["Scope", nodes.Lambda], Code]


@dataclass(slots=True)
class Scope:
    """One place where expressions stand: a stream, a function or a lambda.

    `frame` and `depth` are the texts handed to called functions, `row` and `type` the
    current event, `fixed_aliases` the names of the whole event that are known here;
    in functions those of the calling stream are looked up in its frame. `before`
    collects definitions that must stand before the statement at hand; without it
    lambdas become functions of the module. In exact code kinds are proven, and a call
    is given up where the proof fails. Where `hoisted` is there, fields are read once
    before all else: it collects their attributes and the variables that hold them.
    """

    names: Namespace
    symbols: Symbols
    frame: str
    depth: str
    row: Code
    type: Code
    fixed_aliases: frozenset[str] | None
    make_lambda: LambdaMaker
    locals: dict[str, Code] = field(default_factory=dict)
    before: list[str] | None = None
    is_exact: bool = False
    hoisted: dict[str, str] | None = None

    @property
    def may_stop(self) -> bool:
        """Tell whether code here may be stopped: it stands in a function."""
        return self.before is not None

    def temp(self) -> str:
        """Return a new variable for a value inside an expression."""
        return self.names.fresh("v")

    def name(self, name: str) -> Code:
        """Return the value of a bare name, null if nothing has it."""
        local = self.locals.get(name)
        if local is not None:
            return local
        value = self.field(name)
        for fallback in self._fallbacks(name):
            value = self._or_else(value, fallback)
        return value

    def field(self, name: str) -> Code:
        """Return a field of the current event."""
        attribute = self.names.fields.attribute(name)
        if self.hoisted is not None:
            held = self.hoisted.setdefault(attribute, f"{self.row.text}_{attribute}")
            return variable(held, FIELD)
        return combine(f"{self.row.text}.{attribute}", FIELD, self.row)

    def whole_event(self) -> Code:
        """Return the current event as a map."""
        self.names.fields.whole = True
        return combine(f"{self.row.text}.m", MAP | NULL, self.row)

    def member(self, name: str, field_name: str) -> Code | None:
        """Return `name.field_name` if `name` is an alias known here."""
        if name in self.locals or self.fixed_aliases is None:
            return None
        return self.field(field_name) if name in self.fixed_aliases else None

    def is_dynamic_alias(self, name: str) -> bool:
        """Tell whether some calling stream may have `name` as an alias."""
        if self.fixed_aliases is not None or name in self.locals:
            return False
        return name in self.symbols.aliases

    def global_value(self, name: str) -> Code | None:
        """Return the value of a global variable."""
        symbol = self.symbols.globals.get(name)
        if symbol is None:
            return None
        return symbol.constant or self._stored(symbol)

    def _stored(self, symbol: GlobalSymbol) -> Code:
        return combine(f"G.{symbol.attribute}", ANY)

    def _fallbacks(self, name: str) -> list[Code]:
        found = []
        if self.fixed_aliases is not None and name in self.fixed_aliases:
            found.append(self.whole_event())
        elif self.is_dynamic_alias(name):
            found.append(self._dynamic_whole(name))
        others = (self.global_value(name), self._implicit(name))
        return found + [value for value in others if value is not None]

    def _dynamic_whole(self, name: str) -> Code:
        whole = self.whole_event()
        known = f"{self.names.text(name)} in {self.frame}.aliases"
        return combine(f"({whole.text} if {known} else None)", MAP | NULL, whole)

    def _implicit(self, name: str) -> Code | None:
        if name == "event_type":
            return combine(self.type.text, STR | NULL, self.type)
        if name == "timestamp":
            self.names.fields.stamped = True
            return combine(f"{self.row.text}.ts", TIMESTAMP, self.row)
        return None

    def _or_else(self, value: Code, fallback: Code) -> Code:
        temp = self.temp()
        kinds = (value.kinds & ~NULL) | fallback.kinds
        text = f"({temp} if ({temp} := {value.text}) is not None else {fallback.text})"
        return combine(text, kinds, value, fallback)
