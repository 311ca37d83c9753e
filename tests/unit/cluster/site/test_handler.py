"""Django behind ASGI: one thread per request, and every signal of a request."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import signals
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from varpulis_site.handler import ThreadedHandler

seen: list[str] = []


def middleware(get_response: Any) -> Any:
    def around(request: HttpRequest) -> Any:
        seen.append(threading.current_thread().name)
        return get_response(request)

    return around


def echo(request: HttpRequest) -> HttpResponse:
    seen.append(threading.current_thread().name)
    return HttpResponse(request.body, headers={"X-Where": request.path})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"one ", b"two"]))


def fail(request: HttpRequest) -> HttpResponse:
    raise ValueError("a bug")


urlpatterns = [path("echo", echo), path("stream", stream), path("fail", fail)]


@pytest.fixture
def handler(settings: Any) -> ThreadedHandler:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.middleware"]
    seen.clear()
    return ThreadedHandler()


@pytest.fixture
def finished() -> Iterator[list[str]]:
    """Name the threads in which a request was said to be finished."""
    names: list[str] = []

    def note(**_: Any) -> None:
        names.append(threading.current_thread().name)

    signals.request_finished.connect(note)
    yield names
    signals.request_finished.disconnect(note)


async def call(
    handler: ThreadedHandler, where: str, *messages: dict[str, Any]
) -> list[dict[str, Any]]:
    waiting = iter(messages or ({"type": "http.request", "body": b""},))
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(waiting)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": where,
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
    }
    await handler(scope, receive, send)
    return sent


async def test_a_request_stays_in_one_thread(
    handler: ThreadedHandler, finished: list[str]
) -> None:
    sent = await call(handler, "/echo", {"type": "http.request", "body": b"hello"})
    assert [m["type"] for m in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 200
    assert (b"X-Where", b"/echo") in sent[0]["headers"]
    assert sent[1]["body"] == b"hello"
    middleware_thread, view_thread = seen
    assert middleware_thread == view_thread == finished[0]
    assert middleware_thread != threading.current_thread().name
    assert len(finished) == 1


async def test_a_body_comes_in_pieces(handler: ThreadedHandler) -> None:
    sent = await call(
        handler,
        "/echo",
        {"type": "http.request", "body": b"hel", "more_body": True},
        {"type": "http.request", "body": b"lo"},
    )
    assert sent[1]["body"] == b"hello"


async def test_a_caller_that_is_gone_is_not_answered(handler: ThreadedHandler) -> None:
    sent = await call(
        handler,
        "/echo",
        {"type": "http.request", "body": b"hel", "more_body": True},
        {"type": "http.disconnect"},
    )
    assert sent == []
    assert seen == []


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
async def test_a_stream_ends_after_its_last_piece(
    handler: ThreadedHandler, finished: list[str]
) -> None:
    sent = await call(handler, "/stream")
    assert b"".join(m.get("body", b"") for m in sent) == b"one two"
    assert len(finished) == 1


async def test_a_bug_of_a_view_is_a_500(
    handler: ThreadedHandler, finished: list[str]
) -> None:
    sent = await call(handler, "/fail")
    assert sent[0]["status"] == 500
    assert len(finished) == 1


async def test_an_unknown_path_is_a_404(handler: ThreadedHandler) -> None:
    sent = await call(handler, "/nowhere")
    assert sent[0]["status"] == 404
