"""The lines of a program as a tree: which words, and which lines below them."""

from dataclasses import dataclass, field

from vpl.formatter.words import Comment, Word


@dataclass(slots=True)
class Block:
    """The braces of a lambda with the statements between them."""

    opener: Word
    lines: list["Line"]
    closer: Word


Part = Word | Block


@dataclass(slots=True)
class Line:
    """One declaration, statement or field, and the block below it.

    `params` are the positions in `parts` of constant parameters. `inline` tells that
    the block stood on the line itself.
    """

    parts: list[Part]
    body: list["Line"] = field(default_factory=list)
    params: set[int] = field(default_factory=set)

    @property
    def first(self) -> Word:
        """Return the first word."""
        return first_word(self.parts[0])

    @property
    def column(self) -> int | None:
        """Return the column the line began at, None if it was not first there."""
        return self.first.column if self.first.fresh else None

    @property
    def inline(self) -> bool:
        """Tell whether the block began on the line itself."""
        return bool(self.body) and not self.body[0].first.fresh

    @property
    def declares(self) -> str:
        """Return the word that says what is declared, empty if nothing is."""
        kinds = [word.kind for word in self.parts[:2] if isinstance(word, Word)]
        named = len(kinds) > 1 and kinds[1] in {"name", "quoted"}
        return self.first.text if kinds[0] == "name" and named else ""


def first_word(part: Part) -> Word:
    """Return the first word of a part."""
    return part if isinstance(part, Word) else part.opener


def last_word(part: Part) -> Word:
    """Return the last word of a part."""
    return part if isinstance(part, Word) else part.closer


@dataclass(slots=True)
class Marks:
    """Where lines begin among words, by the position of the word; see `Recorder`."""

    starts: dict[int, int] = field(default_factory=dict)
    separators: set[int] = field(default_factory=set)
    lambdas: dict[int, int] = field(default_factory=dict)
    params: set[int] = field(default_factory=set)


class Outliner:
    """Builds the tree of lines from words and marks; the last word is the end."""

    def __init__(self, words: list[Word], marks: Marks) -> None:
        self._words = words
        self._marks = marks
        self._at = 0
        _settle_separators(words, marks)

    def lines(self, depth: int, end: int) -> list[Line]:
        """Return the lines of this depth up to the word at `end`."""
        found: list[Line] = []
        while self._at < end:
            level = self._marks.starts.get(self._at)
            if level is not None and level < depth:
                break
            if level is not None and level > depth:
                found[-1].body = self.lines(level, end)
            else:
                found.append(self._line(end))
        return found

    def _line(self, end: int) -> Line:
        line = Line([])
        while self._at < end:
            at = self._at
            if line.parts and at in self._marks.starts:
                break
            if at in self._marks.params:
                line.params.add(len(line.parts))
            if at in self._marks.lambdas:
                line.parts.append(self._block())
            else:
                self._at += 1
                if at not in self._marks.separators:
                    line.parts.append(self._words[at])
        return line

    def _block(self) -> Block:
        opener = self._at
        closer = self._marks.lambdas[opener]
        self._at += 1
        lines: list[Line] = []
        self._skip_separators(closer)
        if self._at < closer:
            lines = self.lines(self._marks.starts[self._at], closer)
        self._at = closer + 1
        return Block(self._words[opener], lines, self._words[closer])

    def _skip_separators(self, end: int) -> None:
        while self._at < end and self._at in self._marks.separators:
            self._at += 1


def _settle_separators(words: list[Word], marks: Marks) -> None:
    """Give the comments of words that will not be printed to their neighbours, and
    those before a comma to the comma."""
    closers = {")", "]", "}"}
    kept: Word | None = None
    for at, word in enumerate(words):
        if word.text == "," and at not in marks.separators:
            if words[at + 1].text in closers:
                marks.separators.add(at)
            elif kept is not None:
                _behind_comma(kept, word, words[at + 1])
        if at not in marks.separators:
            kept = word
            continue
        following = words[at + 1]
        if kept is None or word.fresh:
            following.before[:0] = [*word.before, *word.after]
            following.fresh = True
        else:
            kept.after += word.after


def _behind_comma(word: Word, comma: Word, following: Word) -> None:
    if comma.fresh:
        following.before[:0] = [*comma.before, *comma.after]
        comma.before, comma.after = [], []
    comma.after[:0] = word.after
    word.after = []


def comment_depth(comment: Comment, previous: Line | None) -> int:
    """Return how many blocks of the line above a comment belongs into, by its
    column."""
    depth = 0
    while previous is not None and previous.body:
        column = previous.body[0].column
        if column is None or comment.column < column:
            break
        depth += 1
        previous = previous.body[-1]
    return depth
