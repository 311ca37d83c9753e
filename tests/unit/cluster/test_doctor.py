"""`varpulis doctor`: what it finds fine, what it advises, what must change."""

import json
import os
from collections import namedtuple
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from cluster.doctor import Level, configuration, diagnose, neighbours, running
from cluster.management.coordinator_calls import Coordinator
from tests.acceptance.private_ca import PrivateCa

GOOD = "3f9c2ac1d0f54c1f9c6f0d7a"
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def configured(settings, tmp_path, monkeypatch):
    """Set the settings of a coordinator; by default one that others can reach."""
    for name in configuration.WATCHED_PASSWORDS:
        monkeypatch.delenv(name, raising=False)

    def configure(**changes):
        state = tmp_path / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        values = {"API_KEY": GOOD, "BIND": "0.0.0.0", "JOIN_TOKENS": ["t"]}
        settings.VARPULIS = {**settings.VARPULIS, **values, **changes}
        settings.STATE_DIR = state
        settings.PRODUCTION = False
        settings.DATABASE_URL = settings.REDIS_URL = settings.BROKER_URL = ""
        settings.ALLOWED_HOSTS = ["varpulis.example"]
        return settings

    return configure


def levels(examine):
    return [finding.level for finding in diagnose([examine])]


@pytest.mark.parametrize(
    ("key", "bind", "expected"),
    [
        (GOOD, "0.0.0.0", Level.OK),
        ("", "0.0.0.0", Level.MUST),
        ("admin", "0.0.0.0", Level.MUST),
        ("short", "0.0.0.0", Level.MUST),
        ("", "127.0.0.1", Level.ADVICE),
        ("admin", "127.0.0.1", Level.ADVICE),
    ],
)
def test_weak_keys_must_change_where_others_can_reach(configured, key, bind, expected):
    configured(API_KEY=key, BIND=bind)
    assert levels(configuration.examine_keys)[0] is expected


def test_a_missing_join_token_is_told(configured):
    configured(JOIN_TOKENS=[])
    assert levels(configuration.examine_keys) == [Level.OK, Level.ADVICE]


@pytest.mark.parametrize(
    "variable", ["GRAFANA_PASSWORD", "POSTGRES_PASSWORD", "VARPULIS_WORKER_KEY"]
)
def test_passwords_of_examples_must_change(configured, monkeypatch, variable):
    configured()
    assert levels(configuration.examine_passwords) == [Level.OK]
    monkeypatch.setenv(variable, "varpulis" if "PASSWORD" in variable else "test")
    assert levels(configuration.examine_passwords) == [Level.MUST]


def test_a_password_in_the_url_of_the_database_is_looked_at(configured):
    configured().DATABASE_URL = "postgresql://u:varpulis@db/x"
    [finding] = diagnose([configuration.examine_passwords])
    assert finding.level is Level.MUST
    assert "DATABASE_URL" in finding.text
    assert "u:varpulis" not in finding.text


def test_plain_http_is_for_one_machine_or_behind_a_proxy(configured):
    settings = configured()
    assert levels(configuration.examine_tls) == [Level.MUST]
    settings.PRODUCTION = True
    assert levels(configuration.examine_tls) == [Level.OK]
    configured(BIND="127.0.0.1")
    assert levels(configuration.examine_tls) == [Level.OK]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (timedelta(), Level.ADVICE),
        (timedelta(days=2), Level.MUST),
        (timedelta(days=-200), Level.OK),
    ],
)
def test_certificates_are_looked_at_in_time(
    configured, tmp_path, monkeypatch, later, expected
):
    _, cert, _, key = PrivateCa(tmp_path).sign("site")  # good for a day
    configured(TLS_CERT=cert, TLS_KEY=key)

    class Later(configuration.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + later

    monkeypatch.setattr(configuration, "datetime", Later)
    assert levels(configuration.examine_tls) == [expected]


def test_a_certificate_that_is_none_must_change(configured, tmp_path):
    configured(TLS_CERT=str(tmp_path / "none.pem"), TLS_KEY="x")
    assert levels(configuration.examine_tls) == [Level.MUST]


def test_any_host_name_is_advised_against(configured):
    settings = configured()
    assert levels(configuration.examine_hosts) == [Level.OK]
    settings.ALLOWED_HOSTS = ["*"]
    assert levels(configuration.examine_hosts) == [Level.ADVICE]


def test_state_that_others_can_read_must_change(configured):
    settings = configured()
    assert levels(configuration.examine_state_dir) == [Level.OK]
    settings.STATE_DIR.chmod(0o755)
    assert levels(configuration.examine_state_dir) == [Level.MUST]
    settings.STATE_DIR.rmdir()
    assert levels(configuration.examine_state_dir) == [Level.ADVICE]


def test_a_full_disk_must_change(configured, monkeypatch):
    configured()
    monkeypatch.setattr(
        configuration.shutil, "disk_usage", lambda _: Usage(2**40, 2**40, 2**20)
    )
    assert levels(configuration.examine_state_dir) == [Level.OK, Level.MUST]


@pytest.mark.django_db
def test_sqlite_is_for_one_machine(configured):
    configured()
    on_sqlite = connection.vendor == "sqlite"
    expected = [Level.ADVICE] if on_sqlite else [Level.OK, Level.OK]
    assert levels(neighbours.examine_database) == expected


def test_redis_that_does_not_answer_must_change(configured):
    settings = configured()
    assert levels(neighbours.examine_channel_layer) == [Level.OK]
    assert levels(neighbours.examine_broker) == [Level.OK]
    settings.REDIS_URL = settings.BROKER_URL = "redis://u:secret@127.0.0.1:1/0"
    for examine in (neighbours.examine_channel_layer, neighbours.examine_broker):
        [finding] = diagnose([examine])
        assert finding.level is Level.MUST
        assert "secret" not in finding.text


def test_a_coordinator_that_does_not_answer_must_change():
    absent = Coordinator(url="http://127.0.0.1:1")
    assert levels(lambda: running.examine_running(absent)) == [Level.MUST]


@pytest.mark.parametrize(
    ("worker", "expected"),
    [
        ({"address": "http://127.0.0.1:9000"}, []),
        ({"address": "https://10.0.0.7:9000", "version": "0.1.0"}, []),
        ({"address": "http://10.0.0.7:9000"}, [Level.ADVICE]),
        ({"address": "http://[::1]:9000", "version": "0.0.9"}, [Level.ADVICE]),
    ],
)
def test_workers_are_looked_at_too(worker, expected):
    found = running._judge_worker({"id": "w", **worker})
    assert [finding.level for finding in found] == expected


@pytest.mark.django_db
def test_the_command_leaves_with_one_if_something_must_change(configured, capsys):
    configured(BIND="127.0.0.1")
    call_command("doctor", "--json")
    assert json.loads(capsys.readouterr().out)["findings"]
    configured(BIND="0.0.0.0")
    with pytest.raises(SystemExit) as left:
        call_command("doctor")
    assert left.value.code == 1
    told = capsys.readouterr().out
    assert "must\ttls\t" in told
    assert "--tls-cert" in told
    assert os.environ.get("VARPULIS_API_KEY", GOOD) not in told
