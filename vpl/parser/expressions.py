"""Expressions: precedence climbing over one table (vpl.md sections 2 and 4.1)."""

from dataclasses import dataclass, field
from typing import Literal as Word
from typing import cast

from vpl import nodes
from vpl.nodes import Expr
from vpl.parser.cursor import SyntaxFaultError
from vpl.parser.types import TypeParser
from vpl.tokens import LITERALS, RESERVED, Token

_COMPARISON = 4
_UNARY_FLOOR = 12

_LEVELS = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "is", "not"), _COMPARISON),
    "??": 5,
    "|": 6,
    "^": 7,
    "&": 8,
    "<<": 9,
    ">>": 9,
    "+": 10,
    "-": 10,
    **dict.fromkeys(("*", "/", "%"), 11),
    "**": _UNARY_FLOOR,
}
_NOT = 3
_RIGHT = frozenset((5, _UNARY_FLOOR))

KINDS = frozenset([
    "null",
    "int",
    "float",
    "number",
    "str",
    "bool",
    "array",
    "map",
    "timestamp",
    "duration",
])
_FOREIGN = {
    "&&": "write 'and'",
    "||": "write 'or'",
    "===": "write '=='",
}
_MISSING_OPERAND = frozenset((
    "and",
    "or",
    "not",
    "if",
    "then",
    "elif",
    "else",
    "true",
    "false",
    "null",
))


@dataclass(slots=True)
class _Stacks:
    """Operands with their heights, and operators that wait for their right side.

    `prefixes` of the waiting operators are `not`; `tested` is true while the last
    operand is a finished `is` test, which no comparison may follow.
    """

    operands: list[Expr] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)
    waiting: list[tuple[int, str, Token]] = field(default_factory=list)
    prefixes: int = 0
    tested: bool = False

    def top(self) -> int:
        """Return the level of the operator on top, 0 if none waits."""
        return self.waiting[-1][0] if self.waiting else 0


