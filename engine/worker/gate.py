"""What every request passes first: request id, Host, key; and the last resort."""

import logging
import random
import re
from collections.abc import Sequence
from functools import lru_cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.worker.auth import KeyCheck
from engine.worker.config import WorkerConfig, is_loopback_host
from engine.worker.errors import ApiError
from engine.worker.headers import HeaderMap, header_map

logger = logging.getLogger("varpulis")

SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(?::\d*)?")


class Gate:
    """ASGI middleware in front of everything.

    Checks come in the order of api.md section 1: Host name, then, below `/api/`, the
    key, also for paths that do not exist. A trailing slash is cut off, so that both
    forms of a path answer. Errors nobody foresaw are logged here and answered with a
    500 that shows the request id only.
    """

    def __init__(self, app: ASGIApp, config: WorkerConfig) -> None:
        self._app = app
        self._keys = KeyCheck(config.api_key)
        self._hosts = HostCheck(config.is_loopback, config.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = header_map(scope)
        request_id = _request_id(headers)
        id_header = (b"x-request-id", request_id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], id_header]
            await send(message)

        path: str = scope["path"]
        if path.endswith("/") and len(path) > 1:
            path = path.rstrip("/") or "/"
        scope = {**scope, "path": path, "request_id": request_id}
        refusal = self._refusal(scope["path"], headers)
        if refusal is not None:
            await refusal.response()(scope, receive, send_with_id)
            return
        try:
            await self._app(scope, receive, send_with_id)
        except Exception:  # boundary of a request: it is answered, the worker goes on
            logger.exception("request %s failed", request_id)

    def _refusal(self, path: str, headers: HeaderMap) -> ApiError | None:
        refusal = self._hosts.refuse(headers)
        if refusal is None and (path.startswith("/api/") or path == "/api"):
            refusal = self._keys.refuse(headers)
        return refusal


class HostCheck:
    """Refuse foreign `Host` names, which a browser sends after DNS rebinding.

    Workers bound to loopback answer to local names and `allowed`; others to any name,
    or only to `allowed` if there are some.
    """

    def __init__(self, is_loopback: bool, allowed: Sequence[str]) -> None:
        self._is_loopback = is_loopback
        self._allowed = frozenset(name.lower() for name in allowed)

    def refuse(self, headers: HeaderMap) -> ApiError | None:
        """Return the 400 for a foreign name, or None."""
        name = _host_name(headers.get(b"host", b"localhost").decode("latin-1"))
        if name in self._allowed or "*" in self._allowed:
            return None
        if is_loopback_host(name) or not (self._is_loopback or self._allowed):
            return None
        return ApiError(
            400,
            "bad_request",
            f"this worker does not answer to the host name {name!r}: "
            "use a local name or list it in VARPULIS_ALLOWED_HOSTS",
        )


@lru_cache(maxsize=1024)  # few names, asked for with every request
def _host_name(header: str) -> str:
    found = HOST_AND_PORT.fullmatch(header.strip())
    return found[1].lower() if found else header


def _request_id(headers: HeaderMap) -> str:
    given = headers.get(b"x-request-id")
    if given and SANE_REQUEST_ID.fullmatch(given):
        return given.decode()
    return f"{random.getrandbits(128):032x}"
