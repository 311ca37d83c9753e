"""How services call workers (api.md section 7); events go by `cluster.hot`.

A `WorkerClient` is a port: `HttpWorkerClient` talks to real workers,
`cluster.testing.FakeWorkers` keeps the same contract in memory. No method touches the
database, so calls may run in threads; who calls records what came of it.
"""

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import quote, urlsplit
from uuid import UUID

import msgspec
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from cluster import conf
from cluster.exceptions import (
    WorkerAnswerError,
    WorkerCallError,
    WorkerFullError,
    WorkerLimitsError,
    WorkerRefusedError,
    WorkerTimeoutError,
    WorkerUnreachableError,
)
from cluster.metrics import SERIES
from cluster.worker_trust import distrust, trust_context

MAX_ANSWER = 64 * 1024 * 1024  # bytes
CHUNK = 64 * 1024  # bytes
CALLS = {"POST": "deploy", "DELETE": "remove", "GET": "health"}  # as metrics name them
REFUSALS = frozenset({400, 409, 422, 429})
POOLED_CONNECTIONS = 32  # kept per worker


@dataclass(frozen=True, slots=True)
class WorkerTarget:
    """Where a worker is called, and with what key.

    `pinned_host` is the IP address that was checked at registration; an empty one is
    resolved anew.
    """

    worker_id: str
    address: str
    pinned_host: str = ""
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """A pipeline to start. The same `pipeline_id` and generation may be sent twice."""

    pipeline_id: str
    name: str
    source: str
    group_id: UUID
    replica: int
    generation: int
    cluster_id: str
    limits: Mapping[str, int | float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the body of the call."""
        body = {
            "id": self.pipeline_id,
            "name": self.name,
            "source": self.source,
            "group_id": str(self.group_id),
            "replica": self.replica,
            "generation": self.generation,
            "cluster_id": self.cluster_id,
        }
        return body | ({"limits": dict(self.limits)} if self.limits else {})


class DeployAnswer(msgspec.Struct, frozen=True):
    """What a worker says of a pipeline it started; further members are ignored."""

    id: str
    name: str
    status: str = "running"
    fingerprint: str = ""


class WorkerFault(msgspec.Struct, frozen=True):
    """The error shape of a worker's answer."""

    error: str = ""
    code: str = ""
    details: dict[str, Any] = {}


class WorkerClient(Protocol):
    """Calls to workers. Each raises WorkerCallError, and nothing else, on failure.

    Never called inside a transaction. Methods are safe to call from threads.
    """

    def deploy_pipeline(
        self, target: WorkerTarget, request: DeployRequest
    ) -> DeployAnswer:
        """Start a pipeline and return how the worker knows it."""

    def remove_pipeline(self, target: WorkerTarget, pipeline_id: str) -> None:
        """Stop and drop a pipeline; one that is not there counts as removed."""

    def check_health(self, target: WorkerTarget) -> None:
        """Return if the worker answers its liveness probe."""


class HttpWorkerClient:
    """Calls over HTTP: pinned address, no redirects, no proxies, bounded in time."""

    def deploy_pipeline(
        self, target: WorkerTarget, request: DeployRequest
    ) -> DeployAnswer:
        """Start a pipeline and return how the worker knows it."""
        raw = self._call(target, "POST", "/api/v1/pipelines", request.to_json())
        try:
            return msgspec.json.decode(raw, type=DeployAnswer)
        except msgspec.DecodeError as error:
            raise _strange_answer(target, 201, str(error)) from error

    def remove_pipeline(self, target: WorkerTarget, pipeline_id: str) -> None:
        """Stop and drop a pipeline; one that is not there counts as removed."""
        path = f"/api/v1/pipelines/{quote(pipeline_id, safe='')}"
        try:
            self._call(target, "DELETE", path)
        except WorkerCallError as error:
            if error.details.get("worker_status") != 404:
                raise

    def check_health(self, target: WorkerTarget) -> None:
        """Return if the worker answers its liveness probe."""
        self._call(target, "GET", "/health")

    def _call(
        self,
        target: WorkerTarget,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
    ) -> bytes:
        with SERIES.calling(CALLS[method]):
            return self._ask(target, method, path, body)

    def _ask(
        self,
        target: WorkerTarget,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
    ) -> bytes:
        settings = conf.current()
        deadline = time.monotonic() + settings.http_timeout
        try:
            response = _pool(target.address, target.pinned_host).urlopen(
                method,
                path,
                body=None if body is None else json.dumps(body).encode(),
                headers=_headers(target),
                timeout=Timeout(settings.connect_timeout, settings.http_timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            with _given_back(response):
                raw = _read(response, deadline)
        except (ReadTimeoutError, TimeoutError) as error:
            raise _timed_out(target, settings.http_timeout) from error
        except (HTTPError, OSError) as error:
            raise _unreachable(target, error) from error
        return _judge(target, response.status, raw)


def get_client() -> WorkerClient:
    """Return the client that services use by default."""
    return _current


@contextmanager
def use_client(client: WorkerClient) -> Iterator[None]:
    """Let services call workers through `client` inside the block (tests)."""
    global _current
    previous, _current = _current, client
    try:
        yield
    finally:
        _current = previous


_current: WorkerClient = HttpWorkerClient()


@lru_cache(maxsize=1024)
def _pool(address: str, pinned_host: str) -> HTTPConnectionPool:
    """Return the connections to a worker: to a pinned IP address, if there is one.

    TLS is asked for the advertised host all the same. This is urllib3 without requests
    above it, which would cost more than the rest of a call.
    """
    parts = urlsplit(address)
    name = parts.hostname or ""
    host = pinned_host or name
    if parts.scheme != "https":
        return HTTPConnectionPool(host, parts.port, maxsize=POOLED_CONNECTIONS)
    return HTTPSConnectionPool(
        host,
        parts.port,
        maxsize=POOLED_CONNECTIONS,
        ssl_context=trust_context(),
        server_hostname=name,
        assert_hostname=name,
    )


@contextmanager
def _given_back(response: BaseHTTPResponse) -> Iterator[None]:
    """Keep the connection for the next call, or close it if the block fails."""
    try:
        yield
    except BaseException:
        response.close()
        raise
    response.release_conn()


def _headers(target: WorkerTarget) -> dict[str, str]:
    headers = {
        "Host": urlsplit(target.address).netloc,
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    if target.api_key:
        headers["X-API-Key"] = target.api_key
    return headers


def _read(response: BaseHTTPResponse, deadline: float) -> bytes:
    """Return the body; each piece is taken as it comes, so that a drip is noticed."""
    chunks, size = [], 0
    while chunk := response.read1(CHUNK, decode_content=True):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            raise HTTPError(f"answer above {MAX_ANSWER} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError("answer came too slowly")
    return b"".join(chunks)


def _judge(target: WorkerTarget, status: int, raw: bytes) -> bytes:
    if 200 <= status < 300:
        return raw
    try:
        fault = msgspec.json.decode(raw, type=WorkerFault)
    except msgspec.DecodeError:
        fault = WorkerFault()
    details: dict[str, Any] = {
        "worker_id": target.worker_id,
        "worker_status": status,
        "worker_error": fault.error,
        "worker_code": fault.code,
    }
    for key in ("diagnostics", "errors"):
        if key in fault.details:
            details[key] = fault.details[key]
    says = fault.error or "no reason given"
    text = f"worker '{target.worker_id}' answered {status}: {says}"
    if status == 429 and fault.code == "quota_exceeded":
        raise WorkerFullError(text, details=details)
    if status in REFUSALS:
        refusal = WorkerLimitsError if _is_about_limits(fault) else WorkerRefusedError
        raise refusal(text, code=fault.code or None, status=status, details=details)
    raise WorkerAnswerError(text, details=details)


def _is_about_limits(fault: WorkerFault) -> bool:
    errors = fault.details.get("errors")
    return isinstance(errors, list) and any(
        isinstance(error, dict) and str(error.get("path", "")).startswith("limits.")
        for error in errors
    )


def _strange_answer(target: WorkerTarget, status: int, why: str) -> WorkerAnswerError:
    return WorkerAnswerError(
        f"worker '{target.worker_id}' gave an answer that cannot be read: {why}",
        details={"worker_id": target.worker_id, "worker_status": status},
    )


def _timed_out(target: WorkerTarget, timeout_s: float) -> WorkerTimeoutError:
    return WorkerTimeoutError(
        f"worker '{target.worker_id}' did not answer within {timeout_s:g} s",
        details={"worker_id": target.worker_id},
    )


def _unreachable(target: WorkerTarget, error: Exception) -> WorkerUnreachableError:
    text = f"worker '{target.worker_id}' cannot be reached at {target.address}"
    cause: BaseException | None = error
    while cause is not None:  # urllib3 wraps what the socket said
        if isinstance(cause, ssl.SSLCertVerificationError):
            text = distrust(target.worker_id, target.address, cause)
        cause = cause.__cause__ or cause.__context__
    return WorkerUnreachableError(text, details={"worker_id": target.worker_id})
