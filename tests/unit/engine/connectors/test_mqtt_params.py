"""What an MQTT connector's declaration means."""

import pytest

from engine.connectors.base import ConnectorSpec, SourceSpec
from engine.connectors.mqtt_params import MqttParams, source_params


def params(**given):
    return MqttParams.of(ConnectorSpec("Out", "mqtt", given))


def test_defaults():
    found = params()
    assert (found.host, found.port, found.qos) == ("localhost", 1883, 1)
    assert found.keep_alive_s == 60


def test_clients_without_an_id_never_share_one():
    first, second = params(), params()
    assert first.client_id.startswith("Out-")
    assert first.client_id != second.client_id


def test_a_given_client_id_is_taken_literally():
    assert params(client_id="mandelbrot-w0").client_id == "mandelbrot-w0"


@pytest.mark.parametrize(
    ("address", "host", "port", "tls"),
    [
        ("broker", "broker", 1883, False),
        ("broker:1884", "broker", 1884, False),
        ("mqtt://broker", "broker", 1883, False),
        ("mqtts://broker", "broker", 8883, True),
        ("[::1]:1884", "::1", 1884, False),
    ],
)
def test_an_address_may_be_a_url(address, host, port, tls):
    found = params(url=address)
    assert (found.host, found.port, found.tls) == (host, port, tls)


def test_a_port_of_its_own_wins():
    assert params(host="broker:1884", port=1885).port == 1885


def test_a_keep_alive_is_a_duration_or_seconds():
    assert params(keep_alive=30_000_000_000).keep_alive_s == 30
    assert params(keep_alive=15).keep_alive_s == 15


def test_the_password_does_not_show():
    assert "pw-1" not in repr(params(username="u", password="pw-1"))


def subscription(topic="t", owner="w1", pipeline="p", **given):
    connector = ConnectorSpec("In", "mqtt", given, pipeline)
    return source_params(SourceSpec(connector, topic, given), owner)


def test_a_subscription_keeps_its_client_id_over_restarts():
    assert subscription() == subscription()
    assert subscription().client_id.startswith("In-")
    assert not subscription().is_clean
    assert subscription(client_id="me", owner="") == subscription(client_id="me")
    assert subscription(client_id="me").client_id.startswith("me-")


def test_different_subscriptions_have_different_client_ids():
    ids = {
        subscription(**given).client_id
        for given in (
            {},
            {"topic": "u"},
            {"owner": "w2"},
            {"pipeline": "q"},
            {"qos": 2},
            {"client_id": "me"},
            {"client_id": "me", "topic": "u"},
        )
    }
    assert len(ids) == 7


def test_without_a_lasting_name_the_session_ends_with_the_connection():
    first, second = subscription(owner=""), subscription(owner="")
    assert first.client_id != second.client_id
    assert first.is_clean
    assert subscription(qos=0).is_clean
