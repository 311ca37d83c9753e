"""A short way to the calls that carry events, around Starlette's middleware."""

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.worker.routing import Handler

Answer = Callable[[Request, Exception], Response]


class HotPaths:
    """Hands POST `<prefix><pipeline id>/<name>` to the handler of the name.

    Everything else goes to `app`, which has the same handlers in its routing table
    and would give the same answers, errors included.
    """

    def __init__(
        self,
        app: ASGIApp,
        prefix: str,
        handlers: Mapping[str, Handler],
        answers: Mapping[type[Exception], Answer],
    ) -> None:
        self._app = app
        self._prefix = prefix
        self._handlers = dict(handlers)
        self._answers = dict(answers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an error nobody foresaw is raised after its answer."""
        handler = self._find(scope)
        if handler is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive, send)
        unforeseen: Exception | None = None
        try:
            response = await handler(request)
        except Exception as error:  # boundary of a request: every error is answered
            answer = self._answer_to(error)
            unforeseen = error if answer is self._answers[Exception] else None
            response = answer(request, error)
        await response(scope, receive, send)
        if unforeseen is not None:
            raise unforeseen

    def _find(self, scope: Scope) -> Handler | None:
        """Return the handler of a hot path, and note the pipeline in the scope."""
        path: str = scope["path"]
        if scope["method"] != "POST" or not path.startswith(self._prefix):
            return None
        pipeline_id, _, name = path[len(self._prefix) :].partition("/")
        handler = self._handlers.get(name)
        if handler is None or not pipeline_id:
            return None
        scope["app"] = self._app
        scope["path_params"] = {"pipeline_id": pipeline_id}
        return handler

    def _answer_to(self, error: Exception) -> Answer:
        kinds = type(error).__mro__
        return next(self._answers[kind] for kind in kinds if kind in self._answers)
