"""Random programs over the whole grammar (vpl.md section 2), free of syntax errors.

`programs()` is a Hypothesis strategy. The programs parse; they need not pass the
checker, because names are drawn without regard to what is declared.
"""

from collections.abc import Callable
from random import Random

from hypothesis import strategies as st

NAMES = (
    *("a", "b", "price", "user_id", "x1", "_partition", "notional", "index"),
    *("type", "event", "first", "range", "stream", "count", "context", "desc"),
    *("`user-id`", "`where`", "`a b`", "`plain`"),
)
WORDS = (*NAMES, "in", "or", "if", "where", "not", "null")
TYPES = ("Login", "Order", "Tick", "Wide_Name_Of_An_Event_Type", "`odd type`")
LITERALS = (
    *("0", "1_000_000", "0xff", "1.5", ".5", "1e5", "2.5e-3", "true", "false", "null"),
    *('"text"', "'it\\'s'", '"# no comment"', "'a // b'", '"\\u00e9 \\\\"', "''"),
    *("1h30m", "250ms", "1.5s", "2d", "@2026-03-01", "@2026-03-01T08:30:00.250+05:30"),
)
BINARY = (
    *("+", "-", "*", "/", "%", "**", "<<", ">>", "&", "^", "|", "??"),
    *("==", "!=", "<", "<=", ">", ">=", "in", "not in"),
)
COMPARING = frozenset(("==", "!=", "<", "<=", ">", ">=", "in", "not in"))
KINDS = ("null", "int", "number", "str", "array", "timestamp")


def programs() -> st.SearchStrategy[str]:
    """Return programs in plain layout: blanks between all words, blocks indented."""
    return st.randoms(use_true_random=False).map(lambda source: Author(source).text())


def ruffled_programs() -> st.SearchStrategy[str]:
    """Return programs in all kinds of layout, with comments in all kinds of places."""

    def written(source: Random) -> str:
        return ruffled(Author(source).text(), source)

    return st.randoms(use_true_random=False).map(written)


