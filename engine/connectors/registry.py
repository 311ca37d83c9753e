"""The sinks, sources and look-ups this build has, by connector kind."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from engine.connectors.base import ConnectorSpec, Lookup, Sink, Source, SourceSpec
from engine.connectors.console import ConsoleSink
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard, RefusedError
from engine.connectors.optional_packages import MissingPackageError, require

T = TypeVar("T")


class UnknownConnectorError(LookupError):
    """This build has no such sink, source or look-up, or cannot make it as declared."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What connectors of one process share.

    `owner` names this process in a way that a restart does not change; empty if there
    is no such name.
    """

    dead_letters: DeadLetters = field(default_factory=DeadLetters)
    guard: Guard = field(default_factory=Guard)
    owner: str = ""


# Modules are imported when first used: a worker that needs none starts lighter.


def _console_sink(spec: ConnectorSpec, around: Surroundings) -> Sink:
    return ConsoleSink(spec, around.dead_letters)


def _file_sink(spec: ConnectorSpec, around: Surroundings) -> Sink:
    from engine.connectors.file_sink import file_sink

    return file_sink(spec, around.dead_letters, around.guard)


def _http_sink(spec: ConnectorSpec, around: Surroundings) -> Sink:
    from engine.connectors.http_sink import http_sink

    return http_sink(spec, around.dead_letters, around.guard)


def _mqtt_sink(spec: ConnectorSpec, around: Surroundings) -> Sink:
    from engine.connectors.mqtt import MqttSink

    return MqttSink(spec, around.dead_letters, around.guard)


def _kafka_sink(spec: ConnectorSpec, around: Surroundings) -> Sink:
    require("kafka")
    from engine.connectors.kafka_sink import kafka_sink

    return kafka_sink(spec, around.dead_letters, around.guard)


def _nats_sink(spec: ConnectorSpec, around: Surroundings) -> Sink:
    require("nats")
    from engine.connectors.nats_sink import nats_sink

    return nats_sink(spec, around.dead_letters, around.guard)


def _redis_sink(spec: ConnectorSpec, around: Surroundings) -> Sink:
    require("redis")
    from engine.connectors.redis_sink import redis_sink

    return redis_sink(spec, around.dead_letters, around.guard)


def _file_source(spec: SourceSpec, around: Surroundings) -> Source:
    from engine.connectors.file_source import file_source

    return file_source(spec, around.guard)


def _mqtt_source(spec: SourceSpec, around: Surroundings) -> Source:
    from engine.connectors.mqtt_source import mqtt_source

    return mqtt_source(spec, around.guard, around.owner)


def _kafka_source(spec: SourceSpec, around: Surroundings) -> Source:
    require("kafka")
    from engine.connectors.kafka_source import kafka_source

    return kafka_source(spec, around.guard)


def _nats_source(spec: SourceSpec, around: Surroundings) -> Source:
    require("nats")
    from engine.connectors.nats_source import nats_source

    return nats_source(spec, around.guard)


def _redis_source(spec: SourceSpec, around: Surroundings) -> Source:
    require("redis")
    from engine.connectors.redis_source import redis_source

    return redis_source(spec, around.guard)


def _websocket_source(spec: SourceSpec, around: Surroundings) -> Source:
    require("websocket")
    from engine.connectors.websocket_source import websocket_source

    return websocket_source(spec, around.guard)


def _database_lookup(spec: ConnectorSpec, around: Surroundings) -> Lookup:
    from engine.connectors.database_lookup import database_lookup

    return database_lookup(spec, around.guard)


def _redis_lookup(spec: ConnectorSpec, around: Surroundings) -> Lookup:
    require("redis")
    from engine.connectors.redis_lookup import RedisLookup

    return RedisLookup(spec, around.guard)


def _http_lookup(spec: ConnectorSpec, around: Surroundings) -> Lookup:
    from engine.connectors.http_lookup import HttpLookup

    return HttpLookup(spec, around.guard)


SINKS: Mapping[str, Callable[[ConnectorSpec, Surroundings], Sink]] = {
    "console": _console_sink,
    "file": _file_sink,
    "http": _http_sink,
    "kafka": _kafka_sink,
    "mqtt": _mqtt_sink,
    "nats": _nats_sink,
    "redis": _redis_sink,
}

SOURCES: Mapping[str, Callable[[SourceSpec, Surroundings], Source]] = {
    "file": _file_source,
    "kafka": _kafka_source,
    "mqtt": _mqtt_source,
    "nats": _nats_source,
    "redis": _redis_source,
    "websocket": _websocket_source,
}

LOOKUPS: Mapping[str, Callable[[ConnectorSpec, Surroundings], Lookup]] = {
    "database": _database_lookup,
    "http": _http_lookup,
    "redis": _redis_lookup,
}


class SinkMaker:
    """The sink factory of a process; all its sinks share their dead letters."""

    def __init__(self, around: Surroundings | None = None) -> None:
        self._around = around or Surroundings()

    def __call__(self, spec: ConnectorSpec) -> Sink:
        """Make the sink of one connector; raises UnknownConnectorError."""
        with _told_of(spec):
            return _maker(SINKS, spec, "sink")(spec, self._around)


class SourceMaker:
    """The source factory of a process."""

    def __init__(self, around: Surroundings | None = None) -> None:
        self._around = around or Surroundings()

    def owned_by(self, name: str) -> "SourceMaker":
        """Return the factory for one pipeline, whose `name` is its own in the process.

        Far sides that remember their clients know its sources by it.
        """
        owner = self._around.owner and f"{self._around.owner}/{name}"
        return SourceMaker(replace(self._around, owner=owner))

    def __call__(self, spec: SourceSpec) -> Source:
        """Make the source of one subscription; raises UnknownConnectorError."""
        with _told_of(spec.connector):
            return _maker(SOURCES, spec.connector, "source")(spec, self._around)


class LookupMaker:
    """The look-up factory of a process."""

    def __init__(self, around: Surroundings | None = None) -> None:
        self._around = around or Surroundings()

    def __call__(self, spec: ConnectorSpec) -> Lookup:
        """Make the look-up of one connector; raises UnknownConnectorError."""
        with _told_of(spec):
            return _maker(LOOKUPS, spec, "look-up")(spec, self._around)


def _maker(makers: Mapping[str, T], spec: ConnectorSpec, what: str) -> T:
    try:
        return makers[spec.kind]
    except KeyError:
        known = ", ".join(sorted(makers))
        raise UnknownConnectorError(
            f"connector '{spec.name}': no {what} of kind '{spec.kind}' in this "
            f"build, only {known}"
        ) from None


@contextmanager
def _told_of(spec: ConnectorSpec) -> Iterator[None]:
    """Turn what a connector cannot be made with into an error that names it."""
    try:
        yield
    except (MissingPackageError, RefusedError, ValueError) as error:
        raise UnknownConnectorError(f"connector '{spec.name}': {error}") from error
