"""Operations of a stream: `.name(..)`, each with the argument form of the grammar.

What an operation does with its arguments, and which names they may have, is data
of `vpl.catalog` and judged by the checker; here only the shape counts.
"""

from collections.abc import Callable

from vpl import nodes
from vpl.limits import MAX_OPERATIONS, MAX_PROCESSES
from vpl.nodes import Arg, Operation
from vpl.parser.patterns import PatternParser

_ONE_EXPRESSION = frozenset([
    "where",
    "filter",
    "having",
    "map",
    "process",
    "within",
    "allowed_lateness",
    "on",
    "limit",
    "on_error",
])
_NAMED_ONLY = frozenset([
    "aggregate",
    "trend_aggregate",
    "tap",
    "log",
    "watermark",
    "concurrent",
    "forecast",
    "score",
])
_TARGETED = frozenset(("from", "to", "enrich"))
_EMPTY = frozenset(("first", "collect", "all"))


class OperationParser(PatternParser):
    """`op` and `follow` of the grammar."""

    def stream_operations(self) -> tuple[nodes.StreamOp, ...]:
        """Parse operations and `->` steps as long as they come."""
        found: list[nodes.StreamOp] = []
        while True:
            if self.at("."):
                found.append(self._operation_call())
            elif self.at("->"):
                found.append(self._follow())
            else:
                return tuple(found)
            self._check_length(found)

    def _check_length(self, ops: list[nodes.StreamOp]) -> None:
        """Give E107 beyond a bound; short streams are below all of them."""
        if len(ops) <= MAX_PROCESSES:
            return
        processes = [op for op in ops if isinstance(op, Operation)]
        processes = [op for op in processes if op.name == "process"]
        counts = (
            (len(ops), MAX_OPERATIONS, "operations"),
            (len(processes), MAX_PROCESSES, "'.process'"),
        )
        for count, most, what in counts:
            if count > most:
                raise self.fail(
                    "E107",
                    f"more than {most} {what} in one stream",
                    self.last.span,
                    "put the rest into a stream of its own",
                )

    def event_source(self) -> nodes.EventSource:
        """Parse `[all] name [where filter] [as alias]`."""
        start = self.token
        every = self.at_word("all") and self.peek().is_name
        if every:
            self.advance()
        name = self.expect_name("an event type, a stream or a pattern")
        name_span = self.last.span
        where = self.filter() if self.take("where") else None
        alias = self.expect_name("an alias") if self.take("as") else None
        return nodes.EventSource(
            name, every, where, alias, name_span=name_span, span=self.span_from(start)
        )

    def _follow(self) -> nodes.Follow:
        start = self.advance()
        step = self.event_source()
        return nodes.Follow(step, span=self.span_from(start))

    def _operation_call(self) -> Operation:
        start = self.advance()
        word = self.token
        name = self.expect_label("an operation after '.'")
        as_type = None
        if name == "emit" and self.take("as"):
            as_type = self.expect_name("an event type")
        type_span = self.last.span
        if not self.at("("):
            raise self.unexpected("'('")
        found = self._arguments_of(name)
        return Operation(
            found.name,
            found.args,
            found.target,
            as_type,
            found.where,
            found.sort_keys,
            found.branches,
            target_span=found.target_span if as_type is None else type_span,
            name_span=word.span,
            span=self.span_from(start),
        )

    def _arguments_of(self, name: str) -> Operation:
        self.open("(")
        operation = self._form(name)(name)
        self.close("',' or ')'")
        return operation

    def _form(self, name: str) -> Callable[[str], Operation]:
        if name in _ONE_EXPRESSION:
            return self._one_expression
        if name in _NAMED_ONLY:
            return self._named_only
        if name in _TARGETED:
            return self._targeted
        if name in _EMPTY:
            return self._empty
        if name in {"emit", "select"}:
            return self._selection
        special: dict[str, Callable[[str], Operation]] = {
            "window": self._mixed,
            "partition_by": self._some_expressions,
            "order_by": self._order,
            "print": self._expressions,
            "distinct": self._distinct,
            "any": self._any,
            "not": self._negation_op,
            "context": self._context,
            "pattern": self._pattern_op,
            "fork": self._fork,
        }
        return special.get(name, self._mixed)

    # --- forms ----------------------------------------------------------------------

    def _one_expression(self, name: str) -> Operation:
        value = self._positional()
        self.take(",")
        return Operation(name, (value,))

    def _positional(self) -> Arg:
        value = self.expression()
        return Arg(None, value, span=value.span)

    def _named_only(self, name: str) -> Operation:
        return Operation(name, self._list(self.named))

    def _list(self, item: Callable[[], Arg]) -> tuple[Arg, ...]:
        items: list[Arg] = []
        while not self.at(")"):
            items.append(item())
            if not self.take(","):
                break
        return tuple(items)

    def _targeted(self, name: str) -> Operation:
        target = self.expect_name("the name of a connector")
        place = self.last.span
        self.take(",")
        return Operation(name, self._list(self.named), target=target, target_span=place)

    def _context(self, name: str) -> Operation:
        target = self.expect_name("the name of a context")
        return Operation(name, target=target, target_span=self.last.span)

    def _empty(self, name: str) -> Operation:
        return Operation(name)

    def _selection(self, name: str) -> Operation:
        if name == "select" and self.at(")"):
            raise self.unexpected("a field")
        return Operation(name, self._list(self._selected))

    def _selected(self) -> Arg:
        """Parse `name: value`, or a bare name that stands for `name: name`."""
        start = self.token
        if not start.is_word:
            raise self.unexpected("'name: value' or a field name")
        after = self.peek().kind
        if after == ":":
            return self.named()
        if after not in {",", ")"}:
            self.advance()
            raise self.unexpected(
                "':', ',' or ')'", hint="name the value: 'name: value'"
            )
        self.advance()
        value = nodes.Name(start.text, span=start.span)
        return Arg(start.text, value, span=start.span)

    def _mixed_argument(self) -> Arg:
        if self.token.is_word and self.peek().kind == ":":
            return self.named()
        return self._positional()

    def _mixed(self, name: str) -> Operation:
        return Operation(name, self._list(self._mixed_argument))

    def _expressions(self, name: str) -> Operation:
        return Operation(name, self._list(self._positional))

    def _some_expressions(self, name: str) -> Operation:
        if self.at(")"):
            raise self.unexpected("an expression")
        return self._expressions(name)

    def _order(self, name: str) -> Operation:
        keys = [self._sort_key()]
        while self.take(",") and not self.at(")"):
            keys.append(self._sort_key())
        return Operation(name, sort_keys=tuple(keys))

    def _sort_key(self) -> nodes.SortKey:
        value = self.expression()
        descending = self.take_word("desc")
        if not descending:
            self.take_word("asc")
        return nodes.SortKey(value, descending, span=self.extend(value.span))

    def _distinct(self, name: str) -> Operation:
        """Parse `[key] [[,] ttl: age]`; the comma may be missing."""
        args = []
        while not self.at(")"):
            args.append(self._mixed_argument())
            if not self.take(",") and not self.at_word("ttl"):
                break
        return Operation(name, tuple(args))

    def _any(self, name: str) -> Operation:
        if self.at(")"):
            return Operation(name)
        if not self.at("int"):
            raise self.unexpected("a number of branches")
        value = self.literal()
        return Operation(name, (Arg(None, value, span=value.span),))

    def _negation_op(self, name: str) -> Operation:
        target = self.expect_name("an event type or a stream")
        place = self.last.span
        where = self.expression() if self.take("where") else None
        return Operation(name, target=target, where=where, target_span=place)

    def _pattern_op(self, name: str) -> Operation:
        target = self.expect_name("a name")
        place = self.last.span
        self.expect(":")
        condition = self._positional()
        if self.token.kind in {"->", "as", "where"}:
            raise self.fail(
                "E092",
                "'.pattern' takes a lambda and no formula with arrows",
                hint="declare it: pattern P = SEQ(A, B), and use P as a source",
            )
        return Operation(name, (condition,), target=target, target_span=place)

    def _fork(self, name: str) -> Operation:
        branches = [self._branch()]
        while self.take(",") and not self.at(")"):
            branches.append(self._branch())
        return Operation(name, branches=tuple(branches))

    def _branch(self) -> nodes.Branch:
        start = self.token
        name = self.expect_name("the name of a branch")
        self.expect(":")
        self.descend()
        ops = self.stream_operations()
        self.ascend()
        return nodes.Branch(name, ops, span=self.span_from(start))
