"""HTTP requests of connectors: guarded, without redirects and without proxies.

aiohttp runs on a loop of its own, in the thread that needs it: its resolver is the
one place where a name becomes the address that is connected to.
"""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from engine.connectors.guard import Guard, RefusedError

MAX_ANSWER_BYTES = 1024 * 1024


class HttpFailedError(Exception):
    """No answer: network, timeout, or the address is not allowed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of an answer; the body is empty unless it was asked for."""

    status: int
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Tell whether the request was accepted."""
        return 200 <= self.status < 300

    @property
    def is_worth_a_retry(self) -> bool:
        """Tell whether the same request may succeed later."""
        return self.status >= 500 or self.status == 429


class HttpClient:
    """Sends requests from the loop it was made in; close it there."""

    def __init__(self, guard: Guard, headers: Mapping[str, str]) -> None:
        self._guard = guard
        connector = aiohttp.TCPConnector(
            resolver=_GuardedResolver(guard), use_dns_cache=False
        )
        self._session = aiohttp.ClientSession(
            connector=connector, headers=headers, trust_env=False
        )

    async def request(
        self,
        method: str,
        url: str,
        timeout_s: float,
        *,
        data: bytes | None = None,
        query: Mapping[str, str] | None = None,
        wants_body: bool = False,
    ) -> Answer:
        """Return the answer; raises HttpFailedError.

        A body beyond 1 MiB is a failure.
        """
        try:
            self._guard.host_of(url, "http")  # aiohttp resolves no literal addresses
            async with self._session.request(
                method,
                url,
                data=data,
                params=query,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
            ) as response:
                body = await _body_of(response) if wants_body else b""
                return Answer(response.status, body)
        except TimeoutError as error:
            raise HttpFailedError(f"no answer within {timeout_s:g} s") from error
        except RefusedError as error:
            raise HttpFailedError(f"not allowed: {error}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise HttpFailedError(_reason(error)) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


async def _body_of(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for block in response.content.iter_chunked(64 * 1024):
        body += block
        if len(body) > MAX_ANSWER_BYTES:
            raise HttpFailedError(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _reason(error: Exception) -> str:
    """Return what went wrong without the URL, which may hold a secret."""
    if isinstance(error, aiohttp.InvalidURL):
        return "the URL is not valid"
    inner = getattr(error, "os_error", None) or error
    if isinstance(inner, RefusedError):
        return f"not allowed: {inner}"
    return str(getattr(inner, "strerror", None) or inner) or inner.__class__.__name__


class _GuardedResolver(AbstractResolver):
    """Looks names up off the loop and asks the guard about every address."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: Any = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the one address to connect to; raises OSError."""
        address = await _off_loop(self._guard, host, port)
        version = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=version,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing to let go of."""


async def _off_loop(guard: Guard, host: str, port: int) -> str:
    return await asyncio.to_thread(guard.resolve, host, port)
