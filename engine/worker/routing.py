"""From path and method to handler, with 405 answers that name what is allowed."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from engine.worker.errors import ApiError

Handler = Callable[[Request], Awaitable[Response]]


class Methods:
    """The handlers of one path by method; HEAD is answered as GET."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers
        if "GET" in handlers:
            handlers["HEAD"] = handlers["GET"]
        self._allow = ", ".join(sorted(handlers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the handler of the method; raises 405."""
        handler = self._handlers.get(scope["method"])
        if handler is None:
            raise ApiError(
                405,
                "method_not_allowed",
                f"{scope['method']} is not allowed here, only {self._allow}",
                headers={"allow": self._allow},
            )
        request = Request(scope, receive, send)
        response = await handler(request)
        await response(scope, receive, send)


def path(pattern: str, **handlers: Handler) -> Route:
    """Return the route of a path; keywords are methods."""
    return Route(pattern, Methods(dict(handlers)))
