"""Stream declarations and their sources."""

from vpl import nodes
from vpl.parser.operations import OperationParser

_SOURCE_FORMS = frozenset(("merge", "join", "sequence", "timer"))


class StreamParser(OperationParser):
    """`stream` and `source` of the grammar."""

    def stream(self) -> nodes.StreamDecl:
        """Parse a stream declaration from its `stream`."""
        start = self.advance()
        name = self.expect_name("the name of a stream")
        name_span = self.last.span
        type_ref = self.type() if self.take(":") else None
        self.expect("=")
        source = self._source()
        ops = self.stream_operations()
        return nodes.StreamDecl(
            name, type_ref, source, ops, name_span=name_span, span=self.span_from(start)
        )

    def _source(self) -> nodes.Source:
        token = self.token
        called = token.kind == "name" and self.peek().kind == "("
        if not called or token.text not in _SOURCE_FORMS:
            return self.event_source()
        self.advance()
        self.open("(")
        source = self._source_form(token.text)
        self.close("',' or ')'")
        return source

    def _source_form(self, form: str) -> nodes.Source:
        start = self.last
        if form == "timer":
            return self._timer()
        if form == "sequence":
            steps = [self._step()]
            while self.take(",") and not self.at(")"):
                steps.append(self._step())
            return nodes.SequenceSource(tuple(steps), span=self.span_from(start))
        parts = [self._part()]
        while self.take(",") and not self.at(")"):
            parts.append(self._part())
        span = self.span_from(start)
        if form == "merge":
            return nodes.MergeSource(tuple(parts), span=span)
        return nodes.JoinSource(tuple(parts), span=span)

    def _timer(self) -> nodes.TimerSource:
        start = self.last
        interval = self.expression()
        args = []
        while self.take(",") and not self.at(")"):
            args.append(self.named())
        return nodes.TimerSource(interval, tuple(args), span=self.span_from(start))

    def _step(self) -> nodes.SequenceStep:
        start = self.token
        alias = self.expect_name("an alias")
        self.expect(":")
        name = self.expect_name("an event type or a stream")
        name_span = self.last.span
        where = self.filter() if self.take("where") else None
        within = None
        if self.take("."):
            if not self.take_word("within"):
                raise self.unexpected("'within'")
            self.open("(")
            within = self.expression()
            self.close()
        return nodes.SequenceStep(
            alias, name, where, within, name_span=name_span, span=self.span_from(start)
        )

    def _part(self) -> nodes.SourcePart:
        start = self.token
        if not (self.at_word("stream") and self.peek().is_name):
            name = self.expect_name("a stream or an event type")
            name_span = self.last.span
            alias = self.expect_name("an alias") if self.take("as") else None
            return nodes.SourcePart(
                name, alias, name_span=name_span, span=self.span_from(start)
            )
        self.advance()
        alias = self.expect_name("the name of a part")
        self.expect("=")
        name = self.expect_name("a stream or an event type")
        name_span = self.last.span
        where: list[nodes.Expr] = []
        on: list[nodes.Expr] = []
        while self.take("."):
            word = self.token.text
            if word not in {"where", "on"} or not self.token.is_word:
                raise self.unexpected("'where' or 'on'")
            self.advance()
            self.open("(")
            (where if word == "where" else on).append(self.expression())
            self.close()
        return nodes.SourcePart(
            name,
            alias,
            tuple(where),
            tuple(on),
            name_span=name_span,
            span=self.span_from(start),
        )
