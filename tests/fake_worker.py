"""A tiny worker over real HTTP: deploys, removes, takes events, misbehaves on demand."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Reply = tuple[int, Any]


class FakeWorker:
    """Answers as api.md section 7 says; `script` may answer a call in its place."""

    def __init__(self, key: str = "k-fake") -> None:
        """Listen on a free port of this machine."""
        self.key = key
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.calls: list[dict[str, Any]] = []
        self.script: Callable[[dict[str, Any]], Reply | None] = lambda call: None
        self.delay_s = 0.0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port; connections that are open are cut."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, call: dict[str, Any]) -> Reply:
        """Return status and body of one call."""
        self.calls.append(call)
        if self.delay_s:
            time.sleep(self.delay_s)
        scripted = self.script(call)
        if scripted is not None:
            return scripted
        if call["path"] == "/health":
            return 200, {"status": "healthy"}
        if call["key"] != self.key:
            return 401, {
                "error": "this key is not known here",
                "code": "invalid_api_key",
            }
        if call["path"] == "/api/v1/pipelines":
            return self._deploy(call["body"])
        return self._pipeline(call)

    def _deploy(self, body: dict[str, Any]) -> Reply:
        self.pipelines[body["id"]] = body
        return 201, {"id": body["id"], "name": body["name"], "status": "running"}

    def _pipeline(self, call: dict[str, Any]) -> Reply:
        _, _, rest = call["path"].partition("/api/v1/pipelines/")
        pipeline_id, _, action = rest.partition("/")
        if pipeline_id not in self.pipelines:
            return 404, {"error": "no such pipeline", "code": "pipeline_not_found"}
        if call["method"] == "DELETE":
            del self.pipelines[pipeline_id]
            return 200, {"deleted": True}
        if action == "events":
            return 200, {"accepted": True, "output_events": []}
        return 200, self._batch(call)

    def _batch(self, call: dict[str, Any]) -> dict[str, Any]:
        outputs = [{"event_type": "Out", "of": e["event_type"]} for e in call["body"]]
        answer = {"accepted": len(outputs), "failed": 0, "errors": []}
        wanted = call["query"].get("outputs", ["all"])[0]
        if wanted == "all":
            answer["output_events"] = outputs
        if wanted != "none":
            answer["output_count"] = len(outputs)
        return answer


def _handler(worker: FakeWorker) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.connection.setsockopt(6, 1, 1)  # TCP_NODELAY

        def log_message(self, *_: Any) -> None:
            pass

        def _take(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            status, body = worker.answer({
                "method": self.command,
                "path": parts.path,
                "query": parse_qs(parts.query),
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "key": self.headers.get("X-API-Key", ""),
                "raw": raw,
                "body": _decode(raw, self.headers.get("Content-Type", "")),
            })
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            head = (
                f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(data)}\r\n\r\n"
            )
            self.wfile.write(head.encode() + data)

        do_GET = do_POST = do_DELETE = _take  # noqa: N815 - the library names them

    return Handler


def _decode(raw: bytes, media_type: str) -> Any:
    if not raw:
        return None
    if "ndjson" in media_type:
        return [json.loads(line) for line in raw.splitlines() if line.strip()]
    return json.loads(raw)


@contextmanager
def running_worker(key: str = "k-fake") -> Iterator[FakeWorker]:
    """Run a fake worker inside the block."""
    worker = FakeWorker(key)
    try:
        yield worker
    finally:
        worker.stop()
