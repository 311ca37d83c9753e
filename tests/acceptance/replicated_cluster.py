"""Two coordinators on one PostgreSQL, one Redis and one Celery, and two workers."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from cluster.demo.client import CoordinatorClient
from cluster.demo.errors import CoordinatorUnreachableError
from tests.acceptance.real_commands import VARPULIS, environment, ports_in_a_row, until
from tests.integration.connectors.conftest import RedisServer
from tests.integration.connectors.postgresql_server import PostgresqlServer

API_KEY, WORKER_KEY, SECRET = "admin", "test", "a-secret-that-both-replicas-share-" * 2
CELERY = [sys.executable, "-m", "celery", "-A", "varpulis_site"]
WORKERS = 2
QUICK = {
    "VARPULIS_HEARTBEAT_INTERVAL": "0.5",
    "VARPULIS_HEARTBEAT_TIMEOUT": "3",
    "VARPULIS_SWEEP_INTERVAL": "0.5",
    "VARPULIS_FAILOVER_GRACE": "1",
}


class ReplicatedCluster:
    """Its processes by name: `coordinator-0`, `worker-0`, `celery`, `beat` and so on."""

    def __init__(
        self, folder: Path, postgres: PostgresqlServer, redis: RedisServer
    ) -> None:
        self.folder, self.postgres, self.redis = folder, postgres, redis
        self._settings = {
            "VARPULIS_DATABASE_URL": postgres.url,
            "VARPULIS_REDIS_URL": redis.url,
            "VARPULIS_BROKER_URL": f"redis://127.0.0.1:{redis.port}/1",
            "VARPULIS_SECRET_KEY": SECRET,
            "VARPULIS_API_KEY": API_KEY,
            **QUICK,
        }
        self._first = ports_in_a_row(2 + WORKERS)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def url(self, replica: int) -> str:
        """Return the base URL of a coordinator."""
        return f"http://127.0.0.1:{self._first + replica}"

    @contextmanager
    def client(self, replica: int) -> Iterator[CoordinatorClient]:
        """Give a client of a coordinator."""
        made = CoordinatorClient(self.url(replica), API_KEY)
        try:
            yield made
        finally:
            made.close()

    def start(self) -> None:
        """Start all, and wait until both coordinators know of ready workers."""
        for replica in (0, 1):
            self._start_coordinator(replica)
        self._start("celery", [*CELERY, "worker", "--pool", "threads", "-c", "2"])
        schedule = str(self.folder / "beat")
        self._start("beat", [*CELERY, "beat", "--schedule", schedule])
        for number in range(WORKERS):
            self.start_worker(number)
        for replica in (0, 1):
            until(lambda r=replica: len(self.ready(r)) == WORKERS, "ready workers")

    def start_worker(self, number: int) -> None:
        """Start a worker that may join by either coordinator."""
        urls = f"{self.url(0)},{self.url(1)}"
        port = self._first + 2 + number
        words = ["server", "--port", port, "--worker-id", f"worker-{number}"]
        more = {"VARPULIS_WORKER_KEY": WORKER_KEY}
        self._start(
            f"worker-{number}", [VARPULIS, *words, "--coordinator", urls], **more
        )

    def ready(self, replica: int) -> set[str]:
        """Return the ids of the workers that a coordinator says are ready."""
        with self.client(replica) as client:
            return {w["id"] for w in client.workers() if w["status"] == "ready"}

    def failing(self, replica: int) -> set[str]:
        """Return the checks that a coordinator's /ready says do not hold."""
        answer = requests.get(f"{self.url(replica)}/ready", timeout=30)
        checks = answer.json()["checks"]
        failing = {name for name, check in checks.items() if not check["ok"]}
        assert answer.status_code == (503 if failing else 200), answer.text
        return failing

    def kill(self, name: str) -> None:
        """End a process without a chance to say goodbye."""
        process = self.processes.pop(name)
        process.kill()
        process.wait(10)

    def log(self, name: str) -> str:
        """Return what a process has printed."""
        return (self.folder / f"{name}.log").read_text("utf-8")

    def stop(self) -> None:
        """Stop the workers before the coordinators they say goodbye to."""
        for name in sorted(self.processes, reverse=True):
            self.processes[name].terminate()
            self.processes[name].wait(60)

    def _start_coordinator(self, replica: int) -> None:
        port = self._first + replica
        self._start(f"coordinator-{replica}", [VARPULIS, "coordinator", "--port", port])
        until(lambda: self._answers(replica), "a coordinator's /health")

    def _answers(self, replica: int) -> bool:
        with self.client(replica) as client:
            try:
                return bool(client.health())
            except CoordinatorUnreachableError:
                return False

    def _start(self, name: str, command: list[object], **more: str) -> None:
        settings = {} if name.startswith("worker") else self._settings
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [str(word) for word in command],
                env=environment(**settings, **more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )


@contextmanager
def replicated_cluster(folder: Path) -> Iterator[ReplicatedCluster]:
    """Run the cluster and the servers behind it."""
    with ExitStack() as running:
        postgres = PostgresqlServer(folder)
        running.callback(postgres.remove)
        postgres.start()
        redis = running.enter_context(RedisServer(folder))
        cluster = ReplicatedCluster(folder, postgres, redis)
        running.callback(cluster.stop)
        cluster.start()
        yield cluster
