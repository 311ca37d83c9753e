"""From a text to its lines; bodies of generator loops are read as templates.

In a template every hole is filled with one number, so that lexer and parser can read
it, while the words keep the text of the template.
"""

from dataclasses import dataclass, field

from vpl.diagnostics import Diagnostic
from vpl.formatter.outline import Line as OutlineLine
from vpl.formatter.outline import Marks, Outliner
from vpl.formatter.recorder import Recorder
from vpl.formatter.words import Word, WordReader
from vpl.generators import (
    Loop,
    end_of_body,
    hole_of,
    loop_body,
    relocate,
    top_level_loops,
)
from vpl.lexer import LexResult, tokenize
from vpl.parser.cursor import SyntaxFaultError
from vpl.templates import Line
from vpl.tokens import Token

_LONGEST_HEADER = 12
"""Tokens that are enough for the header of a loop and what follows it."""


class UnreadableError(Exception):
    """The text, or the body of a loop that never runs, has syntax errors."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("the text has syntax errors")
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True)
class Outline:
    """The lines of a text; `end` has the comments after the last one.

    `loop_variables` are the names that mean a number where they stand in braces.
    """

    lines: list[OutlineLine]
    end: Word
    loop_variables: frozenset[str]


def read_outline(source: str) -> Outline:
    """Return the lines of `source`; raises UnreadableError."""
    reader = _Reader(source)
    lines = [Line(text, at) for at, text in enumerate(source.split("\n"), start=1)]
    reader.read(lines, 0)
    return reader.outline()


@dataclass(slots=True)
class _Reader:
    source: str
    words: list[Word] = field(default_factory=list)
    marks: Marks = field(default_factory=Marks)
    variables: list[str] = field(default_factory=list)
    all_variables: set[str] = field(default_factory=set)
    word_reader: WordReader = field(init=False)

    def __post_init__(self) -> None:
        self.word_reader = WordReader(self.source)

    def outline(self) -> Outline:
        """Return what was read."""
        self.words.append(self.word_reader.end())
        stop = len(self.words) - 1
        lines = Outliner(self.words, self.marks).lines(0, stop)
        return Outline(lines, self.words[-1], frozenset(self.all_variables))

    def read(self, lines: list[Line], depth: int) -> None:
        """Read lines that stand at one depth, loops among them with their bodies."""
        lexed = _lexed(lines)
        tokens = lexed.tokens
        loops = [*top_level_loops(tokens)]
        if not loops:
            self._read_declarations(lexed, lines, depth)
            return
        done = 0
        for word in loops:
            first = word.line - 1
            if first < done:
                continue
            between = lines[done:first]
            self._read_declarations(_lexed(between), between, depth)
            done = end_of_body(tokens, word)
            header = tokens[word.index : word.index + _LONGEST_HEADER]
            self._read_loop(lines, header, done, depth)
        rest = lines[done:]
        self._read_declarations(_lexed(rest), rest, depth)

    def _read_loop(
        self, lines: list[Line], tokens: list[Token], stop: int, depth: int
    ) -> None:
        """Read the loop whose tokens come first; its body ends before line `stop`."""
        word, variable = tokens[0], tokens[1].text
        colon = next(at for at, token in enumerate(tokens) if token.kind == ":")
        first = tokens[colon + 1]
        inline = first.column - 1 if first.lead is None else None
        value = next(token.value for token in tokens if token.kind == "int")
        loop = Loop(
            word,
            variable,
            range(0),
            (word if inline is not None else first).line - 1,
            stop,
            0 if inline is not None else len(first.lead or ""),
            inline,
        )
        hole = hole_of(variable)
        body = [line.filled(hole, str(value), "") for line in loop_body(loop, lines)]
        self._read_header(tokens[: colon + 1], lines, depth)
        self.variables.append(variable)
        self.all_variables.add(variable)
        self.read(body, depth + 1)
        self.variables.pop()

    def _read_header(self, tokens: list[Token], lines: list[Line], depth: int) -> None:
        self.marks.starts[len(self.words)] = depth
        header = LexResult(tokens, [])
        relocate(header, lines)
        self._take(header.tokens)

    def _read_declarations(
        self, lexed: LexResult, lines: list[Line], depth: int
    ) -> None:
        """Read lines without loops."""
        if len(lexed.tokens) < 2:
            return
        relocate(lexed, lines)
        recorder = Recorder(lexed, depth)
        try:
            recorder.record()
        except SyntaxFaultError as error:
            raise UnreadableError(lexed.diagnostics) from error
        if lexed.diagnostics:
            raise UnreadableError(lexed.diagnostics)
        self._mark(recorder)
        self._take(lexed.tokens[:-1])

    def _mark(self, recorder: Recorder) -> None:
        base = len(self.words)
        marks = self.marks
        marks.starts |= {base + at: depth for at, depth in recorder.starts.items()}
        marks.separators |= {base + at for at in recorder.separators}
        marks.params |= {base + at for at in recorder.params}
        marks.lambdas |= {
            base + opener: base + closer for opener, closer in recorder.lambdas.items()
        }

    def _take(self, tokens: list[Token]) -> None:
        read = self.word_reader.read
        self.words += [read(token, self.variables) for token in tokens]


def _lexed(lines: list[Line]) -> LexResult:
    return tokenize("\n".join(line.text for line in lines))
