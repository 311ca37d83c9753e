"""Which WebSocket path leads where."""

from typing import cast

from channels.routing import URLRouter
from django.urls import re_path

from cluster.hot.protocol import ASGIApp, Receive, Scope, Send
from cluster.realtime.consumer import TopologyConsumer
from cluster.realtime.feed import TopologyFeed


def websocket_app(feed: TopologyFeed) -> ASGIApp:
    """Return the application for WebSocket connections; unknown paths are refused."""
    known = URLRouter([
        re_path(r"^ws/topology/?$", TopologyConsumer.as_asgi(feed=feed)),
    ])

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].rstrip("/") == "/ws/topology":
            await cast("ASGIApp", known)(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 4404})

    return answer
