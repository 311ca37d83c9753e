"""`.map`: events whose fields an expression makes (vpl.md 8.3)."""

from dataclasses import replace
from typing import Final

from engine.compiler.code import Code, variable
from engine.compiler.current import Current
from engine.compiler.kinds import FUNCTION
from engine.compiler.outputs import whole_output
from engine.compiler.streams import Handler, StreamCompiler
from engine.runtime.mapping import apply_to_event, as_fields
from vpl import nodes

RUNTIME: Final = {
    "as_fields": as_fields,
    "apply_to_event": apply_to_event,
    "whole_output": whole_output,
}


def map_event(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Replace the fields by a map; null drops the event."""
    names, lines = stream.names, stream.lines
    value, current = _value(stream, op.args[0].value, current)
    made, row = names.fresh("m"), names.fresh("r")
    lines.add(f"{made} = as_fields({value.text}, {stream.frame})")
    with lines.block(f"if {made} is not None:"):
        fields = names.fields
        values = [current.stamp] if fields.stamped else []
        values += [f"{made}.get({names.text(name)})" for name in fields.attributes]
        values += [made] if fields.whole else []
        lines.add(f"{row} = Row({', '.join(values)})")
        output = names.fresh("o")
        lines.add(f"{output} = whole_output({current.type.text}, {made})")
        mapped = stream.row(row, current.type, current)
        stream.follow(at, replace(mapped, output=output, is_made=current.is_made))


def _value(
    stream: StreamCompiler, node: nodes.Expr, current: Current
) -> tuple[Code, Current]:
    """Return the value of the argument; a lambda is given the event as a map."""
    code = stream.expressions(current).code(node)
    if code.kinds & FUNCTION:
        whole = current.reader.whole()
        found = stream.names.fresh("v")
        current = stream.mark_frame(current, code, whole, variable("@frame"))
        stream.lines.add(f"{found} = {code.text}")
        text = f"apply_to_event({found}, {whole.text}, {stream.frame})"
        return Code(text, uses=whole.uses), current
    return code, stream.mark_frame(current, code)


HANDLERS: Final[dict[str, Handler]] = {"map": map_event}
