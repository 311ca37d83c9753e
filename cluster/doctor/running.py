"""What a running coordinator says of itself and its workers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from urllib.parse import urlsplit

import requests

from cluster.conf import is_loopback_host
from cluster.doctor.finding import Finding, advice, fine, must
from cluster.doctor.neighbours import MOST_CLOCK_DRIFT_S
from cluster.management.coordinator_calls import CallError, Coordinator, Json

TIMEOUT_S = 10.0
COARSE_S = 1.0  # an HTTP date has whole seconds


def examine_running(coordinator: Coordinator) -> Iterator[Finding]:
    """Look at readiness, metrics, clock and workers of a running coordinator."""
    try:
        ready = _get(coordinator, "/ready")
    except requests.RequestException as error:
        text = f"{coordinator.url} does not answer ({type(error).__name__})"
        yield must("coordinator", text, "start it, or name another --url")
        return
    yield from _judge_ready(ready)
    yield from _judge_clock(ready)
    metrics = _get(coordinator, "/metrics")
    if metrics.ok:
        yield fine("metrics", "/metrics answers")
    else:
        text = f"/metrics answers {metrics.status_code} from here"
        yield advice("metrics", text, "give Prometheus a viewer key")
    yield from _examine_workers(coordinator)


def _judge_ready(answer: requests.Response) -> Iterator[Finding]:
    try:
        failed = {
            name: check.get("error", "")
            for name, check in answer.json()["checks"].items()
            if not check["ok"]
        }
    except (ValueError, KeyError, AttributeError, TypeError):
        text = f"/ready answers {answer.status_code} with something else"
        yield must("coordinator", text, "is a coordinator there?")
        return
    for name, error in failed.items():
        yield must("coordinator", f"{name}: {error}", "its log says more")
    if not failed:
        yield fine("coordinator", "ready")


def _judge_clock(answer: requests.Response) -> Iterator[Finding]:
    told = answer.headers.get("Date")
    if not told:
        return
    drift_s = abs((datetime.now(UTC) - parsedate_to_datetime(told)).total_seconds())
    if drift_s > MOST_CLOCK_DRIFT_S + COARSE_S:
        text = f"this machine and the coordinator differ by {drift_s:.0f} s"
        yield must("clock", text, "let both follow the same time server")


def _examine_workers(coordinator: Coordinator) -> Iterator[Finding]:
    try:
        workers = coordinator.call("GET", "workers")["workers"]
    except CallError as error:
        yield must("workers", str(error), "give --key a key that may look")
        return
    ready = [worker for worker in workers if worker["status"] in {"ready", "busy"}]
    if not ready:
        text = f"none of {len(workers)} is ready"
        yield must("workers", text, "start workers with --coordinator")
    else:
        yield fine("workers", f"{len(ready)} of {len(workers)} are ready")
    for worker in workers:
        yield from _judge_worker(worker)


def _judge_worker(worker: Json) -> Iterator[Finding]:
    address = urlsplit(worker["address"])
    name = f"worker {worker['id']}"
    if address.scheme == "http" and not is_loopback_host(address.hostname or ""):
        yield advice(
            name,
            f"events and its key reach {worker['address']} in clear",
            "start it with --tls-cert and --tls-key",
        )
    ours = version("varpulis")
    if worker.get("version") not in {None, "", ours}:
        text = f"runs version {worker['version']}, this is {ours}"
        yield advice(name, text, "upgrade workers after their coordinator")


def _get(coordinator: Coordinator, path: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False  # no proxy of the environment sees the key
        return session.get(
            coordinator.url + path,
            headers={"X-API-Key": coordinator.key} if coordinator.key else {},
            timeout=TIMEOUT_S,
            verify=coordinator.ca_cert or True,
            allow_redirects=False,
        )
