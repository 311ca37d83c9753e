"""Addresses, headers, missing packages and other parameters of broker connectors."""

import pytest

from engine.connectors import optional_packages
from engine.connectors.address import address_of, addresses_of, without_secrets
from engine.connectors.base import ConnectorSpec, SourceSpec
from engine.connectors.guard import Guard
from engine.connectors.headers import headers_of
from engine.connectors.nats_params import NatsParams, durable_name
from engine.connectors.redis_params import RedisParams
from engine.connectors.registry import (
    LookupMaker,
    SinkMaker,
    SourceMaker,
    UnknownConnectorError,
)
from vpl.catalog.connectors import OPTIONAL_PACKAGES, OptionalPackage


@pytest.mark.parametrize("name", ["url", "host", "brokers", "servers", "base_url"])
def test_five_parameters_name_the_address(name):
    assert address_of({name: "there"}, "here") == "there"
    assert address_of({"topic": "x"}, "here") == "here"


def test_an_address_may_list_several():
    assert addresses_of({"servers": "nats://a, nats://b,"}, "") == [
        "nats://a",
        "nats://b",
    ]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://me:secret@h:1/0?x=secret", "redis://h:1"),
        ("me:secret@h:1", "h:1"),
        ("h", "h"),
    ],
)
def test_people_see_an_address_without_secrets(url, shown):
    assert without_secrets(url) == shown


def test_redis_parameters_have_defaults():
    params = RedisParams.of(ConnectorSpec("C", "redis", {}, "plant"), {})
    assert (params.group, params.maxlen) == ("plant", 100_000)
    assert params.url == "redis://localhost:6379/0"


def test_secrets_are_not_in_the_text_of_parameters():
    spec = ConnectorSpec("C", "redis", {"url": "redis://:secret@h"}, "p")
    assert "secret" not in repr(RedisParams.of(spec, spec.params))
    spec = ConnectorSpec("C", "nats", {"url": "nats://u:secret@h"}, "p")
    assert "secret" not in repr(NatsParams.of(spec, spec.params))


def test_a_nats_topic_may_be_called_subject():
    params = NatsParams.of(ConnectorSpec("C", "nats"), {"subject": "plant.>"})
    assert (params.topic, params.stream) == ("plant.>", "")
    assert params.servers == ("nats://localhost:4222",)


def test_a_durable_name_has_only_signs_nats_takes():
    assert durable_name("my plant", "a.b.>") == "my_plant-a_b__"


@pytest.mark.parametrize(
    ("given", "headers"),
    [
        (None, {}),
        ("", {}),
        ([["X-Token", 5]], {"X-Token": "5"}),
        ("X-Token: a:b", {"X-Token": "a:b"}),
        ("Accept: a, b,X-Token: t", {"Accept": "a, b", "X-Token": "t"}),
    ],
)
def test_headers_are_pairs_or_a_text(given, headers):
    assert headers_of(given) == headers


@pytest.mark.parametrize("given", ["no header", [["", "x"]], [["X", "a\r\nEvil: b"]]])
def test_what_is_no_header_is_refused(given):
    with pytest.raises(ValueError, match="Name: value"):
        headers_of(given)


@pytest.mark.parametrize("kind", ["kafka", "nats", "redis", "websocket"])
def test_a_missing_package_is_told_with_its_extra(monkeypatch, kind):
    monkeypatch.setattr(optional_packages, "find_spec", lambda _name: None)
    spec = ConnectorSpec("C", kind, {}, "p")
    with pytest.raises(
        UnknownConnectorError, match=rf"'C'.*pip install 'varpulis\[{kind}\]'"
    ):
        SourceMaker()(SourceSpec(spec, "t", {}))


def test_postgresql_needs_its_driver_and_sqlite_nothing(monkeypatch):
    monkeypatch.setattr(optional_packages, "find_spec", lambda _name: None)
    query = {"query": "SELECT ?"}
    spec = ConnectorSpec("C", "database", {"url": "postgresql://h/x", **query})
    with pytest.raises(UnknownConnectorError, match=r"varpulis\[database\]"):
        LookupMaker()(spec)
    LookupMaker()(ConnectorSpec("C", "database", {"url": "sqlite:///x", **query}))


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "starts with sqlite:/// or postgresql://"),
        ({"url": "sqlite:///x", "query": "SELECT 1"}, "one parameter"),
        ({"url": "postgresql:///x?host=/tmp", "query": "SELECT ?"}, "one host"),
    ],
)
def test_a_database_that_cannot_be_asked_is_told(params, reason):
    with pytest.raises(UnknownConnectorError, match=f"'C'.*{reason}"):
        LookupMaker()(ConnectorSpec("C", "database", params))


@pytest.mark.parametrize("kind", ["kafka", "nats", "redis"])
def test_brokers_have_sinks_and_sources_that_close_unopened(kind):
    spec = ConnectorSpec("C", kind, {}, "p")
    SinkMaker()(spec).close(0)
    SourceMaker()(SourceSpec(spec, "t", {})).close(0)


def test_a_table_of_packages_is_data():
    assert OPTIONAL_PACKAGES["kafka"] == OptionalPackage("confluent_kafka", "kafka")


def test_a_database_file_outside_the_working_directory_is_refused(tmp_path):
    guard = Guard(workdir=tmp_path)
    inside = ConnectorSpec("C", "database", {"url": "sqlite:///sensors.db"})
    outside = ConnectorSpec("C", "database", {"url": "sqlite:////etc/sensors.db"})
    assert guard.refusal(inside) is None
    assert "not below the working directory" in str(guard.refusal(outside))
