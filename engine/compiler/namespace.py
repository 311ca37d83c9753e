"""The names generated code may use, and the fields it reads."""

import math
from typing import TYPE_CHECKING, Any

from engine.compiler.code import Code, constant
from engine.compiler.kinds import LITERAL_KINDS
from engine.runtime.values import Duration, Timestamp
from vpl import nodes

if TYPE_CHECKING:
    from engine.compiler.lines import Lines

if TYPE_CHECKING:
    from engine.compiler.lines import Lines


class FieldTable:
    """The event fields the program reads and the row attributes that hold them.

    Filled while code is generated: a field nobody reads is never decoded. `whole` is
    set when the program needs events as maps, `stamped` when it needs timestamps.
    """

    def __init__(self) -> None:
        self.attributes: dict[str, str] = {}
        self.whole = False
        self.stamped = False

    def attribute(self, field: str) -> str:
        """Return the attribute of a row that holds `field`."""
        if field == "timestamp":
            self.stamped = True
        return self.attributes.setdefault(field, f"f{len(self.attributes)}")


class Namespace:
    """Values that generated code names; no text of the program is ever code.

    Texts and other values get a name `K0`, `K1` ..; `functions` collects generated
    functions, `module_lines` what runs once after they are defined.
    """

    def __init__(self, fields: FieldTable) -> None:
        self.fields = fields
        self.values: dict[str, Any] = {}
        self.functions: list[Lines] = []
        self.module_lines: list[str] = []
        self._texts: dict[str, str] = {}
        self._count = 0

    def fresh(self, prefix: str) -> str:
        """Return a name nobody else has."""
        self._count += 1
        return f"{prefix}{self._count}"

    def bind(self, prefix: str, value: Any) -> str:
        """Give `value` a name."""
        name = self.fresh(prefix)
        self.values[name] = value
        return name

    def known(self, name: str, value: Any) -> str:
        """Give `value` the name `name`, which is no text of the program."""
        self.values[name] = value
        return name

    def text(self, value: str) -> str:
        """Return the name of a text constant."""
        name = self._texts.get(value)
        if name is None:
            name = self._texts[value] = self.bind("K", sound_text(value))
        return name

    def literal(self, node: nodes.Literal) -> Code:
        """Return the code of a literal."""
        kinds = LITERAL_KINDS[node.kind]
        value = node.value
        if node.kind == "str":
            return constant(self.text(str(value)), kinds)
        if node.kind == "timestamp":
            return constant(self.bind("K", Timestamp(int(value or 0))), kinds)
        if node.kind == "duration":
            return constant(self.bind("K", Duration(int(value or 0))), kinds)
        return self._plain(value, kinds)

    def _plain(self, value: Any, kinds: int) -> Code:
        if value is None or value is True or value is False:
            return constant(repr(value), kinds)
        if isinstance(value, float) and not math.isfinite(value):
            return constant(self.bind("K", value), kinds)
        text = repr(value)
        return constant(f"({text})" if value < 0 else text, kinds, value)


def sound_text(value: str) -> str:
    """Return `value` with lone surrogates replaced; JSON cannot carry them."""
    if value.isascii():
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
