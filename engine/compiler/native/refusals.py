"""How lowering ends where a function is not native."""

from engine.compiler.symbols import Refusal
from vpl.source import Span


class RefusedError(Exception):
    """The function at hand has no native form."""

    def __init__(self, reason: str, span: Span) -> None:
        self.refusal = Refusal(reason, span)
        super().__init__(reason)
