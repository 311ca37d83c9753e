"""Settings, their defaults, and the system checks over them."""

from typing import Any

import pytest

from cluster import checks, conf
from cluster.conf import ClusterSettings, is_loopback_host


def test_missing_settings_have_the_documented_defaults() -> None:
    settings = ClusterSettings.read({})
    assert (settings.heartbeat_interval, settings.heartbeat_timeout) == (5, 15)
    assert (settings.http_timeout, settings.failover_grace) == (10, 10)
    assert settings.is_auth_disabled
    assert settings.is_bound_to_loopback


def test_keys_do_not_show_when_settings_are_printed() -> None:
    settings = ClusterSettings.read({"API_KEY": "s3cret", "JOIN_TOKENS": ["t0ken"]})
    assert "s3cret" not in repr(settings)
    assert "t0ken" not in repr(settings)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, local: bool) -> None:
    assert is_loopback_host(host) is local


@pytest.mark.parametrize(
    ("changes", "check", "found"),
    [
        ({}, checks.check_timings, []),
        ({"HEARTBEAT_TIMEOUT": 6}, checks.check_timings, ["cluster.E001"]),
        ({"PLACEMENT": "by_mood"}, checks.check_choices, ["cluster.E002"]),
        ({"WORKER_NETWORKS": ["10.0.0.0/8"]}, checks.check_choices, []),
        ({"WORKER_NETWORKS": ["here"]}, checks.check_choices, ["cluster.E003"]),
        ({"BIND": "0.0.0.0", "API_KEY": ""}, checks.check_access, ["cluster.E004"]),
        ({"BIND": "0.0.0.0", "API_KEY": "test"}, checks.check_access, ["cluster.W001"]),
        ({"BIND": "0.0.0.0", "API_KEY": "x7f3"}, checks.check_access, []),
        ({"BIND": "127.0.0.1", "API_KEY": "test"}, checks.check_access, []),
    ],
)
def test_settings_that_cannot_be_meant_are_found(
    settings: Any, changes: dict[str, Any], check: Any, found: list[str]
) -> None:
    settings.VARPULIS = changes
    assert [message.id for message in check()] == found
    assert conf.current() == ClusterSettings.read(changes)
