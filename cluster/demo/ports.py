"""TCP ports on the loopback address."""

import contextlib
import socket

from cluster.demo.errors import PortTakenError

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Return that many different ports nobody listens on just now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def require_free(port: int, wanted_by: str, option: str) -> None:
    """Raise PortTakenError, naming the option that gives another one, if in use."""
    with socket.socket() as probe:
        # As the servers do: a port that only waits for old connections is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as exc:
            raise PortTakenError(
                f"port {port}, wanted by {wanted_by}, cannot be had ({exc.strerror}): "
                f"stop what uses it, or choose another with {option}"
            ) from exc


def listens(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Tell whether something accepts connections there."""
    with contextlib.suppress(OSError):
        socket.create_connection((host, port), timeout_s).close()
        return True
    return False
