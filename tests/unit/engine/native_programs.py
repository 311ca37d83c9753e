"""Random typed functions, as text, for the test of native code against Python."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

INT, FLOAT, BOOL = "int", "float", "bool"
KINDS = (INT, FLOAT, BOOL)
MIN, MAX = -(2**63), 2**63 - 1

INTS = st.one_of(
    st.integers(-5, 5),
    st.sampled_from([63, 64, 2**31, 2**53 + 1, 2**62, MAX - 1, MAX, MIN + 1, MIN]),
    st.integers(MIN, MAX),
)
FLOATS = st.one_of(
    st.sampled_from([0.0, -0.0, 0.5, -1.5, 2.0, 2.0**53, 2.0**63, -(2.0**63), 1e300]),
    st.floats(),
)
ARGUMENTS = {INT: INTS, FLOAT: FLOATS, BOOL: st.booleans()}
STRAY = st.sampled_from([None, "text", 1, 0.5, True, [1]])
ARITHMETIC = ["+", "-", "*", "/", "%"]
ORDER = ["<", "<=", ">", ">=", "==", "!="]
ROUNDING = ["floor", "ceil", "round", "to_int", "sign"]
LIBRARY = ["sqrt", "exp", "log", "ln", "log10", "sin", "cos", "tan"]

Arguments = tuple[Any, ...]


@dataclass
class Writer:
    """Draws one function; `names` are the locals that may be read, by kind.

    `helpers` are functions that may be called, with the kinds they take and give.
    """

    draw: Any
    names: dict[str, list[str]]
    helpers: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)
    emits: bool = False
    result: str = INT
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def pick(self, items: Any) -> Any:
        return self.draw(st.sampled_from(list(items)))

    def fresh(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def atom(self, kind: str) -> str:
        known = self.names[kind]
        if known and self.draw(st.integers(0, 3)):
            return str(self.pick(known))
        if kind == BOOL:
            return str(self.pick(["true", "false"]))
        if kind == INT:
            return _literal(self.draw(INTS))
        return _literal(
            self.draw(st.sampled_from([0.0, 0.5, -1.5, 3.0, 1e200, 2.0**63]))
        )

    def expression(self, kind: str, depth: int) -> str:
        if depth == 0:
            return self.atom(kind)
        if kind == BOOL:
            return self._truth(depth - 1)
        form = self.draw(st.integers(0, 10))
        if form == 10:
            left, right = (self.expression(kind, depth - 1) for _ in "ab")
            return f"({left} ?? {right})"
        if form == 0:
            test = self.expression(BOOL, depth - 1)
            one, other = (self.expression(kind, depth - 1) for _ in "ab")
            return f"(if {test} then {one} else {other})"
        if form == 1:
            return f"(-{self.expression(kind, depth - 1)})"
        if form == 2:
            return self._call(kind, depth - 1)
        if form == 3 and kind == INT:
            return self._bits(depth - 1)
        if form == 4:
            return self._power(kind, depth - 1)
        return self._arithmetic(kind, depth - 1)

    def _arithmetic(self, kind: str, depth: int) -> str:
        op = self.pick(ARITHMETIC)
        sides = [kind, kind]
        if kind == FLOAT:
            sides[self.draw(st.integers(0, 1))] = self.pick([INT, FLOAT])
        a, b = (self.expression(side, depth) for side in sides)
        return f"({a} {op} {b})"

    def _bits(self, depth: int) -> str:
        if self.draw(st.integers(0, 3)) == 0:
            return f"(~{self.expression(INT, depth)})"
        op = self.pick(["&", "|", "^", "<<", ">>"])
        right = self.expression(INT, depth)
        if op in {"<<", ">>"} and self.draw(st.booleans()):
            right = str(self.draw(st.integers(-1, 64)))
        return f"({self.expression(INT, depth)} {op} {right})"

    def _power(self, kind: str, depth: int) -> str:
        base = self.expression(kind, depth)
        if kind == INT:
            return f"({base} ** {self.draw(st.integers(0, 66))})"
        return f"({base} ** {self.expression(self.pick([INT, FLOAT]), depth)})"

    def _truth(self, depth: int) -> str:
        form = self.draw(st.integers(0, 6))
        if form == 6:
            test = self.pick(["null", "not null", "int", "float", "number", "not bool"])
            return f"({self.expression(self.pick(KINDS), depth)} is {test})"
        if form == 0:
            return f"(not {self.expression(BOOL, depth)})"
        if form <= 2:
            op = self.pick(["and", "or", "==", "!="])
            a, b = (self.expression(BOOL, depth) for _ in "ab")
            return f"({a} {op} {b})"
        a, b = (self.expression(self.pick([INT, FLOAT]), depth) for _ in "ab")
        return f"({a} {self.pick(ORDER)} {b})"

    def _call(self, kind: str, depth: int) -> str:
        fit = [helper for helper in self.helpers if helper[2] == kind]
        if fit and self.draw(st.booleans()):
            name, params, _ = self.pick(fit)
            args = [self.expression(param, depth) for param in params]
            return f"{name}({', '.join([self.pick(['span', '0', '3']), *args])})"
        if kind == INT:
            if self.draw(st.booleans()):
                a, b = (self.expression(INT, depth) for _ in "ab")
                return f"{self.pick(['min', 'max'])}({a}, {b})"
            return f"{self.pick(ROUNDING)}({self.expression(self.pick([INT, FLOAT]), depth)})"
        if self.draw(st.booleans()):
            sides = [FLOAT, self.pick([INT, FLOAT])]
            a, b = (self.expression(side, depth) for side in sides)
            return f"{self.pick(['min', 'max', 'atan2'])}({a}, {b})"
        inner = self.expression(self.pick([INT, FLOAT]), depth)
        return f"{self.pick([*LIBRARY, 'to_float'])}({inner})"

    # --- statements -----------------------------------------------------------------

    def add(self, level: int, text: str) -> None:
        self.lines.append("    " * level + text)

    def block(self, level: int, budget: int, in_loop: bool) -> None:
        """Write some statements; names they make are read below them only."""
        for _ in range(self.draw(st.integers(1, budget))):
            self.statement(level, budget, in_loop)

    def statement(self, level: int, budget: int, in_loop: bool) -> None:
        form = self.draw(st.integers(0, 9))
        if form <= 2:
            self._declare(level)
        elif form <= 4:
            self._change(level)
        elif form == 5 and budget > 1:
            self._if(level, budget, in_loop)
        elif form == 6 and budget > 1:
            self.pick([self._for, self._while])(level, budget)
        elif form == 7 and self.emits:
            self._emit(level)
        elif form == 8 and in_loop:
            self.add(level, f"if {self.expression(BOOL, 1)}:")
            self.add(level + 1, str(self.pick(["break", "continue"])))
        elif form == 9:
            self.add(level, f"if {self.expression(BOOL, 1)}:")
            self.add(level + 1, f"return {self.expression(self.result, 1)}")
        else:
            self._change(level)

    def _declare(self, level: int) -> None:
        kind = self.pick(KINDS)
        value = self.expression(kind, 2)
        word, name = self.pick(["let", "var"]), self.fresh()
        name = f"k{name}" if word == "let" else name
        self.add(level, f"{word} {name} = {value}")
        self.names[kind].append(name)

    def _change(self, level: int) -> None:
        kind = self.pick(KINDS)
        changeable = [name for name in self.names[kind] if name[0] in "pv"]
        if changeable:
            self.add(level, f"{self.pick(changeable)} := {self.expression(kind, 2)}")
        else:
            self.add(level, f"w{self.fresh()} := {self.expression(kind, 1)}")

    def _if(self, level: int, budget: int, in_loop: bool) -> None:
        self.add(level, f"if {self.expression(BOOL, 2)}:")
        self.block(level + 1, budget - 1, in_loop)
        if self.draw(st.booleans()):
            self.add(level, "else:")
            self.block(level + 1, budget - 1, in_loop)

    def _for(self, level: int, budget: int) -> None:
        name = f"i{self.fresh()}"
        stop = self.draw(st.integers(0, 5))
        dots = self.pick(["..", "..="])
        over = self.pick([str(stop), f"{stop - 3}{dots}{stop}", "span", f"0{dots}span"])
        self.add(level, f"for {name} in {over}:")
        self.names[INT].append(name)
        self.block(level + 1, budget - 1, in_loop=True)

    def _while(self, level: int, budget: int) -> None:
        name = f"i{self.fresh()}"
        self.add(level, f"var {name} = 0")
        self.add(level, f"while {name} < 4 and {self.expression(BOOL, 1)}:")
        self.add(level + 1, f"{name} := {name} + 1")
        self.names[INT].append(name)
        self.block(level + 1, budget - 1, in_loop=True)

    def _emit(self, level: int) -> None:
        fields = [
            f"{field}: {self.expression(kind, 1)}"
            for field, kind in zip("xyz", KINDS, strict=True)
        ]
        self.add(level, f"emit {self.pick(['T', 'T', 'U'])}({', '.join(fields)})")


@dataclass(frozen=True)
class TypedFunction:
    """A program with a function `main`, and arguments to call it with."""

    source: str
    arguments: tuple[Arguments, ...]


@st.composite
def typed_functions(draw: Any) -> TypedFunction:
    """Draw a function of typed numbers with loops, calls and emits.

    `span` is a parameter for the ends of loops, so that they stay short. Some of the
    arguments are not of the declared kinds.
    """
    texts: list[str] = []
    helpers: list[tuple[str, tuple[str, ...], str]] = []
    for name in ("h1", "h2")[: draw(st.integers(0, 2))]:
        kinds = tuple(draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=2)))
        result = draw(st.sampled_from([INT, FLOAT]))
        texts += _function(draw, name, kinds, helpers, result=result, emits=False)
        helpers = [*helpers, (name, kinds, result)]
    kinds = tuple(draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3)))
    result, emits = draw(st.sampled_from(KINDS)), draw(st.booleans())
    texts += _function(draw, "main", kinds, helpers, result=result, emits=emits)
    argument = st.tuples(
        st.integers(-1, 4),
        *(st.one_of(*[ARGUMENTS[kind]] * 8, STRAY) for kind in kinds),
    )
    arguments = draw(st.lists(argument, min_size=4, max_size=6))
    texts.append(
        "stream S = In .process(main(0, " + ", ".join("a" for _ in kinds) + "))"
    )
    return TypedFunction("\n".join(texts), tuple(arguments))


def _function(
    draw: Any,
    name: str,
    kinds: tuple[str, ...],
    helpers: list[tuple[str, tuple[str, ...], str]],
    *,
    result: str,
    emits: bool,
) -> list[str]:
    names: dict[str, list[str]] = {kind: [] for kind in KINDS}
    params = ["span: int"]
    for at, kind in enumerate(kinds):
        names[kind].append(f"p{at}")
        params.append(f"p{at}: {kind}")
    writer = Writer(draw, names, helpers, emits, result)
    writer.block(1, 3, in_loop=False)
    writer._for(1, 2)
    writer.add(1, f"return {writer.expression(result, 2)}")
    return [f"fn {name}({', '.join(params)}):", *writer.lines]


def _literal(value: float) -> str:
    if value == MIN:
        return f"(-{MAX} - 1)"
    return f"({value!r})" if value < 0 else repr(value)
