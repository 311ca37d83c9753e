"""Which room writes which operation."""

from typing import Any, Final

from engine.compiler import forks, joins, mapping, observing, operations
from engine.compiler.streams import Handlers, event_source

HANDLERS: Final = Handlers(
    operations={
        **operations.HANDLERS,
        **observing.HANDLERS,
        **mapping.HANDLERS,
        **forks.HANDLERS,
    },
    batches={
        **forks.BATCHES,
    },
    sources={
        "event": event_source,
        "merge": event_source,
        "timer": event_source,
        "join": joins.join_source,
    },
)
"""Operations on events, operations on batches, and sources by `StreamPlan.kind`."""

RUNTIME: Final[dict[str, Any]] = {
    **operations.RUNTIME,
    **observing.RUNTIME,
    **mapping.RUNTIME,
    **forks.RUNTIME,
    **joins.RUNTIME,
}
"""What generated code of these rooms calls."""
