"""Changes of other processes, through a channel layer that processes share.

With the in-memory layer there is one process and nothing to relay. Messages are small
and may get lost (layers deliver at most once); the feed looks at the version itself
every two seconds, so a lost one only costs time.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings

from cluster.services import notify

logger = logging.getLogger("varpulis_cluster")

GROUP = "varpulis.topology"
IN_MEMORY = "channels.layers.InMemoryChannelLayer"

MOST_IDS = 100  # a message that names more would not be small
PAUSE_S = 1.0  # between two attempts while the layer is away
RENEWAL_S = 3600.0  # well within the day after which a layer forgets who listens

Take = Callable[[notify.Change], None]


def is_shared() -> bool:
    """Tell whether the configured layer reaches other processes."""
    return bool(settings.CHANNEL_LAYERS["default"]["BACKEND"] != IN_MEMORY)


def announce(change: notify.Change) -> None:
    """Tell all processes of a change; subscribed wherever changes are made."""
    layer = get_channel_layer()
    try:
        async_to_sync(layer.group_send)(GROUP, to_message(change))
    except layer_faults() as error:
        logger.warning("A change was not announced to other processes: %s", error)


async def listen(take: Take) -> None:
    """Hand every announced change to `take`, for ever; begin anew after a fault."""
    while True:
        try:
            await _listen(take)
        except layer_faults() as error:
            logger.warning("The channel layer is away, trying again: %s", error)
            await asyncio.sleep(PAUSE_S)


async def _listen(take: Take) -> None:
    layer = get_channel_layer()
    name = await layer.new_channel()
    while True:
        await layer.group_add(GROUP, name)
        with suppress(TimeoutError):
            async with asyncio.timeout(RENEWAL_S):
                while True:
                    take(from_message(await layer.receive(name)))


def layer_faults() -> tuple[type[Exception], ...]:
    """Return what calls of the channel layer raise while it is away."""
    if not is_shared():
        return (OSError,)
    # Here, not above: only processes that share a layer have loaded this.
    from redis.exceptions import RedisError

    return (OSError, RedisError)


def to_message(change: notify.Change) -> dict[str, Any]:
    """Return the message that stands for a change; many ids stay behind."""
    if isinstance(change, notify.EventRecorded):
        return {"type": "cluster.event", "event": change.event}
    message = {"type": "topology.changed", "version": change.version}
    if len(change.worker_ids) + len(change.group_ids) > MOST_IDS:
        return message
    return message | {
        "worker_ids": sorted(change.worker_ids),
        "group_ids": sorted(map(str, change.group_ids)),
    }


def from_message(message: dict[str, Any]) -> notify.Change:
    """Return the change a message stands for."""
    if message["type"] == "cluster.event":
        return notify.EventRecorded(message["event"])
    return notify.TopologyChanged(
        message["version"],
        frozenset(message.get("worker_ids", ())),
        frozenset(map(UUID, message.get("group_ids", ()))),
    )
