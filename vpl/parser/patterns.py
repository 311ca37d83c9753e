"""Named patterns: `pattern P = SEQ(..) within .. partition by ..`."""

from typing import Literal as Word

from vpl import nodes
from vpl.nodes import PatternExpr
from vpl.parser.statements import StatementParser


class PatternParser(StatementParser):
    """`pattern` and all below it in the grammar."""

    def pattern(self) -> nodes.PatternDecl:
        """Parse a pattern declaration from its `pattern`."""
        start = self.advance()
        name = self.expect_name("the name of a pattern")
        name_span = self.last.span
        self.expect("=")
        root = self._alternatives()
        within = self.expression() if self.take_word("within") else None
        keys: list[nodes.Expr] = []
        if self.take_word("partition"):
            if not self.take_word("by"):
                raise self.unexpected("'by'")
            keys.append(self.expression())
            while self.take(","):
                keys.append(self.expression())
        return nodes.PatternDecl(
            name,
            root,
            within,
            tuple(keys),
            name_span=name_span,
            span=self.span_from(start),
        )

    def _alternatives(self) -> PatternExpr:
        start = self.token
        operands = [self._conjunction()]
        while self.take_word("OR"):
            operands.append(self._conjunction())
        if len(operands) == 1:
            return operands[0]
        return nodes.PatternOr(tuple(operands), span=self.span_from(start))

    def _conjunction(self) -> PatternExpr:
        start = self.token
        operands = [self._negatable()]
        while self.take_word("AND"):
            operands.append(self._negatable())
        if len(operands) == 1:
            return operands[0]
        return nodes.PatternAnd(tuple(operands), span=self.span_from(start))

    def _negatable(self) -> PatternExpr:
        start = self.token
        if self.at_word("NOT") and (self.peek().is_name or self.peek().kind == "("):
            self.advance()
            operand = self._primary_pattern()
            return nodes.PatternNot(operand, span=self.span_from(start))
        return self._primary_pattern()

    def _primary_pattern(self) -> PatternExpr:
        if self.at("("):
            self.open("(")
            found = self._alternatives()
            self.close()
            return found
        if self.at_word("SEQ") and self.peek().kind == "(":
            return self._sequence()
        return self._pattern_event()

    def _sequence(self) -> PatternExpr:
        start = self.advance()
        self.open("(")
        items = [self._item()]
        while self.take(",") and not self.at(")"):
            items.append(self._item())
        self.close("',' or ')'")
        return nodes.PatternSeq(tuple(items), span=self.span_from(start))

    def _item(self) -> PatternExpr:
        start = self.token
        if self.at_word("NOT") and (self.peek().is_name or self.peek().kind == "("):
            self.advance()
            operand = self._item_event()
            return nodes.PatternNot(operand, span=self.span_from(start))
        return self._item_event()

    def _item_event(self) -> PatternExpr:
        if not self.at("("):
            return self._pattern_event()
        start = self.token
        self.open("(")
        options: list[PatternExpr] = [self._pattern_event()]
        while self.take_word("OR"):
            options.append(self._pattern_event())
        self.close("'OR' or ')'")
        if len(options) == 1:
            return options[0]
        return nodes.PatternOr(tuple(options), span=self.span_from(start))

    def _pattern_event(self) -> PatternExpr:
        start = self.token
        event_type = self.expect_name("an event type")
        name_span = self.last.span
        repeat = self._repeat()
        where = self.expression() if self.take("where") else None
        alias = self.expect_name("an alias") if self.take("as") else None
        return nodes.PatternEvent(
            event_type,
            repeat,
            where,
            alias,
            name_span=name_span,
            span=self.span_from(start),
        )

    def _repeat(self) -> Word["", "+", "*", "?"]:
        if self.take("+"):
            return "+"
        if self.take("*"):
            return "*"
        return "?" if self.take("?") else ""
