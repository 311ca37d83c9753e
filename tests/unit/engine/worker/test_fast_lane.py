"""Events that are answered where their bytes arrive, and what takes the long way."""

import asyncio
import json
import re

import pytest

from engine.connectors.fake import RecordingSinks
from engine.worker.app import build_app
from engine.worker.config import WorkerConfig
from engine.worker.deployment import Deployment
from engine.worker.fast_lane import FastLane
from engine.worker.host import PipelineHost
from engine.worker.identity import make_identity
from engine.worker.launcher import Launcher
from engine.worker.limits import BODY_TIMEOUT_S
from engine.worker.listen import make_server
from engine.worker.services import Services

SOURCE = "stream S = X .where(v > 1) .emit(v: v)"
EVENT = b'{"event_type":"X","fields":{"v":2}}'
CONFIG = WorkerConfig(api_key="test")


class Wire(asyncio.Transport):
    """The transport of a connection; `text` is what went out."""

    def __init__(self):
        super().__init__()
        self.parts = []
        self.closed = False
        self.written = asyncio.Event()

    @property
    def text(self):
        return b"".join(self.parts)

    def get_extra_info(self, name, default=None):
        return default

    def write(self, data):
        assert not self.closed
        self.parts.append(bytes(data))
        self.written.set()

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


class Timers:
    """What the protocol wants to be called later, by delay."""

    def __init__(self, loop):
        self._loop = loop
        self.set = []

    def __getattr__(self, name):
        return getattr(self._loop, name)

    def call_later(self, delay, callback, *args):
        handle = self._loop.call_later(3600, callback, *args)
        self.set.append((delay, callback, handle))
        return handle

    def fire(self, delay):
        for known, callback, handle in self.set:
            if known == delay and not handle.cancelled():
                handle.cancel()
                callback()


class Connection:
    """A connection to a worker that runs one plain pipeline called `p`."""

    def __init__(self, has_lane=True):
        self.host = PipelineHost(
            Launcher(make_sink=RecordingSinks()), max_pipelines=10, queue_limit=100
        )
        identity = make_identity(CONFIG, ("127.0.0.1", 9000), "depot-7")
        services = Services(config=CONFIG, identity=identity, host=self.host)
        self.lane = FastLane(self.host, CONFIG) if has_lane else None
        self._server = make_server(build_app(services), CONFIG, self.lane)

    async def __aenter__(self):
        deployment = Deployment(id="p", name="p", source=SOURCE)
        self.hosted, _ = await self.host.deploy(deployment)
        config = self._server.config
        config.load()
        self.timers = Timers(asyncio.get_running_loop())
        self.protocol = config.http_protocol_class(
            config=config,
            server_state=self._server.server_state,
            app_state={},
            _loop=self.timers,
        )
        self.wire = Wire()
        self.protocol.connection_made(self.wire)
        return self

    async def __aexit__(self, *_):
        self.protocol.connection_lost(None)
        await self.host.stop(5)

    def send(self, data):
        self.protocol.data_received(data)

    async def answers(self, count):
        """Wait for answers and return them as (status, headers, JSON)."""
        async with asyncio.timeout(20):
            while len(found := parsed(self.wire.text)) < count:
                self.wire.written.clear()
                await self.wire.written.wait()
        return found


