"""docker-compose.cluster.yml is what the tutorial promises, and its defaults work."""

import json
from pathlib import Path

import jsonschema
import psycopg
import pytest
import requests

from cluster.management.coordinator_options import OPTIONS as COORDINATOR_OPTIONS
from engine.worker.options import OPTIONS as WORKER_OPTIONS
from tests.acceptance.real_commands import ports_in_a_row, until
from tests.deploy import compose
from tests.integration.connectors.conftest import RedisServer
from tests.integration.connectors.postgresql_server import PostgresqlServer

SCHEMA = Path(__file__).parents[1] / "contract" / "schemas" / "compose-spec.json"
WORKERS = [f"worker-{n}" for n in range(4)]
GROUP = {
    "name": "composed",
    "pipelines": [
        {"name": f"p{n}", "source": f"stream S{n} = E{n} .emit(n: {n})"}
        for n in range(4)
    ],
    "routes": [
        {"from_pipeline": "_external", "to_pipeline": f"p{n}", "event_types": [f"E{n}"]}
        for n in range(4)
    ],
}


def test_it_is_a_compose_file():
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft201909Validator(schema).validate(compose.read())


def test_services_and_ports_are_those_of_the_tutorial():
    services = compose.read()["services"]
    published = {
        name: [port.rpartition(":")[0].rpartition(":")[2] for port in service["ports"]]
        for name, service in services.items()
        if "ports" in service
    }
    assert published == {
        "coordinator": ["9100"],
        "worker-0": ["9000"],
        "worker-1": ["9001"],
        "worker-2": ["9002"],
        "worker-3": ["9003"],
        "mqtt": ["1883"],
        "prometheus": ["9091"],
        "grafana": ["3000"],
    }
    assert set(services) - set(published) == {"postgres", "redis"}


def test_nothing_is_published_beyond_this_machine_unless_asked():
    for service in compose.read()["services"].values():
        for port in service.get("ports", ()):
            assert compose.filled(port, {}).startswith("127.0.0.1:")


def test_variables_have_the_defaults_of_the_tutorial():
    promised = {
        "VARPULIS_API_KEY": "admin",
        "VARPULIS_WORKER_KEY": "test",
        "RUST_LOG": "info",
        "GRAFANA_USER": "admin",
        "GRAFANA_PASSWORD": "varpulis",
    }
    assert promised.items() <= compose.defaults().items()


def test_every_variable_of_our_services_is_read():
    settings = (compose.ROOT / "varpulis_site" / "settings.py").read_text("utf-8")
    known = {
        "coordinator": {option.variable for option in COORDINATOR_OPTIONS},
        "server": {name for option in WORKER_OPTIONS for name in option.variables},
    }
    for service in compose.read()["services"].values():
        if compose.is_ours(service):
            command = service["command"][0]
            for name in service["environment"]:
                is_setting = command == "coordinator" and f'"{name}"' in settings
                assert is_setting or name in known[command] | {"RUST_LOG"}, name


def test_our_services_need_no_right_they_do_not_use():
    for service in compose.read()["services"].values():
        if compose.is_ours(service):
            assert service["read_only"]
            assert service["init"]
            assert service["cap_drop"] == ["ALL"]


def test_files_that_are_mounted_exist():
    for service in compose.read()["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (compose.FILE.parent / source).exists(), source
            else:
                assert source in compose.read()["volumes"]


@pytest.fixture
def servers(tmp_path):
    """PostgreSQL and Valkey as the file's services would be."""
    postgres = PostgresqlServer(tmp_path)
    with RedisServer(tmp_path) as redis:
        try:
            postgres.start()
            with psycopg.connect(postgres.url, autocommit=True) as connection:
                connection.execute("CREATE ROLE varpulis LOGIN PASSWORD 'varpulis'")
                connection.execute("CREATE DATABASE varpulis OWNER varpulis")
            yield {
                "postgres:5432": f"127.0.0.1:{postgres.port}",
                "redis:6379": f"127.0.0.1:{redis.port}",
            }
        finally:
            postgres.remove()


@pytest.fixture
def cluster(servers, tmp_path):
    first = ports_in_a_row(9)
    places = {"coordinator:9100": f"127.0.0.1:{first}", **servers}
    for n, name in enumerate(WORKERS):
        places[f"{name}:900{n}"] = f"127.0.0.1:{first + 1 + n}"
    running = {"coordinator": compose.LocalService("coordinator", places, tmp_path)}
    try:
        until(lambda: running["coordinator"].probe() == 0, "a ready coordinator")
        for n, name in enumerate(WORKERS):
            metrics = str(first + 5 + n)
            running[name] = compose.LocalService(
                name, places, tmp_path, VARPULIS_METRICS_PORT=metrics
            )
        yield f"http://127.0.0.1:{first}", running, first
    finally:
        codes = {name: service.stop() for name, service in running.items()}
    assert set(codes.values()) == {0}, codes


@pytest.mark.process
@pytest.mark.timeout(240)
def test_the_defaults_form_a_working_cluster(cluster):
    url, running, first = cluster
    api = f"{url}/api/v1/cluster"
    with requests.Session() as session:
        session.headers["X-API-Key"] = "admin"

        def ready():
            listed = session.get(f"{api}/workers", timeout=10).json()["workers"]
            return [w["id"] for w in listed if w["status"] == "ready"]

        until(lambda: ready() == WORKERS, "four ready workers")
        assert [running[name].probe() for name in WORKERS] == [0] * 4
        deployed = session.post(f"{api}/pipeline-groups", json=GROUP, timeout=60)
        assert deployed.status_code == 201, deployed.text
        inject = f"{api}/pipeline-groups/{deployed.json()['id']}/inject"
        for n in range(4):
            event = {"event_type": f"E{n}", "fields": {}}
            answer = session.post(inject, json=event, timeout=30).json()
            assert answer["worker_id"] == WORKERS[n]
            assert answer["worker_response"]["output_events"] == [
                {"event_type": f"S{n}", "n": n}
            ]
        metrics = requests.get(f"{url}/metrics", timeout=10).text
        assert 'varpulis_cluster_workers{status="ready"} 4.0' in metrics
        of_worker = requests.get(f"http://127.0.0.1:{first + 5}/metrics", timeout=10)
        assert "varpulis_pipelines" in of_worker.text
