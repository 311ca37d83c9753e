"""Sources, steps and operations as text."""

from collections.abc import Iterable, Iterator

from engine.explain.expression_text import expression_text, shortened
from engine.explain.waiting import pattern_effects
from vpl import nodes


def source_text(
    source: nodes.Source, pattern: nodes.PatternDecl | None
) -> tuple[str, str] | None:
    """Return form and detail of a source; None for one that only takes events."""
    match source:
        case nodes.EventSource() if pattern is not None:
            return "pattern", shortened(f"{pattern.name} = {_pattern(pattern)}")
        case nodes.EventSource(every=False, where=None, alias=None):
            return None
        case nodes.EventSource():
            return "take", step_text(source)
        case nodes.MergeSource(parts=parts):
            return "merge", ", ".join(map(_part, parts))
        case nodes.JoinSource(parts=parts):
            return "join", ", ".join(map(_part, parts))
        case nodes.SequenceSource(steps=steps):
            return "sequence", ", ".join(map(_sequence_step, steps))
        case nodes.TimerSource(interval=interval, args=args):
            every = expression_text(interval)
            return "timer", ", ".join([f"every {every}", *_args(args)])


def step_text(step: nodes.EventSource) -> str:
    """Return a step of a sequence."""
    text = f"all {step.name}" if step.every else step.name
    if step.where is not None:
        text += f" where {expression_text(step.where)}"
    return f"{text} as {step.alias}" if step.alias else text


def operation_text(op: nodes.Operation) -> str:
    """Return what an operation says beside its name."""
    return shortened(", ".join(_operation(op)))


def _operation(op: nodes.Operation) -> Iterator[str]:
    if op.as_type:
        yield f"as {op.as_type}"
    if op.target:
        yield op.target if op.where is None else _filtered(op.target, op.where)
    for key in op.sort_keys:
        yield expression_text(key.value) + (" desc" if key.descending else "")
    yield from _args(op.args)
    for branch in op.branches:
        names = [o.name for o in branch.ops if isinstance(o, nodes.Operation)]
        yield f"{branch.name}: {' '.join(names)}"


def _filtered(name: str, where: nodes.Expr) -> str:
    return f"{name} where {expression_text(where)}"


def _args(args: Iterable[nodes.Arg]) -> Iterator[str]:
    for arg in args:
        if arg.name is None:
            yield expression_text(arg.value)
        elif arg.value == nodes.Name(arg.name):
            yield arg.name
        else:
            yield f"{arg.name}: {expression_text(arg.value)}"


def _part(part: nodes.SourcePart) -> str:
    text = f"{part.alias} = {part.name}" if part.alias else part.name
    for word, filters in (("where", part.where), ("on", part.on)):
        for value in filters:
            text += f" {word} {expression_text(value)}"
    return text


def _sequence_step(step: nodes.SequenceStep) -> str:
    text = f"{step.alias}: {step.name}"
    if step.where is not None:
        text += f" where {expression_text(step.where)}"
    if step.within is not None:
        text += f" within {expression_text(step.within)}"
    return text


def _pattern(pattern: nodes.PatternDecl) -> str:
    text = pattern_text(pattern.root)
    if pattern.within is not None:
        text += f" within {expression_text(pattern.within)}"
    if pattern.partition_by:
        keys = ", ".join(map(expression_text, pattern.partition_by))
        text += f" partition by {keys}"
    return "; ".join([text, *pattern_effects(pattern.root)])


def pattern_text(root: nodes.PatternExpr) -> str:
    """Return a pattern expression."""
    match root:
        case nodes.PatternEvent():
            text = f"{root.event_type}{root.repeat}"
            if root.where is not None:
                text += f" where {expression_text(root.where)}"
            return f"{text} as {root.alias}" if root.alias else text
        case nodes.PatternNot(operand=operand):
            return f"NOT {pattern_text(operand)}"
        case nodes.PatternAnd(operands=operands):
            return " AND ".join(map(_grouped, operands))
        case nodes.PatternOr(operands=operands):
            return " OR ".join(map(_grouped, operands))
        case nodes.PatternSeq(items=items):
            return f"SEQ({', '.join(map(_item, items))})"


def _grouped(root: nodes.PatternExpr) -> str:
    text = pattern_text(root)
    is_group = isinstance(root, nodes.PatternAnd | nodes.PatternOr)
    return f"({text})" if is_group else text


def _item(root: nodes.PatternExpr) -> str:
    text = pattern_text(root)
    return f"({text})" if isinstance(root, nodes.PatternOr) else text
