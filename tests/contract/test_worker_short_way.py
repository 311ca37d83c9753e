"""The worker's short way for events answers like its routing table."""

import asyncio
import json
import re

import pytest

from engine.connectors.fake import RecordingSinks
from engine.worker.app import build_app, build_plain_app
from engine.worker.config import WorkerConfig
from engine.worker.deployment import Deployment
from engine.worker.host import PipelineHost
from engine.worker.identity import make_identity
from engine.worker.launcher import Launcher
from engine.worker.services import Services

SOURCE = "stream S = X .where(v > 1) .emit(v: v)"
JSON = ("content-type", "application/json")
NDJSON = ("content-type", "application/x-ndjson")
KEY = ("x-api-key", "test")
EVENT = b'{"event_type":"X","fields":{"v":2}}'
ID = "/api/v1/pipelines/p"

REQUESTS = {
    "event": (f"{ID}/events", [KEY, JSON], EVENT),
    "event explained": (f"{ID}/events?explain=true", [KEY, JSON], EVENT),
    "event accepted": (f"{ID}/events?ack=accepted", [KEY, JSON], EVENT),
    "slash at the end": (f"{ID}/events/", [KEY, JSON], EVENT),
    "batch": (f"{ID}/events-batch", [KEY, NDJSON], EVENT + b"\nx\n" + EVENT),
    "stream": (f"{ID}/ingest", [KEY, NDJSON], EVENT + b"\n{}\n"),
    "no key": (f"{ID}/events", [JSON], EVENT),
    "wrong key": (f"{ID}/ingest", [("x-api-key", "no"), NDJSON], EVENT),
    "foreign host": (f"{ID}/events", [KEY, JSON, ("host", "example.org")], EVENT),
    "unknown pipeline": ("/api/v1/pipelines/q/events", [KEY, JSON], EVENT),
    "no pipeline": ("/api/v1/pipelines//events", [KEY, JSON], EVENT),
    "deeper path": (f"{ID}/events/more", [KEY, JSON], EVENT),
    "media type": (f"{ID}/events", [KEY], EVENT),
    "no JSON": (f"{ID}/events", [KEY, JSON], b"{"),
    "no event": (f"{ID}/events", [KEY, JSON], b"{}"),
    "no batch": (f"{ID}/events-batch", [KEY, JSON], b"7"),
    "bad query": (f"{ID}/events-batch?outputs=some", [KEY, NDJSON], EVENT),
    "bad deadline": (
        f"{ID}/events",
        [KEY, JSON, ("x-varpulis-timeout-ms", "soon")],
        EVENT,
    ),
    "too large": (f"{ID}/events", [KEY, JSON, ("content-length", "9" * 9)], b"x"),
    "own request id": (f"{ID}/events", [KEY, JSON, ("x-request-id", "mine")], EVENT),
}


async def ask(app, method, target, headers, body):
    """Return status, headers and body of the answer to one request."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 50_000),
    }
    coming = [{"type": "http.request", "body": body, "more_body": False}]
    sent = []

    async def receive():
        return coming.pop() if coming else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


async def answers(method, target, headers, body, *, break_it=False):
    """Return what the short way and the routing table answer to one request."""
    found = []
    for build in (build_app, build_plain_app):
        host = PipelineHost(
            Launcher(make_sink=RecordingSinks()), max_pipelines=10, queue_limit=100
        )
        config = WorkerConfig(api_key="test")
        identity = make_identity(config, ("127.0.0.1", 9000), "depot-7")
        services = Services(config=config, identity=identity, host=host)
        hosted, _ = await host.deploy(Deployment(id="p", name="p", source=SOURCE))
        if break_it:
            hosted.pipeline = None
        found.append(await ask(build(services), method, target, headers, body))
    return found


def comparable(answer):
    """Return an answer without what differs from call to call."""
    status, headers, body = answer
    text = re.sub(rb'("processing_time_us"|"took_ms"):[\d.]+', rb"\1:0", body)
    named = {**headers, b"content-length": len(text)}
    if re.fullmatch(rb"[0-9a-f]{32}", named[b"x-request-id"]):
        text = text.replace(named.pop(b"x-request-id"), b"")
    return status, named, json.loads(text)


@pytest.mark.parametrize("name", REQUESTS)
def test_both_ways_give_the_same_answer(name):
    short, plain = asyncio.run(answers("POST", *REQUESTS[name]))
    assert comparable(short) == comparable(plain)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("call", ["events", "events-batch", "ingest"])
def test_other_methods_are_refused_alike(method, call):
    request = (method, f"{ID}/{call}", [KEY, JSON], b"")
    short, plain = asyncio.run(answers(*request))
    assert comparable(short) == comparable(plain)
    assert short[0] == 405


def test_errors_nobody_foresaw_are_answered_and_logged_alike(caplog):
    request = ("POST", *REQUESTS["event"])
    short, plain = asyncio.run(answers(*request, break_it=True))
    assert comparable(short) == comparable(plain)
    assert short[0] == 500
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
