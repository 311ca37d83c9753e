"""What one connection waits for: a bounded queue and the groups it asked for."""

import asyncio
from collections.abc import Iterable
from typing import Any

from cluster.realtime.messages import Change, Topology
from cluster.realtime.view import TopologyView

QUEUE_LIMIT = 256  # messages; a client further behind is too slow


class FeedClient:
    """Messages are dropped only with the whole connection (`is_too_slow`)."""

    def __init__(self) -> None:
        """Start with an empty queue and every group."""
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_LIMIT)
        self._groups: frozenset[str] = frozenset()
        self.is_too_slow = False

    @property
    def wants_all(self) -> bool:
        """Tell whether the client asked for no group in particular."""
        return not self._groups

    def subscribe(self, groups: Iterable[str]) -> None:
        """Send only these groups (names or ids) from now on; none means all."""
        self._groups = frozenset(groups)

    def put(self, message: bytes) -> None:
        """Queue a message; a client that does not keep up is marked."""
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self.is_too_slow = True

    async def get(self) -> bytes:
        """Wait for the next message."""
        return await self._queue.get()

    def select(self, topology: Topology) -> Topology:
        """Return the part of a topology that belongs to the groups asked for."""
        if self.wants_all:
            return topology
        groups = [
            node
            for node in topology["groups"]
            if self._groups & {node["group_id"], node["group_name"]}
        ]
        ids = {node["group_id"] for node in groups}
        return {
            "groups": groups,
            "workers": topology["workers"],
            "placements": [
                node for node in topology["placements"] if node["group_id"] in ids
            ],
            "links": [node for node in topology["links"] if node["group_id"] in ids],
        }

    def select_changes(
        self, changes: Iterable[Change], old: TopologyView, new: TopologyView
    ) -> list[Change]:
        """Return the changes of workers and of the groups asked for."""
        return [change for change in changes if self._wants(change, old, new)]

    def _wants(self, change: Change, old: TopologyView, new: TopologyView) -> bool:
        if change["kind"] == "worker":
            return True
        entry: Any = None
        for view in (new, old):
            entry = entry or view.entries(change["kind"]).get(change["id"])
        group_id = entry["group_id"] if entry else ""
        group = new.group.get(group_id) or old.group.get(group_id)
        names = {group_id, group["group_name"]} if group else {group_id}
        return bool(self._groups & names)
