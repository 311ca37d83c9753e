"""Tell the rest of the process what changed, once the change is committed.

The hot path and the browser feed subscribe here, so that services need not know
them. Listeners run in the committing thread before the call that made the change is
answered: a listener that swaps or invalidates what it holds is never behind an answer.
They must be quick and must not raise; one that raises is logged and the others run.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

logger = logging.getLogger("varpulis_cluster")


@dataclass(frozen=True, slots=True)
class TopologyChanged:
    """Workers, placements or routes changed; `version` is the new version."""

    version: int
    worker_ids: frozenset[str]
    group_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class EventRecorded:
    """A cluster event was written; `event` has the form of api.md 5.11."""

    event: dict[str, Any]


Change = TopologyChanged | EventRecorded
Listener = Callable[[Change], None]

_listeners: list[Listener] = []


def subscribe(listener: Listener) -> Callable[[], None]:
    """Call `listener` after each commit from now on; the answer ends that."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def publish_on_commit(change: Change) -> None:
    """Tell all listeners when the current transaction has committed."""
    transaction.on_commit(lambda: _publish(change))


def _publish(change: Change) -> None:
    for listener in tuple(_listeners):
        try:
            listener(change)
        except Exception:  # a boundary: one listener must not stop the others
            logger.exception("A listener failed on %s", type(change).__name__)
