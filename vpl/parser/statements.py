"""Statements of functions and lambda blocks."""

from vpl import nodes
from vpl.limits import MAX_LOOPS
from vpl.nodes import Expr, Stmt
from vpl.parser.expressions import ExpressionParser
from vpl.tokens import Token

_VALUE_ENDS = frozenset(("newline", ";", "eof", "dedent", "}", "else", "elif"))


class StatementParser(ExpressionParser):
    """`stmt`, `block` and named arguments."""

    loops = 0

    # --- blocks -------------------------------------------------------------------

    def block(self) -> tuple[Stmt, ...]:
        """Parse a block after its `:`, indented or on the same line."""
        if not self.at("newline"):
            return self._inline_block()
        if self.peek().kind != "indent":
            self.report("E104", "expected an indented block after ':'", self.last.span)
            return ()
        self.advance()
        self.advance()
        self.descend()
        body = self._statements(frozenset(("dedent", "eof")))
        self.expect("dedent")
        self.ascend()
        return body

    def _statements(self, ends: frozenset[str]) -> tuple[Stmt, ...]:
        """Parse statements up to a token of `ends`."""
        body: list[Stmt] = []
        while True:
            while self.token.kind in {"newline", ";"}:
                self.advance()
            if self.token.kind in ends:
                return tuple(body)
            body.append(self.statement())
            if not self.at_statement_end():
                self.report_rest()
                while self.token.kind not in {"newline", ";", "dedent", "eof"}:
                    self.advance()

    def _inline_block(self) -> tuple[Stmt, ...]:
        self.descend()
        body = [self.statement()]
        while self.at(";") and self.peek().lead is None:
            self.advance()
            if self.token.kind in _VALUE_ENDS:
                break
            body.append(self.statement())
        self.ascend()
        return tuple(body)

    def lambda_body(self) -> tuple[tuple[Stmt, ...], Expr | None]:
        """Parse `{ statements; expression }` of a lambda."""
        loops, self.loops = self.loops, 0
        self.open("{")
        body = self._statements(frozenset(("}", "eof")))
        self.close("a statement or '}'")
        self.loops = loops
        if body and isinstance(body[-1], nodes.ExprStmt):
            return body[:-1], body[-1].value
        return body, None

    # --- statements ---------------------------------------------------------------

    def statement(self) -> Stmt:
        """Parse one statement."""
        token = self.token
        match token.kind:
            case "let" | "var" | "const":
                return self.variable()
            case "if":
                return self._if()
            case "for":
                return self._for()
            case "while":
                return self._while()
            case "return":
                return self._return()
            case "break":
                self.advance()
                return nodes.Break(span=token.span)
            case "continue":
                self.advance()
                return nodes.Continue(span=token.span)
            case "name" | "quoted":
                return self._named_statement(token)
        return self._expression_statement(token)

    def _named_statement(self, token: Token) -> Stmt:
        after = self.peek()
        if after.kind == ":=":
            return self.assignment()
        if token.text == "emit" and after.is_name and self.peek(2).kind == "(":
            return self._emit()
        return self._expression_statement(token)

    def _expression_statement(self, start: Token) -> Stmt:
        value = self.expression()
        return nodes.ExprStmt(value, span=self.span_from(start))

    def variable(self) -> nodes.VarDecl:
        """Parse `let`, `var` or `const`."""
        start = self.advance()
        keyword = "let" if start.kind == "let" else start.kind
        name = self.expect_name("the name of a variable")
        name_span = self.last.span
        type_ref = self.type() if self.take(":") else None
        self.expect("=")
        value = self.expression()
        span = self.span_from(start)
        if keyword == "var":
            return nodes.VarDecl(
                "var", name, type_ref, value, name_span=name_span, span=span
            )
        if keyword == "const":
            return nodes.VarDecl(
                "const", name, type_ref, value, name_span=name_span, span=span
            )
        return nodes.VarDecl(
            "let", name, type_ref, value, name_span=name_span, span=span
        )

    def assignment(self) -> nodes.Assign:
        """Parse `name := value`."""
        start = self.advance()
        name_span = start.span
        self.expect(":=")
        value = self.expression()
        return nodes.Assign(
            start.text, value, name_span=name_span, span=self.span_from(start)
        )

    def _if(self) -> Stmt:
        """Parse an if-statement, or an if-expression when `then` follows."""
        start = self.advance()
        self.descend()
        condition = self.expression()
        if self.at("then"):
            value = self.finish_if(start, condition)
            self.ascend()
            return nodes.ExprStmt(value, span=self.span_from(start))
        self.ascend()
        self.expect(":", "':' or 'then'")
        branches = [(condition, self.block())]
        while self._at_branch("elif"):
            self.advance()
            condition = self.expression()
            self.expect(":")
            branches.append((condition, self.block()))
        orelse: tuple[Stmt, ...] = ()
        if self._at_branch("else"):
            self.advance()
            self.expect(":")
            orelse = self.block()
        return nodes.IfStmt(tuple(branches), orelse, span=self.span_from(start))

    def _at_branch(self, word: str) -> bool:
        """Tell whether `word` follows, perhaps on a line of its own."""
        if self.at("newline") and self.peek().kind == word:
            self.advance()
        return self.at(word)

    def _for(self) -> nodes.ForStmt:
        start = self.advance()
        variable = self.expect_name("the name of a variable")
        second = None
        if self.take(","):
            second = self.expect_name("the name of a variable")
        self.expect("in")
        iterable = self.expression()
        body = self._loop_body()
        return nodes.ForStmt(
            variable, second, iterable, body, span=self.span_from(start)
        )

    def _while(self) -> nodes.WhileStmt:
        start = self.advance()
        condition = self.expression()
        body = self._loop_body()
        return nodes.WhileStmt(condition, body, span=self.span_from(start))

    def _loop_body(self) -> tuple[Stmt, ...]:
        self.expect(":")
        self.loops += 1
        if self.loops > MAX_LOOPS:
            raise self.fail("E107", f"more than {MAX_LOOPS} loops inside each other")
        body = self.block()
        self.loops -= 1
        return body

    def _return(self) -> nodes.Return:
        start = self.advance()
        value = None if self.token.kind in _VALUE_ENDS else self.expression()
        return nodes.Return(value, span=self.span_from(start))

    def _emit(self) -> nodes.EmitStmt:
        start = self.advance()
        event_type = self.advance().text
        name_span = self.last.span
        args = self.named_arguments()
        return nodes.EmitStmt(
            event_type, args, name_span=name_span, span=self.span_from(start)
        )

    # --- named arguments ------------------------------------------------------------

    def named_arguments(self) -> tuple[nodes.Arg, ...]:
        """Parse `(name: value, ..)`."""
        self.open("(")
        args = []
        while not self.at(")"):
            args.append(self.named())
            if not self.take(","):
                break
        self.close("',' or ')'")
        return tuple(args)

    def named(self) -> nodes.Arg:
        """Parse `name: value`."""
        start = self.token
        if not (start.is_word and self.peek().kind == ":"):
            raise self.unexpected("'name: value'")
        self.advance()
        self.advance()
        value = self.expression()
        return nodes.Arg(start.text, value, span=self.span_from(start))
