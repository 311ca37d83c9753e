"""Counters of streams as a table, for a terminal."""

from collections.abc import Mapping

from engine.metrics import StreamMetrics


def eval_errors(stream: StreamMetrics) -> list[str]:
    """Return the evaluation errors of a stream in words, by reason."""
    return [f"{count} {reason} errors" for reason, count in stream.eval_errors.items()]


def losses(stream: StreamMetrics) -> dict[str, int]:
    """Return what a stream left out at its bounds or because it came late."""
    found = {
        name: stream.counts[name]
        for name in ("late_events", "runs_refused")
        if stream.counts.get(name)
    }
    dropped = stream.state_dropped.items()
    return found | {f"state_dropped_{kind}": count for kind, count in dropped}


def show_counters(streams: Mapping[str, StreamMetrics]) -> None:
    """Write the table to standard error."""
    # rich takes 0.1 s to import: only where it is seen.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("stream", "in", "outputs", "to other streams", "errors")
    for name, stream in streams.items():
        counts = (stream.events_in, stream.outputs, stream.events_out)
        # Text, because names are no markup of ours.
        cells = [Text(str(count), justify="right") for count in counts]
        table.add_row(Text(name), *cells, Text(", ".join(eval_errors(stream))))
    Console(stderr=True).print(table)
