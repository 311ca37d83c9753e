"""`.score` -> source lines (vpl.md section 20)."""

from typing import Final

from engine.compiler.adding import follow_with
from engine.compiler.constants import constant_value
from engine.compiler.current import Current
from engine.compiler.streams import Handler, StreamCompiler
from engine.runtime.scoring import Scorer
from vpl import nodes


def score(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Add the outputs of a model to the event."""
    given = {arg.name: arg.value for arg in op.args}
    outputs = _names(given["outputs"])
    program = stream.unit.plan.program
    state = stream.state(
        f"score{at}",
        "model",
        "none",
        lambda: Scorer(str(constant_value(program, given["model"])), outputs),
    )
    inputs = given["inputs"]
    listed = inputs.items if isinstance(inputs, nodes.ArrayLiteral) else (inputs,)
    expressions = stream.expressions(current)
    values = [expressions.code(item) for item in listed]
    current = stream.mark_frame(current, *values)
    texts = "".join(f"{value.text}, " for value in values)
    names = [stream.names.fresh("y") for _ in outputs]
    bound = "".join(f"{name}, " for name in names)
    stream.lines.add(f"{bound or '_'} = {state}.score(({texts}))")
    follow_with(stream, at, current, dict(zip(outputs, names, strict=True)))


def _names(outputs: nodes.Expr) -> tuple[str, ...]:
    listed = outputs.items if isinstance(outputs, nodes.ArrayLiteral) else (outputs,)
    return tuple(item.id for item in listed if isinstance(item, nodes.Name))


HANDLERS: Final[dict[str, Handler]] = {"score": score}
