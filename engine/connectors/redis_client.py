"""Redis clients that fail at once instead of trying again by themselves."""

from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import Connection, parse_url
from redis.retry import Retry

from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError
from engine.connectors.reach import check_reach
from engine.connectors.redis_params import RedisParams

DEFAULT_PORT = 6379
TIMEOUT_S = 5.0  # for connecting and for an answer


def make_client(params: RedisParams, guard: Guard) -> Any:
    """Return a client; raises LinkLostError for a URL it cannot read or may not use.

    Typed loosely, since the library types every answer as possibly a coroutine.
    """
    _check(params, guard)
    try:
        return Redis.from_url(params.url, **_settings(TIMEOUT_S))
    except ValueError as error:
        raise LinkLostError("a url is redis://host:port/database") from error


def make_connection(params: RedisParams, guard: Guard, timeout_s: float) -> Any:
    """Return a connection, not open yet; raises LinkLostError as `make_client`."""
    _check(params, guard)
    try:
        settings: dict[str, Any] = parse_url(params.url)  # type: ignore[no-untyped-call] # the library leaves this one out
    except ValueError as error:
        raise LinkLostError("a url is redis://host:port/database") from error
    kind = settings.pop("connection_class", Connection)
    return kind(**settings, **_settings(timeout_s))


def _check(params: RedisParams, guard: Guard) -> None:
    check_reach(guard, "redis", [params.url], DEFAULT_PORT)
    if "?" in params.url:  # the library would take any of its settings from there
        raise LinkLostError("the url of a Redis connector takes no options after '?'")


def _settings(timeout_s: float) -> dict[str, Any]:
    return {
        "socket_connect_timeout": timeout_s,
        "socket_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),  # the connector has its own backoff
    }
