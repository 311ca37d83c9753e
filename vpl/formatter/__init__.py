"""The canonical layout of a program.

The printer works on the words of the text, so comments and literals stay as typed; the
parser only tells which word begins a statement.
"""

from vpl.diagnostics import Diagnostic
from vpl.fingerprints import fingerprint
from vpl.formatter.printer import print_outline
from vpl.formatter.reader import UnreadableError, read_outline
from vpl.parser import parse

__all__ = ["FormatError", "format_program"]


class FormatError(Exception):
    """The text cannot be laid out; `diagnostics` say why."""

    def __init__(self, message: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


def format_program(source: str) -> str:
    """Return `source` in canonical layout.

    Comments and the way literals are written are kept, the tree stays the same, and
    laying out the result again changes nothing. Raises FormatError if the text has
    syntax errors, generator bodies that never run included.
    """
    text = source.removeprefix("\ufeff").replace("\r\n", "\n")
    parsed = parse(text)
    errors = tuple(item for item in parsed.diagnostics if item.severity == "error")
    if errors:
        raise FormatError("the text has syntax errors", errors)
    try:
        result = print_outline(read_outline(text))
    except UnreadableError as error:
        raise FormatError(str(error), tuple(error.diagnostics)) from error
    again = parse(result)
    if again.diagnostics != parsed.diagnostics and any(
        item.severity == "error" for item in again.diagnostics
    ):
        raise FormatError("the text would not be readable after laying it out")
    if fingerprint(again.program) != fingerprint(parsed.program):
        raise FormatError("the text would mean something else after laying it out")
    return result
