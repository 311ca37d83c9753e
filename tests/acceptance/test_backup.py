"""A backup of one coordinator is the beginning of another, on either database."""

import json
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cluster.demo.client import CoordinatorClient
from cluster.demo.errors import CoordinatorUnreachableError
from tests.acceptance.real_commands import (
    VARPULIS,
    finished,
    ports_in_a_row,
    running,
    until,
)
from tests.integration.connectors.postgresql_server import PostgresqlServer

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

SPEC = {
    "name": "kept",
    "pipelines": [{"name": "p", "source": "stream S = E .emit(n: 1)"}],
    "routes": [
        {"from_pipeline": "_external", "to_pipeline": "p", "event_types": ["*"]}
    ],
}


class Site:
    """Where a coordinator keeps its state, and commands that work on that."""

    def __init__(self, folder: Path, port: int, database: str) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self.settings = {
            "VARPULIS_STATE_DIR": str(folder),
            "VARPULIS_PORT": str(port),
            "VARPULIS_DATABASE_URL": database,
        }

    def command(self, *words: object, code: int = 0) -> str:
        done = finished([VARPULIS, *map(str, words)], **self.settings)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout or done.stderr

    @contextmanager
    def open(self) -> Iterator[CoordinatorClient]:
        """Run the coordinator and a worker; gives a client of it."""
        worker = [VARPULIS, "server", "--port", str(self.port + 1)]
        worker += ["--worker-id", "w", "--coordinator", self.url]
        with ExitStack() as processes:
            settings = {**self.settings, "VARPULIS_API_KEY": "admin"}
            processes.enter_context(running([VARPULIS, "coordinator"], **settings))
            processes.enter_context(running(worker, VARPULIS_WORKER_KEY="test"))
            client = CoordinatorClient(self.url, "admin")
            processes.callback(client.close)
            until(lambda: _is_ready(client), "a ready worker")
            yield client


def _is_ready(client: CoordinatorClient) -> bool:
    try:
        return [w["status"] for w in client.workers()] == ["ready"]
    except CoordinatorUnreachableError:
        return False


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    server = PostgresqlServer(tmp_path)
    try:
        server.start()
        yield server.url
    finally:
        server.remove()


@pytest.mark.parametrize("is_moved_to_postgres", [True, False])
def test_a_backup_brings_the_cluster_back_on_the_other_database(
    tmp_path: Path, postgres: str, is_moved_to_postgres: bool
) -> None:
    port = ports_in_a_row(2)
    databases = ("", postgres) if is_moved_to_postgres else (postgres, "")
    before, after = (
        Site(tmp_path / name, port, database)
        for name, database in zip(("before", "after"), databases, strict=True)
    )
    saved = tmp_path / "saved.tar.gz"
    with before.open() as client:
        group = client.deploy(SPEC)
        key = before.command("keys", "create", "ci", "--role", "operator").strip()
        before.command("backup", saved)
        client.tear_down(group["id"])
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600

    assert "restored" in after.command("restore", saved)
    with after.open() as client:
        until(lambda: client.group(group["id"])["status"] == "running", "the group")
        event = {"event_type": "E", "fields": {}}
        reply = json.loads(client.inject(group["id"], event))
        assert reply["worker_response"]["output_events"] == [
            {"event_type": "S", "n": 1}
        ]
        later = CoordinatorClient(after.url, key)
        assert [w["id"] for w in later.workers()] == ["w"]
        later.close()
        assert client.deploy({**SPEC, "name": "later"})["status"] == "running"
    told = after.command("restore", saved, code=1)
    assert "--replace" in told
    assert "restored" in after.command("restore", saved, "--replace")


def test_what_is_no_backup_changes_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path / "state", ports_in_a_row(1), "")
    none = tmp_path / "none.tar.gz"
    assert "cannot be read" in site.command("restore", none, code=2)
    none.write_bytes(b"no archive")
    assert "no backup" in site.command("restore", none, code=1)
    site.command("migrate")
    site.command("backup", none)
    whole = none.read_bytes()
    none.write_bytes(whole[: len(whole) // 2])
    assert "cannot be restored" in site.command("restore", none, code=1)
    assert "cannot be written" in site.command(
        "backup", tmp_path / "no" / "folder.tar.gz", code=1
    )
