"""What a bare name means at one place of the program (vpl.md 4.3)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.compiler.code import Code, combine, constant
from engine.compiler.kinds import ANY, NULL, STR
from engine.compiler.namespace import Namespace
from engine.compiler.readers import Reader, caller_alias, caller_whole
from engine.compiler.symbols import GlobalSymbol, Symbols
from vpl import nodes

LambdaMaker = Callable[["Scope", nodes.Lambda], Code]


@dataclass(slots=True)
class Scope:
    """One place where expressions stand: a stream, a function or a lambda.

    `frame` and `depth` are the texts handed to called functions, `reader` reads the
    current event and `type` is its type. Functions do not know the aliases of the
    streams that call them; those are looked up in the frame. `before` collects
    definitions that must stand before the statement at hand; without it lambdas become
    functions of the module. In exact code kinds are proven, and a call is given up
    where the proof fails.
    """

    names: Namespace
    symbols: Symbols
    frame: str
    depth: str
    reader: Reader
    type: Code
    make_lambda: LambdaMaker
    locals: dict[str, Code] = field(default_factory=dict)
    before: list[str] | None = None
    is_exact: bool = False

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
        return self.reader.field(name)

    def member(self, name: str, field_name: str) -> Code | None:
        """Return `name.field_name` if `name` is an alias known here."""
        return None if name in self.locals else self.reader.member(name, field_name)

    def is_dynamic_alias(self, name: str) -> bool:
        """Tell whether some calling stream may have `name` as an alias."""
        if self.reader.knows_aliases or name in self.locals:
            return False
        return name in self.symbols.aliases or name in self.symbols.bound_aliases

    def dynamic_member(self, name: str, field_name: str, otherwise: Code) -> Code:
        """Return `name.field_name` where `name` may be an alias of the caller."""
        key, found = self.names.text(name), otherwise
        if name in self.symbols.bound_aliases:
            bound = caller_alias(self.names, self.frame, name, field_name)
            text = f"({bound.text} if {key} in {self.frame}.bound else {found.text})"
            found = combine(text, bound.kinds | found.kinds, bound, found)
        if name in self.symbols.aliases:
            direct = self.field(field_name)
            text = f"({direct.text} if {key} in {self.frame}.aliases else {found.text})"
            found = combine(text, direct.kinds | found.kinds, direct, found)
        return found

    def global_value(self, name: str) -> Code | None:
        """Return the value of a global variable."""
        symbol = self.symbols.globals.get(name)
        if symbol is None:
            return None
        return symbol.constant or self._stored(symbol)

    def _stored(self, symbol: GlobalSymbol) -> Code:
        return combine(f"G.{symbol.attribute}", ANY)

    def _fallbacks(self, name: str) -> list[Code]:
        whole = self.reader.alias(name)
        if whole is None and self.is_dynamic_alias(name):
            whole = self._dynamic_whole(name)
        others = (whole, self.global_value(name), self._implicit(name))
        return [value for value in others if value is not None]

    def _dynamic_whole(self, name: str) -> Code:
        key = self.names.text(name)
        found = constant("None", NULL)
        if name in self.symbols.bound_aliases:
            found = caller_whole(self.names, self.frame, name)
        if name in self.symbols.aliases:
            whole = self.reader.whole()
            text = f"({whole.text} if {key} in {self.frame}.aliases else {found.text})"
            found = combine(text, whole.kinds | found.kinds, whole, found)
        return found

    def _implicit(self, name: str) -> Code | None:
        if name == "event_type":
            return combine(self.type.text, STR | NULL, self.type)
        if name == "timestamp":
            return self.reader.timestamp()
        if name == "_partition":
            return self.reader.partition
        return None

    def _or_else(self, value: Code, fallback: Code) -> Code:
        temp = self.temp()
        kinds = (value.kinds & ~NULL) | fallback.kinds
        text = f"({temp} if ({temp} := {value.text}) is not None else {fallback.text})"
        return combine(text, kinds, value, fallback)
