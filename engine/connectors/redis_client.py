"""A Redis client that fails at once instead of trying again by itself."""

from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError
from engine.connectors.reach import check_reach
from engine.connectors.redis_params import RedisParams

DEFAULT_PORT = 6379
TIMEOUT_S = 5.0  # for connecting and for an answer


def make_client(params: RedisParams, guard: Guard, timeout_s: float = TIMEOUT_S) -> Any:
    """Return a client; raises LinkLostError for a URL it cannot read or may not use.

    Typed loosely, since the library types every answer as possibly a coroutine.
    """
    check_reach(guard, "redis", [params.url], DEFAULT_PORT)
    if "?" in params.url:  # the library would take any of its settings from there
        raise LinkLostError("the url of a Redis connector takes no options after '?'")
    try:
        return Redis.from_url(
            params.url,
            socket_connect_timeout=timeout_s,
            socket_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),  # the connector has its own backoff
        )
    except ValueError as error:
        raise LinkLostError("a url is redis://host:port/database") from error
