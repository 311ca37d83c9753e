"""Counters of a running program -> metrics."""

from dataclasses import replace

from engine.metrics import PipelineMetrics, StreamMetrics
from engine.runtime.frame import Frame
from engine.runtime.instance import Instance


def measure(counts: PipelineMetrics, instance: Instance) -> PipelineMetrics:
    """Return a snapshot of the pipeline's counters and those of its streams."""
    found = replace(counts, errors={}, stopped={}, streams={})
    found.unrouted = instance.unrouted
    found.type_mismatches = instance.type_mismatches
    for frame in [instance.load_frame, *instance.frames]:
        _add_up(found.errors, frame.eval_errors)
        _add_up(found.stopped, frame.stopped)
    for frame in instance.frames:
        found.streams[frame.stream] = _stream_metrics(frame)
    return found


def _stream_metrics(frame: Frame) -> StreamMetrics:
    counts = dict(frame.counts)
    for gauge in frame.gauges:
        _add_up(counts, gauge())
    return StreamMetrics(
        events_in=frame.events_in,
        events_out=frame.events_out,
        outputs=frame.outputs,
        sink_sent=frame.sink_sent,
        eval_errors=dict(frame.eval_errors),
        stopped=dict(frame.stopped),
        counts=counts,
        state_dropped=dict(frame.dropped),
        taps=dict(frame.taps),
    )


def _add_up(total: dict[str, int], counts: dict[str, int]) -> None:
    for key, count in dict(counts).items():
        total[key] = total.get(key, 0) + count
