"""Live pages: what changes in the cluster reaches open browsers (api.md section 8)."""

from cluster.realtime.feed import TopologyFeed
from cluster.realtime.routing import websocket_app

__all__ = ["TopologyFeed", "websocket_app"]
