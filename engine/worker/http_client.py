"""Calls to a coordinator over HTTP."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from engine.worker.coordinator_client import CoordinatorUnreachableError
from engine.worker.link_state import Answer

CALL_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 3.0
MAX_ANSWER_BYTES = 4 * 1024 * 1024


class HttpCoordinatorClient:
    """The real client: one pooled session, no redirects, no proxies."""

    def __init__(self, ca_cert: Path | None = None) -> None:
        timeout = aiohttp.ClientTimeout(
            total=CALL_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S
        )
        context = ssl.create_default_context(cafile=ca_cert) if ca_cert else True
        self._session = aiohttp.ClientSession(
            timeout=timeout, connector=aiohttp.TCPConnector(ssl=context)
        )

    async def post(
        self, url: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Answer:
        """Post JSON and return the answer, whatever its status."""
        sent = {"content-type": "application/json", **headers}
        try:
            async with self._session.post(
                url, data=msgspec.json.encode(body), headers=sent, allow_redirects=False
            ) as response:
                raw = await response.content.read(MAX_ANSWER_BYTES)
                return Answer(response.status, _decode(raw))
        except (aiohttp.ClientError, OSError) as error:
            # A TimeoutError is an OSError, and has no text of its own.
            text = str(error) or "no answer in time"
            raise CoordinatorUnreachableError(text) from error

    async def close(self) -> None:
        """Give up open connections."""
        await self._session.close()


def _decode(raw: bytes) -> Mapping[str, Any]:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}
