"""Ports of the loopback address."""

import socket

import pytest

from cluster.demo.errors import PortTakenError
from cluster.demo.ports import LOOPBACK, free_ports, listens, require_free


def test_free_ports_differ_and_can_be_had() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    require_free(ports[0], "worker-0", "--worker-port")


def test_a_taken_port_is_named_with_its_option() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        assert listens(LOOPBACK, port)
        with pytest.raises(
            PortTakenError, match=f"port {port}, wanted by worker-3.*--worker-port"
        ):
            require_free(port, "worker-3", "--worker-port")
    assert not listens(LOOPBACK, port)
