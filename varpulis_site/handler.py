"""Django behind ASGI, with one change of thread per request.

Everything of ours that Django answers with is synchronous: views, middleware, ORM.
Django's own handler walks such a chain in the event loop and leaves it for a thread
again and again (some twenty times with our middleware), in a thread that is new for
each request and so opens the database anew: 8 ms of a core per request where the work
takes 1 ms. Here a request goes to one of a few threads that stay, and comes back done.
"""

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpResponseBase
from django.urls import set_script_prefix

DjangoReceive = Callable[[], Awaitable[Mapping[str, Any]]]
DjangoSend = Callable[[Mapping[str, Any]], Awaitable[None]]
THREADS = 32  # requests at work at a time; one may wait seconds for a worker


class ThreadedHandler(ASGIHandler):
    """Reads the body in the event loop, answers in a thread, sends in the loop."""

    def __init__(self) -> None:
        """Build the middleware; threads are started as they are needed."""
        super().__init__()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="varpulis-django")

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain of middleware in its synchronous form."""
        super().load_middleware(is_async=False)

    async def __call__(
        self, scope: dict[str, Any], receive: DjangoReceive, send: DjangoSend
    ) -> None:
        """Answer one HTTP request."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        response = await self._in_thread(self._respond, scope, body)
        await self.send_response(response, send)
        if response.streaming:
            await self._in_thread(response.close)

    def _respond(self, scope: dict[str, Any], body: Any) -> HttpResponseBase:
        """Do all that a request needs, from its start signal to its end signal."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        with body:
            response = self._answer(scope, body)
        if not response.streaming:
            response.close()
        return response

    def _answer(self, scope: dict[str, Any], body: Any) -> HttpResponseBase:
        request, refusal = self.create_request(scope, body)
        if request is None:
            return cast("HttpResponseBase", refusal)  # there is one or the other
        response = self.get_response(request)
        setattr(response, "_handler_class", self.__class__)  # noqa: B010 - sender of Django's end signal, unknown to its types
        return response

    async def _in_thread(self, work: Any, *arguments: Any) -> Any:
        run = sync_to_async(work, thread_sensitive=False, executor=self._pool)
        return await run(*arguments)
