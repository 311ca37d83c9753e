"""HTTP as sink and look-up, against a real server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from urllib.parse import parse_qs, urlsplit

import pytest

from engine.connectors.base import ConnectorSpec, LookupFailedError
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard
from engine.connectors.http_lookup import HttpLookup
from engine.connectors.http_sink import http_sink
from engine.connectors.registry import LookupMaker, SinkMaker, UnknownConnectorError
from tests.integration.mqtt_broker import free_port, wait_until


class Server:
    """Answers as told: a status for each request in turn, then 200."""

    def __init__(self) -> None:
        self.requests = []
        self.statuses: list[int] = []
        self.answers: dict[str, bytes] = {}
        self.gate = threading.Event()
        self.gate.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                outer.gate.wait(20)
                size = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(size)
                outer.requests.append((self.command, self.path, self.headers, body))
                status = outer.statuses.pop(0) if outer.statuses else 200
                key = parse_qs(urlsplit(self.path).query).get("key", [""])[0]
                answer = outer.answers.get(key, b"{}")
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            # the names are those of http.server
            do_GET = do_POST = do_PUT = answer  # noqa: N815

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/in"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def bodies(self) -> list[int]:
        return [json.loads(body)["n"] for _, _, _, body in self.requests]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def run_sink(url, events=3, letters=None, guard=None, timeout_s=20.0, **params):
    spec = ConnectorSpec("Out", "http", {"url": url, **params}, "p")
    sink = http_sink(spec, letters or DeadLetters(), guard or Guard())
    sink.open()
    sink.send("", [b'{"n":%d}' % n for n in range(events)], stream="S")
    sink.close(timeout_s)
    return sink


def test_every_event_is_posted_in_order(server):
    sink = run_sink(server.url, 200)
    assert server.bodies == list(range(200))
    method, path, headers, _ = server.requests[0]
    assert (method, path) == ("POST", "/in")
    assert headers["content-type"] == "application/json"
    assert sink.status()["sent"] == 200
    assert sink.connected


def test_method_and_headers_are_the_connectors(server):
    run_sink(server.url, 1, method="put", headers="X-Key: abc,Accept: a/b")
    method, _, headers, _ = server.requests[0]
    assert (method, headers["x-key"], headers["accept"]) == ("PUT", "abc", "a/b")


@pytest.mark.parametrize("status", [500, 503, 429])
def test_what_may_pass_later_is_tried_again(server, status):
    server.statuses = [status, status]
    sink = run_sink(server.url)
    assert server.bodies == [0, 0, 0, 1, 2]
    assert (sink.status()["sent"], sink.status()["retries"]) == (3, 2)


def test_after_five_tries_an_event_is_dead(server, tmp_path):
    server.statuses = [500] * 5
    sink = run_sink(server.url, letters=DeadLetters(tmp_path))
    assert server.bodies == [0] * 5 + [1, 2]
    letter = json.loads((tmp_path / "p.dlq.jsonl").read_text())
    assert (letter["event"], letter["attempts"]) == ({"n": 0}, 5)
    assert letter["reason"] == "HTTP status 500"
    assert sink.status()["dead_letters"] == 1


@pytest.mark.parametrize("status", [400, 404, 302])
def test_what_cannot_pass_is_dead_at_once(server, tmp_path, status):
    server.statuses = [status]
    sink = run_sink(server.url, letters=DeadLetters(tmp_path))
    assert server.bodies == [0, 1, 2]
    letter = json.loads((tmp_path / "p.dlq.jsonl").read_text())
    assert (letter["reason"], letter["attempts"]) == (f"HTTP status {status}", 1)
    assert sink.connected


def test_a_server_that_is_not_there_is_an_error_to_see():
    letters = DeadLetters()
    sink = run_sink(f"http://127.0.0.1:{free_port()}/", 1, letters, timeout_s=30)
    assert letters.count == 1
    assert not sink.connected
    assert sink.status()["retries"] == 4


def test_a_server_that_does_not_answer_times_out(server, tmp_path):
    server.gate.clear()
    spec = ConnectorSpec("Out", "http", {"url": server.url, "timeout": 100_000_000})
    sink = http_sink(spec, DeadLetters(tmp_path), Guard())
    sink.open()
    sink.send("", [b'{"n":0}'], stream="S")
    assert wait_until(lambda: "no answer within 0.1 s" in str(sink.status()["error"]))
    assert not sink.connected
    server.gate.set()
    assert wait_until(lambda: sink.status()["sent"] == 1)
    assert sink.connected
    sink.close(5)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_that_is_not_allowed_is_not_called(server, tmp_path, host):
    guard = Guard(networks=(ip_network("10.0.0.0/8"),))
    url = server.url.replace("127.0.0.1", host)
    run_sink(url, 1, DeadLetters(tmp_path), guard, timeout_s=0.5)
    letter = json.loads((tmp_path / "p.dlq.jsonl").read_text())
    assert "not allowed" in letter["reason"]
    assert server.requests == []


# --- look-ups ---


@pytest.fixture
def lookup(server):
    made = HttpLookup(ConnectorSpec("L", "http", {"url": server.url}), Guard())
    yield made
    made.close()


def test_a_lookup_asks_with_the_key_and_returns_the_object(server, lookup):
    server.answers = {"a b&c": b'{"name": "x", "n": 1}'}
    assert lookup.find("a b&c", 5.0) == {"name": "x", "n": 1}
    method, path, _, _ = server.requests[0]
    assert (method, path) == ("GET", "/in?key=a+b%26c")


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_found_is_none(server, lookup, status):
    server.statuses = [status]
    assert lookup.find("k", 5.0) is None


def test_an_answer_of_null_is_none(server, lookup):
    server.answers = {"k": b"null"}
    assert lookup.find("k", 5.0) is None


@pytest.mark.parametrize("status", [500, 403, 302])
def test_other_statuses_are_failures(server, lookup, status):
    server.statuses = [status]
    with pytest.raises(LookupFailedError, match=f"HTTP status {status}"):
        lookup.find("k", 5.0)


@pytest.mark.parametrize("answer", [b"[1]", b"7", b"no", b'{"a": "' + b"x" * 2**20])
def test_other_answers_are_failures(server, lookup, answer):
    server.answers = {"k": answer}
    with pytest.raises(LookupFailedError):
        lookup.find("k", 5.0)


def test_a_slow_answer_is_a_failure(server, lookup):
    server.gate.clear()
    with pytest.raises(LookupFailedError, match="no answer within"):
        lookup.find("k", 0.1)


def test_lookups_run_side_by_side(server, lookup):
    server.gate.clear()
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(lookup.find("k", 10.0)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    server.gate.set()
    for thread in threads:
        thread.join()
    assert found == [{}] * 8


def test_nobody_there_is_a_failure():
    spec = ConnectorSpec("L", "http", {"url": f"http://127.0.0.1:{free_port()}/"})
    lookup = HttpLookup(spec, Guard())
    with pytest.raises(LookupFailedError):
        lookup.find("k", 5.0)
    lookup.close()


def test_headers_that_are_none_are_told_when_the_sink_is_made():
    spec = ConnectorSpec("Out", "http", {"headers": "no header"})
    with pytest.raises(UnknownConnectorError, match="'Out': headers are given as"):
        SinkMaker()(spec)
    with pytest.raises(UnknownConnectorError, match="'Out': headers are given as"):
        LookupMaker()(spec)
