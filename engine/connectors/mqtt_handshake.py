"""From nothing to an accepted MQTT connection, by paho: TCP, TLS, CONNECT, CONNACK."""

import contextlib
import selectors
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from engine.connectors.guard import Guard
from engine.connectors.mqtt_params import MqttParams

CONNECT_TIMEOUT_S = 5.0


class MqttRefusedError(OSError):
    """The broker did not accept the connection."""


@dataclass(slots=True)
class _Answer:
    """What the broker said to CONNECT."""

    refusals: list[str] = field(default_factory=list)
    has_session: bool = False


class Opened(NamedTuple):
    """A non-blocking socket past CONNACK; `has_session` if the broker knows us."""

    socket: Any
    has_session: bool


@contextlib.contextmanager
def connect(params: MqttParams, guard: Guard) -> Iterator[Opened]:
    """Give an accepted connection; says goodbye in the end.

    Raises OSError when the broker cannot be reached, is not allowed or refuses.
    """
    answer = _Answer()
    client = _make_client(params, answer)
    try:
        address = guard.resolve(params.host, params.port)
        # With TLS the name is needed, and the certificate tells who answers.
        host = params.host if params.tls else address
        client.connect(host, params.port, params.keep_alive_s)
    except (OSError, ValueError) as error:
        raise MqttRefusedError(f"cannot connect: {error}") from error
    try:
        _await_acceptance(client, answer)
        yield Opened(client.socket(), answer.has_session)
    finally:
        client.disconnect()


def _make_client(params: MqttParams, answer: _Answer) -> Client:
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=params.client_id,
        clean_session=params.is_clean,
    )
    if params.username is not None:
        client.username_pw_set(params.username, params.password)
    if params.tls:
        client.tls_set()
    client.connect_timeout = CONNECT_TIMEOUT_S
    client.user_data_set(answer)
    client.on_connect = _note_answer
    return client


def _note_answer(
    _client: Client, answer: _Answer, flags: Any, reason: Any, _properties: Any
) -> None:
    answer.has_session = bool(flags.session_present)
    if reason.is_failure:
        answer.refusals.append(str(reason))


def _await_acceptance(client: Client, answer: _Answer) -> None:
    deadline = time.monotonic() + CONNECT_TIMEOUT_S
    with selectors.DefaultSelector() as selector:
        selector.register(client.socket(), selectors.EVENT_READ)  # type: ignore[arg-type] # connected: not None
        while not client.is_connected():
            left_s = deadline - time.monotonic()
            if left_s <= 0 or answer.refusals or client.socket() is None:
                why = answer.refusals[0] if answer.refusals else "no answer to CONNECT"
                raise MqttRefusedError(f"refused by the broker: {why}")
            if selector.select(left_s):
                client.loop_read()
