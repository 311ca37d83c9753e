"""Blanks between the words of a line, and where a line that is too long breaks.

Neither changes the meaning of a text: they only follow what people expect to see.
"""

from dataclasses import dataclass, field

from vpl.formatter.outline import Block, Line, first_word, last_word
from vpl.formatter.words import Word
from vpl.tokens import CLOSERS, LITERALS, OPENERS, RESERVED

_LEVELS: tuple[tuple[str, ...], ...] = (
    ("where",),
    ("then", "else"),
    ("or", "OR"),
    ("and", "AND"),
    ("==", "!=", "<", "<=", ">", ">=", "in", "is"),
    ("??",),
    ("|",),
    ("^",),
    ("&",),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
    ("**",),
)
_BREAKS = {text: at for at, texts in enumerate(_LEVELS, start=1) for text in texts}
_SPOKEN = frozenset(("OR", "AND", "NOT", "within", "partition", "by"))
"""Names that are keywords in a named pattern."""

_VALUES = LITERALS | {"name", "quoted", "true", "false", "null"}
_PREFIXES = frozenset(("-", "~"))
_REPEATS = frozenset(("+", "*", "?"))
_AFTER_REPEAT = frozenset((",", ")", "where", "as", "OR", "AND", "within", "partition"))
_AFTER_TYPE = frozenset(("=", ",", ")", "]", "}", ":", ">", ">>"))
_TIGHT = frozenset(("..", "..=", "?.", "."))


def space(line: Line) -> None:
    """Fill in `spaced` and `breaks` of the words of a line and of all below it."""
    waiting = [line]
    while waiting:
        current = waiting.pop()
        _Spacer(current).run()
        waiting += current.body
        for part in current.parts:
            if isinstance(part, Block):
                waiting += part.lines


@dataclass(slots=True)
class _Bracket:
    """An open bracket; in an index a colon stands for a slice."""

    at: int
    is_index: bool = False


