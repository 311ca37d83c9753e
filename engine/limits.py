"""Bounds of one pipeline (vpl.md section 19) and of one event (section 14)."""

from dataclasses import dataclass

MAX_EVENT_FIELDS = 1024
MAX_EVENT_TEXT_CHARS = 256 * 1024
MAX_EVENT_ARRAY_ITEMS = 10_000
MAX_EVENT_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """What one pipeline may use; the defaults are those of the language.

    `cpu_s_per_event` is CPU time of one context for one injected event (R001),
    `recursion_depth` counts nested calls (R002), `outputs_per_event` bounds one reply
    (R003), `text_chars` and `array_items` bound single values (R004). `partitions` bounds
    the keys of each operation that keeps a state per key, `distinct_keys` what
    `distinct` remembers, `running_values` what a running aggregate looks back on,
    `runs` the partial matches of one stream, `kleene_events` what one repeated step takes.
    `join_events_per_key` is per source of a join, `ticks_per_event` what timers may
    bring before one event. `idle_grace_s` is how long a stream waits for late events
    before its clock runs on without any.
    """

    cpu_s_per_event: float = 10.0
    recursion_depth: int = 200
    outputs_per_event: int = 1_000_000
    text_chars: int = 16 * 1024 * 1024
    array_items: int = 1_000_000
    partitions: int = 1_000_000
    distinct_keys: int = 100_000
    running_values: int = 100_000
    runs: int = 10_000
    kleene_events: int = 10_000
    join_events_per_key: int = 1000
    ticks_per_event: int = 1_000_000
    idle_grace_s: float = 0.5
    reply_timeout_s: float = 15.0
    context_queue_events: int = 1000
