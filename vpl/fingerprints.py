"""A short name for the meaning of a program text."""

import hashlib

from vpl.nodes import Node
from vpl.visitor import field_names


def fingerprint(node: Node) -> str:
    """Return `b3:` and 16 hex digits over the tree; layout and comments do not count.

    The tree is written out in one unambiguous line without recursion: class names,
    constants by their `repr`, and brackets around tuples.
    """
    digest = hashlib.blake2b(digest_size=8)
    waiting: list[object] = [node]
    while waiting:
        value = waiting.pop()
        if isinstance(value, _Mark):
            digest.update(value.text)
        elif isinstance(value, Node):
            digest.update(value.__class__.__name__.encode() + b"(")
            waiting.append(_CLOSE)
            parts = [getattr(value, name) for name in field_names(value)]
            waiting.extend(reversed(parts))
        elif isinstance(value, tuple):
            digest.update(b"[")
            waiting.append(_END)
            waiting.extend(reversed(value))
        else:
            digest.update(repr(value).encode() + b",")
    return "b3:" + digest.hexdigest()


class _Mark:
    """A closing bracket among the values that wait to be written."""

    def __init__(self, text: bytes) -> None:
        self.text = text


_CLOSE = _Mark(b")")
_END = _Mark(b"]")
