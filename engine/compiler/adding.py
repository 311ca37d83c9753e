"""Events with some fields added or replaced -> source lines."""

from collections.abc import Mapping

from engine.compiler.current import Current
from engine.compiler.streams import StreamCompiler


def follow_with(
    stream: StreamCompiler, at: int, current: Current, added: Mapping[str, str]
) -> None:
    """Go on after operation `at` with the event and `added` fields.

    `added` has the text of each value by field name; null leaves the field out.
    """
    names = stream.names
    fields = names.fields
    values = [current.stamp] if fields.stamped else []
    values += [
        added.get(name) or current.reader.field(name).text
        for name in list(fields.attributes)
    ]
    if fields.whole:
        more = ", ".join(f"{names.text(name)}: {text}" for name, text in added.items())
        whole = current.reader.whole().text
        values.append(f"without_nulls({{**{whole}, {more}}})")
    row = names.fresh("r")
    stream.lines.add(f"{row} = Row({', '.join(values)})")
    stream.follow(at, stream.row(row, current.type, current))
