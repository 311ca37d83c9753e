"""The sinks this build has, by connector kind."""

from collections.abc import Callable, Mapping

from engine.connectors.base import ConnectorSpec, Sink
from engine.connectors.console import ConsoleSink
from engine.connectors.dead_letters import DeadLetters


class UnknownConnectorError(LookupError):
    """This build has no sink of that kind."""


def _console(spec: ConnectorSpec, dead_letters: DeadLetters) -> Sink:
    return ConsoleSink(spec, dead_letters)


def _mqtt(spec: ConnectorSpec, dead_letters: DeadLetters) -> Sink:
    # Imported when first used: a worker without MQTT pipelines starts lighter.
    from engine.connectors.mqtt import MqttSink

    return MqttSink(spec, dead_letters)


SINKS: Mapping[str, Callable[[ConnectorSpec, DeadLetters], Sink]] = {
    "console": _console,
    "mqtt": _mqtt,
}


class SinkMaker:
    """The sink factory of a process; all its sinks share their dead letters."""

    def __init__(self, dead_letters: DeadLetters | None = None) -> None:
        self.dead_letters = dead_letters or DeadLetters()

    def __call__(self, spec: ConnectorSpec) -> Sink:
        """Make the sink of one connector; raises UnknownConnectorError."""
        try:
            make = SINKS[spec.kind]
        except KeyError:
            known = ", ".join(sorted(SINKS))
            raise UnknownConnectorError(
                f"connector '{spec.name}': no sink of kind '{spec.kind}' in this "
                f"build, only {known}"
            ) from None
        return make(spec, self.dead_letters)
