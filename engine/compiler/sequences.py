"""Stream declarations -> sequences: `->`, `sequence(..)`, absence, named patterns."""

from collections.abc import Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass, field, replace

from engine.compiler.patterns import Numbers, pattern_branches
from engine.compiler.steps import (
    Branch,
    Chain,
    Negation,
    Option,
    Sequence,
    Step,
    Stretch,
)
from vpl import nodes
from vpl.nodes import Expr

Patterns = Mapping[str, nodes.PatternDecl]
_DECLARED = frozenset(("context", "from", "watermark", "allowed_lateness", "on_error"))
_FILTERS = frozenset(("where", "filter"))


def is_sequence(decl: nodes.StreamDecl, patterns: Patterns) -> bool:
    """Tell whether a stream matches sequences: steps, a pattern, or absence."""
    source = decl.source
    if isinstance(source, nodes.SequenceSource):
        return True
    if not isinstance(source, nodes.EventSource):
        return False
    if source.every or source.name in patterns:
        return True
    return any(
        isinstance(op, nodes.Follow) or op.name in {"not", "within"} for op in decl.ops
    )


def plan_sequence(decl: nodes.StreamDecl, patterns: Patterns) -> Sequence:
    """Return what the stream looks for."""
    source = decl.source
    if isinstance(source, nodes.SequenceSource):
        return _Planner(decl).sequence(source)
    assert isinstance(source, nodes.EventSource)
    if source.name in patterns and _last_follow(decl.ops) < 0:
        return _Planner(decl).pattern(source, patterns[source.name])
    return _Planner(decl).arrows(source)


@dataclass(slots=True)
class _Draft:
    """A step of `->` while its operations are read."""

    source: nodes.EventSource
    filters: list[Expr]
    ops: list[nodes.Operation] = field(default_factory=list)


class _Planner:
    """Reads one declaration."""

    def __init__(self, decl: nodes.StreamDecl) -> None:
        self.decl = decl
        self.numbers = Numbers()
        self.stretches: list[Stretch] = []
        self.first_ops: list[nodes.Operation] = []
        self.keys: list[Expr] = []

    def arrows(self, source: nodes.EventSource) -> Sequence:
        """Return the sequence of a stream written with `->`."""
        return self._steps([_draft(source)], [])

    def sequence(self, source: nodes.SequenceSource) -> Sequence:
        """Return the sequence of `sequence(..)`; steps may follow it."""
        drafts, bounds = [], []
        for at, step in enumerate(source.steps):
            event = nodes.EventSource(step.name, False, step.where, step.alias)
            drafts.append(_draft(event))
            if step.within is not None:
                bounds.append((at, step.within))
        return self._steps(drafts, bounds)

    def _steps(self, drafts: list[_Draft], bounds: list[tuple[int, Expr]]) -> Sequence:
        """Return the sequence of the first steps and those that follow."""
        last = _last_follow(self.decl.ops)
        start = self.numbers.position()
        for op in self.decl.ops[: last + 1]:
            if isinstance(op, nodes.Follow):
                drafts.append(_draft(op.step))
            elif op.name == "within":
                bounds.append((len(drafts) - 1, op.args[0].value))
            elif op.name == "partition_by":
                self.keys += [arg.value for arg in op.args]
            elif len(drafts) == 1:
                self._first(op)
            else:
                _between(op, drafts[-1])
        steps = tuple(self._step(draft) for draft in drafts)
        self.stretches = [Stretch(steps[at].number, bound) for at, bound in bounds]
        branch = Branch((Chain(start, steps),))
        return self._finished((branch,), self.decl.ops[last + 1 :])

    def _first(self, op: nodes.Operation) -> None:
        if op.name not in _DECLARED:
            self.first_ops.append(op)

    def _step(self, draft: _Draft) -> Step:
        source = draft.source
        option = Option(
            self.numbers.slot(),
            source.name,
            tuple(draft.filters),
            source.alias,
            source.every,
        )
        return Step(self.numbers.position(), (option,), ops=tuple(draft.ops))

    def pattern(self, source: nodes.EventSource, decl: nodes.PatternDecl) -> Sequence:
        """Return the sequence of a named pattern."""
        branches = pattern_branches(decl.root, self.numbers)
        if decl.within is not None:
            self.stretches.append(Stretch(None, decl.within))
        self.keys += decl.partition_by
        found = self._finished(branches, self.decl.ops)
        names = frozenset({source.alias or source.name})
        ops = found.ops
        if source.where is not None:
            test = nodes.Arg(None, source.where, span=source.where.span)
            ops = (nodes.Operation("where", (test,), span=source.where.span), *ops)
        return replace(found, match_names=names, ops=ops)

    # --- after the last step ----------------------------------------------------------

    def _finished(
        self, branches: tuple[Branch, ...], rest: Many[nodes.StreamOp]
    ) -> Sequence:
        ops = [op for op in rest if isinstance(op, nodes.Operation)]
        bounds = [op for op in ops if op.name in {"within", "not"}]
        absence, absence_within = None, None
        if [op.name for op in bounds[-2:]] == ["not", "within"]:
            absence = self._negation(bounds[-2], is_awaited=True)
            absence_within = bounds[-1].args[0].value
            bounds = bounds[:-2]
        for op in bounds:
            if op.name == "within":
                self.stretches.append(Stretch(None, op.args[0].value))
        cancels = tuple(self._negation(op) for op in bounds if op.name == "not")
        self._later_keys(ops)
        return Sequence(
            branches,
            _distinct(self.stretches),
            cancels,
            absence,
            absence_within,
            tuple(dict.fromkeys(self.keys)),
            tuple(self.first_ops),
            tuple(op for op in ops if op.name not in {"within", "not"}),
            slots=self.numbers.slot(),
        )

    def _later_keys(self, ops: Many[nodes.Operation]) -> None:
        """Take the partition that is written after the last step, before a window."""
        for op in ops:
            if op.name == "window":
                return
            if op.name == "partition_by":
                self.keys += [arg.value for arg in op.args]

    def _negation(self, op: nodes.Operation, *, is_awaited: bool = False) -> Negation:
        filters = () if op.where is None else (op.where,)
        option = Option(self.numbers.slot(), op.target or "", filters, None)
        return Negation(option, is_awaited=is_awaited)


def _draft(source: nodes.EventSource) -> _Draft:
    return _Draft(source, [] if source.where is None else [source.where])


def _between(op: nodes.Operation, draft: _Draft) -> None:
    """Give an operation between two steps to the step it follows."""
    if op.name in _FILTERS:
        draft.filters.append(op.args[0].value)
    elif op.name not in _DECLARED:
        draft.ops.append(op)


def _last_follow(ops: Many[nodes.StreamOp]) -> int:
    """Return the place of the last step, -1 if there is only the first."""
    places = [at for at, op in enumerate(ops) if isinstance(op, nodes.Follow)]
    return places[-1] if places else -1


def _distinct(stretches: Many[Stretch]) -> tuple[Stretch, ...]:
    """Return the stretches that bound something.

    A second bound after the same step has an empty stretch, which is never too long.
    """
    found: dict[int | None, Stretch] = {}
    for stretch in stretches:
        found.setdefault(stretch.end, stretch)
    return tuple(found.values())
