"""How lowering ends where a function is not native."""

from engine.compiler.symbols import Refusal
from vpl.source import Span


class RefusedError(Exception):
    """The function at hand has no native form.

    `root` is the refusal of a function that it calls, if that is why.
    """

    def __init__(self, reason: str, span: Span, root: Refusal | None = None) -> None:
        self.refusal = Refusal(reason, span)
        self.root = root or self.refusal
        super().__init__(reason)
