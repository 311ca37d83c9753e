"""Lines as text: one line each if it fits and may, else broken at fitting places.

A stream of several operations has each on a line of its own. Other lines break before
their loosest operators, or in their widest brackets, one item to a line.
"""

from dataclasses import dataclass

from vpl.formatter.groups import Atom, Braces, Group, Node, Sequence, grouped
from vpl.formatter.outline import Line, comment_depth
from vpl.formatter.page import Page
from vpl.formatter.reader import Outline
from vpl.formatter.spacing import space
from vpl.formatter.words import Word
from vpl.tokens import CONTINUES_LINE, RESERVED

STEP = 4


def print_outline(outline: Outline) -> str:
    """Return the canonical text of a program."""
    for line in outline.lines:
        space(line)
    printer = _Printer(outline.loop_variables)
    printer.lines(outline.lines, 0)
    printer.end(outline)
    return printer.page.text()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a sequence is written: the indentation of its line, and that of the
    lines it goes on in."""

    indent: int
    deeper: int


class _Printer:
    def __init__(self, loop_variables: frozenset[str]) -> None:
        self.page = Page()
        self._loop_variables = loop_variables

    # --- lines ----------------------------------------------------------------------

    def lines(self, lines: list[Line], indent: int) -> None:
        """Write the lines of a block."""
        previous: Line | None = None
        for line in lines:
            self._above(line.first, previous, indent, at_start=previous is None)
            line.first.before = []
            _keep_from_continuing(line)
            self.page.new_line(indent)
            self._line(line, indent)
            previous = line

    def end(self, outline: Outline) -> None:
        """Write the comments after the last line."""
        lines = outline.lines
        outline.end.blank_before = False
        previous = lines[-1] if lines else None
        self._above(outline.end, previous, 0, at_start=not lines)

    def _above(
        self, word: Word, previous: Line | None, indent: int, *, at_start: bool
    ) -> None:
        """Write the comments and the blank line above a line."""
        kept = word.kind not in {"else", "elif"}
        for comment in word.before:
            if comment.blank_before and kept and not at_start:
                self.page.blank_line()
            depth = comment_depth(comment, previous)
            self.page.comment_above(comment, indent + depth * STEP)
            at_start = False
        if word.blank_before and kept and not at_start:
            self.page.blank_line()

    def _line(self, line: Line, indent: int) -> None:
        sequence = grouped(line, self._loop_variables)
        if line.inline and self._write_with_body(line, sequence):
            return
        place = _Place(indent, indent + (2 * STEP if line.body else STEP))
        if line.declares == "stream":
            self._stream(sequence, place)
        elif line.declares == "config":
            self._leaf(sequence.nodes, place, sequence.nodes[-1])
        else:
            self._sequence(sequence, place)
        self.page.comments_behind(sequence.last)
        self.lines(line.body, indent + STEP)

    def _write_with_body(self, line: Line, sequence: Sequence) -> bool:
        """Write a line and the block on it if that may stand on one line."""
        text = _with_body(line, sequence, self._loop_variables)
        if text is None or not self.page.fits(text, spaced=False):
            return False
        self.page.write(text)
        last = line.body[-1]
        self.page.comments_behind(grouped(last, self._loop_variables).last)
        return True

    def _stream(self, sequence: Sequence, place: _Place) -> None:
        """Write a stream: several operations on a line each, a single one may stay."""
        steps = _steps(sequence.nodes)
        flat = sequence.flat
        if len(steps) < 2 and flat is not None and self.page.fits(flat, spaced=False):
            self.page.write(flat)
        elif steps:
            self._split(sequence.nodes, steps, place, first=place)
        else:
            self._sequence(sequence, place)

    # --- sequences --------------------------------------------------------------------

    def _sequence(self, sequence: Sequence, place: _Place) -> None:
        """Write a sequence as flat as it can be, without the comments at its end."""
        self.page.settle(place.deeper)
        first, flat = sequence.first, sequence.flat
        fitting = flat is not None and self.page.fits(flat, spaced=first.spaced)
        if flat is not None and fitting and not first.before:
            self.page.write(flat, spaced=first.spaced)
            return
        nodes = sequence.nodes
        points = _branch_steps(nodes) or _loosest(nodes)
        if points:
            inner = _Place(place.indent, place.deeper + STEP)
            self._split(nodes, points, place, first=inner)
        else:
            self._leaf(nodes, place, None if fitting else _widest(nodes))

    def _split(
        self, nodes: list[Node], points: list[int], place: _Place, first: _Place
    ) -> None:
        """Write nodes with a new line before each of `points`."""
        starts = [0, *points]
        stops = [*points, len(nodes)]
        for start, stop in zip(starts, stops, strict=True):
            part = Sequence(nodes[start:stop])
            if not start:
                self._sequence(part, first)
            else:
                self._comments_above(part.first, place.deeper)
                self.page.new_line(place.deeper)
                self._sequence(part, _Place(place.deeper, place.deeper + STEP))
            if stop < len(nodes):
                self.page.comments_behind(part.last)

    def _leaf(self, nodes: list[Node], place: _Place, opened: Node | None) -> None:
        """Write nodes one after the other; `opened` and all brackets that cannot be
        on one line are broken, comments at the end of the last one left out."""
        for node in nodes:
            self._comments_above(node.first, place.deeper)
            self.page.settle(place.deeper)
            flat = None if node is opened else node.flat
            if flat is not None or isinstance(node, Atom):
                self.page.write(flat or node.first.text, spaced=node.first.spaced)
            elif isinstance(node, Braces):
                self._braces(node, place)
            else:
                self._group(node, place)
            if node is not nodes[-1]:
                self.page.comments_behind(node.last)

    def _comments_above(self, word: Word, indent: int) -> None:
        for comment in word.before:
            self.page.comment_above(comment, indent)
        word.before = []

    # --- brackets ---------------------------------------------------------------------

    def _group(self, group: Group, place: _Place) -> None:
        """Write brackets, one item to a line; a single one that ends in brackets of
        its own stays beside them."""
        self._open(group.opener)
        if _hugs(group):
            item = group.items[0]
            self._leaf(item.nodes, place, item.nodes[-1])
            self.page.comments_behind(item.last)
        elif group.items:
            self._items(group, place.indent + STEP)
        self._comments_above(group.closer, place.indent + STEP)
        if group.items and not _hugs(group):
            self.page.new_line(place.indent)
        self.page.settle(place.indent)
        self.page.write(group.closer.text)

    def _items(self, group: Group, indent: int) -> None:
        deeper = indent + STEP * (len(group.items) > 1)
        for item in group.items:
            self._comments_above(item.first, indent)
            self.page.new_line(indent)
            self._sequence(item, _Place(indent, deeper))
            self.page.comments_behind(item.last)

    def _braces(self, braces: Braces, place: _Place) -> None:
        """Write the block of a lambda, one statement to a line."""
        self._open(braces.first)
        lines = braces.block.lines
        self.lines(lines, place.indent + STEP)
        closer = braces.block.closer
        closer.blank_before = False
        self._above(closer, lines[-1], place.indent + STEP, at_start=False)
        closer.before = []
        self.page.new_line(place.indent)
        self.page.write(closer.text)

    def _open(self, word: Word) -> None:
        self.page.write(word.text, spaced=word.spaced)
        self.page.comments_behind(word)


def _keep_from_continuing(line: Line) -> None:
    """Put a field called like an operator in backquotes: at the start of a line it
    would go on with the line above."""
    first = line.first
    if first.kind in CONTINUES_LINE and first.kind in RESERVED:
        first.text = f"`{first.text}`"


def _with_body(line: Line, sequence: Sequence, variables: frozenset[str]) -> str | None:
    """Return a line and its block as one text, None if they may not be one."""
    fields = line.declares == "event"
    if sequence.flat is None or sequence.last.after:
        return None
    if len(line.body) > 1 and not fields:
        return None
    texts = []
    for child in line.body:
        body = grouped(child, variables)
        crowded = child.declares == "stream" and len(_steps(body.nodes)) > 1
        commented = child is not line.body[-1] and body.last.after
        if child.body or crowded or commented or child.first.before:
            return None
        if body.flat is None or child.declares == "config":
            return None
        texts.append(body.flat)
    return f"{sequence.flat} {', '.join(texts)}"


def _steps(nodes: list[Node]) -> list[int]:
    """Return where the operations of a stream begin."""
    return [
        at
        for at, node in enumerate(nodes)
        if at and isinstance(node, Atom) and _begins_step(node.word)
    ]


def _begins_step(word: Word) -> bool:
    return word.kind == "->" or (word.kind == "." and word.spaced)


def _branch_steps(nodes: list[Node]) -> list[int]:
    """Return where the operations of a branch of `fork` begin, behind its label."""
    if len(nodes) < 3 or not _begins_step(nodes[2].first):
        return []
    if nodes[1].first.kind != ":":
        return []
    found = []
    for at, node in enumerate(nodes[2:], start=2):
        called = at + 2 < len(nodes) and isinstance(nodes[at + 2], Group)
        if node.first.kind == "->" or (node.first.kind == "." and called):
            found.append(at)
    return found


def _loosest(nodes: list[Node]) -> list[int]:
    """Return where the loosest operators between the nodes stand."""
    levels = [node.first.breaks * bool(at) for at, node in enumerate(nodes)]
    loosest = min(filter(None, levels), default=0)
    return [at for at, level in enumerate(levels) if level and level == loosest]


def _widest(nodes: list[Node]) -> Node | None:
    """Return the widest brackets that are not empty."""
    brackets = [
        node
        for node in nodes
        if isinstance(node, Braces) or (isinstance(node, Group) and node.items)
    ]
    return max(brackets, key=_width, default=None)


def _width(node: Node) -> float:
    return float("inf") if node.flat is None else len(node.flat)


def _hugs(group: Group) -> bool:
    """Tell whether the only item of brackets is opened beside them."""
    if len(group.items) != 1 or group.opener.after or group.closer.before:
        return False
    nodes = group.items[0].nodes
    last = nodes[-1]
    if isinstance(last, Atom) or _loosest(nodes) or group.items[0].first.before:
        return False
    return isinstance(last, Braces) or bool(last.items)