class Author:
    """Writes a program; `random` decides."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.depth = 0
        self.hole = ""

    # --- choices ---------------------------------------------------------------------

    def one_of(self, *forms: Callable[[], str]) -> str:
        """Return one of the forms; deep inside the first, which must be simple."""
        if self.depth > 3:
            return forms[0]()
        self.depth += 1
        text = self.random.choice(forms)()
        self.depth -= 1
        return text

    def maybe(self, form: Callable[[], str]) -> str:
        """Return the form or nothing."""
        return form() if self.random.random() < 0.4 else ""

    def list_of(
        self, form: Callable[[], str], least: int = 0, most: int = 3, comma: bool = True
    ) -> str:
        """Return some of the form with commas between, perhaps one after the last."""
        items = [form() for _ in range(self.random.randint(least, most))]
        trailing = " ," if comma and items and self.random.random() < 0.1 else ""
        return " , ".join(items) + trailing

    def name(self) -> str:
        """Return an identifier, of a template sometimes with a hole."""
        return self.random.choice(NAMES) if not self.hole else self.template_name()

    def template_name(self) -> str:
        """Return an identifier in a generator's body."""
        if self.random.random() < 0.6:
            return self.random.choice(NAMES)
        return self.random.choice(("lane", "x_")) + self.hole

    def word(self) -> str:
        """Return a name or a reserved word, as may stand after a dot."""
        return self.random.choice(WORDS)

    def event_type(self) -> str:
        """Return the name of an event type."""
        hole = self.hole if self.random.random() < 0.3 else ""
        return (
            self.random.choice(TYPES[:-1]) + hole if hole else self.random.choice(TYPES)
        )

    def literal(self) -> str:
        """Return a constant, of a template sometimes with a hole."""
        if self.hole and self.random.random() < 0.3:
            return self.random.choice((
                self.hole,
                f'"lane {self.hole}"',
                f"{self.hole}ms",
            ))
        return self.random.choice(LITERALS)

    # --- expressions -------------------------------------------------------------------

    def expression(self) -> str:
        """Return an expression of any kind."""
        return self.one_of(
            self.logic,
            self.logic,
            self.logic,
            self.conditional,
            self.function,
            self.span,
        )

    def conditional(self) -> str:
        """Return `if c then a else b`."""
        parts = (self.expression(), self.expression(), self.expression())
        return "if {} then {} else {}".format(*parts)

    def span(self) -> str:
        """Return a range."""
        dots = self.random.choice(("..", "..="))
        return f"{self.operation()} {dots} {self.operation()}"

    def function(self) -> str:
        """Return a lambda."""
        params = self.random.choice((
            self.name(),
            f"( {self.list_of(self.name, comma=False)} )",
        ))
        if self.random.random() < 0.5:
            return f"{params} => ( {self.expression()} )"
        simple = [self.simple_statement() for _ in range(self.random.randint(1, 3))]
        return f"{params} => {{ {' ; '.join(simple)} }}"

    def logic(self) -> str:
        """Return comparisons joined by `and` and `or`."""
        text = self.negation()
        for _ in range(self.random.choice((0, 0, 0, 1, 2))):
            text += f" {self.random.choice(('and', 'or'))} {self.negation()}"
        return text

    def negation(self) -> str:
        """Return a comparison, perhaps denied."""
        prefix = self.random.choice(("", "", "", "not ", "not not "))
        return prefix + self.one_of(self.operation, self.comparison, self.kind_test)

    def comparison(self) -> str:
        """Return two operations compared."""
        operator = self.random.choice(sorted(COMPARING))
        return f"{self.operation()} {operator} {self.operation()}"

    def kind_test(self) -> str:
        """Return `x is int`."""
        denied = self.random.choice(("", "not "))
        return f"{self.operation()} is {denied}{self.random.choice(KINDS)}"

    def operation(self) -> str:
        """Return operands joined by operators that are no comparisons."""
        text = self.operand()
        for _ in range(self.random.choice((0, 0, 0, 1, 1, 3))):
            operator = self.random.choice([op for op in BINARY if op not in COMPARING])
            text += f" {operator} {self.operand()}"
        return text

    def operand(self) -> str:
        """Return a value with prefixes, members, calls and indexes."""
        text = self.random.choice(("", "", "", "- ", "~ ", "- - ")) + self.one_of(
            self.name, self.literal, self.group, self.array, self.map
        )
        for _ in range(self.random.choice((0, 0, 0, 1, 2))):
            text += self.one_of(self.member, self.call, self.index, self.method)
        return text

    def member(self) -> str:
        """Return `.name`."""
        return f" {self.random.choice(('.', '?.'))} {self.word()}"

    def call(self) -> str:
        """Return arguments."""
        return f" ( {self.list_of(self.expression)} )"

    def method(self) -> str:
        """Return `.name(arguments)`."""
        return f" . {self.word()}{self.call()}"

    def index(self) -> str:
        """Return an index or a slice."""
        start, stop = self.maybe(self.expression), self.maybe(self.expression)
        inner = self.random.choice((self.expression(), f"{start} : {stop}"))
        return f" [ {inner} ]"

    def group(self) -> str:
        """Return an expression in parentheses."""
        return f"( {self.expression()} )"

    def array(self) -> str:
        """Return an array."""
        return f"[ {self.list_of(self.expression)} ]"

    def map(self) -> str:
        """Return a map; with its braces at the start it is no lambda block."""
        return f"{{ {self.list_of(self.map_entry)} }}"

    def map_entry(self) -> str:
        """Return `key: value`."""
        key = self.random.choice((self.word(), '"a key"'))
        return f"{key} : {self.expression()}"

    def filter(self) -> str:
        """Return the filter of a step: no method call outside brackets."""
        plain = f"{self.name()} == {self.literal()} and {self.name()} . {self.name()}"
        return self.random.choice((plain, self.group(), f"not {self.group()}"))

    # --- statements --------------------------------------------------------------------

    def variable(self) -> str:
        """Return `let`, `var` or `const`."""
        keyword = self.random.choice(("let", "var", "const"))
        kind = self.maybe(lambda: f" : {self.type()}")
        return f"{keyword} {self.name()}{kind} = {self.expression()}"

    def assignment(self) -> str:
        """Return `name := value`."""
        return f"{self.name()} := {self.expression()}"

    def simple_statement(self) -> str:
        """Return a statement without a block; names at its start could declare."""
        return self.one_of(
            self.assignment,
            self.variable,
            self.group,
            lambda: f"return {self.maybe(self.expression)}".rstrip(),
            lambda: self.random.choice(("break", "continue")),
            lambda: f"emit {self.event_type()} ( {self.list_of(self.named)} )",
        )

    def statement(self, indent: str) -> str:
        """Return a statement and its blocks, indented."""
        if self.depth > 3 or self.random.random() < 0.6:
            return f"{indent}{self.simple_statement()}\n"
        self.depth += 1
        form = self.random.choice((self.branches, self.loop))
        text = form(indent)
        self.depth -= 1
        return text

    def loop(self, indent: str) -> str:
        """Return a loop."""
        second = self.maybe(lambda: f" , {self.name()}")
        header = self.random.choice((
            f"for {self.name()}{second} in {self.expression()}",
            f"while {self.expression()}",
        ))
        return f"{indent}{header} :{self.block(indent)}"

    def branches(self, indent: str) -> str:
        """Return an if-statement."""
        text = f"{indent}if {self.expression()} :{self.block(indent)}"
        for _ in range(self.random.choice((0, 0, 1, 2))):
            text += f"{indent}elif {self.expression()} :{self.block(indent)}"
        if self.random.random() < 0.5:
            text += f"{indent}else :{self.block(indent)}"
        return text

    def block(self, indent: str) -> str:
        """Return a block, on the line of its opener or below it."""
        if self.random.random() < 0.3:
            count = self.random.choice((1, 1, 2))
            inline = " ; ".join(self.simple_statement() for _ in range(count))
            return f" {inline}\n"
        deeper = indent + " " * self.random.choice((1, 2, 4, 8))
        count = self.random.randint(1, 3)
        return "\n" + "".join(self.statement(deeper) for _ in range(count))

    # --- types and parameters ------------------------------------------------------------

    def type(self) -> str:
        """Return a type."""
        text = self.one_of(
            lambda: self.random.choice(("int", "float", "str", "any", "Login")),
            lambda: f"[ {self.type()} ]",
            lambda: f"{{ {self.type()} : {self.type()} }}",
            lambda: f"( {self.type()} , {self.type()} )",
            lambda: "Stream < Login >",
            lambda: "Stream < Stream < [ int ] > >",
        )
        return text + self.random.choice(("", "", " ?"))

    def named(self) -> str:
        """Return `name: value`."""
        return f"{self.word()} : {self.expression()}"

    def constant(self) -> str:
        """Return the value of a parameter."""
        constants = [text for text in LITERALS if not text.startswith("@")]
        return self.one_of(
            lambda: self.random.choice(constants),
            lambda: self.random.choice(("- 1", "- 2.5")),
            self.name,
            lambda: f"[ {self.list_of(self.constant)} ]",
        )

    def param(self) -> str:
        """Return a constant parameter."""
        return f"{self.word()} : {self.constant()}"

    # --- streams ---------------------------------------------------------------------------

    def stream(self) -> str:
        """Return a stream declaration."""
        kind = self.maybe(lambda: f" : {self.type()}")
        source = self.one_of(
            self.source, self.merge, self.join, self.sequence, self.timer
        )
        return f"stream {self.event_type()}{kind} = {source}{self.operations()}\n"

    def source(self) -> str:
        """Return an event type with its filter and alias."""
        every = self.random.choice(("", "", "all "))
        where = self.maybe(lambda: f" where {self.filter()}")
        alias = self.maybe(lambda: f" as {self.name()}")
        return f"{every}{self.event_type()}{where}{alias}"

    def merge(self) -> str:
        """Return `merge(..)`."""
        return f"merge ( {self.list_of(self.part, 1)} )"

    def join(self) -> str:
        """Return `join(..)`."""
        return f"join ( {self.list_of(self.part, 1)} )"

    def part(self) -> str:
        """Return one source of a merge or a join."""
        if self.random.random() < 0.5:
            return self.event_type() + self.maybe(lambda: f" as {self.name()}")
        text = f"stream {self.name()} = {self.event_type()}"
        for _ in range(self.random.randint(0, 2)):
            text += f" . {self.random.choice(('where', 'on'))} ( {self.expression()} )"
        return text

    def sequence(self) -> str:
        """Return `sequence(..)`."""
        return f"sequence ( {self.list_of(self.step, 1)} )"

    def step(self) -> str:
        """Return a step of a sequence."""
        where = self.maybe(lambda: f" where {self.filter()}")
        within = self.maybe(lambda: f" . within ( {self.expression()} )")
        return f"{self.name()} : {self.event_type()}{where}{within}"

    def timer(self) -> str:
        """Return `timer(..)`."""
        named = self.maybe(lambda: f" , {self.named()}")
        return f"timer ( {self.expression()}{named} )"

    def operations(self) -> str:
        """Return operations and steps."""
        count = self.random.choice((0, 1, 1, 2, 3))
        return "".join(self.operation_or_step() for _ in range(count))

    def operation_or_step(self) -> str:
        """Return `.name(..)` or `-> step`."""
        forms = (
            lambda: f" . where ( {self.expression()} )",
            lambda: f" -> {self.source()}",
            lambda: f" . select ( {self.list_of(self.selected, 1)} )",
            lambda: f" . emit ( {self.list_of(self.selected)} )",
            lambda: f" . emit as {self.event_type()} ( {self.list_of(self.selected)} )",
            lambda: f" . from ( {self.name()} , {self.list_of(self.named)} )",
            lambda: f" . window ( {self.expression()} , {self.named()} )",
            lambda: f" . window ( session : {self.expression()} )",
            lambda: f" . aggregate ( {self.list_of(self.named)} )",
            lambda: f" . partition_by ( {self.list_of(self.expression, 1)} )",
            lambda: f" . order_by ( {self.list_of(self.sort_key, 1)} )",
            lambda: f" . print ( {self.list_of(self.expression)} )",
            lambda: f" . distinct ( {self.name()} ttl : {self.expression()} )",
            lambda: f" . {self.random.choice(('first', 'collect', 'all'))} ( )",
            lambda: " . any ( 2 )",
            lambda: f" . not ( {self.event_type()} where {self.expression()} )",
            lambda: f" . context ( {self.name()} )",
            lambda: f" . pattern ( {self.name()} : {self.function()} )",
            lambda: f" . fork ( {self.list_of(self.branch, 1)} )",
        )
        return self.one_of(*forms)

    def selected(self) -> str:
        """Return an argument of `emit` or `select`."""
        return self.random.choice((self.named(), self.word()))

    def sort_key(self) -> str:
        """Return an expression and its direction."""
        return self.operation() + self.random.choice(("", " asc", " desc"))

    def branch(self) -> str:
        """Return a branch of `fork`."""
        return f"{self.name()} :{self.operations()}"

    # --- patterns --------------------------------------------------------------------------

    def pattern(self) -> str:
        """Return a named pattern."""
        within = self.maybe(lambda: f" within {self.literal()}")
        keys = self.maybe(lambda: f" partition by {self.name()} , {self.name()}")
        return f"pattern {self.event_type()} = {self.alternatives()}{within}{keys}\n"

    def alternatives(self) -> str:
        """Return parts joined by `OR` and `AND`."""
        text = self.maybe(lambda: "NOT ") + self.pattern_part()
        for _ in range(self.random.choice((0, 0, 1, 2))):
            text += f" {self.random.choice(('OR', 'AND'))} {self.pattern_part()}"
        return text

    def pattern_part(self) -> str:
        """Return an event, a sequence or alternatives in parentheses."""
        return self.one_of(
            self.pattern_event,
            lambda: f"SEQ ( {self.list_of(self.pattern_item, 1)} )",
            lambda: f"( {self.alternatives()} )",
        )

    def pattern_item(self) -> str:
        """Return an item of `SEQ`."""
        event = self.pattern_event()
        either = f"( {event} OR {self.pattern_event()} )"
        return self.maybe(lambda: "NOT ") + self.random.choice((event, either))

    def pattern_event(self) -> str:
        """Return an event of a pattern."""
        repeat = self.random.choice(("", "", " +", " *", " ?"))
        where = self.maybe(lambda: f" where {self.group()}")
        alias = self.maybe(lambda: " as " + self.random.choice(("a", "`b c`")))
        return f"{self.event_type()}{repeat}{where}{alias}"

    # --- declarations ------------------------------------------------------------------------

    def text(self) -> str:
        """Return a whole program."""
        return "".join(self.declaration() for _ in range(self.random.randint(0, 5)))

    def declaration(self) -> str:
        """Return one declaration, ended."""
        forms = (
            self.stream,
            self.stream,
            self.pattern,
            self.event,
            self.fn,
            self.config,
            self.generator,
            lambda: self.variable() + "\n",
            lambda: self.assignment() + "\n",
            lambda: f"type {self.event_type()} = {self.type()}\n",
            lambda: f"connector {self.name()} = mqtt ( {self.list_of(self.param)} )\n",
            lambda: f"context {self.name()} ( {self.param()} )\n",
            lambda: f"context {self.name()}\n",
            lambda: self.random.choice(('import "x.vpl"\n', "import 'y' as y\n")),
        )
        return self.random.choice(forms)()

    def event(self) -> str:
        """Return an event declaration."""
        base = self.maybe(lambda: f" extends {self.event_type()}")
        header = f"event {self.event_type()}{base}"
        inline = f"{header} : {self.list_of(self.field, 1, comma=False)}\n"
        lines = "".join(f"  {self.name()} : {self.type()}\n" for _ in range(2))
        return self.random.choice((f"{header}\n", inline, f"{header} :\n{lines}"))

    def field(self) -> str:
        """Return a field; on a line of its own an operator's name would not do."""
        return f"{self.word()} : {self.type()}"

    def fn(self) -> str:
        """Return a function."""
        result = self.maybe(lambda: f" -> {self.type()}")
        params = self.list_of(self.fn_param)
        return f"fn {self.name()} ( {params} ){result} :{self.block('')}"

    def fn_param(self) -> str:
        """Return a parameter of a function."""
        return self.name() + self.maybe(lambda: f" : {self.type()}")

    def config(self) -> str:
        """Return a config block."""
        params = f"{self.param()} , {self.param()} {self.param()}"
        lines = f"  {self.name()} : {self.constant()}\n  b : {self.constant()}\n"
        braces = f"config {self.name()} {{ {params} }}\n"
        return self.random.choice((braces, f"config :\n{lines}"))

    def generator(self) -> str:
        """Return a generator loop around declarations that use its variable."""
        if self.hole:
            return f"let nested = {self.hole}\n"
        header = self.random.choice(("for v in 0 .. 2 :", "for v in 1 ..= 2 :"))
        self.hole = self.random.choice(("{v}", "{ v }"))
        if self.random.random() < 0.3:
            body = " " + self.stream()
        else:
            texts = [self.declaration() for _ in range(self.random.randint(1, 2))]
            lines = "".join(texts).splitlines()
            body = "\n" + "".join(f"    {line}\n" for line in lines)
        self.hole = ""
        return header + body


