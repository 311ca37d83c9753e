"""Operations on single events -> source lines (vpl.md 8.3)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from engine.compiler.code import Code, constant
from engine.compiler.current import Current
from engine.compiler.kinds import STR
from engine.compiler.outputs import OutputSite, dynamic_site, new_site
from engine.compiler.sinkports import SinkPort, port_of
from engine.compiler.streams import Handler, StreamCompiler
from engine.runtime.columns import ColumnRows, Columns, count_events, each_output
from engine.runtime.printing import topic_text
from vpl import nodes

RUNTIME: Final = {
    "topic_text": topic_text,
    "Columns": Columns,
    "ColumnRows": ColumnRows,
    "count_events": count_events,
    "each_output": each_output,
}


def where(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Keep events for which the condition is true."""
    test, current = stream.condition(op.args[0].value, current)
    with stream.lines.block(f"if {test.text}:"):
        stream.follow(at, current)


def make_output(
    stream: StreamCompiler,
    args: Sequence[nodes.Arg],
    site: OutputSite,
    current: Current,
) -> tuple[str, Current]:
    """Return the text that makes an output of an operation's arguments."""
    expressions = stream.expressions(current)
    values = [expressions.sent(arg.value) for arg in args]
    current = stream.mark_frame(current, *values)
    return site.construct(values), current


def select(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Replace the fields; type and timestamp stay."""
    fields = [arg.name or "" for arg in op.args]
    known = stream.names.values.get(current.type.text)
    if isinstance(known, str):
        site = new_site(stream.names, known, fields)
    else:
        site = dynamic_site(stream.names, current.type.text, fields)
    made, current = make_output(stream, op.args, site, current)
    output, row = stream.names.fresh("o"), stream.names.fresh("r")
    stream.lines.add(f"{output} = {made}")
    stream.lines.add(f"{row} = {site.row(output, current.stamp, stream.names)}")
    selected = stream.row(row, current.type, current)
    stream.follow(at, replace(selected, output=output, is_made=current.is_made))


def emit(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Make an output event, which flows on."""
    event_type = op.as_type or stream.stream.name
    type_code = constant(stream.names.text(event_type), STR)
    if not op.args:
        _emit_whole(stream, at, current, type_code)
        return
    args = [arg for arg in op.args if not _is_legacy_context(stream, arg)]
    site = new_site(stream.names, event_type, [arg.name or "" for arg in args])
    made, current = make_output(stream, args, site, current)
    if not stream.needs_row(at):
        stream.target.output(stream.stream, made, stream.lines)
        stream.follow(at, current)
        return
    output, row = stream.names.fresh("o"), stream.names.fresh("r")
    stream.lines.add(f"{output} = {made}")
    stream.target.output(stream.stream, output, stream.lines)
    stream.lines.add(f"{row} = {site.row(output, current.stamp, stream.names)}")
    emitted = stream.row(row, type_code, current)
    stream.follow(at, replace(emitted, output=output, is_made=True))


def _is_legacy_context(stream: StreamCompiler, arg: nodes.Arg) -> bool:
    """Tell whether an argument of `emit` only names a context (W035)."""
    if arg.name != "context" or not isinstance(arg.value, nodes.Name):
        return False
    return any(
        isinstance(decl, nodes.ContextDecl) and decl.name == arg.value.id
        for decl in stream.unit.plan.program.body
    )


def _emit_whole(
    stream: StreamCompiler, at: int, current: Current, type_code: Code
) -> None:
    output = stream.names.fresh("o")
    whole = current.reader.whole()
    stream.lines.add(f"{output} = whole_output({type_code.text}, {whole.text})")
    stream.target.output(stream.stream, output, stream.lines)
    stream.follow(at, replace(current, type=type_code, output=output, is_made=True))


def process(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Evaluate an expression; the events it emits replace the input."""
    emits = stream.names.fresh("em")
    value = stream.expressions(current).code(op.args[0].value)
    current = stream.mark_frame(current, value)
    stream.lines.add(f"{stream.frame}.emits = {emits} = []")
    with stream.lines.block("try:"):
        stream.lines.add(value.text)
    with stream.lines.block("except OutputsExceeded:"):
        stream.lines.add("pass  # `emitted` cuts and reports")
    stream.lines.add(f"emitted({stream.frame}, {emits})")
    if not stream.needs_row(at):
        if not stream.stream.has_emit:
            stream.target.outputs(stream.stream, emits, stream.lines)
    elif makes_columns(stream) and stream.leaves_whole(at):
        _all_emitted(stream, at, emits, current)
    else:
        _each_emitted(stream, at, emits, current)


def makes_columns(stream: StreamCompiler) -> bool:
    """Tell whether functions of the program may emit columns."""
    return bool(stream.unit.plan.symbols.columned)


def _all_emitted(stream: StreamCompiler, at: int, emits: str, current: Current) -> None:
    """Write what happens to all emitted events at once, columns as they are."""
    output, stamp = stream.names.fresh("o"), _stamp(stream, current)
    for op in stream.ops[at + 1 :]:
        port = add_port(stream, op)
        topic, _ = _topic(stream, op, port, current)
        item = f"({topic}, {output}, {current.stamp})"
        stream.lines.add(f"{port.generated}.extend([{item} for {output} in {emits}])")
    if not stream.stream.has_emit:
        stream.target.outputs(stream.stream, emits, stream.lines)
    stream.target.finals(stream.stream, emits, stamp, stream.lines)


def _each_emitted(
    stream: StreamCompiler, at: int, emits: str, current: Current
) -> None:
    if makes_columns(stream):
        emits = f"each_output({emits})"
    output, row = stream.names.fresh("o"), stream.names.fresh("r")
    event_type = stream.names.fresh("t")
    with stream.lines.block(f"for {output} in {emits}:"):
        stream.lines.add(
            f"{event_type} = EMIT_TYPES[{output}.__class__]",
            f"{row} = EMIT_ROWS[{output}.__class__]({output}, {_stamp(stream, current)})",
        )
        type_code = Code(event_type, STR, 0, frozenset({event_type}), is_atom=True)
        made = stream.row(row, type_code, current)
        stream.follow(at, replace(made, output=output, is_made=True))


def _stamp(stream: StreamCompiler, current: Current) -> str:
    """Return the timestamp of events made of this one; unused where none is kept."""
    return current.stamp if stream.names.fields.stamped else "None"


def add_port(stream: StreamCompiler, op: nodes.Operation) -> SinkPort:
    """Make the port of a `.to`."""
    stream.names.fields.stamped = True
    port = port_of(op, stream.stream, stream.unit.plan, stream.names)
    stream.unit.ports.append(port)
    stream.used_ports.append(port)
    return port


def send(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Hand the event to a sink and pass it on."""
    port = add_port(stream, op)
    topic, current = _topic(stream, op, port, current)
    output = stream.output_text(current)
    sent = f"({topic}, {output}, {current.stamp})"
    stream.lines.add(f"{port.generated}.append({sent})")
    stream.follow(at, current)


def _topic(
    stream: StreamCompiler, op: nodes.Operation, port: SinkPort, current: Current
) -> tuple[str, Current]:
    default = stream.names.text(port.default_topic)
    for arg in op.args:
        if arg.name == "topic":
            code = stream.expressions(current).code(arg.value)
            current = stream.mark_frame(current, code)
            if code.kinds == STR:
                return code.text, current
            return f"topic_text({code.text}, {default}, {stream.frame})", current
    return default, current


HANDLERS: Final[dict[str, Handler]] = {
    "where": where,
    "filter": where,
    "select": select,
    "emit": emit,
    "process": process,
    "to": send,
}
