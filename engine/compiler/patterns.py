"""Named patterns -> branches of steps (vpl.md 10.5)."""

from dataclasses import dataclass, replace
from itertools import count, product
from typing import Final

from engine.compiler.steps import Branch, Chain, Negation, Option, Step
from engine.errors import LoadError
from vpl import nodes
from vpl.nodes import PatternExpr

MAX_EVENTS: Final = 128  # compiling takes time that grows with their square
MAX_BRANCHES: Final = 64  # ways to match, which AND of OR multiplies


class Numbers:
    """Hands out the numbers of slots and positions of one sequence."""

    def __init__(self) -> None:
        self._slots = count()
        self._positions = count()

    def slot(self) -> int:
        """Return the next slot; raises `LoadError` for a pattern beyond bounds."""
        slot = next(self._slots)
        if slot >= MAX_EVENTS:
            raise LoadError(
                f"a sequence names more than {MAX_EVENTS} events, all ways to match"
                " counted; write parts of it as patterns or streams of their own"
            )
        return slot

    def position(self) -> int:
        """Return the next position."""
        return next(self._positions)


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to match: parts that must all be there, and events that must not."""

    parts: tuple[PatternExpr, ...] = ()
    negated: tuple[nodes.PatternEvent, ...] = ()

    def joined(self, other: "_Form") -> "_Form":
        """Return the form that asks for both."""
        return _Form(self.parts + other.parts, self.negated + other.negated)


def pattern_branches(root: PatternExpr, numbers: Numbers) -> tuple[Branch, ...]:
    """Return the branches of a pattern; a run follows one of them."""
    return tuple(_branch(form, numbers) for form in _forms(root))


def _forms(node: PatternExpr) -> list[_Form]:
    """Return the ways to match; alternatives of single events are one way."""
    match node:
        case nodes.PatternOr(operands=operands) if not _is_step(node):
            return [form for operand in operands for form in _forms(operand)]
        case nodes.PatternAnd(operands=operands):
            found = [_Form()]
            for operand in operands:
                pairs = product(found, _forms(operand))
                found = [left.joined(right) for left, right in pairs]
                if len(found) > MAX_BRANCHES:
                    raise LoadError(
                        f"line {node.span.line}: a pattern of more than {MAX_BRANCHES}"
                        " ways to match; write some of them as patterns of their own"
                    )
            return found
        case nodes.PatternNot(operand=operand):
            return [_Form(negated=tuple(step_events(operand)))]
    return [_Form((node,))]


def _is_step(node: PatternExpr) -> bool:
    """Tell whether a part is one event or alternatives of single events."""
    if isinstance(node, nodes.PatternOr):
        return all(
            _is_step(part) and not getattr(part, "repeat", "") for part in node.operands
        )
    return isinstance(node, nodes.PatternEvent)


def step_events(node: PatternExpr) -> list[nodes.PatternEvent]:
    """Return the events a step takes, or a `NOT` looks at."""
    if isinstance(node, nodes.PatternEvent):
        return [node]
    if isinstance(node, nodes.PatternOr):
        return [event for part in node.operands for event in step_events(part)]
    raise NotImplementedError(f"{node.__class__.__name__} as a step")


def _branch(form: _Form, numbers: Numbers) -> Branch:
    chains = tuple(_chain(part, numbers) for part in form.parts)
    negations = tuple(
        Negation(option(event, numbers), is_awaited=True) for event in form.negated
    )
    return Branch(chains, negations)


def _chain(node: PatternExpr, numbers: Numbers) -> Chain:
    items = node.items if isinstance(node, nodes.PatternSeq) else (node,)
    start = numbers.position()
    steps: list[Step] = []
    negations: list[Negation] = []
    for item in items:
        if isinstance(item, nodes.PatternNot):
            negations += [
                Negation(option(event, numbers), after=len(steps))
                for event in step_events(item.operand)
            ]
        else:
            steps.append(_step(item, numbers))
    last = len(steps)
    return Chain(
        start,
        tuple(steps),
        tuple(replace(n, is_awaited=n.after == last) for n in negations),
    )


def _step(item: PatternExpr, numbers: Numbers) -> Step:
    events = step_events(item)
    options = tuple(option(event, numbers) for event in events)
    is_optional = any(event.repeat in {"*", "?"} for event in events)
    return Step(numbers.position(), options, is_optional)


def option(event: nodes.PatternEvent, numbers: Numbers) -> Option:
    """Return what takes one event of a pattern."""
    filters = () if event.where is None else (event.where,)
    is_many = event.repeat in {"+", "*"}
    return Option(numbers.slot(), event.event_type, filters, event.alias, is_many)
