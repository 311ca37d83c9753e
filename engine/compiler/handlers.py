"""Which room writes which operation."""

from typing import Any, Final

from engine.compiler import (
    aggregates,
    enriching,
    forecasts,
    forks,
    joins,
    mapping,
    observing,
    operations,
    partitions,
    scoring,
    selecting,
    sequences_source,
    timers,
    trends,
    windows,
)
from engine.compiler.event_source import event_source
from engine.compiler.streams import Handlers

HANDLERS: Final = Handlers(
    operations={
        **operations.HANDLERS,
        **observing.HANDLERS,
        **mapping.HANDLERS,
        **forks.HANDLERS,
        **partitions.HANDLERS,
        **windows.HANDLERS,
        **selecting.HANDLERS,
        **enriching.HANDLERS,
        **scoring.HANDLERS,
        **trends.HANDLERS,
        **forecasts.HANDLERS,
    },
    batches={
        **forks.BATCHES,
        **partitions.BATCHES,
        **windows.BATCHES,
        **selecting.BATCHES,
    },
    sources={
        "event": event_source,
        "sequence": sequences_source.sequence_source,
        "merge": event_source,
        "timer": timers.timer_source,
        "join": joins.join_source,
    },
)
"""Operations on events, operations on batches, and sources by `StreamPlan.kind`."""

RUNTIME: Final[dict[str, Any]] = {
    **sequences_source.RUNTIME,
    **operations.RUNTIME,
    **observing.RUNTIME,
    **mapping.RUNTIME,
    **forks.RUNTIME,
    **partitions.RUNTIME,
    **aggregates.RUNTIME,
    **selecting.RUNTIME,
    **joins.RUNTIME,
    **trends.RUNTIME,
}
"""What generated code of these rooms calls."""
