"""The brackets of a line as a tree of sequences, with their text on one line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from vpl.formatter.outline import Block, Line
from vpl.formatter.words import Comment, Word
from vpl.tokens import CLOSERS, OPENERS


@dataclass
class Atom:
    """A word alone."""

    word: Word

    @property
    def first(self) -> Word:
        """Return the first word."""
        return self.word

    @property
    def last(self) -> Word:
        """Return the last word."""
        return self.word

    @cached_property
    def flat(self) -> str | None:
        """Return the text on one line without the comments at its ends."""
        return self.word.text


@dataclass
class Group:
    """Brackets with their items; each item ends with its comma, if it has one."""

    opener: Word
    items: list["Sequence"] = field(default_factory=list)
    closer: Word = field(init=False)

    @property
    def first(self) -> Word:
        """Return the opening bracket."""
        return self.opener

    @property
    def last(self) -> Word:
        """Return the closing bracket."""
        return self.closer

    @cached_property
    def flat(self) -> str | None:
        """Return the text on one line, None if comments forbid it."""
        ends = [self.opener, *(item.last for item in self.items)]
        if self.closer.before or any(map(_broken_after, ends)):
            return None
        if any(item.flat is None or item.first.before for item in self.items):
            return None
        inner = " ".join(
            f"{item.flat}{inline_comments(item.last)}" for item in self.items
        )
        start = f"{self.opener.text}{inline_comments(self.opener)}"
        gap = " " * bool(self.opener.after and inner)
        return f"{start}{gap}{inner}{self.closer.text}"


@dataclass
class Braces:
    """A block of a lambda. On one line it has one simple statement or a few."""

    block: Block
    lines: list["Sequence"]
    variables: frozenset[str]

    @property
    def first(self) -> Word:
        """Return the opening brace."""
        return self.block.opener

    @property
    def last(self) -> Word:
        """Return the closing brace."""
        return self.block.closer

    @cached_property
    def flat(self) -> str | None:
        """Return the text on one line; None if it was written on several, if a
        statement has a block, or if it would read as a hole of a template."""
        block = self.block
        if any(line.body or line.first.fresh for line in block.lines):
            return None
        words = [block.opener, *(word for item in self.lines for word in item.words())]
        if any(word.before or word.after for word in words) or block.closer.before:
            return None
        inner = _joined([item.flat for item in self.lines], "; ")
        if inner is None or inner in self.variables:
            return None
        return f"{{ {inner} }}"


Node = Atom | Group | Braces


@dataclass
class Sequence:
    """What stands between two commas or fills a line."""

    nodes: list[Node]

    @property
    def first(self) -> Word:
        """Return the first word."""
        return self.nodes[0].first

    @property
    def last(self) -> Word:
        """Return the last word."""
        return self.nodes[-1].last

    @cached_property
    def flat(self) -> str | None:
        """Return the text on one line without the comments at its ends, None if
        that cannot be."""
        parts: list[str] = []
        for at, node in enumerate(self.nodes):
            last = at == len(self.nodes) - 1
            text = node.flat
            if text is None or (at and node.first.before):
                return None
            if not last and _broken_after(node.last):
                return None
            gap = " " if at and node.first.spaced else ""
            parts.append(f"{gap}{text}" + ("" if last else inline_comments(node.last)))
        return "".join(parts)

    def words(self) -> Iterator[Word]:
        """Yield the words that are not in brackets, and the brackets."""
        for node in self.nodes:
            yield node.first
            if node.last is not node.first:
                yield node.last


def _joined(texts: list[str | None], separator: str) -> str | None:
    found = [text for text in texts if text is not None]
    return separator.join(found) if len(found) == len(texts) else None


def _broken_after(word: Word) -> bool:
    return any(comment.ends_line for comment in word.after)


def inline_comments(word: Word) -> str:
    """Return the comments behind a word as they stand on its line."""
    return "".join(map(comment_text, word.after))


def comment_text(comment: Comment) -> str:
    """Return a comment with the blanks before it."""
    return f" {comment.text}" if comment.text.startswith("/*") else f"  {comment.text}"


def grouped(line: Line, variables: frozenset[str]) -> Sequence:
    """Return the words of a line, its brackets matched."""
    top = Sequence([])
    groups: list[Group] = []
    current = top
    for at, part in enumerate(line.parts):
        if at in line.params and groups and current.nodes:
            current = _next_item(groups[-1])
        if isinstance(part, Block):
            current.nodes.append(_braces(part, variables))
        elif part.kind in OPENERS:
            groups.append(Group(part))
            current.nodes.append(groups[-1])
            current = _next_item(groups[-1])
        elif part.kind in CLOSERS:
            group = groups.pop()
            current = _closed(group, part, groups[-1] if groups else None, top)
        else:
            current.nodes.append(Atom(part))
            if part.kind == "," and groups:
                current = _next_item(groups[-1])
    return top


def _braces(part: Block, variables: frozenset[str]) -> Braces:
    return Braces(part, [grouped(line, variables) for line in part.lines], variables)


def _next_item(group: Group) -> Sequence:
    item = Sequence([])
    group.items.append(item)
    return item


def _closed(group: Group, closer: Word, outer: Group | None, top: Sequence) -> Sequence:
    group.closer = closer
    group.items = [item for item in group.items if item.nodes]
    return outer.items[-1] if outer is not None else top
