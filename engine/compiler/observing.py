"""Operations that look at events and pass them on: print, log, tap (vpl.md 8.3)."""

from typing import Final

from engine.compiler.code import Code, constant
from engine.compiler.current import Current
from engine.compiler.kinds import NULL
from engine.compiler.namespace import sound_text
from engine.compiler.streams import Handler, StreamCompiler
from engine.runtime.log_records import LEVELS, log_event
from engine.runtime.printing import show
from engine.runtime.taps import tap_event
from vpl import nodes

RUNTIME: Final = {"show": show, "log_event": log_event, "tap_event": tap_event}


def print_texts(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Write values or the whole event to standard output."""
    expressions = stream.expressions(current)
    prefix = stream.names.text(sound_text(f"{stream.stream.name}: "))
    if op.args:
        values = [expressions.code(arg.value) for arg in op.args]
    else:
        values = [current.reader.whole()]
    current = stream.mark_frame(current, *values)
    listed = "".join(f"{value.text}, " for value in values)
    stream.lines.add(f"show({prefix}, [{listed}], {stream.frame})")
    stream.follow(at, current)


def log(stream: StreamCompiler, at: int, op: nodes.Operation, current: Current) -> None:
    """Write the event, or what the arguments say of it, to the log."""
    expressions = stream.expressions(current)
    given = {arg.name: arg.value for arg in op.args}
    level = _word(given.get("level"))
    values = [
        expressions.code(given[name]) if name in given else constant("None", NULL)
        for name in ("message", "data")
    ]
    if not given.keys() & {"message", "data"}:
        values[1] = current.reader.whole()
    if level is None:
        values.append(expressions.code(given["level"]))
    else:
        values.append(Code(stream.names.text(level)))
    current = stream.mark_frame(current, *values)
    listed = ", ".join(value.text for value in values)
    stream.lines.add(f"log_event({listed}, {stream.frame})")
    stream.follow(at, current)


def _word(level: nodes.Expr | None) -> str | None:
    """Return a level that is known when compiling; it may be a bare word."""
    match level:
        case None:
            return "info"
        case nodes.Literal(kind="str", value=str(text)) | nodes.Name(id=text) if (
            text in LEVELS
        ):
            return text
    return None


def tap(stream: StreamCompiler, at: int, op: nodes.Operation, current: Current) -> None:
    """Add 1 to a counter, labelled with fields of the event."""
    expressions = stream.expressions(current)
    given = {arg.name: arg.value for arg in op.args}
    counter = expressions.code(given["counter"])
    labels = given.get("labels")
    listed = labels.items if isinstance(labels, nodes.ArrayLiteral) else ()
    values = [expressions.code(label) for label in listed]
    current = stream.mark_frame(current, counter, *values)
    names = ", ".join(
        f"{stream.names.text(_label(label, place))}: {value.text}"
        for place, (label, value) in enumerate(zip(listed, values, strict=True))
    )
    stream.lines.add(f"tap_event({counter.text}, {{{names}}}, {stream.frame})")
    stream.follow(at, current)


def _label(label: nodes.Expr, place: int) -> str:
    """Return the name of a label: that of the field, or its place."""
    match label:
        case nodes.Name(id=name):
            return name
        case nodes.Member(name=name):
            return name
    return f"label_{place}"


HANDLERS: Final[dict[str, Handler]] = {"print": print_texts, "log": log, "tap": tap}
