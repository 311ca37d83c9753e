"""Options of `varpulis server`: precedence and what goes together."""

import pytest

from engine.worker.config import load_config
from engine.worker.options import OPTIONS, ConfigError


def test_defaults_are_those_of_the_contract():
    config = load_config({}, {})
    assert (config.port, config.bind, config.max_pipelines) == (9000, "127.0.0.1", 100)
    assert (config.queue_limit, config.shutdown_timeout_s) == (10_000, 30.0)
    assert config.api_key is None
    assert config.coordinators == ()


def test_a_flag_wins_over_the_environment():
    config = load_config({"port": "9001"}, {"VARPULIS_PORT": "9002"})
    assert config.port == 9001


def test_the_environment_wins_over_the_default():
    assert load_config({}, {"VARPULIS_PORT": "9002"}).port == 9002


def test_the_worker_key_variable_comes_before_the_general_one():
    env = {"VARPULIS_API_KEY": "admin", "VARPULIS_WORKER_KEY": "test"}
    assert load_config({}, env).api_key == "test"
    del env["VARPULIS_WORKER_KEY"]
    assert load_config({}, env).api_key == "admin"


def test_an_empty_variable_counts_as_not_set():
    assert load_config({}, {"VARPULIS_WORKER_KEY": ""}).api_key is None


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_has_a_variable(option):
    assert all(name.startswith("VARPULIS_") for name in option.variables)
    assert option.variables


def test_coordinators_are_a_list_without_trailing_slashes():
    config = load_config({"coordinator": "http://a:1/, https://b:2"}, {})
    assert config.coordinators == ("http://a:1", "https://b:2")


def test_labels_add_up():
    config = load_config({"label": ["zone=north", "disk=ssd"]}, {})
    assert config.labels == {"zone": "north", "disk": "ssd"}


def test_a_key_is_read_from_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("s3cret\n")
    assert load_config({"api_key": f"@{file}"}, {}).api_key == "s3cret"


def test_no_secret_shows_in_its_repr():
    config = load_config(
        {"api_key": "k-1", "join_token": "k-2", "coordinator_api_key": "k-3"}, {}
    )
    assert "k-" not in repr(config)


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        ({"port": "http"}, "--port"),
        ({"port": "65536"}, "--port"),
        ({"port": "-1"}, "--port"),
        ({"max_pipelines": "0"}, "--max-pipelines"),
        ({"queue_limit": "many"}, "--queue-limit"),
        ({"shutdown_timeout": "nan"}, "--shutdown-timeout"),
        ({"coordinator": "localhost:9100"}, "--coordinator"),
        ({"coordinator": "http://u:p@host:1"}, "--coordinator"),
        ({"advertise_address": "http://host:1/path"}, "--advertise-address"),
        ({"advertise_address": "ftp://host"}, "--advertise-address"),
        ({"label": ["zone"]}, "--label"),
        ({"worker_id": "-x"}, "--worker-id"),
        ({"worker_id": "a b"}, "--worker-id"),
        ({"worker_id": "w" * 129}, "--worker-id"),
        ({"api_key": "@/no/such/file"}, "--api-key"),
        ({"tls_cert": "/no/such/file"}, "--tls-cert"),
    ],
)
def test_a_bad_value_names_its_option(flags, what):
    with pytest.raises(ConfigError, match=what):
        load_config(flags, {})


def test_a_bad_variable_is_named_itself():
    with pytest.raises(ConfigError, match="VARPULIS_PORT"):
        load_config({}, {"VARPULIS_PORT": "x"})


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.1", "worker.example.net"])
def test_an_open_worker_beyond_loopback_is_refused(bind):
    with pytest.raises(ConfigError, match="--api-key"):
        load_config({"bind": bind}, {})
    assert load_config({"bind": bind, "api_key": "k"}, {}).bind == bind
    assert load_config({"bind": bind, "insecure": True}, {}).insecure


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_an_open_worker_on_loopback_is_fine(bind):
    assert load_config({"bind": bind}, {}).is_loopback


def test_limits_of_pipelines_come_from_options_and_environment():
    env = {"VARPULIS_LIMIT": "runs=5,partitions=9", "VARPULIS_MAX_LIMIT": "runs=7"}
    limits = load_config({}, env).limits
    assert (limits.defaults, limits.allowed) == (
        {"runs": 5, "partitions": 9},
        {"runs": 7},
    )
    limits = load_config({"limit": ["runs=6", "array_items=2"]}, env).limits
    assert limits.defaults == {"runs": 6, "array_items": 2}


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        ({"limit": ["rnus=5"]}, "--limit: unknown limit 'rnus'"),
        ({"max_limit": ["recursion_depth=5000"]}, "--max-limit: 'recursion_depth' may"),
        ({"limit": ["runs=9"], "max_limit": ["runs=8"]}, "--limit runs: this default"),
    ],
)
def test_limits_that_cannot_be_meant_name_their_option(flags, what):
    with pytest.raises(ConfigError, match=what):
        load_config(flags, {})
