"""Whether a `.not` cancels matches or waits for a deadline (vpl.md 10.4)."""

from vpl import nodes, walk

CANCELS = "cancels matches that are under way"
WAITS = "waits: matches when the time of `within` has passed without one"


def waiting_not(decl: nodes.StreamDecl) -> int | None:
    """Return the place of the `.not` that waits, None if there is none.

    It waits if `.not` and `.within` are the last two declarations of the sequence, in
    this order.
    """
    after = 0
    for at, op in enumerate(decl.ops):
        if isinstance(op, nodes.Follow):
            after = at
    found = [
        (op.name, at)
        for at, op in enumerate(decl.ops)
        if at >= after
        and isinstance(op, nodes.Operation)
        and op.name in {"not", "within"}
    ]
    names = [name for name, _ in found[-2:]]
    return found[-2][1] if names == ["not", "within"] else None


def not_effects(decl: nodes.StreamDecl) -> dict[int, str]:
    """Return what each `.not` does, by its place among the operations."""
    waiting = waiting_not(decl)
    return {
        at: WAITS if at == waiting else CANCELS
        for at, op in enumerate(decl.ops)
        if isinstance(op, nodes.Operation) and op.name == "not"
    }


def pattern_waits(root: nodes.PatternExpr) -> bool:
    """Tell whether a NOT of a pattern waits for the deadline (vpl.md 10.5).

    `NOT X` does so as last item of SEQ and in AND; between items it cancels.
    """
    match root:
        case nodes.PatternSeq(items=items):
            return isinstance(items[-1], nodes.PatternNot)
        case nodes.PatternAnd(operands=operands):
            return any(isinstance(part, nodes.PatternNot) for part in operands)
        case nodes.PatternOr(operands=operands):
            return any(map(pattern_waits, operands))
    return False


def pattern_effects(root: nodes.PatternExpr) -> list[str]:
    """Return what the NOTs of a pattern do, in words."""
    parts = [node for node in walk(root) if isinstance(node, nodes.PatternNot)]
    waiting = pattern_waits(root)
    effects = [f"the last NOT {WAITS}"] if waiting else []
    if len(parts) > waiting:
        effects.append(f"NOT between steps {CANCELS}")
    return effects
