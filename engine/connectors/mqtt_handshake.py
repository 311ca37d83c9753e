"""From nothing to an accepted MQTT connection, by paho: TCP, TLS, CONNECT, CONNACK."""

import contextlib
import selectors
import time
from collections.abc import Iterator
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from engine.connectors.mqtt_params import MqttParams

CONNECT_TIMEOUT_S = 5.0


class MqttRefusedError(OSError):
    """The broker did not accept the connection."""


@contextlib.contextmanager
def connect(params: MqttParams) -> Iterator[Any]:
    """Give a non-blocking socket past CONNACK; says goodbye in the end.

    Raises OSError when the broker cannot be reached or refuses.
    """
    client = _make_client(params)
    try:
        client.connect(params.host, params.port, params.keep_alive_s)
    except (OSError, ValueError) as error:
        raise MqttRefusedError(f"cannot connect: {error}") from error
    try:
        _await_acceptance(client)
        yield client.socket()
    finally:
        client.disconnect()


def _make_client(params: MqttParams) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, client_id=params.client_id)
    if params.username is not None:
        client.username_pw_set(params.username, params.password)
    if params.tls:
        client.tls_set()
    client.connect_timeout = CONNECT_TIMEOUT_S
    client.user_data_set([])  # the reasons of a refusal
    client.on_connect = _note_refusal
    return client


def _note_refusal(
    _client: Client, refusals: list[str], _flags: Any, reason: Any, _properties: Any
) -> None:
    if reason.is_failure:
        refusals.append(str(reason))


def _await_acceptance(client: Client) -> None:
    deadline = time.monotonic() + CONNECT_TIMEOUT_S
    refusals: list[str] = client.user_data_get()
    with selectors.DefaultSelector() as selector:
        selector.register(client.socket(), selectors.EVENT_READ)  # type: ignore[arg-type] # connected: not None
        while not client.is_connected():
            left_s = deadline - time.monotonic()
            if left_s <= 0 or refusals or client.socket() is None:
                why = refusals[0] if refusals else "no answer to CONNECT"
                raise MqttRefusedError(f"refused by the broker: {why}")
            if selector.select(left_s):
                client.loop_read()
