"""Types in declarations."""

from vpl.nodes import TypeRef
from vpl.parser.cursor import Cursor


class TypeParser(Cursor):
    """`type` of the grammar."""

    def type(self) -> TypeRef:
        """Parse a type with its question marks."""
        start = self.token
        found = self._primary_type()
        optional = False
        while self.token.kind in {"?", "??"}:
            self.advance()
            optional = True
        if not optional:
            return found
        return TypeRef(
            found.name, found.args, optional=True, span=self.span_from(start)
        )

    def _primary_type(self) -> TypeRef:
        start = self.token
        if start.kind == "[":
            self.open("[")
            args: tuple[TypeRef, ...] = (self.type(),)
            self.close()
            return TypeRef("array", args, span=self.span_from(start))
        if start.kind == "{":
            self.open("{")
            key = self.type()
            self.expect(":")
            args = (key, self.type())
            self.close()
            return TypeRef("map", args, span=self.span_from(start))
        if start.kind == "(":
            return self._tuple()
        name = self.expect_name("a type")
        if name == "Stream" and self.at("<"):
            return self._stream_type()
        return TypeRef(name, span=self.span_from(start))

    def _tuple(self) -> TypeRef:
        start = self.token
        self.open("(")
        args = [self.type()]
        self.expect(",", "',' (a tuple has two parts or more)")
        args.append(self.type())
        while self.take(",") and not self.at(")"):
            args.append(self.type())
        self.close()
        return TypeRef("tuple", tuple(args), span=self.span_from(start))

    def _stream_type(self) -> TypeRef:
        """Parse `Stream<..>` from its `<`; `>>` closes two of them."""
        start = self.last
        depth = 0
        while self.last.text == "Stream" and self.at("<"):
            self.advance()
            depth += 1
            if not self.at_word("Stream"):
                break
            self.advance()
        found = self.type() if self.last.kind == "<" else TypeRef("Stream")
        closed = 0
        while closed < depth:
            if self.token.kind not in {">", ">>"} or depth - closed < len(
                self.token.kind
            ):
                raise self.unexpected("'>'")
            closed += len(self.advance().kind)
        for _ in range(depth):
            found = TypeRef("Stream", (found,), span=self.span_from(start))
        return found