class ExpressionParser(TypeParser):
    """`expr` and all below it.

    While `in_filter` is set (outside brackets of a step filter) `.name(` starts the
    next operation of the stream instead of a call.
    """

    def lambda_body(self) -> tuple[tuple[nodes.Stmt, ...], Expr | None]:
        """Parse the braces of a lambda block; statements know how."""
        raise NotImplementedError

    def filter(self) -> Expr:
        """Parse the expression of a step filter (`fexpr`)."""
        before, self.in_filter = self.in_filter, True
        found = self.expression()
        self.in_filter = before
        return found

    def expression(self) -> Expr:
        """Parse an expression of any kind."""
        kind = self.token.kind
        if kind == "if":
            return self.if_expression()
        if kind in {"name", "quoted", "("} and self._at_lambda():
            return self._lambda()
        left = self._operation()
        if self.token.kind not in {"..", "..="}:
            return left
        return self._range(left)

    def _range(self, left: Expr) -> Expr:
        height = self.height
        inclusive = self.advance().kind == "..="
        right = self._operation()
        self.grow(max(height, self.height) + 1)
        return nodes.Range(left, right, inclusive, span=self.extend(left.span))

    # --- conditional ------------------------------------------------------------

    def if_expression(self) -> Expr:
        """Parse `if c then a else b` from its `if`."""
        start = self.advance()
        self.descend()
        condition = self.expression()
        found = self.finish_if(start, condition)
        self.ascend()
        return found

    def finish_if(self, start: Token, condition: Expr) -> Expr:
        """Parse the rest after the condition; a chain of `else if` is flat here."""
        chain: list[tuple[Token, Expr, Expr]] = []
        tallest = self.height
        while True:
            self.expect("then")
            value = self.expression()
            tallest = max(tallest, self.height)
            chain.append((start, condition, value))
            self.expect("else")
            if not self.at("if"):
                break
            start = self.advance()
            condition = self.expression()
            tallest = max(tallest, self.height)
        result = self.expression()
        self.grow(max(tallest, self.height) + len(chain))
        for began, test, value in reversed(chain):
            result = nodes.IfExpr(test, value, result, span=self.span_from(began))
        return result

    # --- lambdas ----------------------------------------------------------------

    def _at_lambda(self) -> bool:
        """Tell whether `x =>` or `(a, b) =>` stands here."""
        if self.token.kind != "(":
            return self.peek().kind == "=>"
        distance = 1
        while self.peek(distance).is_name:
            distance += 1
            if self.peek(distance).kind != ",":
                break
            distance += 1
        if self.peek(distance).kind != ")":
            return False
        return self.peek(distance + 1).kind == "=>"

    def _lambda(self) -> Expr:
        start = self.token
        params = self._lambda_params()
        self.expect("=>")
        self.descend()
        before, self.in_filter = self.in_filter, False
        statements: tuple[nodes.Stmt, ...] = ()
        result: Expr | None
        if self.at("{") and not self._at_map():
            statements, result = self.lambda_body()
            self.height = max(self.height, 1)
        else:
            self.in_filter = before
            result = self.expression()
        self.in_filter = before
        self.ascend()
        self.grow(self.height + 1)
        return nodes.Lambda(params, statements, result, span=self.span_from(start))

    def _lambda_params(self) -> tuple[str, ...]:
        if not self.take("("):
            return (self.advance().text,)
        params = []
        while not self.at(")"):
            params.append(self.advance().text)
            self.take(",")
        self.expect(")")
        return tuple(params)

    def _at_map(self) -> bool:
        first = self.peek()
        if first.kind == "}":
            return True
        return (first.is_word or first.kind == "str") and self.peek(2).kind == ":"

    # --- operators --------------------------------------------------------------

    def _operation(self) -> Expr:
        """Parse operands and the operators between them."""
        if self.token.kind == "not":
            return self._climb(_Stacks())
        first = self._operand()
        if self.token.kind not in _LEVELS:
            return first
        return self._climb(_Stacks([first], [self.height]))

    def _climb(self, stacks: "_Stacks") -> Expr:
        """Group operators by precedence on explicit stacks, so that no chain of
        operators, however mixed, costs stack frames of ours."""
        while True:
            if len(stacks.operands) == len(stacks.waiting) - stacks.prefixes:
                self._push_operand(stacks)
            token = self.token
            level = _LEVELS.get(token.kind, 0)
            if not level or (token.kind == "not" and self.peek().kind != "in"):
                break
            self._reduce(stacks, level)
            if token.kind == "is":
                self._kind_test(stacks)
                level = _LEVELS.get(self.token.kind, 0)
                if level > _COMPARISON:
                    break
                continue
            op = self.advance().kind
            if op == "not":
                self.expect("in")
                op = "not in"
            stacks.waiting.append((level, op, token))
        self._reduce(stacks, 0)
        self.height = stacks.heights[0]
        return stacks.operands[0]

    def _push_operand(self, stacks: "_Stacks") -> None:
        while self.token.kind == "not" and stacks.top() <= _NOT:
            stacks.waiting.append((_NOT, "not", self.advance()))
            stacks.prefixes += 1
        stacks.operands.append(self._operand())
        stacks.heights.append(self.height)

    def _reduce(self, stacks: "_Stacks", level: int) -> None:
        """Build the nodes that bind tighter than an operator of `level`."""
        waiting = stacks.waiting
        stacks.tested = stacks.tested and level == _COMPARISON
        while waiting:
            top = waiting[-1][0]
            if top < level or (top == level and level in _RIGHT):
                return
            if top == level == _COMPARISON or stacks.tested:
                raise self._chained()
            self._build(stacks)
        if stacks.tested:
            raise self._chained()

    def _chained(self) -> SyntaxFaultError:
        return self.fail(
            "E106", "comparisons cannot be chained", hint="write 'a < b and b < c'"
        )

    def _build(self, stacks: "_Stacks") -> None:
        """Make a node of the operator on top of the stack and its operands."""
        _, op, token = stacks.waiting.pop()
        right, height = stacks.operands.pop(), stacks.heights.pop()
        node: Expr
        if op == "not":
            stacks.prefixes -= 1
            span = token.span.to(right.span)
            node = nodes.Unary("not", right, span=span)
        else:
            left = stacks.operands.pop()
            height = max(height, stacks.heights.pop())
            node = nodes.Binary(op, left, right, span=left.span.to(right.span))
        self.grow(height + 1)
        stacks.operands.append(node)
        stacks.heights.append(height + 1)

    def _kind_test(self, stacks: "_Stacks") -> None:
        self.expect("is")
        negated = self.take("not")
        kind = self.token.text
        if kind not in KINDS or self.token.kind not in {"name", "null"}:
            raise self.unexpected("a kind (" + ", ".join(sorted(KINDS)) + ")")
        self.advance()
        operand = stacks.operands[-1]
        span = self.extend(operand.span)
        stacks.operands[-1] = nodes.KindTest(operand, kind, negated, span=span)
        stacks.heights[-1] += 1
        self.grow(stacks.heights[-1])
        stacks.tested = True

    def _operand(self) -> Expr:
        """Parse `-x` and `~x`, repeated or not."""
        if self.token.kind not in {"-", "~"}:
            return self._postfix()
        starts = []
        while self.token.kind in {"-", "~"}:
            starts.append(self.advance())
        operand = self._postfix()
        self.grow(self.height + len(starts))
        for start in reversed(starts):
            op: Word["-", "~"] = "-" if start.kind == "-" else "~"
            operand = nodes.Unary(op, operand, span=self.span_from(start))
        return operand

    # --- members, calls, indexes --------------------------------------------------

    def _postfix(self) -> Expr:
        found = self._primary()
        while True:
            kind = self.token.kind
            if kind in {".", "?."}:
                if self.in_filter and kind == "." and self._at_operation():
                    return found
                found = self._member(found)
            elif kind == "(":
                height = self.height
                args, tallest = self._arguments(")")
                self.grow(max(height, tallest) + 1)
                found = nodes.Call(found, args, span=self.extend(found.span))
            elif kind == "[":
                found = self._index(found)
            else:
                return found

    def _at_operation(self) -> bool:
        following = self.peek(2)
        if following.kind == "(":
            return True
        return self.peek().text == "emit" and following.kind == "as"

    def _member(self, target: Expr) -> Expr:
        safe = self.advance().kind == "?."
        height = self.height
        word = self.token
        name = self.expect_label("a name after '.'")
        if not self.at("("):
            self.grow(height + 1)
            return nodes.Member(target, name, safe, span=self.extend(target.span))
        function = nodes.Name(name, span=word.span)
        args, tallest = self._arguments(")")
        self.grow(max(height, tallest) + 1)
        return nodes.Call(
            function, (target, *args), method=True, span=self.extend(target.span)
        )

    def _arguments(self, closer: str) -> tuple[tuple[Expr, ...], int]:
        """Parse bracketed expressions; return them and the greatest height."""
        before, self.in_filter = self.in_filter, False
        self.open(self.token.kind)
        items: list[Expr] = []
        tallest = 0
        while not self.at(closer):
            items.append(self.expression())
            tallest = max(tallest, self.height)
            if not self.take(","):
                break
        self.close(f"',' or '{closer}'")
        self.in_filter = before
        return tuple(items), tallest

    def _index(self, target: Expr) -> Expr:
        before, self.in_filter = self.in_filter, False
        tallest = self.height
        self.open("[")
        start = None if self.at(":") else self.expression()
        tallest = max(tallest, self.height)
        sliced = self.take(":")
        stop = None
        if sliced and not self.at("]"):
            stop = self.expression()
            tallest = max(tallest, self.height)
        self.close()
        self.in_filter = before
        self.grow(tallest + 1)
        span = self.extend(target.span)
        if sliced or start is None:
            return nodes.Slice(target, start, stop, span=span)
        return nodes.Index(target, start, span=span)

    # --- primaries ----------------------------------------------------------------

    def _primary(self) -> Expr:
        token = self.token
        kind = token.kind
        self.height = 1
        if kind in {"name", "quoted"}:
            self.advance()
            return nodes.Name(token.text, span=token.span)
        if kind in LITERALS or kind in {"true", "false", "null"}:
            return self.literal()
        if kind == "(":
            return self._group()
        if kind == "[":
            items, tallest = self._arguments("]")
            self.grow(tallest + 1)
            return nodes.ArrayLiteral(items, span=self.span_from(token))
        if kind == "{":
            return self._map()
        return self._no_expression(token)

    def _no_expression(self, token: Token) -> Expr:
        if self.brackets and self.at_declaration():
            raise self.unclosed()
        if token.kind in RESERVED and token.kind not in _MISSING_OPERAND:
            self.expect_name("a name")
        hint = _FOREIGN.get(self.last.kind + token.kind)
        if token.kind in {"if", "not"}:
            hint = "put this part in parentheses"
        raise self.unexpected("an expression", hint)

    def literal(self) -> nodes.Literal:
        """Parse a constant."""
        token = self.advance()
        kind = token.kind
        if kind == "null":
            return nodes.Literal("null", None, span=token.span)
        if kind in {"true", "false"}:
            return nodes.Literal("bool", kind == "true", span=token.span)
        literal_kind = cast("nodes.LiteralKind", kind)
        return nodes.Literal(literal_kind, token.value, span=token.span)

    def _group(self) -> Expr:
        before, self.in_filter = self.in_filter, False
        self.open("(")
        found = self.expression()
        self.close()
        self.in_filter = before
        return found

    def _map(self) -> Expr:
        before, self.in_filter = self.in_filter, False
        start = self.token
        self.open("{")
        entries: list[tuple[str, Expr]] = []
        tallest = 0
        while not self.at("}"):
            key = self._map_key()
            self.expect(":")
            entries.append((key, self.expression()))
            tallest = max(tallest, self.height)
            if not self.take(","):
                break
        self.close("',' or '}'")
        self.in_filter = before
        self.grow(tallest + 1)
        return nodes.MapLiteral(tuple(entries), span=self.span_from(start))

    def _map_key(self) -> str:
        if self.at("str"):
            return str(self.advance().value)
        return self.expect_label("a name or a string as key")
