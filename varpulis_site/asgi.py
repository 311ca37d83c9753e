"""The coordinator as one ASGI application.

Django is built once. Beside it stand the hot path (inject, heartbeat, health), which
is far cheaper per request, and the WebSocket side; all share one process and one loop.
"""

import os
from typing import cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "varpulis_site.settings")

import django

django.setup(set_prefix=False)

# These read settings and models, so they come after Django is set up.
from cluster.hot import HotApp  # noqa: E402
from cluster.hot.protocol import ASGIApp, Receive, Scope, Send  # noqa: E402
from cluster.realtime import TopologyFeed, websocket_app  # noqa: E402
from varpulis_site.handler import ThreadedHandler  # noqa: E402


class CoordinatorApp:
    """Hands each connection to the part that answers it."""

    def __init__(
        self, *, django: ASGIApp, hot: HotApp, feed: TopologyFeed, websocket: ASGIApp
    ) -> None:
        """Keep the parts; nothing runs before lifespan startup or the first request."""
        self.django = django
        self.hot = hot
        self.feed = feed
        self.websocket = websocket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, or run start-up and shutdown."""
        kind = scope["type"]
        if kind == "http":
            hot = self.hot.takes(scope["path"])
            await (self.hot if hot else self.django)(scope, receive, send)
        elif kind == "websocket":
            await self.feed.start()
            await self.websocket(scope, receive, send)
        elif kind == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.hot.start()
        await self.feed.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.feed.stop()
        await self.hot.stop()
        await send({"type": "lifespan.shutdown.complete"})


_feed = TopologyFeed()
_hot = HotApp(on_heartbeat=_feed.rates.note)
_feed.sweep_age_s = _hot.sweep_age_s
application = CoordinatorApp(
    django=cast("ASGIApp", ThreadedHandler()),
    hot=_hot,
    feed=_feed,
    websocket=websocket_app(_feed),
)
