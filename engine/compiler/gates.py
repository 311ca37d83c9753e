"""Tests that several streams of one event type begin with: most events ask once for all.

Streams that follow each other and first compare the same field with constants get a
gate: what meets none of the comparisons goes past all of them. What the gate lets in
is tested by each stream as ever, so the gate only has to be sure where it refuses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.compiler.code import Code
from engine.compiler.current import Current
from engine.compiler.namespace import Namespace
from engine.compiler.plan import StreamPlan
from engine.compiler.streams import StreamCompiler
from vpl import nodes

_FILTERS: Final = frozenset(("where", "filter"))
_MIRRORED: Final = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "=="}


@dataclass(frozen=True, slots=True)
class FirstTest:
    """A comparison that an event must meet: of the field in `variable` with `bound`."""

    variable: str
    op: str
    bound: Any

    @property
    def kind(self) -> tuple[str, str]:
        """Return what tests have in common that one gate can stand for."""
        return self.variable, self.op[0]


def first_test(
    stream: StreamCompiler, current: Current, fields: Mapping[str, str]
) -> FirstTest | None:
    """Return what a stream asks of an event before all else, None if it is not simple.

    `fields` has the variables that hold fields of the event, by attribute; reading one
    puts it there.
    """
    if not _is_plain(stream.stream) or stream.target.has_consumers(stream.stream):
        return None
    node = stream.ops[0].args[0].value
    while isinstance(node, nodes.Binary) and node.op == "and":
        node = node.left
    if not isinstance(node, nodes.Binary) or node.op not in _MIRRORED:
        return None
    if not all(
        isinstance(n, nodes.Name | nodes.Literal) for n in (node.left, node.right)
    ):
        return None
    expressions = stream.expressions(current)
    left, right = expressions.code(node.left), expressions.code(node.right)
    op, variables = node.op, fields.values()
    if right.text in variables:
        left, right, op = right, left, _MIRRORED[op]
    bound = _constant(stream.names, right, op)
    if left.text not in variables or bound is None:
        return None
    return FirstTest(left.text, op, bound)


def _is_plain(stream: StreamPlan) -> bool:
    """Tell whether nothing happens to an event before the first operation, a filter."""
    if stream.kind != "event" or stream.is_clocked or stream.gives_many:
        return False
    if stream.on_error != "null" or any(part.where for part in stream.inputs):
        return False
    return bool(stream.ops) and stream.ops[0].name in _FILTERS


def _constant(names: Namespace, code: Code, op: str) -> Any:
    """Return the constant to compare with: a text if equal, otherwise a number."""
    if op != "==":
        return code.number
    value = names.values.get(code.text)
    return value if isinstance(value, str) else None


def gate(tests: Sequence[FirstTest], names: Namespace) -> str:
    """Return the text that is false only for events that meet none of the tests."""
    field = tests[0].variable
    if tests[0].op == "==":
        known = names.bind("K", frozenset(test.bound for test in tests))
        return f"{field} in {known} if {field}.__class__ is str else True"
    if tests[0].op[0] == ">":
        weakest = min(tests, key=lambda test: (test.bound, test.op == ">"))
    else:
        weakest = max(tests, key=lambda test: (test.bound, test.op == "<="))
    number = f"{field}.__class__ is float or {field}.__class__ is int"
    return f"{field} {weakest.op} {weakest.bound!r} if {number} else True"
