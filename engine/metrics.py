"""Counters of a pipeline, as read by status pages and `/metrics`."""

from dataclasses import dataclass, field

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A counter's name and its labels."""


@dataclass(slots=True)
class StreamMetrics:
    """Cumulative counters of one stream (vpl.md section 19).

    `events_out` counts final events handed to consumers, `outputs` output events.
    `counts` has the counters of windows and runs by name (`late_events`, `matches` ..),
    `state_dropped` what was dropped at a bound, by kind, `taps` the counters of `.tap` by
    name and labels.
    """

    events_in: int = 0
    events_out: int = 0
    outputs: int = 0
    sink_sent: int = 0
    eval_errors: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    state_dropped: dict[str, int] = field(default_factory=dict)
    taps: dict[Series, int] = field(default_factory=dict)


@dataclass(slots=True)
class PipelineMetrics:
    """Cumulative counters of one pipeline; a snapshot, safe to keep.

    `errors` adds up the evaluation errors of all streams by reason, `stopped` the run
    time faults by code, `unrouted` counts events nobody consumes. `processing_s` is the
    time spent on batches and injected events; quick single events are not timed, as
    that would cost as much as they do.
    """

    events_in: int = 0
    events_out: int = 0
    rejected: int = 0
    unrouted: int = 0
    type_mismatches: int = 0
    processing_s: float = 0.0
    errors: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, int] = field(default_factory=dict)
    streams: dict[str, StreamMetrics] = field(default_factory=dict)