@dataclass(slots=True)
class _Spacer:
    """Goes over the parts of a line with the brackets that are open."""

    line: Line
    brackets: list[_Bracket] = field(default_factory=list)
    generics: int = 0

    def run(self) -> None:
        """Fill in all words of the line."""
        parts = self.line.parts
        for at, part in enumerate(parts):
            word = first_word(part)
            word.spaced = bool(at) and self._is_spaced(at, word)
            if isinstance(part, Block):
                continue
            if at and self._is_operator(at):
                word.breaks = self._break_level(at)
            self._follow(at, word)

    def _follow(self, at: int, word: Word) -> None:
        """Keep account of brackets and of types in angles."""
        if word.kind in OPENERS:
            indexes = word.kind == "[" and not word.spaced and self._is_value(at - 1)
            self.brackets.append(_Bracket(at, indexes))
        elif word.kind in CLOSERS and self.brackets:
            self.brackets.pop()
        elif word.kind == "<" and self._is_generic(at):
            self.generics += 1
        elif word.kind in {">", ">>"} and self.generics:
            self.generics = max(0, self.generics - len(word.kind))

    # --- what a word is -----------------------------------------------------------

    def _text(self, at: int) -> str:
        """Return the word at a place; empty beyond the ends, and for strings."""
        if not 0 <= at < len(self.line.parts):
            return ""
        word = first_word(self.line.parts[at])
        return "" if word.kind in {"str", "quoted"} else word.text

    def _is_label(self, at: int) -> bool:
        """Tell whether a word names what stands behind its colon, or a member."""
        if self._text(at - 1) in {".", "?."}:
            return True
        starts = at == 0 or self._text(at - 1) in {"(", ",", "{"}
        return starts and self._text(at + 1) in {":", ",", ")"}

    def _is_spoken(self, at: int) -> bool:
        """Tell whether a word works as a keyword here."""
        word = first_word(self.line.parts[at])
        if self._is_label(at):
            return False
        if word.kind in RESERVED:
            return word.kind not in {"true", "false", "null"}
        in_pattern = self.line.declares == "pattern"
        return in_pattern and word.kind == "name" and word.text in _SPOKEN

    def _is_value(self, at: int) -> bool:
        """Tell whether a value can end with the word at a place."""
        if at < 0:
            return False
        word = last_word(self.line.parts[at])
        if word.kind in CLOSERS or self._is_label(at):
            return True
        return word.kind in _VALUES and not self._is_spoken(at)

    def _is_prefix(self, at: int) -> bool:
        """Tell whether `-` or `~` stands before its only operand."""
        return self._text(at) in _PREFIXES and not self._is_value(at - 1)

    def _is_suffix(self, at: int) -> bool:
        """Tell whether `?`, `+` or `*` says how often something may come."""
        text = self._text(at)
        following = self._text(at + 1)
        if text == "?" or (text == "??" and self._ends_type(at, following)):
            return True
        repeated = text in _REPEATS and self.line.declares == "pattern"
        ends = at + 1 == len(self.line.parts)
        return repeated and (ends or following in _AFTER_REPEAT)

    def _ends_type(self, at: int, following: str) -> bool:
        return following in _AFTER_TYPE or at + 1 == len(self.line.parts)

    def _is_generic(self, at: int) -> bool:
        """Tell whether `<` belongs to `Stream<..>` in a type."""
        typed = self._text(at - 2) in {":", "->", "<", "=", "[", "("}
        return typed and self._text(at - 1) == "Stream"

    def _is_operator(self, at: int) -> bool:
        """Tell whether the word stands between two operands."""
        text = self._text(at)
        if text == "not":
            return self._text(at + 1) == "in" and self._is_value(at - 1)
        if self.generics and text in {">", ">>"}:
            return False
        if text in {"OR", "AND"} and self.line.declares != "pattern":
            return False
        if self._is_label(at) or self._is_suffix(at) or self._is_generic(at):
            return False
        return text in _BREAKS and not self._is_prefix(at)

    def _break_level(self, at: int) -> int:
        """Return how willing the line is to break before an operator."""
        text = self._text(at)
        if text == "not":
            return _BREAKS["in"]
        if text == "in" and self._text(at - 1) == "not":
            return 0
        if text == "in" and self._text(0) == "for":
            return 0
        return _BREAKS[text]

    # --- blanks ---------------------------------------------------------------------

    def _is_spaced(self, at: int, word: Word) -> bool:
        """Tell whether a blank stands before the word at a place, not the first."""
        text = self._text(at)
        before = self._text(at - 1)
        if text in CLOSERS or text == "," or before in OPENERS:
            return False
        if text in {".", "->"} and self._is_step(at):
            return True
        if text in _TIGHT or before in _TIGHT or self._is_suffix(at):
            return False
        if text == ":" or before == ":":
            return self._is_spaced_at_colon(at, text)
        if self._is_prefix(at - 1) or self._is_tight_angle(at, text, before):
            return False
        return text not in {"(", "["} or self._is_spaced_bracket(at, text)

    def _is_step(self, at: int) -> bool:
        """Tell whether `.` or `->` begins the next operation of a stream."""
        if self._text(at) == "->":
            return True
        if self._text(at - 1) == ":" or self._bounds_step(at):
            return True
        if self.brackets or self.line.declares != "stream":
            return False
        following = self._text(at + 2)
        return following == "(" or (self._text(at + 1), following) == ("emit", "as")

    def _bounds_step(self, at: int) -> bool:
        """Tell whether `.within(` follows a step of `sequence(..)`."""
        if len(self.brackets) != 1 or self._text(at + 1) != "within":
            return False
        form = self._text(self.brackets[0].at - 1)
        return form == "sequence" and self._text(at + 2) == "("

    def _is_spaced_at_colon(self, at: int, text: str) -> bool:
        in_index = bool(self.brackets) and self.brackets[-1].is_index
        if text == ":":
            # A time of day would swallow the colon and the number behind it.
            time = first_word(self.line.parts[at - 1]).kind == "timestamp"
            return in_index and time
        return not in_index

    def _is_spaced_bracket(self, at: int, text: str) -> bool:
        """Tell whether a blank stands before `(` or `[`: none in calls and indexes."""
        if text == "(" and self._is_parameter_list(at):
            return True
        return not self._is_value(at - 1)

    def _is_parameter_list(self, at: int) -> bool:
        if self.brackets or at == 1:
            return False
        return self.line.declares in {"connector", "context"}

    def _is_tight_angle(self, at: int, text: str, before: str) -> bool:
        """Tell whether the word touches the one before it in `Stream<..>`."""
        if text == "<" and self._is_generic(at):
            return True
        if before == "<" and self._is_generic(at - 1):
            return True
        return bool(self.generics) and text in {">", ">>"}