def ruffled(text: str, random: Random) -> str:
    """Return a program in other layout, with comments; its tree stays the same."""
    return "".join(_ruffled_line(line, random) for line in text.splitlines())


def _ruffled_line(line: str, random: Random) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    words = _words(line)
    in_brackets = 0
    text = indent
    for at, word in enumerate(words):
        in_brackets += (word in {"(", "["}) - (word in {")", "]"})
        text += word
        if at == len(words) - 1:
            break
        text += _gap(random, in_brackets > 0 and "{" not in line)
    end = random.choice(("", "", "", "  # end", " // end", " /* end */", " "))
    above = random.choice((
        *([""] * 6),
        "\n",
        "\n\n\n",
        "# above\n",
        indent + "/* a\n b */\n",
    ))
    return f"{above}{text}{end}\n"


def _words(line: str) -> list[str]:
    """Split at blanks, except in strings and backquotes and in holes."""
    words: list[str] = []
    quote = ""
    for piece in line.replace("{ v }", "{~v~}").split():
        if quote:
            words[-1] += " " + piece
        else:
            words.append(piece)
        for char in piece.replace("\\'", ""):
            if not quote and char in "\"'`":
                quote = char
            elif char == quote:
                quote = ""
    return [word.replace("{~v~}", "{ v }") for word in words]


def _gap(random: Random, breakable: bool) -> str:
    choice = random.random()
    if choice < 0.85:
        return " "
    if choice < 0.9:
        return " /* between */ "
    if not breakable:
        return "   "
    return random.choice((
        "\n",
        "\n  # inside\n",
        "  # behind\n   ",
        "\n\n /* x\n y */ ",
    ))
