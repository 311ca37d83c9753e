"""Changes of other processes, through a channel layer that processes share.

With the in-memory layer there is one process and nothing to relay. Messages are small
and may get lost (layers deliver at most once); the feed looks at the version itself
every two seconds, so a lost one only costs time.
"""

import logging
from collections.abc import Callable
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

Take = Callable[[notify.Change], None]


def is_shared() -> bool:
    """Tell whether the configured layer reaches other processes."""
    return bool(settings.CHANNEL_LAYERS["default"]["BACKEND"] != IN_MEMORY)


def announce(change: notify.Change) -> None:
    """Tell all processes of a change; subscribed wherever changes are made."""
    layer = get_channel_layer()
    try:
        async_to_sync(layer.group_send)(GROUP, to_message(change))
    except OSError as error:
        logger.warning("A change was not announced to other processes: %s", error)


async def listen(take: Take) -> None:
    """Hand every announced change to `take`, for ever."""
    layer = get_channel_layer()
    name = await layer.new_channel()
    await layer.group_add(GROUP, name)
    while True:
        take(from_message(await layer.receive(name)))


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
