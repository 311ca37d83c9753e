"""Declarations: what may stand at the top level of a program."""

from collections.abc import Callable

from vpl import nodes
from vpl.nodes import Decl
from vpl.parser.streams import StreamParser
from vpl.suggestions import closest
from vpl.tokens import DECLARATION_WORDS, Token

_WORDS = (*DECLARATION_WORDS, "let", "var", "const", "fn", "for")
_ORDINARY_USE = frozenset((":=", "(", ".", "?.", "["))


class DeclarationParser(StreamParser):
    """`decl` of the grammar."""

    def declaration(self) -> Decl | None:
        """Parse one declaration; None if it was a statement (E110)."""
        token = self.token
        if token.kind in {"let", "var", "const"}:
            return self.variable()
        if token.kind == "fn":
            return self._function()
        if token.is_name and self.peek().kind == ":=":
            return self.assignment()
        if token.kind == "name" and self.peek().kind not in _ORDINARY_USE:
            if token.text == "stream":  # by far the most frequent
                return self.stream()
            forms: dict[str, Callable[[], Decl]] = {
                "event": self._event_type,
                "type": self._type_alias,
                "pattern": self.pattern,
                "connector": self._connector,
                "context": self._context_decl,
                "config": self._config,
                "import": self._import,
            }
            if token.text in forms:
                return forms[token.text]()
        self._misplaced(token)
        return None

    def _misplaced(self, token: Token) -> None:
        """Give E110 for a statement; E101 for what only looks like a declaration."""
        after = self.peek()
        emits = token.text == "emit" and after.is_name and self.peek(2).kind == "("
        shaped = token.is_name and (after.is_name or after.kind in {"str", "="})
        if shaped and not emits:
            guess = closest(token.text, _WORDS) if after.kind != "=" else None
            hint = f"did you mean '{guess}'?" if guess else None
            if after.kind == "=":
                hint = "declare it with 'let', or assign with ':='"
            raise self.unexpected("a declaration", hint)
        if token.kind in {"indent", "dedent", "error"}:
            raise self.unexpected("a declaration")
        span = token.span
        self.statement()
        self.report(
            "E110",
            "only declarations may stand here",
            span,
            "put statements into a function",
        )

    # --- functions --------------------------------------------------------------------

    def _function(self) -> nodes.FnDecl:
        start = self.advance()
        name = self.expect_name("the name of a function")
        name_span = self.last.span
        self.open("(")
        params = []
        while not self.at(")"):
            params.append(self._fn_param())
            if not self.take(","):
                break
        self.close("',' or ')'")
        result = self.type() if self.take("->") else None
        self.expect(":")
        self.loops = 0
        body = self.block()
        return nodes.FnDecl(
            name,
            tuple(params),
            result,
            body,
            name_span=name_span,
            span=self.span_from(start),
        )

    def _fn_param(self) -> nodes.FnParam:
        start = self.token
        name = self.expect_name("the name of a parameter")
        name_span = self.last.span
        type_ref = self.type() if self.take(":") else None
        return nodes.FnParam(
            name, type_ref, name_span=name_span, span=self.span_from(start)
        )

    # --- events and types ---------------------------------------------------------------

    def _event_type(self) -> nodes.EventDecl:
        start = self.advance()
        name = self.expect_name("the name of an event type")
        name_span = self.last.span
        base = None
        if self.take_word("extends"):
            base = self.expect_name("an event type")
        fields: tuple[nodes.FieldDecl, ...] = ()
        if self.take(":"):
            fields = self._fields()
        return nodes.EventDecl(
            name, base, fields, name_span=name_span, span=self.span_from(start)
        )

    def _fields(self) -> tuple[nodes.FieldDecl, ...]:
        fields: list[nodes.FieldDecl] = []
        if not self.at("newline"):
            fields.append(self._field())
            while self.take(",") and self.token.is_word:
                fields.append(self._field())
            return tuple(fields)
        self._enter_block()
        while not self.at("dedent") and not self.at("eof"):
            if self.token.kind in {"newline", ",", ";"}:
                self.advance()
            else:
                fields.append(self._field())
                if self.token.kind not in {"newline", ",", ";", "dedent", "eof"}:
                    raise self.unexpected("end of line")
        self.expect("dedent")
        return tuple(fields)

    def _enter_block(self) -> None:
        if self.peek().kind != "indent":
            raise self.fail(
                "E104", "expected an indented block after ':'", self.last.span
            )
        self.advance()
        self.advance()

    def _field(self) -> nodes.FieldDecl:
        start = self.token
        name = self.expect_label("the name of a field")
        name_span = self.last.span
        self.expect(":")
        type_ref = self.type()
        return nodes.FieldDecl(
            name, type_ref, name_span=name_span, span=self.span_from(start)
        )

    def _type_alias(self) -> nodes.TypeDecl:
        start = self.advance()
        name = self.expect_name("the name of a type")
        name_span = self.last.span
        self.expect("=")
        type_ref = self.type()
        return nodes.TypeDecl(
            name, type_ref, name_span=name_span, span=self.span_from(start)
        )

    # --- connectors, contexts, config, imports --------------------------------------------

    def _connector(self) -> nodes.ConnectorDecl:
        start = self.advance()
        name = self.expect_name("the name of a connector")
        name_span = self.last.span
        self.expect("=")
        kind = self.expect_name("a connector kind")
        kind_span = self.last.span
        params = self._params()
        return nodes.ConnectorDecl(
            name,
            kind,
            params,
            kind_span=kind_span,
            name_span=name_span,
            span=self.span_from(start),
        )

    def _context_decl(self) -> nodes.ContextDecl:
        start = self.advance()
        name = self.expect_name("the name of a context")
        name_span = self.last.span
        params = self._params() if self.at("(") else ()
        return nodes.ContextDecl(
            name, params, name_span=name_span, span=self.span_from(start)
        )

    def _params(self) -> tuple[nodes.Param, ...]:
        self.open("(")
        params = []
        while not self.at(")"):
            params.append(self._param())
            if not self.take(","):
                break
        self.close("',' or ')'")
        return tuple(params)

    def _param(self) -> nodes.Param:
        start = self.token
        name = self.expect_label("'name: value'")
        name_span = self.last.span
        self.expect(":")
        value = self._constant()
        return nodes.Param(name, value, name_span=name_span, span=self.span_from(start))

    def _constant(self) -> nodes.Expr:
        """Parse a parameter value: a literal, a bare name or an array of them."""
        start = self.token
        if self.take("-"):
            if self.token.kind not in {"int", "float"}:
                raise self.unexpected("a number")
            operand = self.literal()
            return nodes.Unary("-", operand, span=self.span_from(start))
        if start.kind == "[":
            self.open("[")
            items = []
            while not self.at("]"):
                items.append(self._constant())
                if not self.take(","):
                    break
            self.close("',' or ']'")
            return nodes.ArrayLiteral(tuple(items), span=self.span_from(start))
        if start.is_name:
            self.advance()
            return nodes.Name(start.text, span=start.span)
        if start.kind in {"int", "float", "str", "duration", "true", "false", "null"}:
            return self.literal()
        raise self.unexpected("a constant value")

    def _config(self) -> nodes.ConfigDecl:
        start = self.advance()
        if self.take(":"):
            params = self._config_lines()
            return nodes.ConfigDecl(None, params, span=self.span_from(start))
        name = self.expect_name("the name of a config block, or ':'")
        self.open("{")
        entries = []
        while not self.at("}"):
            entries.append(self._param())
            self.take(",")
        self.close("'name: value' or '}'")
        return nodes.ConfigDecl(name, tuple(entries), span=self.span_from(start))

    def _config_lines(self) -> tuple[nodes.Param, ...]:
        self._enter_block()
        params = []
        while not self.at("dedent"):
            if not self.take("newline"):
                params.append(self._param())
                if not self.at("newline"):
                    raise self.unexpected("end of line")
        self.advance()
        return tuple(params)

    def _import(self) -> nodes.ImportDecl:
        start = self.advance()
        path = str(self.expect("str", "the path of a file in quotes").value)
        name_span = self.last.span
        alias = self.expect_name("a name") if self.take("as") else None
        return nodes.ImportDecl(
            path, alias, name_span=name_span, span=self.span_from(start)
        )
