"""Which token begins a statement: the parser tells while it parses."""

from vpl import nodes
from vpl.lexer import LexResult
from vpl.parser.declarations import DeclarationParser
from vpl.tokens import Token

_LAYOUT = frozenset(("newline", "indent", "dedent"))


class Recorder(DeclarationParser):
    """A parser that notes the structure of lines instead of building a tree.

    `starts` maps the index of the first token of every declaration, statement and
    field to its depth; `separators` are tokens between those, and between the
    parameters of config blocks, which layout replaces;
    `lambdas` maps the opening to the closing brace of every lambda block; `params`
    are the first tokens of constant parameters, which need no comma between them.
    The text must be free of syntax errors.
    """

    def __init__(self, lexed: LexResult, depth: int) -> None:
        self.starts: dict[int, int] = {}
        self.separators: set[int] = set()
        self.lambdas: dict[int, int] = {}
        self.params: set[int] = set()
        self._depth = depth
        self._fresh = True
        self._in_fields = False
        self._in_config = False
        self._brace = -1
        super().__init__(lexed)

    def record(self) -> None:
        """Read the whole text; raises SyntaxFaultError at an error."""
        while not self.at("eof"):
            if self.token.kind in {"newline", ";", "dedent"}:
                self.advance()
            else:
                self.declaration()

    def advance(self) -> Token:
        """Step over the current token and note what it says about lines."""
        token = super().advance()
        if token.kind in _LAYOUT:
            self._depth += (token.kind == "indent") - (token.kind == "dedent")
            self._fresh = True
        elif token.kind == ";" or (token.kind == "," and self._between_fields()):
            self.separators.add(token.index)
            self._fresh = True
        elif token.kind == "," and self._between_settings():
            self.separators.add(token.index)
        elif self._fresh:
            self._fresh = False
            if token.kind != "}":
                self.starts[token.index] = self._depth
        if token.index == self._brace and token.kind == "{":
            self._fresh = True
        return token

    def _between_fields(self) -> bool:
        return self._in_fields and not self.brackets

    def _between_settings(self) -> bool:
        """Tell whether a comma stands directly in the braces of a config block."""
        return self._in_config and [item.kind for item in self.brackets] == ["{"]

    def block(self) -> tuple[nodes.Stmt, ...]:
        """Parse a block; one on the line of its opener is deeper too."""
        inline = not self.at("newline")
        self._deepen(inline)
        body = super().block()
        self._depth -= inline
        return body

    def _deepen(self, inline: bool) -> None:
        if inline:
            self._depth += 1
            self._fresh = True

    def lambda_body(self) -> tuple[tuple[nodes.Stmt, ...], nodes.Expr | None]:
        """Parse the block of a lambda; its lines are deeper."""
        brace = self._brace = self.token.index
        self._depth += 1
        body = super().lambda_body()
        self._depth -= 1
        self.lambdas[brace] = self.last.index
        return body

    def _at_branch(self, word: str) -> bool:
        found = super()._at_branch(word)
        self._fresh = self._fresh or found
        return found

    def _fields(self) -> tuple[nodes.FieldDecl, ...]:
        inline = not self.at("newline")
        self._deepen(inline)
        self._in_fields = True
        fields = super()._fields()
        self._in_fields = False
        self._depth -= inline
        return fields

    def _config(self) -> nodes.ConfigDecl:
        self._in_config = True
        config = super()._config()
        self._in_config = False
        return config

    def _param(self) -> nodes.Param:
        self.params.add(self.token.index)
        return super()._param()