def request(
    call="events", body=EVENT, kind="application/json", key="test", method="POST",
    more=(), version="1.1",
):  # fmt: skip
    lines = [
        f"{method} /api/v1/pipelines/p/{call} HTTP/{version}",
        "Host: 127.0.0.1:9000",
        f"X-API-Key: {key}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *more,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def parsed(text):
    """Return what whole answers there are in a text."""
    found = []
    while b"\r\n\r\n" in text:
        head, _, rest = text.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        size = int(headers["content-length"])
        if len(rest) < size:
            break
        found.append((int(status.split()[1]), headers, json.loads(rest[:size])))
        text = rest[size:]
    return found


def comparable(answer):
    status, headers, body = answer
    for name in ("content-length", "date"):
        headers.pop(name, None)
    if re.fullmatch("[0-9a-f]{32}", headers["x-request-id"]):
        headers["x-request-id"] = "made"
    if "processing_time_us" in body:
        body["processing_time_us"] = 0
    return status, headers, body


BATCH = EVENT + b"\n{no json\n\n" + EVENT
ARRAY = b"[%b, 7, %b]" % (EVENT, EVENT)
NDJSON = "application/x-ndjson"
REQUESTS = {
    "event": request(),
    "event with id": request(body=b'{"event_type":"X","id":"a","fields":{"v":2}}'),
    "flat event": request(body=b'{"event_type":"X","v":2}'),
    "lines": request("events-batch", BATCH, NDJSON),
    "counted": request("events-batch?outputs=count", BATCH, NDJSON),
    "without outputs": request("events-batch?outputs=none", BATCH, NDJSON),
    "array": request("events-batch", ARRAY),
    "events": request("events-batch", b'{"events":%b}' % ARRAY),
    "text of a file": request("events-batch", b'{"events_text":"X { v: 2 }"}'),
    "family": request("events-batch?family=X", b'[{"event_type":"X_1","v":2}]'),
    "no batch": request("events-batch", b"7"),
    "no JSON": request(body=b"{"),
    "no event": request(body=b"{}"),
    "no body": request(body=b""),
    "accepted": request("events?ack=accepted"),
    "wrong key": request(key="no"),
    "other method": request(method="PUT"),
    "unknown call": request("nothing"),
    "media type": request(kind="text/plain"),
    "bad deadline": request(more=("X-Varpulis-Timeout-Ms: soon",)),
    "deadline": request(more=("X-Varpulis-Timeout-Ms: 500",)),
    "own id": request(more=("X-Request-Id: mine",)),
    "strange id": request(more=("X-Request-Id: a b",)),
    "closing": request(more=("Connection: close",)),
    "old": request(version="1.0"),
    "upgrade": request(more=("Upgrade: h2c", "Connection: upgrade")),
    "expecting": request(more=("Expect: nothing",)),
}
TAKEN = {
    "event", "event with id", "flat event", "lines", "counted", "without outputs",
    "array", "events", "deadline", "own id", "strange id",
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
async def test_the_lane_answers_like_the_long_way(name):
    found = []
    for has_lane in (True, False):
        async with Connection(has_lane) as connection:
            connection.send(REQUESTS[name])
            found += await connection.answers(1)
    assert comparable(found[0]) == comparable(found[1])


@pytest.mark.parametrize("name", REQUESTS)
async def test_only_what_is_sure_to_be_quick_is_answered_at_once(name):
    async with Connection() as connection:
        connection.send(REQUESTS[name])
        assert bool(connection.wire.parts) == (name in TAKEN)
        await connection.answers(1)


async def test_pipelined_requests_are_answered_in_order():
    async with Connection() as connection:
        order = ["event", "accepted", "counted", "wrong key", "own id"]
        connection.send(b"".join(REQUESTS[name] for name in order))
        found = await connection.answers(len(order))
        assert [status for status, _, _ in found] == [200, 202, 200, 401, 200]
        assert found[-1][1]["x-request-id"] == "mine"


@pytest.mark.parametrize("step", [1, 7, 64])
async def test_a_request_may_come_in_any_pieces(step):
    async with Connection() as connection:
        data = REQUESTS["lines"] + REQUESTS["event"]
        for start in range(0, len(data), step):
            connection.send(data[start : start + step])
        found = await connection.answers(2)
        assert [body["accepted"] for _, _, body in found] == [2, True]


async def test_a_busy_pipeline_takes_the_long_way():
    async with Connection() as connection:
        data = REQUESTS["event"]
        connection.send(data[:-5])
        connection.hosted.queue_depth = 1
        connection.send(data[-5:])
        assert not connection.wire.parts
        connection.hosted.queue_depth = 0
        ((status, _, body),) = await connection.answers(1)
        assert (status, len(body["output_events"])) == (200, 1)
        connection.send(data)
        assert len(parsed(connection.wire.text)) == 2


async def test_a_body_that_stalls_is_given_up():
    async with Connection() as connection:
        connection.send(REQUESTS["event"][:-5])
        connection.timers.fire(BODY_TIMEOUT_S)
        ((status, headers, body),) = await connection.answers(1)
        assert (status, headers["connection"]) == (400, "close")
        assert "stalled" in body["error"]
        assert connection.wire.closed


async def test_a_body_that_goes_on_gets_its_time_again():
    async with Connection() as connection:
        for byte in REQUESTS["event"]:
            connection.send(bytes([byte]))
        connection.timers.fire(BODY_TIMEOUT_S)
        ((status, _, _),) = await connection.answers(1)
        assert (status, connection.wire.closed) == (200, False)


async def test_a_caller_that_goes_away_leaves_nothing_behind():
    async with Connection() as connection:
        connection.send(REQUESTS["event"][:-5])
        connection.protocol.connection_lost(None)
        connection.timers.fire(BODY_TIMEOUT_S)
        assert not connection.wire.parts
        assert connection.hosted.pipeline.metrics().events_in == 0


async def test_a_server_that_stops_answers_what_has_begun():
    async with Connection() as connection:
        connection.send(REQUESTS["event"][:-5])
        connection.protocol.shutdown()
        connection.send(REQUESTS["event"][-5:])
        ((status, headers, _),) = await connection.answers(1)
        assert (status, headers["connection"]) == (200, "close")
        assert connection.wire.closed


async def test_a_stopping_worker_takes_nothing_new():
    async with Connection() as connection:
        connection.send(REQUESTS["event"][:-5])
        connection.host.is_stopping = True
        connection.send(REQUESTS["event"][-5:])
        ((status, _, _),) = await connection.answers(1)
        assert status == 503


async def test_errors_nobody_foresaw_are_answered_and_logged(caplog, monkeypatch):
    async with Connection() as connection:
        monkeypatch.setattr(connection.lane, "answer", lambda _call: 1 // 0)
        connection.send(REQUESTS["own id"])
        ((status, _, body),) = await connection.answers(1)
    assert (status, body["details"]) == (500, {"request_id": "mine"})
    assert "ZeroDivisionError" in caplog.text


async def test_a_repeated_event_is_told_apart():
    async with Connection() as connection:
        connection.send(REQUESTS["event with id"] * 2)
        found = await connection.answers(2)
        assert found[1][2] == {
            "accepted": True,
            "output_events": [],
            "duplicate": True,
        }


async def test_large_bodies_take_the_long_way():
    async with Connection() as connection:
        body = (EVENT + b"\n") * 30_000
        assert not connection.hosted.runs_at_once(len(body))
        connection.send(request("events-batch?outputs=count", body, NDJSON))
        ((_, _, found),) = await connection.answers(1)
        assert (found["accepted"], found["output_count"]) == (30_000, 30_000)


async def test_foreign_hosts_are_refused_before_the_lane():
    async with Connection() as connection:
        data = REQUESTS["event"].replace(b"Host: 127.0.0.1:9000", b"Host: example.org")
        connection.send(data)
        ((status, _, _),) = await connection.answers(1)
        assert status == 400
